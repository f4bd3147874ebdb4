// A selected folder in memory: uids, flags and mod-sequences of all its messages, packed (20 octets a message),
// shared by every connection that selected it, and brought up to date by the store's change notices.
//
// Notices may tell what a page that was read a moment ago already contained, so applying one twice changes nothing:
// messages are only appended above the largest uid, removed when present, and flags follow the mod-sequence.

import { systemFlags, type FlagBits, type FolderChange, type FolderRow, type MessageRow } from '../mailstore/types.ts';

/** Called after each change with the uids that really left the view. */
export type ViewListener = (removed: readonly number[]) => void;

const maxCachedFlagTexts = 4096;

export class FolderView {
  readonly folder: number;
  readonly uidValidity: number;
  readonly listeners = new Set<ViewListener>();
  uidNext: number;
  /** HIGHESTMODSEQ. */
  modseq: number;
  /** The last mod-sequence at which flags changed: says whether looking through `modseqs` is worth it. */
  flagModseq = 0;
  keywords: readonly string[];
  isGone = false;
  #uids = new Uint32Array(64);
  #flags = new Float64Array(64);
  #modseqs = new Float64Array(64);
  #count = 0;
  readonly #flagTexts = new Map<FlagBits, string>();

  constructor(row: FolderRow) {
    this.folder = row.id;
    this.uidValidity = row.uidValidity;
    this.uidNext = row.uidNext;
    this.modseq = row.modseq;
    this.keywords = row.keywords;
  }

  get count(): number {
    return this.#count;
  }

  /** The largest uid in the folder; 0 where it is empty. */
  get lastUid(): number {
    return this.#count === 0 ? 0 : (this.#uids[this.#count - 1] ?? 0);
  }

  uidAt(index: number): number {
    return this.#uids[index] ?? 0;
  }

  flagsAt(index: number): FlagBits {
    return this.#flags[index] ?? 0;
  }

  modseqAt(index: number): number {
    return this.#modseqs[index] ?? 0;
  }

  /** How many messages have a smaller uid: the index of `uid`, or where it would stand. */
  rank(uid: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#uids[middle] ?? 0) < uid) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** -1 where there is no such message. */
  indexOf(uid: number): number {
    const index = this.rank(uid);
    return index < this.#count && this.#uids[index] === uid ? index : -1;
  }

  /** The bit of a flag's or keyword's name; 0 where the folder does not have it. */
  flagBit(name: string): FlagBits {
    const lower = name.toLowerCase();
    const system = systemFlags.findIndex((flag) => flag.toLowerCase() === lower);
    if (system !== -1) return 2 ** system;
    const keyword = this.keywords.findIndex((known) => known.toLowerCase() === lower);
    return keyword === -1 ? 0 : 2 ** (systemFlags.length + keyword);
  }

  /** `\Seen $Forwarded`, as FLAGS shows it between its parentheses. */
  flagsText(bits: FlagBits): string {
    const known = this.#flagTexts.get(bits);
    if (known !== undefined) return known;
    if (this.#flagTexts.size >= maxCachedFlagTexts) this.#flagTexts.clear();
    const names = [...systemFlags, ...this.keywords].filter((_, index) => hasFlag(bits, 2 ** index));
    const text = names.join(' ');
    this.#flagTexts.set(bits, text);
    return text;
  }

  /** Adds rows above the largest uid. */
  append(rows: readonly MessageRow[]): void {
    for (const row of rows) {
      if (row.uid <= this.lastUid) continue;
      if (this.#count === this.#uids.length) this.#grow();
      this.#uids[this.#count] = row.uid;
      this.#flags[this.#count] = row.flags;
      this.#modseqs[this.#count] = row.modseq;
      this.#count++;
    }
  }

  /** Gives the uids that were removed. */
  apply(change: FolderChange): readonly number[] {
    this.append(change.added);
    for (const { uid, flags, modseq } of change.flagged) {
      const index = this.indexOf(uid);
      if (index === -1 || modseq < this.modseqAt(index)) continue;
      this.#flags[index] = flags;
      this.#modseqs[index] = modseq;
      this.flagModseq = Math.max(this.flagModseq, modseq);
    }
    const removed = change.expunged.filter((uid) => this.indexOf(uid) !== -1);
    if (removed.length > 0) this.#remove(removed);
    if (change.keywords !== undefined && change.keywords.length >= this.keywords.length)
      this.keywords = change.keywords;
    this.modseq = Math.max(this.modseq, change.modseq);
    this.uidNext = Math.max(this.uidNext, change.uidNext);
    if (change.gone) this.isGone = true;
    return removed;
  }

  /** Takes out `expunged` in one pass. */
  #remove(expunged: readonly number[]): void {
    const gone = Uint32Array.from(expunged).sort();
    let to = this.rank(gone[0] ?? 0);
    let next = 0;
    for (let from = to; from < this.#count; from++) {
      const uid = this.#uids[from] ?? 0;
      while (next < gone.length && (gone[next] ?? 0) < uid) next++;
      if (gone[next] === uid) continue;
      this.#uids[to] = uid;
      this.#flags[to] = this.#flags[from] ?? 0;
      this.#modseqs[to] = this.#modseqs[from] ?? 0;
      to++;
    }
    this.#count = to;
  }

  #grow(): void {
    const capacity = this.#uids.length * 2;
    const uids = new Uint32Array(capacity);
    const flags = new Float64Array(capacity);
    const modseqs = new Float64Array(capacity);
    uids.set(this.#uids);
    flags.set(this.#flags);
    modseqs.set(this.#modseqs);
    this.#uids = uids;
    this.#flags = flags;
    this.#modseqs = modseqs;
  }
}

/** Bits go up to 2^52, beyond what JavaScript's bit operators can do. */
export function hasFlag(bits: FlagBits, bit: FlagBits): boolean {
  return bit !== 0 && Math.floor(bits / bit) % 2 === 1;
}
