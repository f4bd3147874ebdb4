// SHA-256-CRYPT (`$5$`) and SHA-512-CRYPT (`$6$`) after Ulrich Drepper's specification, for machines without libcrypt.
// 5,000 rounds take some 10 ms of JavaScript, so the work gives the event loop a turn every few hundred rounds.

import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { cryptBase64 } from './crypt-base64.ts';

interface Variant {
  readonly prefix: string;
  readonly algorithm: string;
  /** Which three bytes form each group of four characters. */
  readonly order: readonly (readonly [number, number, number])[];
  /** The bytes that are left, as value and number of characters. */
  tail(bytes: Buffer): string;
}

const sha256: Variant = {
  prefix: '$5$',
  algorithm: 'sha256',
  order: [
    [0, 10, 20],
    [21, 1, 11],
    [12, 22, 2],
    [3, 13, 23],
    [24, 4, 14],
    [15, 25, 5],
    [6, 16, 26],
    [27, 7, 17],
    [18, 28, 8],
    [9, 19, 29],
  ],
  tail: (bytes) => cryptBase64((byteAt(bytes, 31) << 8) | byteAt(bytes, 30), 3),
};

const sha512: Variant = {
  prefix: '$6$',
  algorithm: 'sha512',
  // Bytes i, i + 21, i + 42, each row turned by one place more than the one before it.
  order: Array.from({ length: 21 }, (_, index) => {
    const three = [index, index + 21, index + 42];
    const turn = index % 3;
    return [three[turn] ?? 0, three[(turn + 1) % 3] ?? 0, three[(turn + 2) % 3] ?? 0] as const;
  }),
  tail: (bytes) => cryptBase64(byteAt(bytes, 63), 2),
};

const defaultRounds = 5000;
const minRounds = 1000;
const maxRounds = 999_999_999;
const maxSaltBytes = 16;
const roundsPerTurn = 256;

/** The whole hash of `password` under the setting of `stored` (its prefix, rounds and salt); undefined if it has none. */
export async function shaCrypt(password: Buffer, stored: string): Promise<string | undefined> {
  const variant = stored.startsWith('$5$') ? sha256 : stored.startsWith('$6$') ? sha512 : undefined;
  const match = /^\$[56]\$(rounds=(\d{1,10})\$)?([^$\n:]*)(\$.*)?$/.exec(stored);
  if (!variant || !match) return undefined;
  const given = match[2] === undefined ? defaultRounds : Number(match[2]);
  const rounds = Math.min(Math.max(given, minRounds), maxRounds);
  const salt = Buffer.from(match[3] ?? '').subarray(0, maxSaltBytes);
  const digest = await stretch(variant, password, salt, rounds);
  const shownRounds = match[1] === undefined ? '' : `rounds=${rounds}$`;
  let text = '';
  for (const [a, b, c] of variant.order) {
    text += cryptBase64((byteAt(digest, a) << 16) | (byteAt(digest, b) << 8) | byteAt(digest, c), 4);
  }
  return `${variant.prefix}${shownRounds}${salt.toString()}$${text}${variant.tail(digest)}`;
}

/** The numbered steps are the specification's. */
async function stretch(variant: Variant, password: Buffer, salt: Buffer, rounds: number): Promise<Buffer> {
  const hash = (...parts: Buffer[]): Buffer => {
    const state = createHash(variant.algorithm);
    for (const part of parts) state.update(part);
    return state.digest();
  };
  // 4-8
  const b = hash(password, salt, password);
  // 1-3, 9-12
  const parts = [password, salt, repeated(b, password.length)];
  for (let length = password.length; length > 0; length >>>= 1) parts.push((length & 1) === 1 ? b : password);
  let digest = hash(...parts);
  // 13-16, 17-20
  const p = repeated(hash(...Array.from({ length: password.length }, () => password)), password.length);
  const s = repeated(hash(...Array.from({ length: 16 + byteAt(digest, 0) }, () => salt)), salt.length);
  // 21
  for (let round = 0; round < rounds; round++) {
    if (round % roundsPerTurn === roundsPerTurn - 1) await nextTurn();
    const isOdd = (round & 1) === 1;
    const middle = [...(round % 3 === 0 ? [] : [s]), ...(round % 7 === 0 ? [] : [p])];
    digest = isOdd ? hash(p, ...middle, digest) : hash(digest, ...middle, p);
  }
  return digest;
}

/** `length` bytes of `bytes` written over and over. */
function repeated(bytes: Buffer, length: number): Buffer {
  return Buffer.alloc(length, bytes);
}

function byteAt(bytes: Buffer, index: number): number {
  return bytes[index] ?? 0;
}
