// Bytes to text by a MIME charset name. Unknown charsets are read as windows-1252, so that the US-ASCII
// part of any text stays findable; nothing here throws.

import { TextDecoder } from 'node:util';

const decoders = new Map<string, TextDecoder>();
const fallback = new TextDecoder('windows-1252');

export function decodeCharset(bytes: Uint8Array, charset: string): string {
  return charsetDecoder(charset).decode(bytes);
}

/** True when texts in this charset can be read. */
export function isKnownCharset(charset: string): boolean {
  return charsetDecoder(charset) !== fallback || /^(windows-1252|cp1252)$/i.test(charset);
}

function charsetDecoder(charset: string): TextDecoder {
  const label = charset.trim().toLowerCase();
  const known = decoders.get(label);
  if (known !== undefined) return known;
  try {
    // RFC 2046 §4.1.2: US-ASCII; unlabelled 8-bit text is in practice UTF-8.
    const decoder = new TextDecoder(label === 'us-ascii' || label === 'ascii' || label === '' ? 'utf-8' : label);
    // At most the few hundred labels of the Encoding Standard ever get here.
    decoders.set(label, decoder);
    return decoder;
  } catch {
    return fallback;
  }
}
