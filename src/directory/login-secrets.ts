// The secrets of a mailbox beside its password, as logins read them: app passwords and the keys of SCRAM. Synchronous
// prepared statements like all lookups that a client waits for (lookups.ts).

import { createHash, createHmac } from 'node:crypto';
import type { SqliteConnection, Statement } from '../database/sqlite.ts';

export interface AppPasswordEntry {
  readonly id: number;
  readonly name: string;
  readonly digest: string;
  /** The password itself, where CRAM-MD5 needs it; else ''. */
  readonly secret: string;
  /** Absent: all. */
  readonly protocols?: readonly string[];
  /** Envelope senders, as `anna@example.com`, `@example.com` or `<>`; absent: all. */
  readonly senders?: readonly string[];
  /** Milliseconds since 1970; 0: never. */
  readonly expires: number;
}

export interface ScramKeyEntry {
  /** 0: the mailbox's own password. */
  readonly appPasswordId: number;
  readonly madeOf: string;
  readonly salt: Buffer;
  readonly iterations: number;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** What binds keys to the stored form of the password they were made of. */
export function fingerprint(stored: string): string {
  return createHash('sha256').update(stored).digest('base64');
}

type ScramKeyColumns = [number, string, string, number, string, string];
type AppPasswordColumns = [number, string, string, string, string, string, number];

const appPasswordColumns = 'id, name, digest, secret, protocols, senders, expires';
const scramKeysSql = `
  SELECT app_password_id, made_of, salt, iterations, stored_key, server_key FROM scram_key
  WHERE mailbox_id = ? AND hash = ?`;
const saltBytes = 16;

export class LoginSecrets {
  readonly #ask: <T>(read: () => T) => T;
  readonly #appPasswords: Statement;
  readonly #byDigest: Statement;
  readonly #scramKeys: Statement;
  readonly #secret: Statement;
  #saltKey: Buffer | undefined;

  constructor(connection: SqliteConnection, ask: <T>(read: () => T) => T) {
    this.#ask = ask;
    const select = `SELECT ${appPasswordColumns} FROM app_password WHERE mailbox_id = ?`;
    this.#appPasswords = connection.prepare(select).raw();
    this.#byDigest = connection.prepare(`${select} AND digest = ?`).raw();
    this.#scramKeys = connection.prepare(scramKeysSql).raw();
    this.#secret = connection.prepare('SELECT value FROM secret WHERE name = ?').pluck();
  }

  appPasswords(mailbox: number): AppPasswordEntry[] {
    return this.#ask(() => this.#appPasswords.all(mailbox) as AppPasswordColumns[]).map(toEntry);
  }

  appPasswordOf(mailbox: number, digest: string): AppPasswordEntry | undefined {
    const row = this.#ask(() => this.#byDigest.get(mailbox, digest) as AppPasswordColumns | undefined);
    return row && toEntry(row);
  }

  scramKeys(mailbox: number, hash: string): ScramKeyEntry[] {
    const rows = this.#ask(() => this.#scramKeys.all(mailbox, hash) as ScramKeyColumns[]);
    return rows.map(([appPasswordId, madeOf, salt, iterations, storedKey, serverKey]) => ({
      appPasswordId,
      madeOf,
      salt: Buffer.from(salt, 'base64'),
      iterations,
      storedKey: Buffer.from(storedKey, 'base64'),
      serverKey: Buffer.from(serverKey, 'base64'),
    }));
  }

  /**
   * The salt of an address for SCRAM, whether there is such a mailbox or not: it does not change when a mailbox is added
   * or gets its keys, so that it tells nothing. Nobody can know it beforehand without the installation's secret.
   */
  scramSalt(address: string, hash: string): Buffer {
    this.#saltKey ??= Buffer.from(
      this.#ask(() => this.#secret.get('scram-salt') as string),
      'base64',
    );
    return createHmac('sha256', this.#saltKey).update(`${hash} ${address}`).digest().subarray(0, saltBytes);
  }
}

function toEntry([id, name, digest, secret, protocols, senders, expires]: AppPasswordColumns): AppPasswordEntry {
  return {
    id,
    name,
    digest,
    secret,
    expires,
    ...(protocols === '' ? {} : { protocols: protocols.split(' ') }),
    ...(senders === '' ? {} : { senders: senders.split(' ') }),
  };
}
