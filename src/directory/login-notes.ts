// What logins leave behind in the directory: keys of SCRAM that could be made because a password was seen, and when an
// app password was used last. Nobody waits for either, so they are gathered and written together after a second, on
// a connection that waits neither for other writers (it tries again later) nor for the disk: this runs on the thread that
// speaks the protocols, and what a power cut loses is noted again at a later login. They are no changes of the
// configuration and leave no event.

import { openSqlite, type SqliteConnection } from '../database/sqlite.ts';
import type { ScramKeyEntry } from './login-secrets.ts';

export interface NewScramKeys extends ScramKeyEntry {
  readonly mailbox: number;
  readonly hash: string;
}

export interface AppPasswordUse {
  readonly id: number;
  readonly time: number;
  readonly protocol: string;
  readonly address: string;
}

/** A token or a session of the API that somebody has used. */
export interface KeyUse {
  readonly kind: 'token' | 'session';
  readonly id: number | string;
  readonly time: number;
  readonly address: string;
}

const delayMilliseconds = 1000;
/** Beyond this the oldest notes are dropped: keys are made again at the next login. */
const maxPending = 10_000;
/** Writes within one of these show the same last use. */
const useGranularityMilliseconds = 60_000;

const insertKeys = `
  INSERT INTO scram_key (mailbox_id, hash, app_password_id, made_of, salt, iterations, stored_key, server_key)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (mailbox_id, hash, app_password_id) DO UPDATE SET made_of = excluded.made_of, salt = excluded.salt,
    iterations = excluded.iterations, stored_key = excluded.stored_key, server_key = excluded.server_key`;

export class LoginNotes {
  readonly #file: string;
  readonly #onWritten: () => void;
  readonly #keys = new Map<string, NewScramKeys>();
  readonly #uses = new Map<number, AppPasswordUse>();
  readonly #keyUses = new Map<string, KeyUse>();
  /** When each use was written last. */
  readonly #written = new Map<number | string, number>();
  #connection: SqliteConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Closed, or nothing may be written: what comes is forgotten. */
  #isOver: boolean;

  constructor(file: string, isReadonly: boolean, onWritten: () => void) {
    this.#file = file;
    this.#isOver = isReadonly;
    this.#onWritten = onWritten;
  }

  scramKeys(keys: NewScramKeys): void {
    this.#keys.set(`${keys.mailbox} ${keys.hash} ${keys.appPasswordId}`, keys);
    this.#later(this.#keys);
  }

  appPasswordUsed(use: AppPasswordUse): void {
    const before = this.#written.get(use.id);
    if (before !== undefined && use.time - before < useGranularityMilliseconds) return;
    this.#uses.set(use.id, use);
    this.#later(this.#uses);
  }

  keyUsed(use: KeyUse): void {
    const key = `${use.kind} ${use.id}`;
    const before = this.#written.get(key);
    if (before !== undefined && use.time - before < useGranularityMilliseconds) return;
    this.#keyUses.set(key, use);
    this.#later(this.#keyUses);
  }

  /** Writes what has gathered; false where it cannot be now (another program writes, the disk is full): it is tried again. */
  flush(): boolean {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#keys.size + this.#uses.size + this.#keyUses.size === 0) return true;
    try {
      this.#write();
      return true;
    } catch {
      this.#schedule();
      return false;
    }
  }

  close(): void {
    this.flush();
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#connection?.close();
    this.#connection = undefined;
  }

  #later(pending: Map<unknown, unknown>): void {
    if (pending.size > maxPending) pending.delete(pending.keys().next().value);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isOver) {
      this.#keys.clear();
      this.#uses.clear();
      this.#keyUses.clear();
      return;
    }
    this.#timer ??= setTimeout(() => this.flush(), delayMilliseconds).unref();
  }

  #write(): void {
    this.#connection ??= openSqlite(this.#file, { busyTimeout: 0, cacheKib: 1024, synchronous: 'NORMAL' });
    const connection = this.#connection;
    const keys = connection.prepare(insertKeys);
    const use = connection.prepare(
      'UPDATE app_password SET used = ?, used_protocol = ?, used_address = ? WHERE id = ?',
    );
    const tokenUse = connection.prepare('UPDATE api_token SET used = ?, used_address = ? WHERE id = ?');
    const sessionUse = connection.prepare('UPDATE web_session SET seen = ?, address = ? WHERE id = ?');
    connection
      .transaction(() => {
        for (const {
          mailbox,
          hash,
          appPasswordId,
          madeOf,
          salt,
          iterations,
          storedKey,
          serverKey,
        } of this.#keys.values()) {
          const texts = [salt, storedKey, serverKey].map((bytes) => bytes.toString('base64'));
          keys.run(mailbox, hash, appPasswordId, madeOf, texts[0], iterations, texts[1], texts[2]);
        }
        for (const { id, time, protocol, address } of this.#uses.values()) use.run(time, protocol, address, id);
        for (const { kind, id, time, address } of this.#keyUses.values()) {
          if (kind === 'token') tokenUse.run(time, address, id);
          else sessionUse.run(time, address, id);
        }
      })
      .immediate();
    for (const { id, time } of this.#uses.values()) this.#written.set(id, time);
    for (const [key, { time }] of this.#keyUses) this.#written.set(key, time);
    if (this.#written.size > maxPending) this.#written.clear();
    this.#keys.clear();
    this.#uses.clear();
    this.#keyUses.clear();
    this.#onWritten();
  }
}
