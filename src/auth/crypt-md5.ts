// MD5-CRYPT (`$1$`, Poul-Henning Kamp's, FreeBSD 2.0) and Apache's variant `$apr1$`, which libcrypt does not know.

import { createHash } from 'node:crypto';
import { cryptBase64 } from './crypt-base64.ts';

const rounds = 1000;
const maxSaltBytes = 8;

/** The whole hash of `password` under the setting of `stored`; undefined if it has none. */
export function md5Crypt(password: Buffer, stored: string): string | undefined {
  const match = /^(\$1\$|\$apr1\$)([^$\n:]*)(\$.*)?$/.exec(stored);
  if (!match) return undefined;
  const prefix = match[1] ?? '';
  const salt = Buffer.from(match[2] ?? '').subarray(0, maxSaltBytes);
  const inner = md5(password, salt, password);
  const parts = [password, Buffer.from(prefix), salt, Buffer.alloc(password.length, inner)];
  for (let length = password.length; length > 0; length >>>= 1) {
    // A zero byte, not a byte of the digest: a slip in the original that became the format.
    parts.push((length & 1) === 1 ? Buffer.alloc(1) : password.subarray(0, 1));
  }
  let digest = md5(...parts);
  for (let round = 0; round < rounds; round++) {
    const isOdd = (round & 1) === 1;
    const middle = [...(round % 3 === 0 ? [] : [salt]), ...(round % 7 === 0 ? [] : [password])];
    digest = isOdd ? md5(password, ...middle, digest) : md5(digest, ...middle, password);
  }
  return `${prefix}${salt.toString()}$${encode(digest)}`;
}

function md5(...parts: Buffer[]): Buffer {
  const state = createHash('md5');
  for (const part of parts) state.update(part);
  return state.digest();
}

function encode(digest: Buffer): string {
  const at = (index: number): number => digest[index] ?? 0;
  let text = '';
  for (const [a, b, c] of [
    [0, 6, 12],
    [1, 7, 13],
    [2, 8, 14],
    [3, 9, 15],
    [4, 10, 5],
  ] as const) {
    text += cryptBase64((at(a) << 16) | (at(b) << 8) | at(c), 4);
  }
  return text + cryptBase64(at(11), 2);
}
