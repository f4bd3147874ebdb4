// The input of postmap(1) row by row, for the tool that checks it: `key blanks value` lines, and Postfix's own words for
// what is wrong with a line. The server reads the same files with text-indexer.ts, which is made for speed.

import { isUtf8 } from 'node:buffer';
import { readLogicalLines } from '../lib/logical-lines.ts';

export type SourceItem =
  | { readonly kind: 'row'; readonly line: number; readonly key: string; readonly value: string }
  | { readonly kind: 'warning'; readonly text: string };

export interface SourceWords {
  /** How messages name the file. */
  readonly path: string;
  /** texthash says of each line that it is ignored, postmap(1) only of some. */
  readonly ignoring?: boolean;
}

/** `bytes` is the whole file. Keys are as written: not folded, with their quotes. */
export function* readMapSource(bytes: Buffer, { path, ignoring = false }: SourceWords): Generator<SourceItem> {
  for (const { text, line } of decodedLines(bytes)) {
    const warn = (what: string): SourceItem => ({ kind: 'warning', text: `${path}, line ${line}: ${what}` });
    if (typeof text !== 'string') yield warn(nonUtf8(text.raw));
    else if (isBlank(text, 0))
      yield { kind: 'warning', text: `${path}: logical line must not start with whitespace: "${shorten(text)}"` };
    else {
      const end = endOfKey(text);
      if (end < 0) {
        yield warn(`unbalanced '"' in '${printable(text)}' -- ignoring this line`);
        continue;
      }
      const key = text.slice(0, end);
      const value = trim(text.slice(end));
      if (key === '' || value === '') {
        yield warn(`expected format: key whitespace value${ignoring ? ' -- ignoring this line' : ''}`);
        continue;
      }
      if (key.endsWith(':')) yield warn('record is in "key: value" format; is this an alias file?');
      yield { kind: 'row', line, key, value };
    }
  }
}

/** Logical lines as text, or as `raw` where they are not UTF-8. */
export function* decodedLines(bytes: Buffer): Generator<{ text: string | { readonly raw: string }; line: number }> {
  const wholeIsUtf8 = isUtf8(bytes);
  // As Latin-1 no byte is lost, and line ends are the same.
  for (const { text, line } of readLogicalLines(bytes.toString(wholeIsUtf8 ? 'utf8' : 'latin1'))) {
    if (wholeIsUtf8) yield { text, line };
    else {
      const raw = Buffer.from(text, 'latin1');
      yield { text: isUtf8(raw) ? raw.toString('utf8') : { raw: text }, line };
    }
  }
}

/** The first blank outside quotes; -1 where a quote stays open. */
function endOfKey(text: string): number {
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && isBlank(text, at)) return at;
  }
  return isQuoted ? -1 : text.length;
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** Drops what C's isspace() takes for blank, and nothing else. */
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text, start)) start++;
  while (end > start && isBlank(text, end - 1)) end--;
  return text.slice(start, end);
}

/** What is not fit for a line of a log becomes a question mark, as in Postfix. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
}

/** What postmap(1) and postalias(1) say of a line that is not UTF-8. */
export function nonUtf8(raw: string): string {
  return `non-UTF-8 input "${raw.replace(/[^\x20-\x7e]/g, '?')}" -- ignoring this line`;
}

function shorten(text: string): string {
  return printable(text.length > 30 ? `${text.slice(0, 30)}...` : text);
}
