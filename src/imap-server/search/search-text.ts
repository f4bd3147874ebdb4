// Comparing texts for SEARCH (RFC 3501 §6.4.4): case does not matter, nor how a character is composed.

import { TextDecoder } from 'node:util';
import { decodeCharset, isKnownCharset } from '../../message/charset.ts';
import { ImapRefusal } from '../refusal.ts';

export function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

/** Where a mailer folded a header field, with a blank or a tab, does not matter (RFC 5322 §2.2.3). */
export function joinBlanks(text: string): string {
  return text.replaceAll(/[ \t]+/g, ' ');
}

/** What a client wants to find; `octets` in the command's charset. */
export function decodeNeedle(octets: string, charset: string | undefined): string {
  if (charset !== undefined && !isKnownCharset(charset)) {
    throw new ImapRefusal('NO', 'BADCHARSET (US-ASCII UTF-8)', 'Unknown charset.');
  }
  return fold(decodeCharset(Buffer.from(octets, 'latin1'), charset ?? 'utf-8'));
}

/** Looks for several texts in one text that comes in pieces. */
export class NeedleFinder {
  readonly #needles: readonly string[];
  readonly #overlap: number;
  readonly found: boolean[];
  #tail = '';

  constructor(needles: readonly string[]) {
    this.#needles = needles;
    this.#overlap = Math.max(0, ...needles.map((needle) => needle.length - 1));
    this.found = needles.map((needle) => needle === '');
  }

  get isDone(): boolean {
    return this.found.every(Boolean);
  }

  /** The next piece of the current text. */
  write(text: string): void {
    const haystack = this.#tail + fold(text);
    for (const [index, needle] of this.#needles.entries()) {
      if (!this.found[index] && haystack.includes(needle)) this.found[index] = true;
    }
    this.#tail = this.#overlap === 0 ? '' : haystack.slice(-this.#overlap);
  }

  /** What comes next is another text. */
  next(): void {
    this.#tail = '';
  }
}

/** For text without a known charset: UTF-8 where it is valid. */
export function newTextDecoder(charset: string): TextDecoder {
  return new TextDecoder(
    isKnownCharset(charset)
      ? charset
          .trim()
          .toLowerCase()
          .replace(/^(us-)?ascii$|^$/, 'utf-8')
      : 'windows-1252',
  );
}
