// The folders that are selected somewhere, each in memory once (folder-view.ts), and the one place where the store's
// change notices arrive. A folder that nobody has selected any more stays a while, since clients select the same few
// again and again; what stays is bounded by the number of messages.

import type { Clock } from '../lib/clock.ts';
import type { FolderChange, FolderRow, Mailstore } from '../mailstore/types.ts';
import { FolderView } from './folder-view.ts';
import { TimeSlice } from './time-slice.ts';

/** 20 octets each: 10 MB. */
const maxUnusedMessages = 500_000;
const pageRows = 500;

interface Entry {
  readonly view: FolderView;
  readonly loaded: Promise<void>;
  /** Notices that came while the folder was being read; undefined afterwards. */
  waiting: FolderChange[] | undefined;
  users: number;
}

export class FolderViews {
  readonly #store: Mailstore;
  readonly #clock: Clock;
  /** Least recently used first. */
  readonly #entries = new Map<number, Entry>();
  readonly #stop: () => void;

  constructor(store: Mailstore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#stop = store.onChange((changes) => this.#onChanges(changes));
  }

  /** The folder's view, read from the store where it is not in memory. Every acquire needs its release. */
  async acquire(row: FolderRow): Promise<FolderView> {
    const entry = this.#entries.get(row.id) ?? this.#load(row);
    this.#entries.delete(row.id);
    this.#entries.set(row.id, entry);
    entry.users++;
    try {
      await entry.loaded;
    } catch (error) {
      this.release(entry.view);
      throw error;
    }
    return entry.view;
  }

  release(view: FolderView): void {
    const entry = this.#entries.get(view.folder);
    if (entry === undefined || entry.view !== view) return;
    entry.users--;
    if (entry.users === 0) this.#evict();
  }

  close(): void {
    this.#stop();
    this.#entries.clear();
  }

  #load(row: FolderRow): Entry {
    const view = new FolderView(row);
    const entry: Entry = { view, loaded: Promise.resolve(), waiting: [], users: 0 };
    const loaded = this.#read(view).then(
      () => {
        for (const change of entry.waiting ?? []) view.apply(change);
        entry.waiting = undefined;
      },
      (error: unknown) => {
        if (this.#entries.get(row.id) === entry) this.#entries.delete(row.id);
        throw error;
      },
    );
    return Object.assign(entry, { loaded });
  }

  async #read(view: FolderView): Promise<void> {
    const slice = new TimeSlice(this.#clock);
    for (;;) {
      const rows = this.#store.messages(view.folder, view.lastUid, pageRows);
      view.append(rows);
      if (rows.length < pageRows) return;
      if (slice.isOver) await slice.pause();
    }
  }

  #onChanges(changes: readonly FolderChange[]): void {
    for (const change of changes) {
      const entry = this.#entries.get(change.folder);
      if (entry === undefined) continue;
      if (entry.waiting !== undefined) {
        entry.waiting.push(change);
        continue;
      }
      const removed = entry.view.apply(change);
      for (const listener of entry.view.listeners) listener(removed);
      if (change.gone) this.#entries.delete(change.folder);
    }
  }

  #evict(): void {
    let unused = 0;
    for (const entry of this.#entries.values()) if (entry.users === 0) unused += entry.view.count;
    for (const [folder, entry] of this.#entries) {
      if (unused <= maxUnusedMessages) return;
      if (entry.users > 0) continue;
      this.#entries.delete(folder);
      unused -= entry.view.count;
    }
  }
}
