// Makes an input from a target's examples: every input follows from (seed, number) alone, so that one that fails
// can be made again.

import { Random } from '../harness/random.ts';

export interface Material {
  /** Well-formed and odd examples. */
  readonly examples: readonly Buffer[];
  /** Words and signs that mean something to the parser. */
  readonly words: readonly string[];
  readonly maxBytes: number;
}

const odd = ['\0', '\r', '\n', '\r\n', '\t', ' ', '"', '\\', '\x7f', '\x80', '\xff', 'é', '😀', '{', '}', '(', ')'];
const numbers = ['0', '1', '-1', '4294967295', '4294967296', '9007199254740993', '99999999999999999999999', '1e309'];

export function makeInput(material: Material, seed: number, number: number): Buffer {
  const random = new Random((Math.imul(seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b)) >>> 0);
  let bytes = random.chance(3) ? randomBytes(random, random.below(200)) : Buffer.from(random.pick(material.examples));
  for (let changes = random.below(8); changes > 0; changes--) bytes = change(bytes, material, random);
  return bytes.length > material.maxBytes ? bytes.subarray(0, material.maxBytes) : bytes;
}

function change(bytes: Buffer, material: Material, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + random.below(random.chance(80) ? 8 : 400));
  switch (random.below(9)) {
    case 0:
      return splice(bytes, at, at, Buffer.from(random.pick(material.words), 'latin1'));
    case 1:
      return splice(bytes, at, to, Buffer.alloc(0));
    case 2:
      return splice(bytes, at, at, bytes.subarray(at, to));
    case 3:
      return splice(bytes, at, at, Buffer.from(random.pick(random.chance(70) ? odd : numbers)));
    case 4:
      return splice(bytes, at, Math.min(bytes.length, at + 1), Buffer.from([random.below(256)]));
    case 5:
      return splice(bytes, at, to, randomBytes(random, to - at));
    case 6: {
      // A piece of another example: what the one leaves open, the other closes.
      const other = random.pick(material.examples);
      const from = random.below(other.length + 1);
      return splice(bytes, at, to, other.subarray(from, from + random.below(300)));
    }
    case 7: {
      // Many of a thing: depth, length, and what is quadratic.
      const unit = Buffer.from(random.chance(60) ? random.pick(material.words) : random.pick(odd), 'latin1');
      const times = random.chance(90) ? random.below(50) : random.below(Math.ceil(material.maxBytes / unit.length) + 1);
      return splice(bytes, at, at, repeat(unit, times));
    }
    default:
      return bytes.subarray(0, at);
  }
}

function splice(bytes: Buffer, from: number, to: number, insert: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, from), insert, bytes.subarray(to)]);
}

function repeat(unit: Buffer, times: number): Buffer {
  return Buffer.alloc(unit.length * times, unit);
}

function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = random.below(256);
  return bytes;
}
