// The two forms of an address (RFC 5321 §4.1.2): external, with a localpart quoted where it must be, as on the
// wire, in tables and in this program's strings; and internal, without quotes, in which the last `@` is the
// only one that means anything. Case is kept; comparing is the caller's affair (fold).

// Letters, digits and the atext signs of RFC 5321, dots between them; eight-bit text needs no quotes (RFC 6531).
const dotString =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+)*$/u;

/** `a b` -> `"a b"`; `a` stays. The empty localpart is `""`. */
export function quoteLocalpart(localpart: string): string {
  return dotString.test(localpart) ? localpart : `"${localpart.replace(/["\\\r]/g, '\\$&')}"`;
}

/** External form of an internal address: quotes what stands before the last `@`, or everything without one. */
export function toExternal(internal: string): string {
  const at = internal.lastIndexOf('@');
  if (at === -1) return quoteLocalpart(internal);
  return quoteLocalpart(internal.slice(0, at)) + internal.slice(at);
}

/** Internal form of an external address: takes the quotes and backslashes out of the localpart. */
export function toInternal(external: string): string {
  if (!external.includes('"') && !external.includes('\\')) return external;
  let plain = '';
  let isQuoted = false;
  for (let index = 0; index < external.length; index++) {
    const character = external[index] as string;
    if (character === '"') isQuoted = !isQuoted;
    else if (character === '\\') plain += external[++index] ?? '';
    else if (character === '@' && !isQuoted && external.indexOf('"', index) === -1)
      return plain + external.slice(index);
    else plain += character;
  }
  return plain;
}

/** What stands behind the last `@`, or '' where there is none. */
export function domainOf(address: string): string {
  const at = address.lastIndexOf('@');
  return at === -1 ? '' : address.slice(at + 1);
}

/** What stands before the last `@`, or everything where there is none; in the form that the address has. */
export function localpartOf(address: string): string {
  const at = address.lastIndexOf('@');
  return at === -1 ? address : address.slice(0, at);
}

// Upper-case ASCII or anything beyond ASCII: only such text needs work.
const needsFolding = /[A-Z\u0080-\uffff]/;
const beyondAscii = /[\u0080-\uffff]/;

/** For comparing addresses and domains: neither Postfix nor we tell `A` from `a` there. */
export function fold(text: string): string {
  return needsFolding.test(text) ? text.toLowerCase() : text;
}

/**
 * For keys of tables, which Postfix's postmap(1) and SQL queries have in full case folding (Unicode, CaseFolding.txt,
 * statuses C and F): there `STRASSE` is `straße` too. Not for telling recipients apart: a directory may have both.
 */
export function foldKey(text: string): string {
  if (!needsFolding.test(text)) return text;
  return beyondAscii.test(text) ? Array.from(text, foldCharacter).join('') : text.toLowerCase();
}

/** Small letters of the capital form, by character: a whole word's small letters depend on the place (`U+03C2`). */
function foldCharacter(character: string): string {
  // The dotless i is a letter of its own, and Cherokee folds to its capitals.
  if (character === '\u0131') return character;
  const capitals = character.toUpperCase();
  if (/[\u13a0-\u13f5]/.test(capitals)) return capitals;
  return Array.from(capitals, (one) => one.toLowerCase()).join('');
}

const plainAddress =
  /^[a-z0-9_][a-z0-9_.+=-]{0,63}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** `user@domain.example` as nearly all are: nothing in such an address is quoted, stripped, routed or refused. */
export function isPlainAddress(address: string): boolean {
  return address.length < 200 && plainAddress.test(address);
}
