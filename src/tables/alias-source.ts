// The input of postalias(1) row by row, for the tool that checks it (aliases(5)): `name: value, value` lines taken apart
// into the tokens of an RFC 822 address, so that a quoted name may hold anything, and put together again as Postfix
// stores them. Rows come with Postfix's own words for what is wrong with a line.

import { decodedLines, nonUtf8, type SourceItem, type SourceWords } from './map-source.ts';

interface Token {
  /** word: an atom; sign: one of `,.:;<>@%!`. */
  readonly kind: 'word' | 'quoted' | 'comment' | 'literal' | 'sign';
  readonly text: string;
}

const signs = ',.:;<>@%!';

/** Keys lose their quotes, values are in external form with a blank behind each comma. */
export function* readAliasSource(bytes: Buffer, { path }: SourceWords): Generator<SourceItem> {
  for (const { text, line } of decodedLines(bytes)) {
    const warn = (what: string): SourceItem => ({ kind: 'warning', text: `${path}, line ${line}: ${what}` });
    if (typeof text !== 'string') {
      yield warn(nonUtf8(text.raw));
      continue;
    }
    const tokens = scan(text);
    const colon = tokens.findIndex((token) => isSign(token, ':'));
    const name = tokens.slice(0, Math.max(0, colon));
    const value = tokens.slice(colon + 1);
    if (colon <= 0 || value.length === 0 || name.some((token) => isSign(token, ','))) {
      yield warn('need name:value pair');
    } else if (name.some((token) => isSign(token, '@') || isSign(token, '%'))) {
      yield warn('name must be local');
    } else yield { kind: 'row', line, key: join(name, false), value: join(value, true) };
  }
}

/** The right side of an alias as postalias(1) stores it. */
export function externalAliasValue(text: string): string {
  return join(scan(text), true);
}

function isSign(token: Token, sign: string): boolean {
  return token.kind === 'sign' && token.text === sign;
}

function scan(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (isBlank(character)) at++;
    else if (signs.includes(character)) {
      tokens.push({ kind: 'sign', text: character });
      at++;
    } else {
      const { token, end } = takeWord(text, at);
      tokens.push(token);
      at = end;
    }
  }
  return tokens;
}

function takeWord(text: string, at: number): { readonly token: Token; readonly end: number } {
  const open = text[at];
  if (open === '(') return takeComment(text, at);
  const isEnclosed = open === '"' || open === '[';
  const stops = open === '"' ? '"' : open === '[' ? ']' : `"([${signs}`;
  let collected = '';
  let end = isEnclosed ? at + 1 : at;
  for (; end < text.length; end++) {
    let character = text.charAt(end);
    if (character === '\\') character = text.charAt(++end);
    else if (stops.includes(character) || (!isEnclosed && isBlank(character))) break;
    collected += isBlank(character) ? ' ' : character;
  }
  if (open === '"') return { token: { kind: 'quoted', text: collected }, end: end + 1 };
  if (open === '[') return { token: { kind: 'literal', text: `[${collected}]` }, end: end + 1 };
  // An atom that got a blank or a sign by a backslash can only be shown in quotes.
  const kind = /[\s()<>@,;:".[\]\\]/.test(collected) ? 'quoted' : 'word';
  return { token: { kind, text: collected }, end };
}

function takeComment(text: string, at: number): { readonly token: Token; readonly end: number } {
  let depth = 0;
  let end = at;
  for (; end < text.length; end++) {
    const character = text[end];
    if (character === '\\') end++;
    else if (character === '(') depth++;
    else if (character === ')' && --depth === 0) {
      end++;
      break;
    }
  }
  return { token: { kind: 'comment', text: text.slice(at, end) }, end };
}

function join(tokens: readonly Token[], isExternal: boolean): string {
  let result = '';
  for (const [at, token] of tokens.entries()) {
    result += isExternal && token.kind === 'quoted' ? `"${token.text.replace(/["\\\r\n]/g, '\\$&')}"` : token.text;
    const next = tokens[at + 1];
    if (next !== undefined && needsBlank(token, next)) result += ' ';
  }
  return result;
}

/** Behind a comma, before `<`, and between two that are no signs. */
function needsBlank(token: Token, next: Token): boolean {
  return isSign(token, ',') || isSign(next, '<') || (token.kind !== 'sign' && next.kind !== 'sign');
}

function isBlank(character: string): boolean {
  return /[ \t\r\n\f\v]/.test(character);
}
