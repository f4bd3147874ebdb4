// The traditional crypt(3): 25 rounds of DES over zeros, the salt swapping bits of its expansion. Eight characters of
// the password count, seven bits of each: kept only because old password files have it. Bits as arrays: slow (some
// 10 ms) but plain, and asked for seldom.

import { cryptBase64Value } from './crypt-base64.ts';
import {
  expansion,
  finalPermutation,
  initialPermutation,
  keyChoice1,
  keyChoice2,
  keyShifts,
  permutation,
  substitution,
} from './des-tables.ts';

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const iterations = 25;

/** The whole hash (13 characters) of `password` under the salt of `stored`; undefined if that is not such a hash. */
export function desCrypt(password: Buffer, stored: string): string | undefined {
  if (!/^[./0-9A-Za-z]{13}$/.test(stored)) return undefined;
  const keys = schedule(password);
  const salted = saltExpansion(stored);
  let block = new Uint8Array(64);
  for (let round = 0; round < iterations; round++) block = encrypt(block, keys, salted);
  let text = stored.slice(0, 2);
  // 64 bits as eleven characters, most significant first, two zero bits at the end.
  for (let start = 0; start < 66; start += 6) {
    let value = 0;
    for (let bit = start; bit < start + 6; bit++) value = (value << 1) | (block[bit] ?? 0);
    text += alphabet.charAt(value);
  }
  return text;
}

/** Bit i of the salt swaps bits i and i + 24 of the expansion. */
function saltExpansion(stored: string): Uint8Array {
  const table = Uint8Array.from(expansion);
  const salt = cryptBase64Value(stored.charAt(0)) | (cryptBase64Value(stored.charAt(1)) << 6);
  for (let bit = 0; bit < 12; bit++) {
    if (((salt >> bit) & 1) === 0) continue;
    const low = table[bit] ?? 0;
    table[bit] = table[bit + 24] ?? 0;
    table[bit + 24] = low;
  }
  return table;
}

function schedule(password: Buffer): Uint8Array[] {
  const key = new Uint8Array(64);
  for (let index = 0; index < 8 && index < password.length && password[index] !== 0; index++) {
    // The low seven bits; the eighth bit of each key byte is parity and not used.
    for (let bit = 0; bit < 7; bit++) key[index * 8 + bit] = ((password[index] ?? 0) >> (6 - bit)) & 1;
  }
  let halves = pick(key, keyChoice1);
  return keyShifts.map((shift) => {
    const left = halves.subarray(0, 28);
    const right = halves.subarray(28);
    halves = Uint8Array.from([
      ...left.subarray(shift),
      ...left.subarray(0, shift),
      ...right.subarray(shift),
      ...right.subarray(0, shift),
    ]);
    return pick(halves, keyChoice2);
  });
}

function encrypt(block: Uint8Array, keys: readonly Uint8Array[], salted: Uint8Array): Uint8Array<ArrayBuffer> {
  const start = pick(block, initialPermutation);
  let left = start.slice(0, 32);
  let right = start.slice(32);
  for (const key of keys) {
    const mixed = feistel(right, key, salted);
    for (let bit = 0; bit < 32; bit++) mixed[bit] = (mixed[bit] ?? 0) ^ (left[bit] ?? 0);
    left = right;
    right = mixed;
  }
  const joined = new Uint8Array(64);
  joined.set(right, 0);
  joined.set(left, 32);
  return pick(joined, finalPermutation);
}

function feistel(right: Uint8Array, key: Uint8Array, salted: Uint8Array): Uint8Array<ArrayBuffer> {
  const output = new Uint8Array(32);
  for (let box = 0; box < 8; box++) {
    const bit = (place: number): number => {
      const index = box * 6 + place;
      return (right[(salted[index] ?? 1) - 1] ?? 0) ^ (key[index] ?? 0);
    };
    const row = (bit(0) << 1) | bit(5);
    const column = (bit(1) << 3) | (bit(2) << 2) | (bit(3) << 1) | bit(4);
    const value = substitution[box]?.[row * 16 + column] ?? 0;
    for (let place = 0; place < 4; place++) output[box * 4 + place] = (value >> (3 - place)) & 1;
  }
  return pick(output, permutation);
}

/** New bits taken from `bits` by a table of bit numbers from 1. */
function pick(bits: Uint8Array, table: readonly number[]): Uint8Array<ArrayBuffer> {
  const picked = new Uint8Array(table.length);
  for (let index = 0; index < table.length; index++) picked[index] = bits[(table[index] ?? 1) - 1] ?? 0;
  return picked;
}
