// How revisions are named to whom: to administrators of the host by their numbers, to others by marks that tell nothing of
// how much is changed elsewhere. One revision has one mark, so that it can stand in a link; a mark that was made up is none.

import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import type { DirectoryLookups } from '../directory/lookups.ts';
import type { Sight } from './principal.ts';

/** The second half of the one block that is sealed: what has been made up has another. */
const guard = Buffer.from('revision');
const algorithm = 'aes-256-ecb';

export function markOf(revision: number, sight: Sight, lookups: DirectoryLookups): string {
  if (sight.seesAll) return String(revision);
  const block = Buffer.alloc(16, guard);
  block.writeBigUInt64BE(BigInt(revision), 0);
  const cipher = createCipheriv(algorithm, keyOf(lookups), null).setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]).toString('base64url');
}

/** Undefined for what is no mark, and for a number from somebody who is not told numbers. */
export function readMark(mark: string | number, sight: Sight, lookups: DirectoryLookups): number | undefined {
  if (sight.seesAll) {
    const number = Number(mark);
    return Number.isSafeInteger(number) && number > 0 ? number : undefined;
  }
  const sealed = Buffer.from(String(mark), 'base64url');
  if (sealed.length !== 16) return undefined;
  const decipher = createDecipheriv(algorithm, keyOf(lookups), null).setAutoPadding(false);
  const block = Buffer.concat([decipher.update(sealed), decipher.final()]);
  return block.subarray(8).equals(guard) ? Number(block.readBigUInt64BE(0)) : undefined;
}

function keyOf(lookups: DirectoryLookups): Buffer {
  return createHash('sha256')
    .update(`revision ${lookups.identities.secret('page-key') ?? ''}`)
    .digest();
}
