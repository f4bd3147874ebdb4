// Text into messages that we write ourselves: header fields beyond ASCII as encoded words (RFC 2047), display names,
// and bodies as quoted-printable (RFC 2045 §6.7) where they are not plain ASCII in short lines.

const lineLimit = 76;
/** Octets of UTF-8 in one encoded word: 60 characters of base64 with `=?utf-8?B?` and `?=` stay below 75 (RFC 2047 §2). */
const wordOctets = 45;

/** The body of an unstructured field (Subject), folded; `column` characters stand before it in its line. */
export function encodeUnstructured(text: string, column: number): string {
  const clean = text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  if (isPlain(clean) && !clean.includes('=?')) return foldWords(clean.split(/ (?=\S)/), column);
  return foldWords(encodedWords(clean), column);
}

/** A display name before an address (RFC 5322 §3.4): atoms as they are, else quoted or encoded. */
export function encodePhrase(text: string, column: number): string {
  const clean = text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  if (!isPlain(clean) || clean.includes('=?')) return foldWords(encodedWords(clean), column);
  if (/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*$/.test(clean)) return clean;
  return `"${clean.replace(/["\\]/g, '\\$&')}"`;
}

function isPlain(text: string): boolean {
  return /^[\u0020-\u007e]*$/.test(text);
}

/** Never cuts a character in two (RFC 2047 §5). */
function encodedWords(text: string): string[] {
  const words: string[] = [];
  let part = '';
  let octets = 0;
  const flush = () => words.push(`=?utf-8?B?${Buffer.from(part).toString('base64')}?=`);
  for (const character of text) {
    const length = Buffer.byteLength(character);
    if (octets + length > wordOctets) {
      flush();
      part = '';
      octets = 0;
    }
    part += character;
    octets += length;
  }
  if (part !== '') flush();
  return words;
}

function foldWords(words: readonly string[], column: number): string {
  let result = '';
  let at = column;
  for (const [index, word] of words.entries()) {
    const isFirst = index === 0;
    const isNewLine = !isFirst && at + 1 + word.length > lineLimit;
    if (!isFirst) result += isNewLine ? '\r\n ' : ' ';
    at = isNewLine ? 1 + word.length : at + (isFirst ? 0 : 1) + word.length;
    result += word;
  }
  return result;
}

export interface EncodedText {
  readonly encoding: '7bit' | 'quoted-printable';
  /** CRLF lines, the last one ended. */
  readonly body: string;
}

export function encodeTextBody(text: string): EncodedText {
  const lines = text.replace(/\r\n?/g, '\n').replace(/\n+$/, '').split('\n');
  const isShortAscii = lines.every((line) => line.length <= 78 && /^[\t\u0020-\u007e]*$/.test(line));
  if (isShortAscii) return { encoding: '7bit', body: `${lines.join('\r\n')}\r\n` };
  return { encoding: 'quoted-printable', body: `${lines.map(quotedPrintableLine).join('\r\n')}\r\n` };
}

function quotedPrintableLine(line: string): string {
  let result = '';
  let column = 0;
  const bytes = Buffer.from(line);
  for (const [index, byte] of bytes.entries()) {
    const isBlankAtEnd = (byte === 32 || byte === 9) && index === bytes.length - 1;
    const isLiteral = ((byte >= 32 && byte <= 126) || byte === 9) && byte !== 61 && !isBlankAtEnd;
    const code = isLiteral ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    // One column is kept for the `=` of a soft line break.
    if (column + code.length > lineLimit - 1) {
      result += '=\r\n';
      column = 0;
    }
    result += code;
    column += code.length;
  }
  return result;
}
