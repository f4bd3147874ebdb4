// Marks that say where a page of history, or somebody's hearing of events, has ended: the number of an event, sealed, since
// it tells how much goes on elsewhere.

import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { DirectoryLookups } from '../directory/lookups.ts';
import { fail } from './problem.ts';

export class PageMarks {
  readonly #key: Buffer;

  constructor(lookups: DirectoryLookups) {
    this.#key = createHash('sha256')
      .update(lookups.identities.secret('page-key') ?? '')
      .digest();
  }

  write(id: number): string {
    return this.seal(String(id).padStart(16));
  }

  /** `place` is of one length for all, or the length would tell. */
  seal(place: string): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    const text = Buffer.concat([cipher.update(place), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url');
  }

  /** Undefined for what is no mark of ours. */
  tryRead(mark: string): number | undefined {
    const place = this.#tryOpen(mark);
    return place === undefined ? undefined : Number(place);
  }

  read(mark: string): number {
    return Number(this.open(mark));
  }

  open(mark: string): string {
    return this.#tryOpen(mark) ?? fail(422, 'invalid-field', '"after" is not the end of a page', { field: 'after' });
  }

  #tryOpen(mark: string): string | undefined {
    try {
      const bytes = Buffer.from(mark, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString();
    } catch {
      return undefined;
    }
  }
}
