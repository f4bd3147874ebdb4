// The keys of SCRAM (RFC 5802 §3): what a server keeps in place of a password, and the proofs made of them. Who steals
// StoredKey and ServerKey cannot log in with them, but can try passwords against them: the iterations make that slow,
// though never as slow as argon2id does. Clients based on Cyrus SASL refuse more than 65,536.

import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { isSame } from './unix-crypt.ts';

export type ScramHash = 'sha1' | 'sha256';

export const scramMechanisms: Readonly<Record<ScramHash, string>> = { sha1: 'SCRAM-SHA-1', sha256: 'SCRAM-SHA-256' };
/** Fixed, so that a number which has changed in between does not tell which accounts are older. */
export const scramIterations = 50_000;

const derivePbkdf2 = promisify(pbkdf2);
const digestBytes: Readonly<Record<ScramHash, number>> = { sha1: 20, sha256: 32 };

export interface ScramKeys {
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** Off the main thread. `password` is prepared (RFC 4013). */
export async function deriveScramKeys(
  hash: ScramHash,
  password: string | Buffer,
  salt: Buffer,
  iterations: number,
): Promise<ScramKeys> {
  const salted = await derivePbkdf2(password, salt, iterations, digestBytes[hash], hash);
  const clientKey = createHmac(hash, salted).update('Client Key').digest();
  return {
    storedKey: createHash(hash).update(clientKey).digest(),
    serverKey: createHmac(hash, salted).update('Server Key').digest(),
  };
}

/** Whether the client that made `proof` knows the password of `storedKey`. */
export function isScramProof(hash: ScramHash, storedKey: Buffer, authMessage: string, proof: Buffer): boolean {
  const signature = createHmac(hash, storedKey).update(authMessage).digest();
  if (proof.length !== signature.length) return false;
  const clientKey = Buffer.from(signature.map((byte, index) => byte ^ (proof[index] ?? 0)));
  return isSame(createHash(hash).update(clientKey).digest(), storedKey);
}

export function serverSignature(hash: ScramHash, serverKey: Buffer, authMessage: string): string {
  return createHmac(hash, serverKey).update(authMessage).digest('base64');
}
