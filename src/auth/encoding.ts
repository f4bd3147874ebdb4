// Strict base64 and hexadecimal: Node's own decoders skip what they do not know, which would let two texts be one hash.

export type TextEncoding = 'base64' | 'hex';

/** Undefined where `text` is not exactly that encoding; base64 with or without padding. */
export function toBytes(text: string, encoding: TextEncoding): Buffer | undefined {
  if (encoding === 'hex') {
    return text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text) ? Buffer.from(text, 'hex') : undefined;
  }
  const bare = text.replace(/={1,2}$/, '');
  return /^[A-Za-z0-9+/]*$/.test(bare) && bare.length % 4 !== 1 ? Buffer.from(bare, 'base64') : undefined;
}
