// DER, as far as a certificate needs it (X.690 §8; RFC 5280): writing only. Reading is node:crypto's X509Certificate.

export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), encodeLength(content.length), content]);
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return Buffer.from([0x80 | octets.length, ...octets]);
}

export const sequence = (...contents: readonly Uint8Array[]) => der(0x30, ...contents);
export const set = (...contents: readonly Uint8Array[]) => der(0x31, ...contents);
export const boolean = (value: boolean) => der(0x01, Buffer.from([value ? 0xff : 0]));
export const octetString = (content: Uint8Array) => der(0x04, content);
/** A bit string of whole octets. */
export const bitString = (content: Uint8Array) => der(0x03, Buffer.from([0]), content);
export const utf8String = (text: string) => der(0x0c, Buffer.from(text, 'utf8'));
/** A context-specific tag around other values. */
export const explicit = (tag: number, ...contents: readonly Uint8Array[]) => der(0xa0 | tag, ...contents);
/** A context-specific tag in place of a primitive's own. */
export const implicit = (tag: number, content: Uint8Array) => der(0x80 | tag, content);

/** A non-negative integer given as big-endian octets. */
export function integer(octets: Uint8Array): Buffer {
  let start = 0;
  while (start < octets.length - 1 && octets[start] === 0) start++;
  const digits = octets.subarray(start);
  return (digits[0] as number) >= 0x80 ? der(0x02, Buffer.from([0]), digits) : der(0x02, digits);
}

export function objectIdentifier(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split('.').map(Number) as [number, number, ...number[]];
  const octets: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const base128 = [arc & 0x7f];
    for (let more = arc >>> 7; more > 0; more >>>= 7) base128.unshift((more & 0x7f) | 0x80);
    octets.push(...base128);
  }
  return der(0x06, Buffer.from(octets));
}

/** GeneralizedTime from 2050 on, UTCTime before (RFC 5280 §4.1.2.5). */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() >= 2050 ? der(0x18, Buffer.from(digits)) : der(0x17, Buffer.from(digits.slice(2)));
}
