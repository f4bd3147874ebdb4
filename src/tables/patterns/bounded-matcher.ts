// Runs a pattern's tree by trying one way after the other, as Perl does, and gives up after so many steps: for what
// linear matching cannot do (look-around, back references, atomic groups). The longest match instead of the first
// is for POSIX patterns.

import { type Groups, MatchLimitError, type Subject } from './matcher.ts';
import { type ByteSet, fixedLength, namedSets, type Pattern, type Place, type Tree } from './syntax-tree.ts';

// 100,000 steps take about 5 ms.
const maxSteps = 100_000;
// A repeated group needs a few stack frames for each of its rounds.
const maxDepth = 1000;

type Then = (at: number) => boolean;

export function matchBounded({ tree, groupCount }: Pattern, key: Subject, isLongest: boolean): Groups | undefined {
  try {
    return new Run(key.bytes, key.length, groupCount, isLongest).search(tree);
  } catch (error) {
    // The stack is full.
    if (error instanceof RangeError) throw new MatchLimitError('recursion limit exceeded');
    throw error;
  }
}

class Run {
  readonly #bytes: Buffer;
  readonly #length: number;
  readonly #isLongest: boolean;
  /** Start and end of each group; -1 where it took no part. */
  #places: Int32Array;
  #steps = 0;
  #depth = 0;

  constructor(bytes: Buffer, length: number, groupCount: number, isLongest: boolean) {
    this.#bytes = bytes;
    this.#length = length;
    this.#isLongest = isLongest;
    this.#places = new Int32Array((groupCount + 1) * 2).fill(-1);
  }

  search(tree: Tree): Groups | undefined {
    for (let start = 0; start <= this.#length; start++) {
      this.#places.fill(-1);
      let longest = -1;
      let best: Int32Array | undefined;
      const isMatch = this.#try(tree, start, (end) => {
        if (!this.#isLongest) return true;
        if (end > longest) {
          longest = end;
          best = this.#places.slice();
        }
        return false;
      });
      if (isMatch) return this.#groups(this.#places);
      if (best !== undefined) return this.#groups(best);
    }
    return undefined;
  }

  #groups(places: Int32Array): Groups {
    const groups: (string | undefined)[] = [];
    for (let index = 0; index < places.length; index += 2) {
      const [start, end] = [places[index] as number, places[index + 1] as number];
      groups.push(start === -1 ? undefined : this.#bytes.toString('latin1', start, end));
    }
    return groups;
  }

  #try(tree: Tree, at: number, then: Then): boolean {
    if (++this.#steps > maxSteps) throw new MatchLimitError('match limit exceeded');
    switch (tree.kind) {
      case 'byte':
        return at < this.#length && tree.set[this.#bytes[at] as number] === 1 && then(at + 1);
      case 'place':
        return this.#isAt(tree.place, at) && then(at);
      case 'sequence':
        return this.#trySequence(tree.parts, 0, at, then);
      case 'choice':
        return tree.branches.some((branch) => this.#try(branch, at, then));
      case 'repeat':
        return tree.part.kind === 'byte'
          ? this.#repeatByte(tree.part.set, tree, at, then)
          : this.#repeat(tree, 0, at, then);
      case 'group':
        return this.#try(tree.part, at, (end) => this.#keepGroup(tree.number, at, end, then));
      case 'atomic':
        return this.#tryOnce(tree.part, at, then);
      case 'look':
        return this.#look(tree, at, then);
      case 'backreference':
        return this.#repeatGroup(tree.number, tree.isCaseless, at, then);
    }
  }

  #trySequence(parts: readonly Tree[], index: number, at: number, then: Then): boolean {
    const part = parts[index];
    if (part === undefined) return then(at);
    return this.#try(part, at, (end) => this.#trySequence(parts, index + 1, end, then));
  }

  #repeatByte(set: ByteSet, tree: Extract<Tree, { kind: 'repeat' }>, at: number, then: Then): boolean {
    const { min, max, isLazy } = tree;
    const most = Math.min(this.#length, at + max);
    if (isLazy) {
      for (let end = at; ; end++) {
        if (end - at >= min && this.#continue(then, end)) return true;
        if (end >= most || set[this.#bytes[end] as number] === 0) return false;
      }
    }
    let end = at;
    while (end < most && set[this.#bytes[end] as number] === 1) end++;
    for (; end - at >= min; end--) if (this.#continue(then, end)) return true;
    return false;
  }

  #continue(then: Then, at: number): boolean {
    if (++this.#steps > maxSteps) throw new MatchLimitError('match limit exceeded');
    return then(at);
  }

  #repeat(tree: Extract<Tree, { kind: 'repeat' }>, count: number, at: number, then: Then): boolean {
    const { part, min, max, isLazy } = tree;
    if (isLazy && count >= min && then(at)) return true;
    if (count < max) {
      if (++this.#depth > maxDepth) throw new MatchLimitError('recursion limit exceeded');
      // A round that takes nothing would go on for ever: it is the last, and in POSIX it does not happen.
      const isRound = count < min || !this.#isLongest;
      const again: Then = (end) => (end === at ? isRound && then(end) : this.#repeat(tree, count + 1, end, then));
      const isMatch = this.#try(part, at, again);
      this.#depth--;
      if (isMatch) return true;
    }
    return !isLazy && count >= min && then(at);
  }

  #keepGroup(number: number, start: number, end: number, then: Then): boolean {
    const places = this.#places;
    const index = number * 2;
    const [formerStart, formerEnd] = [places[index] as number, places[index + 1] as number];
    places[index] = start;
    places[index + 1] = end;
    if (then(end)) return true;
    this.#places[index] = formerStart;
    this.#places[index + 1] = formerEnd;
    return false;
  }

  #tryOnce(part: Tree, at: number, then: Then): boolean {
    const former = this.#places.slice();
    let end = -1;
    const isMatch = this.#try(part, at, (place) => {
      end = place;
      return true;
    });
    if (isMatch && then(end)) return true;
    this.#places = former;
    return false;
  }

  #look(tree: Extract<Tree, { kind: 'look' }>, at: number, then: Then): boolean {
    const former = this.#places.slice();
    const isMatch = tree.isBehind ? this.#lookBehind(tree.part, at) : this.#try(tree.part, at, () => true);
    if (tree.isNegated) this.#places = former;
    if (isMatch !== tree.isNegated && then(at)) return true;
    this.#places = former;
    return false;
  }

  /** Each way has a length of its own. */
  #lookBehind(part: Tree, at: number): boolean {
    const branches = part.kind === 'choice' ? part.branches : [part];
    return branches.some((branch) => {
      const start = at - (fixedLength(branch) ?? Number.POSITIVE_INFINITY);
      return start >= 0 && this.#try(branch, start, (end) => end === at);
    });
  }

  #repeatGroup(number: number, isCaseless: boolean, at: number, then: Then): boolean {
    const [start, end] = [this.#places[number * 2] as number, this.#places[number * 2 + 1] as number];
    if (start === -1 || at + end - start > this.#length) return false;
    const here = this.#bytes.toString('latin1', at, at + end - start);
    const there = this.#bytes.toString('latin1', start, end);
    this.#steps += end - start;
    return (isCaseless ? foldText(here) === foldText(there) : here === there) && then(at + end - start);
  }

  #isAt(place: Place, at: number): boolean {
    switch (place) {
      case 'start':
        return at === 0;
      case 'end':
        return at === this.#length;
      case 'end-or-last-newline':
        return at === this.#length || (at === this.#length - 1 && this.#bytes[at] === 10);
      case 'line-start':
        return at === 0 || this.#bytes[at - 1] === 10;
      case 'line-start-unless-last':
        return at === 0 || (this.#bytes[at - 1] === 10 && at < this.#length);
      case 'line-end':
        return at === this.#length || this.#bytes[at] === 10;
      case 'word-boundary':
        return this.#isWord(at - 1) !== this.#isWord(at);
      case 'no-word-boundary':
        return this.#isWord(at - 1) === this.#isWord(at);
      case 'word-start':
        return !this.#isWord(at - 1) && this.#isWord(at);
      case 'word-end':
        return this.#isWord(at - 1) && !this.#isWord(at);
    }
  }

  #isWord(at: number): boolean {
    return at >= 0 && at < this.#length && namedSets['word']?.[this.#bytes[at] as number] === 1;
  }
}

function foldText(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
