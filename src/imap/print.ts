// IMAP's data formats as they go out (RFC 3501 §4). Text has a character an octet; what a quoted string may
// not hold goes as a literal.

import { isAtomCharacter } from './argument-reader.ts';
import { encodeMailboxName } from './modified-utf7.ts';

/** RFC 3501 §4.3: a quoted string has no CR, LF, NUL or 8-bit. Longer ones than this go as literals. */
const maxQuotedLength = 4096;

/** A quoted string, or a literal where one is needed; it holds no NUL either (§9 CHAR8), 0x80 stands for it. */
export function printString(text: string): string {
  if (text.length > maxQuotedLength || !isQuotable(text)) {
    return `{${text.length}}\r\n${text.replaceAll('\0', '\x80')}`;
  }
  return text.includes('"') || text.includes('\\') ? `"${text.replaceAll(/["\\]/g, '\\$&')}"` : `"${text}"`;
}

export function printNstring(text: string | undefined): string {
  return text === undefined ? 'NIL' : printString(text);
}

/** A folder name (as text) as an atom, a quoted string or a literal. */
export function printMailbox(name: string): string {
  return printAstring(encodeMailboxName(name));
}

export function printAstring(text: string): string {
  if (text === '' || text.toUpperCase() === 'NIL') return printString(text);
  for (let index = 0; index < text.length; index++) {
    if (!isAtomCharacter(text.charCodeAt(index))) return printString(text);
  }
  return text;
}

const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** INTERNALDATE: `"21-Nov-2026 11:42:00 +0000"` (RFC 3501 §9 date-time). */
export function printDateTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = String(date.getUTCDate()).padStart(2, ' ');
  const year = String(date.getUTCFullYear()).padStart(4, '0');
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `"${day}-${monthNames[date.getUTCMonth()]}-${year} ${time} +0000"`;
}

function isQuotable(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 126 || code === 13 || code === 10 || code === 0) return false;
  }
  return true;
}
