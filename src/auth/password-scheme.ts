// Password hashes as Dovecot writes them, `{SCHEME}data` with `.b64` or `.hex` for the encoding, and as crypt(3)
// writes them. A scheme that cannot be computed here is TemporaryError, never "wrong password": a user must not be
// told that the password is wrong because a library is missing. Hashes are left in the scheme that they have.

import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { saslPrepared } from '../lib/saslprep.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { type TextEncoding, toBytes } from './encoding.ts';
import { hashArgon2id } from './phc-argon2.ts';
import { isSame, verifyUnixCrypt } from './unix-crypt.ts';

const derivePbkdf2 = promisify(pbkdf2);

/** What clients may send; Postfix and Dovecot take no more either. */
export const maxPasswordBytes = 1024;

interface Scheme {
  /** How the data stands where the name gives no suffix. */
  readonly encoding: TextEncoding | 'text';
  /** Of the data, where it is fixed: twice as many characters are hexadecimal, whatever the name says (as Dovecot). */
  readonly length?: number;
  verify(password: Buffer, data: Buffer): boolean | undefined | Promise<boolean | undefined>;
}

function digest(algorithm: string): Scheme['verify'] {
  return (password, data) => isSame(createHash(algorithm).update(password).digest(), data);
}

/** The digest, then the salt that was hashed after the password. */
function salted(algorithm: string, length: number): Scheme['verify'] {
  return (password, data) => {
    if (data.length < length) return undefined;
    const actual = createHash(algorithm).update(password).update(data.subarray(length)).digest();
    return isSame(actual, data.subarray(0, length));
  };
}

const plain: Scheme = { encoding: 'text', verify: (password, data) => isSame(password, data) };
const unixCrypt: Scheme = {
  encoding: 'text',
  verify: (password, data) => verifyUnixCrypt(password, data.toString('latin1')),
};

const schemes: Readonly<Record<string, Scheme>> = {
  PLAIN: plain,
  CLEARTEXT: plain,
  CLEAR: plain,
  CRYPT: unixCrypt,
  ARGON2I: unixCrypt,
  ARGON2ID: unixCrypt,
  'BLF-CRYPT': unixCrypt,
  'DES-CRYPT': unixCrypt,
  'MD5-CRYPT': unixCrypt,
  MD5: { encoding: 'text', verify: verifyMd5 },
  'SHA256-CRYPT': unixCrypt,
  'SHA512-CRYPT': unixCrypt,
  SHA: { encoding: 'base64', length: 20, verify: digest('sha1') },
  SHA1: { encoding: 'base64', length: 20, verify: digest('sha1') },
  SHA256: { encoding: 'base64', length: 32, verify: digest('sha256') },
  SHA512: { encoding: 'base64', length: 64, verify: digest('sha512') },
  'PLAIN-MD5': { encoding: 'hex', length: 16, verify: digest('md5') },
  'LDAP-MD5': { encoding: 'base64', length: 16, verify: digest('md5') },
  SMD5: { encoding: 'base64', verify: salted('md5', 16) },
  SSHA: { encoding: 'base64', verify: salted('sha1', 20) },
  SSHA256: { encoding: 'base64', verify: salted('sha256', 32) },
  SSHA512: { encoding: 'base64', verify: salted('sha512', 64) },
  PBKDF2: { encoding: 'text', verify: verifyPbkdf2 },
  'SCRAM-SHA-1': { encoding: 'text', verify: (password, data) => verifyScram('sha1', 20, password, data) },
  'SCRAM-SHA-256': { encoding: 'text', verify: (password, data) => verifyScram('sha256', 32, password, data) },
};

/** New passwords are kept as argon2id, after SASLprep (RFC 4013), so that every keyboard types the same one. */
export async function hashPassword(password: string): Promise<string> {
  return await hashArgon2id(saslPrepared(password) ?? password);
}

/**
 * For a password that this program has made, of a hundred bits and more: nobody can guess it from its sum, however fast sums
 * are computed, and a thousand mailboxes that are added at once take no minutes of argon2.
 */
export function hashMadePassword(password: string): string {
  const salt = randomBytes(16);
  const sum = createHash('sha512').update(password).update(salt).digest();
  return `{SSHA512}${Buffer.concat([sum, salt]).toString('base64')}`;
}

/** Throws TemporaryError where the stored hash cannot be computed here. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const bytes = Buffer.from(password);
  if (bytes.length > maxPasswordBytes || bytes.includes(0)) return false;
  if (await verifyBytes(bytes, stored)) return true;
  // Others hash the bytes as they come, so the prepared form is the second try.
  const prepared = saslPrepared(password);
  return prepared !== undefined && prepared !== password && (await verifyBytes(Buffer.from(prepared), stored));
}

async function verifyBytes(password: Buffer, stored: string): Promise<boolean> {
  const result = await tryVerify(password, stored);
  if (result === undefined) throw new TemporaryError(`unsupported password scheme ${schemeName(stored)}`);
  return result;
}

async function tryVerify(password: Buffer, stored: string): Promise<boolean | undefined> {
  const match = /^\{([A-Za-z0-9-]{1,32})(\.[A-Za-z0-9]{1,8})?\}/.exec(stored);
  if (!match) return await verifyUnixCrypt(password, stored);
  const scheme = schemes[(match[1] ?? '').toUpperCase()];
  if (!scheme) return undefined;
  const text = stored.slice(match[0].length);
  const encoding = suffixEncoding(match[2]) ?? encodingOf(scheme, text);
  const data = encoding === 'text' ? Buffer.from(text) : toBytes(text, encoding);
  return data === undefined ? undefined : await scheme.verify(password, data);
}

function encodingOf({ encoding, length }: Scheme, text: string): Scheme['encoding'] {
  if (length === undefined) return encoding;
  return text.length === length * 2 ? 'hex' : 'base64';
}

/** MD5-CRYPT; or, as tables of other programs have it under this name, a plain sum in hexadecimal or base64. */
function verifyMd5(password: Buffer, data: Buffer): boolean | undefined | Promise<boolean | undefined> {
  const text = data.toString('latin1');
  if (text.startsWith('$')) return verifyUnixCrypt(password, text);
  const sum = toBytes(text, text.length === 32 ? 'hex' : 'base64');
  return sum === undefined || sum.length !== 16 ? undefined : isSame(createHash('md5').update(password).digest(), sum);
}

function suffixEncoding(suffix: string | undefined): TextEncoding | undefined {
  if (suffix === undefined) return undefined;
  return suffix.toLowerCase() === '.hex' ? 'hex' : 'base64';
}

/** Whether a hash of this form can be computed here; a locked one (`!`, shadow(5)) can. */
export function isVerifiable(stored: string): boolean {
  const [, name, suffix = ''] = /^\{([A-Za-z0-9-]{1,32})(\.[A-Za-z0-9]{1,8})?\}./.exec(stored) ?? [];
  if (name !== undefined) return name.toUpperCase() in schemes && /^(?:\.(?:b64|base64|hex))?$/i.test(suffix);
  return /^[*!]|^\$(?:1|5|6|apr1|2[aby]|argon2id?|argon2i|y|gy|7|md5|sha1)\$.|^[./0-9A-Za-z]{13}$/.test(stored);
}

/** The password itself, where it is kept as it is; undefined where nobody can tell. */
export function recoverable(stored: string): string | undefined {
  return /^\{(?:PLAIN|CLEARTEXT|CLEAR)\}(.*)$/is.exec(stored)?.[1];
}

/** For the log: the scheme's name, never any of the hash. */
export function schemeName(stored: string): string {
  return /^(\{[^}]{1,32}\}|\$[a-z0-9]{1,10}\$)/i.exec(stored)?.[0] ?? '(none)';
}

/** Dovecot's `$1$salt$rounds$hash`, HMAC-SHA1, 20 bytes in hexadecimal. */
async function verifyPbkdf2(password: Buffer, data: Buffer): Promise<boolean | undefined> {
  const match = /^\$1\$([^$]*)\$(\d{1,9})\$([0-9a-f]{40})$/.exec(data.toString('latin1'));
  if (!match) return undefined;
  const [, salt = '', rounds = '', hash = ''] = match;
  return isSame(await derivePbkdf2(password, salt, Number(rounds), 20, 'sha1'), Buffer.from(hash, 'hex'));
}

/** `iterations,salt,StoredKey,ServerKey` (RFC 5803 without its scheme word): the password must give StoredKey. */
async function verifyScram(
  algorithm: string,
  length: number,
  password: Buffer,
  data: Buffer,
): Promise<boolean | undefined> {
  const match = /^(\d{1,9}),([^,]+),([^,]+),([^,]+)$/.exec(data.toString('latin1'));
  const salt = toBytes(match?.[2] ?? '-', 'base64');
  const storedKey = toBytes(match?.[3] ?? '-', 'base64');
  if (!match || !salt || !storedKey) return undefined;
  const saltedPassword = await derivePbkdf2(password, salt, Number(match[1]), length, algorithm);
  const clientKey = createHmac(algorithm, saltedPassword).update('Client Key').digest();
  return isSame(createHash(algorithm).update(clientKey).digest(), storedKey);
}
