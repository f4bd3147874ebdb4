// The mailstore: every mailbox's mail, and the queue, in one transactional store.
//
// Files below the data folder: store.db (SQLite, WAL, synchronous=FULL) with folders, messages, small bodies
// and the queue; content/YYYYMMDD/... for bodies above posthaste_inline_limit; reserve, which is given up when
// the disk is full so that expunge and dequeue still succeed.
//
// Who does what. This class lives on the main thread: it reads with a read-only connection (each answer
// bounded) and hands writes to the writer thread in groups (group-dispatcher.ts). The writer thread alone
// writes (store-writer.ts), one transaction a group; a third thread copies the WAL back (checkpointer.ts).
//
// Order. A caller's promise resolves after the commit that contains its operation is durable, and after
// every listener of onChange has been told. So "250" comes after the disk, and after `* EXISTS` was queued.
//
// Crash. A message is in store.db with its mailbox rows and its queue entry, or not at all. A large body's
// file and directory entry are synced before the row that names them; a crash in between leaves a file that
// nobody names, which removeOrphans() deletes. Rows are deleted before files. kill -9 and a power cut at any
// moment therefore neither lose nor double a message that was acknowledged.

import { statSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Worker } from 'node:worker_threads';
import { openSqlite, type Synchronous } from '../database/sqlite.ts';
import { systemClock } from '../lib/clock.ts';
import { PassingBytes } from '../lib/passing-bytes.ts';
import type { ProgramLog } from '../lib/log.ts';
import { Checkpointer } from './checkpointer.ts';
import { ContentFiles } from './content-files.ts';
import { GroupDispatcher } from './group-dispatcher.ts';
import { contentsOf, packAccept, packDeliveries, Packer, unpackAccepted } from './packer.ts';
import { StoreImports } from './store-imports.ts';
import { storeFile } from './store-reader.ts';
import { QueueBooks } from './queue-books.ts';
import { ReadingStore } from './reading-store.ts';
import { StoreReads } from './store-reads.ts';
import { startThread, workerFile } from './store-threads.ts';
import {
  type AcceptOperation,
  type AcceptResult,
  type AppendOperation,
  type Content,
  type ContentWriter,
  type FolderChange,
  type FolderRow,
  type Head,
  type Mailstore,
  type QueueRequeue,
  type QueueUpdate,
  type QuotaUsage,
  type StoreFlagsAction,
  StoreFullError,
  StoreRefusedError,
  type StoredFlags,
} from './types.ts';
import { WalWatch } from './wal-watch.ts';
import type { WriterData, WriterMessage, WriterRequest } from './writer-protocol.ts';

/** Uids that one transaction of STORE or EXPUNGE touches: about 2 ms of the writer's time. */
const sliceUids = 500;
const tidyMilliseconds = 1000;
/** A write-ahead log above this has more in it than the making of a new store. */
const leftWalBytes = 1024 * 1024;

export interface MailstoreOptions {
  readonly folder: string;
  readonly inlineLimit: number;
  readonly log: ProgramLog;
  readonly synchronous?: Synchronous;
  /** The store cannot say any more what is durable: accept nothing, end the process (a restart recovers). */
  readonly onBroken: (error: Error) => void;
  /** A group of so many operations has been committed; the transaction took the writer this long. */
  readonly onCommit?: (milliseconds: number, operations: number) => void;
  /** Is told of the bytes of bodies that are written and read. */
  readonly bytes?: PassingBytes;
}

/** Opens (and where missing creates) the store of a data folder and starts its threads. */
export async function openMailstore(options: MailstoreOptions): Promise<SqliteMailstore> {
  await fs.mkdir(options.folder, { recursive: true, mode: 0o700 });
  const data: WriterData = {
    file: path.join(options.folder, storeFile),
    folder: options.folder,
    synchronous: options.synchronous ?? 'FULL',
    checkpointState: new SharedArrayBuffer(8),
  };
  const writer = startThread('writer-worker', data);
  await new Promise<void>((resolve, reject) => {
    writer.once('message', () => resolve());
    writer.once('error', reject);
  });
  return new SqliteMailstore(options, data, writer);
}

export class SqliteMailstore extends ReadingStore implements Mailstore {
  readonly #options: MailstoreOptions;
  readonly #files: ContentFiles;
  readonly #writer: Worker;
  readonly #checkpointer: Checkpointer;
  readonly #dispatcher: GroupDispatcher;
  readonly #listeners = new Set<(changes: readonly FolderChange[]) => void>();
  readonly #tidyTimer: NodeJS.Timeout;
  readonly wal: WalWatch;
  readonly books: QueueBooks;
  readonly imports: StoreImports;
  #closing = false;

  constructor(options: MailstoreOptions, data: WriterData, writer: Worker) {
    super(
      new StoreReads(
        openSqlite(data.file, { readonly: true, synchronous: data.synchronous, busyTimeout: 0 }),
        options.folder,
        options.bytes,
      ),
    );
    this.#options = options;
    this.#writer = writer;
    this.#checkpointer = new Checkpointer(
      () => {
        const worker = startThread('checkpoint-worker', data);
        return worker.on('message', (message: WriterMessage) => this.#onMessage(message));
      },
      systemClock,
      (error) => this.#onBroken(error),
    );
    const walFile = `${data.file}-wal`;
    this.wal = new WalWatch(walFile, options.log);
    const bytes = options.bytes ?? new PassingBytes(() => undefined);
    this.#files = new ContentFiles(options.folder, options.inlineLimit, systemClock, bytes);
    this.#dispatcher = new GroupDispatcher((operations, bytes) => {
      const request: WriterRequest = { kind: 'group', operations, bytes };
      this.#writer.postMessage(request, [bytes.buffer as ArrayBuffer]);
    });
    this.books = new QueueBooks(this.#dispatcher, data.file, workerFile('census-worker'));
    this.imports = new StoreImports(
      this.#dispatcher,
      (place) => this.#files.remove(place),
      () => this.#purgeDeleted(),
    );
    writer.on('message', (message: WriterMessage) => this.#onMessage(message));
    writer.on('error', (error) => this.#onBroken(error));
    writer.on('exit', () => this.#onBroken(new Error('the writer thread of the store ended')));
    this.#tidyTimer = setInterval(() => void this.#tidy(), tidyMilliseconds);
    this.#tidyTimer.unref();
    // What a killed server left is copied back at once; a clean end leaves nothing.
    if ((statSync(walFile, { throwIfNoEntry: false })?.size ?? 0) > leftWalBytes) this.#checkpointer.wake();
    this.#purgeDeleted();
    void this.#removeOrphans();
  }

  async #removeOrphans(): Promise<void> {
    try {
      const removed = await this.#files.removeOrphans((place) => this.#closing || this.reads.hasPlace(place));
      if (removed > 0) this.#options.log.info(`removed ${removed} message files that an interrupted run left behind`);
    } catch (error) {
      this.#options.log.warning(`looking for left message files failed: ${String(error)}`);
    }
  }

  #onMessage(message: WriterMessage): void {
    switch (message.kind) {
      case 'tidied':
        this.#checkpointer.wake();
        break;
      case 'done':
        this.#options.onCommit?.(message.milliseconds, message.results.length);
        this.#dispatcher.finish(message.results, message.changes, (changes) => this.#notify(changes));
        this.#checkpointer.wake();
        break;
      case 'warning':
        this.#options.log.warning(message.message);
        break;
      case 'broken':
        this.#onBroken(new Error(message.message));
        break;
      case 'ready':
      case 'closed':
        break;
    }
  }

  #onBroken(error: Error): void {
    if (this.#closing) return;
    this.#dispatcher.break(error);
    this.#options.onBroken(error);
  }

  #notify(changes: readonly FolderChange[]): void {
    for (const listener of this.#listeners) {
      try {
        listener(changes);
      } catch (error) {
        this.#options.log.error(`a listener of store changes failed: ${String(error)}`);
      }
    }
  }

  async #tidy(): Promise<void> {
    if (this.#closing) return;
    this.#writer.postMessage({ kind: 'idle' } satisfies WriterRequest);
    this.#checkpointer.rest();
    await this.wal.look();
  }

  // ---- writes

  async accept(operation: AcceptOperation): Promise<AcceptResult> {
    const packer = new Packer();
    const packed = { kind: 'accept', accept: packAccept(packer, operation) } as const;
    const accepted = this.#dispatcher.submit<'accept'>(packed, packer);
    return unpackAccepted(operation, await this.#dropWhenRefused(contentsOf(operation), accepted));
  }

  append(operation: AppendOperation): Promise<{ uidValidity: number; uids: number[] }> {
    const packer = new Packer();
    const messages = operation.messages.map(({ content, flags, internalDate }) => ({
      content: packer.content(content),
      flags: [...flags],
      internalDate,
    }));
    const { folder, quota } = operation;
    const appended = this.#dispatcher.submit<'append'>({ kind: 'append', folder, quota, messages }, packer);
    return this.#dropWhenRefused(
      operation.messages.map(({ content }) => content),
      appended,
    );
  }

  /** Files of an operation that certainly did not happen are removed at once; where that is unknown they stay. */
  async #dropWhenRefused<T>(contents: readonly Content[], operation: Promise<T>): Promise<T> {
    try {
      return await operation;
    } catch (error) {
      if (error instanceof StoreFullError || error instanceof StoreRefusedError) {
        for (const content of contents)
          if (content.kind === 'file') await this.#files.remove(content.place).catch(() => {});
      }
      throw error;
    }
  }

  async storeFlags(
    folder: number,
    uids: readonly number[],
    action: StoreFlagsAction,
    flags: readonly string[],
    unchangedSince?: number,
  ): Promise<StoredFlags> {
    const stored: StoredFlags = { changed: [], modified: [] };
    for (const slice of slices(uids)) {
      const result = await this.#dispatcher.submit<'store-flags'>({
        kind: 'store-flags',
        folder,
        uids: slice,
        action,
        flags,
        ...(unchangedSince === undefined ? {} : { unchangedSince }),
      });
      for (const change of result.changed) stored.changed.push(change);
      for (const uid of result.modified) stored.modified.push(uid);
    }
    return stored;
  }

  async expunge(folder: number, uids?: readonly number[]): Promise<{ expunged: number[]; modseq: number }> {
    const expunged: number[] = [];
    let modseq = this.reads.folder(folder)?.modseq ?? 0;
    for (const slice of slices(uids ?? this.reads.deletedUids(folder))) {
      const result = await this.#dispatcher.submit<'expunge'>({ kind: 'expunge', folder, uids: slice });
      modseq = result.modseq;
      for (const uid of result.expunged) expunged.push(uid);
    }
    return { expunged, modseq };
  }

  copy(folder: number, uids: readonly number[], target: number, quota?: number) {
    return this.#dispatcher.submit<'copy'>({ kind: 'copy', folder, uids, target, quota, move: false });
  }

  move(folder: number, uids: readonly number[], target: number) {
    return this.#dispatcher.submit<'copy'>({ kind: 'copy', folder, uids, target, move: true });
  }

  ensureMailbox(mailbox: number): Promise<void> {
    return this.#dispatcher.submit<'ensure-mailbox'>({ kind: 'ensure-mailbox', mailbox });
  }

  createFolder(mailbox: number, name: string, specialUse?: string): Promise<FolderRow> {
    return this.#dispatcher.submit<'create-folder'>({
      kind: 'create-folder',
      mailbox,
      name,
      ...(specialUse === undefined ? {} : { specialUse }),
    });
  }

  async deleteFolder(mailbox: number, name: string): Promise<void> {
    await this.#dispatcher.submit<'delete-folder'>({ kind: 'delete-folder', mailbox, name });
    this.#purgeDeleted();
  }

  renameFolder(mailbox: number, from: string, to: string): Promise<void> {
    return this.#dispatcher.submit<'rename-folder'>({ kind: 'rename-folder', mailbox, from, to });
  }

  setSubscribed(mailbox: number, name: string, subscribed: boolean): Promise<void> {
    return this.#dispatcher.submit<'subscribe'>({ kind: 'subscribe', mailbox, name, subscribed });
  }

  async removeMailbox(mailbox: number): Promise<void> {
    await this.#dispatcher.submit<'remove-mailbox'>({ kind: 'remove-mailbox', mailbox });
    void this.#purge();
  }

  recalculateQuota(mailbox: number): Promise<QuotaUsage> {
    return this.#dispatcher.submit<'recalculate'>({ kind: 'recalculate', mailbox });
  }

  async forgetOnce(before: number): Promise<void> {
    if (this.reads.knowsOnceBefore(before))
      await this.#dispatcher.submit<'forget-once'>({ kind: 'forget-once', before });
  }

  putHeads(heads: readonly { readonly content: number; readonly head: Head }[]): Promise<void> {
    return this.#dispatcher.submit<'put-heads'>({ kind: 'put-heads', heads });
  }

  requeue(requeue: QueueRequeue): Promise<boolean> {
    return this.#dispatcher.submit<'requeue'>({ kind: 'requeue', requeue });
  }

  queueUpdate(update: QueueUpdate): Promise<boolean> {
    const packer = new Packer();
    const { notice, deliveries, forwards, ...rest } = update;
    return this.#dispatcher.submit<'queue-update'>(
      {
        kind: 'queue-update',
        update: rest,
        deliveries: packDeliveries(packer, deliveries ?? []),
        ...(notice ? { notice: packAccept(packer, notice) } : {}),
        ...(forwards ? { forwards: forwards.map((forward) => packAccept(packer, forward)) } : {}),
      },
      packer,
    );
  }

  removeFromQueue(ids: readonly string[]): Promise<number> {
    return this.#dispatcher.submit<'remove-from-queue'>({ kind: 'remove-from-queue', ids });
  }

  #purgeDeleted(): void {
    if (this.reads.hasDeletedFolders()) void this.#purge();
  }

  /** Removes the messages of deleted folders, a slice at a time, until none is left. */
  async #purge(): Promise<void> {
    try {
      let remaining = true;
      while (remaining && !this.#closing) {
        ({ remaining } = await this.#dispatcher.submit<'purge'>({ kind: 'purge', limit: sliceUids }));
      }
    } catch (error) {
      if (!this.#closing) this.#options.log.warning(`removing deleted folders is put off: ${String(error)}`);
    }
  }

  onChange(listener: (changes: readonly FolderChange[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get isCongested(): boolean {
    return this.#dispatcher.isCongested;
  }

  whenUncongested(): Promise<void> {
    return this.#dispatcher.whenUncongested();
  }

  contentWriter(): ContentWriter {
    return this.#files.writer();
  }

  /** Finishes what was handed in, checkpoints and ends the threads. */
  async close(): Promise<void> {
    clearInterval(this.#tidyTimer);
    await this.#dispatcher.whenIdle();
    this.#closing = true;
    await this.#checkpointer.close();
    this.reads.close();
    this.books.close();
    await this.#files.close();
    this.#writer.postMessage({ kind: 'close' } satisfies WriterRequest);
    await new Promise((resolve) => this.#writer.once('exit', resolve));
  }
}

function* slices(uids: readonly number[]): Iterable<readonly number[]> {
  for (let start = 0; start < uids.length; start += sliceUids) yield uids.slice(start, start + sliceUids);
}
