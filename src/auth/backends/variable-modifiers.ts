// What may be done to a variable's value before it enters a template (Dovecot's Variables page): one-letter modifiers
// from left to right, hash functions by name, and last the part of it that is wanted, `%OFFSET.WIDTHvariable`.

import { createHash, getHashes } from 'node:crypto';

export interface ValuePart {
  readonly offset: number;
  /** 0: all of it. A negative one counts from the end. */
  readonly width: number;
  /** `%04n`: not cut, but filled up with zeros. */
  readonly isPadded: boolean;
}

export const wholeValue: ValuePart = { offset: 0, width: 0, isPadded: false };

type Modifier = (value: string, limit: number) => string;

/** Those that take the part for themselves: `%256Nu` is 0 ... ff, `%2.256Nu` is 00 ... ff. */
const limited = new Set(['N', 'H']);

const modifiers: Readonly<Record<string, Modifier>> = {
  L: (value) => value.toLowerCase(),
  U: (value) => value.toUpperCase(),
  E: (value) => value.replaceAll(/["'\\]/g, '\\$&'),
  X: toHexNumber,
  R: (value) => Array.from(value).toReversed().join(''),
  N: newHash,
  H: oldHash,
  M: (value) => createHash('md5').update(value).digest('hex'),
  D: (value) => value.replaceAll('.', ',dc='),
  T: (value) => value.replace(/[ \t]+$/, ''),
};

export function isModifier(letter: string): boolean {
  return letter !== '' && letter in modifiers;
}

export function modify(value: string, letters: string, part: ValuePart): string {
  let modified = value;
  let wanted = part;
  for (const letter of letters) {
    modified = modifiers[letter]?.(modified, Math.max(wanted.width, 0)) ?? modified;
    if (!limited.has(letter)) continue;
    modified = modified.padStart(Math.max(wanted.offset, 0), '0');
    wanted = wholeValue;
  }
  return takePart(modified, wanted);
}

function takePart(value: string, { offset, width, isPadded }: ValuePart): string {
  // A negative offset that points before the beginning means the beginning.
  const start = offset < 0 ? Math.max(value.length + offset, 0) : offset;
  const rest = value.slice(start);
  if (isPadded) return rest.padStart(width, '0');
  if (width === 0) return rest;
  return width > 0 ? rest.slice(0, width) : rest.slice(0, Math.max(rest.length + width, 0));
}

function toHexNumber(value: string): string {
  const digits = /^\s*(\d{1,19})/.exec(value)?.[1] ?? '0';
  return BigInt(digits).toString(16);
}

/** From the middle of the MD5 sum, so that names which end alike spread. */
function newHash(value: string, limit: number): string {
  const sum = createHash('md5').update(value).digest().readBigUInt64BE(0);
  return (limit === 0 ? sum & 0xffff_ffffn : sum % BigInt(limit)).toString(16);
}

/** P. J. Weinberger's. */
function oldHash(value: string, limit: number): string {
  let hash = 0;
  for (const octet of Buffer.from(value)) {
    hash = ((hash << 4) >>> 0) + octet;
    const high = hash & 0xf000_0000;
    if (high !== 0) hash = (hash ^ (high >>> 24) ^ high) >>> 0;
  }
  return (limit === 0 ? hash : hash % limit).toString(16);
}

export interface HashCall {
  readonly algorithm: string;
  readonly rounds: number;
  readonly salt: string;
  /** Bits; 0: all. */
  readonly truncate: number;
  readonly format: 'hex' | 'hexuc' | 'base64';
}

const maxRounds = 100_000;

/** `sha256;rounds=3,salt=ab,truncate=32,format=base64`; undefined where that is none. */
export function parseHashCall(text: string): HashCall | undefined {
  const [algorithm = '', options = ''] = text.split(';', 2);
  const isHash = /^(md5|sha1|sha224|sha256|sha384|sha512|sha3-256|sha3-512)$/.test(algorithm);
  if (!isHash || !getHashes().includes(algorithm)) return undefined;
  const call = { algorithm, rounds: 1, salt: '', truncate: 0, format: 'hex' as HashCall['format'] };
  for (const option of options.split(',').filter((one) => one !== '')) {
    const [name = '', value = ''] = option.split(/=(.*)/s, 2);
    if (name === 'rounds' && /^\d{1,6}$/.test(value) && Number(value) <= maxRounds) call.rounds = Number(value) || 1;
    else if (name === 'truncate' && /^\d{1,4}$/.test(value)) call.truncate = Number(value);
    else if (name === 'salt') call.salt = value;
    else if (name === 'format' && (value === 'hex' || value === 'hexuc' || value === 'base64')) call.format = value;
    else return undefined;
  }
  return call;
}

export function hashValue(value: string, { algorithm, rounds, salt, truncate, format }: HashCall): string {
  let digest: Buffer = Buffer.from(value);
  for (let round = 0; round < rounds; round++) digest = createHash(algorithm).update(salt).update(digest).digest();
  if (truncate > 0 && truncate < digest.length * 8) digest = keepBits(digest, truncate);
  const text = digest.toString(format === 'base64' ? 'base64' : 'hex');
  return format === 'hexuc' ? text.toUpperCase() : text;
}

/** The first bits, as a number. */
function keepBits(digest: Buffer, bits: number): Buffer {
  const bytes = Math.ceil(bits / 8);
  const number = BigInt(`0x${digest.subarray(0, bytes).toString('hex')}`) >> BigInt(bytes * 8 - bits);
  return Buffer.from(number.toString(16).padStart(bytes * 2, '0'), 'hex');
}
