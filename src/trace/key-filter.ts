// Says whether a segment of the trace may hold a word, so that ten million lines need not be read to find one: a Bloom
// filter over the words of its lines (queue ids, addresses, message-ids, client names and addresses, session names). A word
// is what stands between blanks, brackets, quotes, `=`, `,`, `;` and `:`, without regard to the case of ASCII letters; words
// shorter than four characters are not kept. "No" is certain, "yes" is wrong for about one word in a hundred.

import { queueIdLength } from './record.ts';

/** 256 KiB: about eleven bits for each of the words of a segment. */
export const filterBytes = 262_144;
const mask = filterBytes * 8 - 1;
const minLength = 4;

/** 1 for what ends a word. */
const delimiters = new Uint8Array(128);
for (let code = 0; code <= 32; code++) delimiters[code] = 1;
for (const character of '<>()[]{}"\'=,;:') delimiters[character.charCodeAt(0)] = 1;

const offset = 0x811c9dc5;
const prime = 0x01000193;

export class KeyFilter {
  readonly bits = new Uint8Array(filterBytes);

  /** All words from `start` to before `end`. */
  add(text: string, start = 0, end = text.length): void {
    const { bits } = this;
    let hash = offset;
    let length = 0;
    for (let index = start; index <= end; index++) {
      const code = index < end ? text.charCodeAt(index) : 32;
      if (code < 128 && delimiters[code] === 1) {
        if (length >= minLength) set(bits, hash);
        hash = offset;
        length = 0;
        continue;
      }
      hash = Math.imul(hash ^ (code >= 65 && code <= 90 ? code | 32 : code), prime);
      length++;
    }
  }

  /**
   * The words of a line by which it is looked for. Of the lines that every message has these are its queue id and what
   * stands in angle brackets; of all others every word is taken.
   */
  addLine(text: string, session: string | undefined): void {
    if (session !== undefined) this.add(session);
    const colon = queueIdLength(text);
    if (colon === 0) {
      if (!text.startsWith('disconnect from ')) this.add(text);
      return;
    }
    const next = text.charCodeAt(colon + 2);
    // A subject is looked for in all segments: its words would fill the filter.
    if (next === 115 && text.startsWith('subject=', colon + 2)) {
      this.add(text, 0, colon);
      return;
    }
    // `from=<`, `to=<`, `message-id=<` and `removed`.
    const isUsual =
      (next === 102 && text.startsWith('from=<', colon + 2)) ||
      (next === 116 && text.startsWith('to=<', colon + 2) && !text.includes('forwarded as ')) ||
      next === 109 ||
      next === 114;
    if (!isUsual || text.startsWith('reject', colon + 2) || text.startsWith('milter', colon + 2)) {
      this.add(text);
      return;
    }
    this.add(text, 0, colon);
    const most = next === 116 ? text.indexOf(' relay=', colon) : text.length;
    for (let open = text.indexOf('<', colon); open >= 0 && open < most; ) {
      const close = text.indexOf('>', open);
      this.add(text, open + 1, close < 0 ? text.length : close);
      open = close < 0 ? -1 : text.indexOf('<', close);
    }
  }
}

/** FNV-1a over each word; two more positions are made of it by double hashing. */
function set(bits: Uint8Array, hash: number): void {
  const step = stepOf(hash);
  for (let round = 0, position = hash; round < 3; round++, position += step) {
    const bit = position & mask;
    bits[bit >>> 3] = (bits[bit >>> 3] as number) | (1 << (bit & 7));
  }
}

function stepOf(hash: number): number {
  return ((hash >>> 15) ^ Math.imul(hash, 0x9e3779b1)) | 1;
}

/** May a segment with this filter hold all the words of `text`? */
export function mayHold(bits: Uint8Array, text: string): boolean {
  return wordsOf(text).every((word) => {
    let hash = offset;
    for (let index = 0; index < word.length; index++) hash = Math.imul(hash ^ word.charCodeAt(index), prime);
    const step = stepOf(hash);
    for (let round = 0, position = hash; round < 3; round++, position += step) {
      const bit = position & mask;
      if (((bits[bit >>> 3] as number) & (1 << (bit & 7))) === 0) return false;
    }
    return true;
  });
}

function wordsOf(text: string): string[] {
  return text
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .split(/[\u0000- <>()[\]{}"'=,;:]+/)
    .filter((word) => word.length >= minLength);
}
