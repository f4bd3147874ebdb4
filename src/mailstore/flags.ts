// Arithmetic on flag bits. A number holds 53 bits exactly, JavaScript's operators only 32: the two halves
// are combined apart.

import { deletedBit, type FlagBits, firstKeywordBit, seenBit } from './types.ts';

const half = 2 ** 32;

function combine(a: FlagBits, b: FlagBits, operate: (x: number, y: number) => number): FlagBits {
  const low = operate(a >>> 0, b >>> 0) >>> 0;
  if (a < half && b < half) return low;
  const high = operate(Math.floor(a / half), Math.floor(b / half)) >>> 0;
  return high * half + low;
}

export function withFlags(bits: FlagBits, added: FlagBits): FlagBits {
  return combine(bits, added, (x, y) => x | y);
}

export function withoutFlags(bits: FlagBits, removed: FlagBits): FlagBits {
  return combine(bits, removed, (x, y) => x & ~y);
}

export function isSeen(bits: FlagBits): boolean {
  return (bits & seenBit) !== 0;
}

export function isDeleted(bits: FlagBits): boolean {
  return (bits & deletedBit) !== 0;
}

/** The bit of keyword number `index` of a folder. */
export function keywordBit(index: number): FlagBits {
  return 2 ** (firstKeywordBit + index);
}
