// What follows MAIL FROM: and RCPT TO: (RFC 5321 §4.1.2), read as generously as Postfix does with
// strict_rfc821_envelopes = no: blanks after the colon, a path without <>, a source route (dropped), blanks and
// quotes in the localpart; isStrictPath tells what `yes` refuses. The address comes out in external form: quoted exactly where it must be.
// Whether its domain makes sense is for the routing folder to say.

export interface PathAndParameters {
  /** External form, '' for <>. */
  readonly address: string;
  readonly parameters: readonly string[];
}

export type PathResult =
  | { readonly kind: 'path'; readonly path: PathAndParameters }
  | { readonly kind: 'bad-command' }
  | { readonly kind: 'bad-address'; readonly parameters: readonly string[] };

const badCommand: PathResult = { kind: 'bad-command' };
const maxParameters = 32;

/** Reads `FROM:<a@b> SIZE=1` for keyword `FROM`. */
export function parsePath(keyword: 'FROM' | 'TO', text: string): PathResult {
  const colon = keyword.length;
  if (text.charCodeAt(colon) !== 0x3a || text.slice(0, colon).toUpperCase() !== keyword) return badCommand;
  let start = colon + 1;
  while (isBlank(text.charCodeAt(start))) start++;
  if (start >= text.length) return badCommand;

  const end = text.charCodeAt(start) === 0x3c ? endOfBracketed(text, start) : endOfWord(text, start);
  if (end === -1) return { kind: 'bad-address', parameters: [] };
  const rest = text.slice(end);
  if (rest !== '' && !isBlank(rest.charCodeAt(0))) return { kind: 'bad-address', parameters: [] };
  const parameters = rest.trim() === '' ? [] : rest.trim().split(/[ \t]+/, maxParameters);
  const inner = text.charCodeAt(start) === 0x3c ? text.slice(start + 1, end - 1) : text.slice(start, end);
  const address = externalForm(inner.trim());
  return address === undefined ? { kind: 'bad-address', parameters } : { kind: 'path', path: { address, parameters } };
}

/** RFC 5321 §4.1.2: in angle brackets, with a localpart; what strict_rfc821_envelopes asks for. `address` as parsed. */
export function isStrictPath(text: string, address: string): boolean {
  return /^\w+:[ \t]*</.test(text) && !/^(?:"")?@/.test(address);
}

/** A domain in letters beyond ASCII is an address only with SMTPUTF8 (RFC 6531 §3.3). */
export function hasForeignDomain(address: string): boolean {
  return /@[^@]*[\u0080-\uffff][^@]*$/.test(address);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Just behind the `>` that closes the `<` at `start`, or -1. Quoted strings may hold `>`. */
function endOfBracketed(text: string, start: number): number {
  let isQuoted = false;
  for (let index = start + 1; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x5c) index++;
    else if (code === 0x22) isQuoted = !isQuoted;
    else if (!isQuoted && code === 0x3e) return index + 1;
    else if (!isQuoted && code === 0x3c) return -1;
  }
  return -1;
}

function endOfWord(text: string, start: number): number {
  let isQuoted = false;
  let index = start;
  for (; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x5c) index++;
    else if (code === 0x22) isQuoted = !isQuoted;
    else if (!isQuoted && isBlank(code)) break;
    else if (!isQuoted && (code === 0x3c || code === 0x3e)) return -1;
  }
  return isQuoted ? -1 : Math.min(index, text.length);
}

// The common case decides in one test; anything else goes through dequoting and quoting.
const plainAddress =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+)*@[^\s"\\<>(),;:@]+$/u;

function externalForm(inner: string): string | undefined {
  if (inner === '' || plainAddress.test(inner)) return inner;
  // RFC 5321 appendix C: a source route is accepted and ignored.
  let text = inner;
  if (text.startsWith('@')) {
    const colon = text.indexOf(':');
    if (colon !== -1 && text.indexOf('@', colon) !== -1) text = text.slice(colon + 1);
  }
  const at = lastUnquotedAt(text);
  const localpart = dequote(at === -1 ? text : text.slice(0, at));
  if (localpart === undefined) return undefined;
  const domain = at === -1 ? '' : text.slice(at);
  if (at !== -1 && !/^@(?:[^\s"\\<>(),;:@[\]]*|\[[^\s"\\<>(),;@[\]]*\])$/u.test(domain)) return undefined;
  return quoteLocalpart(localpart) + domain;
}

function lastUnquotedAt(text: string): number {
  let isQuoted = false;
  let last = -1;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x5c) index++;
    else if (code === 0x22) isQuoted = !isQuoted;
    else if (code === 0x40 && !isQuoted) last = index;
  }
  return last;
}

/** The internal form of a localpart that may hold quoted strings and `\x`; undefined where a quote stays open, and
 * where a blank stands outside of quotes: that is two words, not an address. */
function dequote(text: string): string | undefined {
  let plain = '';
  let isQuoted = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index] as string;
    if (character === '"') isQuoted = !isQuoted;
    else if (character === '\\') {
      index++;
      if (index === text.length) return undefined;
      plain += text[index] as string;
    } else if (!isQuoted && isBlank(character.charCodeAt(0))) return undefined;
    else plain += character;
  }
  return isQuoted ? undefined : plain;
}

const dotString =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+)*$/u;

function quoteLocalpart(localpart: string): string {
  return dotString.test(localpart) ? localpart : `"${localpart.replace(/["\\]/g, '\\$&')}"`;
}
