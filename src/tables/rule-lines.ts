// Where the rules of a pcre:, regexp: or cidr: table come from: the logical lines of a file, or the rules of an
// inline table, `pcre:{ {/re/ result}, {...} }` (pcre_table(5), "Inline specification").
// Lines are bytes, one character each (latin1), because patterns are.

import { splitList } from '../lib/split-list.ts';
import { insideBraces } from './braces.ts';
import { TableError } from './table-error.ts';

export interface RuleLine {
  readonly text: string;
  /** Number of its first physical line, or of the inline rule, from 1. */
  readonly line: number;
}

/** What isspace(3) takes. */
export function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** Index of the first character from `at` on that is no blank. */
export function skipBlanks(text: string, at = 0): number {
  let index = at;
  while (index < text.length && isBlank(text.charCodeAt(index))) index++;
  return index;
}

/** A line that starts with white space continues the one before, over blank lines and comments in between. */
export function* readRuleLines(bytes: Buffer, warn: (line: number, text: string) => void): Generator<RuleLine> {
  let parts: string[] = [];
  let first = 0;
  let number = 0;
  for (let start = 0; start < bytes.length; ) {
    let end = bytes.indexOf(10, start);
    if (end === -1) end = bytes.length;
    const raw = bytes.toString('latin1', start, end);
    start = end + 1;
    number++;
    const text = skipBlanks(raw);
    if (text === raw.length || raw[text] === '#') continue;
    if (parts.length === 0 || text === 0) {
      yield* finish(parts, first, warn);
      parts = [];
      first = number;
    }
    parts.push(raw);
  }
  yield* finish(parts, first, warn);
}

function* finish(parts: readonly string[], line: number, warn: (line: number, text: string) => void) {
  const joined = parts.length === 1 ? (parts[0] as string) : parts.join('');
  const nul = joined.indexOf('\0');
  let end = nul === -1 ? joined.length : nul;
  while (end > 0 && isBlank(joined.charCodeAt(end - 1))) end--;
  const text = joined.slice(0, end);
  if (text === '') return;
  if (isBlank(text.charCodeAt(0))) {
    warn(line, `logical line must not start with whitespace: "${text.slice(0, 30)}${text.length > 30 ? '...' : ''}"`);
    return;
  }
  yield { text, line };
}

/** True for `type:{ ... }`: the rules stand in the name. */
export function isInline(name: string): boolean {
  return name.startsWith('{');
}

/** Throws TableError where the braces do not fit. */
export function readInlineRules(type: string, name: string): RuleLine[] {
  const inner = betweenBraces(type, name);
  return splitList(inner).flatMap((element, index) => {
    const text = Buffer.from(betweenBraces(type, element).trim()).toString('latin1');
    return text === '' ? [] : [{ text, line: index + 1 }];
  });
}

function betweenBraces(type: string, text: string): string {
  try {
    return insideBraces(text);
  } catch (error) {
    throw new TableError(`${type} map: ${(error as Error).message}`);
  }
}
