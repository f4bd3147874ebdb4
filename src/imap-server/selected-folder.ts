// One connection's picture of its selected folder: its own sequence numbers over the shared view.
//
// A client counts messages, and may be told that one is gone only at certain moments (RFC 3501 §7.4.1). So the
// picture is the view's messages up to the largest uid announced, plus the "ghosts": messages that the view has
// lost and the client has not been told of. Both are sorted, so numbers and uids convert in O(log n).

import type { NumberRange, SequenceSet } from '../imap/sequence-set.ts';
import { resolveSequenceSet, rangesInclude } from '../imap/sequence-set.ts';
import type { StoredFlags } from '../mailstore/types.ts';
import type { FolderView, ViewListener } from './folder-view.ts';
import { ImapRefusal } from './refusal.ts';

export class SelectedFolder {
  readonly view: FolderView;
  readonly name: string;
  readonly isReadOnly: boolean;
  #announcedUid: number;
  #announcedModseq: number;
  #announcedKeywords: number;
  /** Removed from the view, still numbered here; ascending. */
  #ghosts: number[] = [];
  /** Of messages whose flags the client knows beyond what was announced: uid -> mod-sequence. */
  readonly #known = new Map<number, number>();
  readonly #onChange: ViewListener;

  /** `onChange` is called after each change of the folder. */
  constructor(view: FolderView, name: string, isReadOnly: boolean, onChange: () => void) {
    this.view = view;
    this.name = name;
    this.isReadOnly = isReadOnly;
    this.#announcedUid = view.lastUid;
    this.#announcedModseq = view.modseq;
    this.#announcedKeywords = view.keywords.length;
    this.#onChange = (removed) => {
      this.#addGhosts(removed);
      onChange();
    };
    view.listeners.add(this.#onChange);
  }

  close(): void {
    this.view.listeners.delete(this.#onChange);
  }

  /** Messages as the client counts them. */
  get count(): number {
    return this.view.rank(this.#announcedUid + 1) + this.#ghosts.length;
  }

  sequenceOf(uid: number): number {
    return this.view.rank(uid) + lowerBound(this.#ghosts, uid) + 1;
  }

  uidAt(sequence: number): number {
    const position = sequence - 1;
    if (this.#ghosts.length === 0) return this.view.uidAt(position);
    // Ghost j stands at j + rank(ghost j), which grows with j.
    let low = 0;
    let high = this.#ghosts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (middle + this.view.rank(this.#ghosts[middle] ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    const ghost = this.#ghosts[low];
    if (ghost !== undefined && low + this.view.rank(ghost) === position) return ghost;
    return this.view.uidAt(position - low);
  }

  /** The uids that a set names, ascending, without those that are gone; a number out of range is the client's error. */
  uidsOf(set: SequenceSet, byUid: boolean): { uids: number[]; hasGhosts: boolean } {
    const ranges = byUid ? this.#uidRanges(set) : this.#sequenceRanges(set);
    const uids: number[] = [];
    let named = 0;
    for (const range of ranges) {
      const last = this.view.rank(range.to + 1);
      for (let index = this.view.rank(range.from); index < last; index++) uids.push(this.view.uidAt(index));
      if (!byUid) named += lowerBound(this.#ghosts, range.to + 1) - lowerBound(this.#ghosts, range.from);
    }
    return { uids, hasGhosts: named > 0 };
  }

  /** Sequence ranges for SEARCH, where a number out of range just matches nothing. */
  includesSequence(set: SequenceSet): (sequence: number) => boolean {
    const ranges = resolveSequenceSet(set, this.count);
    return (sequence) => rangesInclude(ranges, sequence);
  }

  includesUid(set: SequenceSet): (uid: number) => boolean {
    const ranges = this.#uidRanges(set);
    return (uid) => rangesInclude(ranges, uid);
  }

  /** All uids that the client knows and that still exist. */
  allUids(): number[] {
    const uids: number[] = [];
    const count = this.view.rank(this.#announcedUid + 1);
    for (let index = 0; index < count; index++) uids.push(this.view.uidAt(index));
    return uids;
  }

  /** The client was shown the flags as of `modseq`. */
  flagsShown(uid: number, modseq: number): void {
    this.#known.set(uid, modseq);
  }

  /** A change by the client itself, which knows the outcome unless others changed the message before (RFC 3501 §6.4.6). */
  ownChange({ uid, modseq, previousModseq }: StoredFlags['changed'][number]): void {
    if (previousModseq <= this.#announcedModseq || this.#known.get(uid) === previousModseq)
      this.#known.set(uid, modseq);
  }

  // What has to be announced, in the order in which session.ts asks: expunges, arrivals, keywords, flags.

  /** Sequence numbers for EXPUNGE responses, largest first, so that each is right when it is sent. */
  takeExpunged(): number[] {
    const sequences = this.#ghosts.map((uid, index) => this.view.rank(uid) + index + 1).reverse();
    this.#ghosts = [];
    return sequences;
  }

  /** The number for EXISTS, where messages arrived. */
  takeArrived(): number | undefined {
    if (this.view.lastUid <= this.#announcedUid) return undefined;
    this.#announcedUid = this.view.lastUid;
    return this.count;
  }

  takeNewKeywords(): boolean {
    const hasNew = this.view.keywords.length > this.#announcedKeywords;
    this.#announcedKeywords = this.view.keywords.length;
    return hasNew;
  }

  /** Uids of messages whose flags changed since the last call without the client's knowing, below `beforeUid`. */
  takeFlagged(beforeUid: number): number[] {
    const since = this.#announcedModseq;
    this.#announcedModseq = this.view.modseq;
    const uids: number[] = [];
    if (this.view.flagModseq > since) {
      const count = this.view.rank(beforeUid);
      for (let index = 0; index < count; index++) {
        const modseq = this.view.modseqAt(index);
        if (modseq > since && this.#known.get(this.view.uidAt(index)) !== modseq) uids.push(this.view.uidAt(index));
      }
    }
    this.#known.clear();
    return uids;
  }

  get announcedUid(): number {
    return this.#announcedUid;
  }

  /** Is there anything to tell? */
  get hasNews(): boolean {
    return (
      this.#ghosts.length > 0 ||
      this.view.lastUid > this.#announcedUid ||
      this.view.flagModseq > this.#announcedModseq ||
      this.view.keywords.length > this.#announcedKeywords
    );
  }

  #uidRanges(set: SequenceSet): NumberRange[] {
    const largest = Math.max(this.#ghosts.at(-1) ?? 0, this.view.uidAt(this.view.rank(this.#announcedUid + 1) - 1));
    // `*` is the largest uid in use; ranges beyond it name nothing (RFC 3501 §6.4.8).
    return resolveSequenceSet(set, largest);
  }

  #sequenceRanges(set: SequenceSet): NumberRange[] {
    const { count } = this;
    for (const { from, to } of set) {
      const smallest = Math.min(from, to);
      if (Number.isFinite(smallest) && smallest > Math.max(count, 1))
        throw new ImapRefusal('BAD', '', 'Invalid messageset');
    }
    return resolveSequenceSet(set, count).map(({ from, to }) => ({ from: this.uidAt(from), to: this.uidAt(to) }));
  }

  #addGhosts(removed: readonly number[]): void {
    const known = removed.filter((uid) => uid <= this.#announcedUid).sort((left, right) => left - right);
    const isInOrder = (known[0] ?? 0) > (this.#ghosts.at(-1) ?? 0);
    for (const uid of known) this.#ghosts.push(uid);
    // A long EXPUNGE comes in ascending slices: sorting all again for each would be quadratic.
    if (!isInOrder) this.#ghosts.sort((left, right) => left - right);
  }
}

/** How many of the ascending `numbers` are smaller than `number`. */
function lowerBound(numbers: readonly number[], number: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
