// Encoded words in header fields (RFC 2047): `=?utf-8?q?gr=C3=BCn?=` to text. White space between two
// encoded words disappears (§6.2), bytes of neighbours in one charset are joined before decoding, because
// many mailers split a character across words. What is not valid stays as it is. Linear.

import { decodeCharset } from './charset.ts';
import { decodeBase64, decodeQuotedPrintable } from './transfer-encoding.ts';

interface EncodedWord {
  readonly charset: string;
  readonly bytes: Uint8Array;
  readonly end: number;
}

/** `text` has a character a byte; raw 8-bit text is taken for UTF-8 (RFC 6532). */
export function decodeHeaderText(text: string): string {
  let result = '';
  let plainFrom = 0;
  let at = text.indexOf('=?');
  while (at !== -1) {
    const first = readEncodedWord(text, at);
    if (first === undefined) {
      at = text.indexOf('=?', at + 2);
      continue;
    }
    const run = readRun(text, first);
    result += decodePlain(text.slice(plainFrom, at)) + run.text;
    plainFrom = run.end;
    at = text.indexOf('=?', run.end);
  }
  return result + decodePlain(text.slice(plainFrom));
}

/** `first` and the encoded words that follow it with nothing but white space between. */
function readRun(text: string, first: EncodedWord): { text: string; end: number } {
  let decoded = '';
  let charset = first.charset;
  let pieces = [first.bytes];
  let end = first.end;
  for (;;) {
    let next = end;
    while (text[next] === ' ' || text[next] === '\t') next++;
    const word = text.startsWith('=?', next) ? readEncodedWord(text, next) : undefined;
    if (word === undefined) return { text: decoded + decodeCharset(Buffer.concat(pieces), charset), end };
    if (word.charset !== charset) {
      decoded += decodeCharset(Buffer.concat(pieces), charset);
      pieces = [];
      charset = word.charset;
    }
    pieces.push(word.bytes);
    end = word.end;
  }
}

/** §2 allows 75 characters; real ones are longer, none is unbounded. */
const maxWordLength = 2000;

function readEncodedWord(text: string, from: number): EncodedWord | undefined {
  const charsetEnd = text.indexOf('?', from + 2);
  if (charsetEnd === -1 || charsetEnd - from > 80 || text[charsetEnd + 2] !== '?') return undefined;
  const encoding = text.charAt(charsetEnd + 1).toLowerCase();
  if (encoding !== 'b' && encoding !== 'q') return undefined;
  const contentFrom = charsetEnd + 3;
  const contentEnd = text.slice(contentFrom, contentFrom + maxWordLength).indexOf('?=') + contentFrom;
  if (contentEnd < contentFrom) return undefined;
  const content = text.slice(contentFrom, contentEnd);
  // RFC 2231 §5: `charset*language`.
  const charset = (text.slice(from + 2, charsetEnd).split('*')[0] ?? '').toLowerCase();
  const bytes =
    encoding === 'b'
      ? decodeBase64(Buffer.from(content, 'latin1'))
      : decodeQuotedPrintable(Buffer.from(content.replaceAll('_', ' '), 'latin1'));
  return { charset, bytes, end: contentEnd + 2 };
}

function decodePlain(text: string): string {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) > 127) return decodeCharset(Buffer.from(text, 'latin1'), 'utf-8');
  }
  return text;
}
