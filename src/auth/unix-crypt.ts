// crypt(3) hashes, told apart by their beginning. bcrypt and argon2 have their own libraries; the rest asks the
// system's libcrypt and falls back on our own code for DES, MD5, SHA-256 and SHA-512.

import { timingSafeEqual } from 'node:crypto';
import { desCrypt } from './crypt-des.ts';
import { md5Crypt } from './crypt-md5.ts';
import { shaCrypt } from './crypt-sha.ts';
import { libcrypt } from './libcrypt.ts';
import { verifyArgon2 } from './phc-argon2.ts';

/** Undefined: not a hash that can be computed here. */
export async function verifyUnixCrypt(password: Buffer, stored: string): Promise<boolean | undefined> {
  // `*` and `!` lock an account (shadow(5)): no password is right.
  if (/^[*!]/.test(stored)) return false;
  if (stored.startsWith('$argon2')) return await verifyArgon2(password, stored);
  if (/^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/.test(stored)) {
    // Loaded when somebody has such a hash.
    const { verify } = await import('@node-rs/bcrypt');
    return await verify(password, stored);
  }
  const computed = (await systemCrypt(password, stored)) ?? (await ownCrypt(password, stored));
  return computed === undefined ? undefined : isSame(computed, stored);
}

async function systemCrypt(password: Buffer, stored: string): Promise<string | undefined> {
  if (!/^(\$[a-z0-9]|_|[./0-9A-Za-z]{13}$)/.test(stored)) return undefined;
  return await libcrypt()?.(password, stored);
}

/** Ours alone: also what tests compare with the system's. */
export async function ownCrypt(password: Buffer, stored: string): Promise<string | undefined> {
  if (stored.startsWith('$1$') || stored.startsWith('$apr1$')) return md5Crypt(password, stored);
  if (stored.startsWith('$5$') || stored.startsWith('$6$')) return await shaCrypt(password, stored);
  return stored.startsWith('$') ? undefined : desCrypt(password, stored);
}

/** Without telling by its duration how much is right. */
export function isSame(one: string | Buffer, other: string | Buffer): boolean {
  const a = Buffer.from(one);
  const b = Buffer.from(other);
  return a.length === b.length && timingSafeEqual(a, b);
}
