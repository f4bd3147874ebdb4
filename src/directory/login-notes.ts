// What logins leave behind in the directory: keys of SCRAM that could be made because a password was seen, when a mailbox
// was last logged in to, and when an app password was used last. Nobody waits for them, so they are gathered and written
// together after a second, on a connection that waits neither for other writers (it tries again later) nor for the disk:
// this runs on the thread that speaks the protocols, and what a power cut loses is noted again at a later login. They are
// no changes of the configuration and leave no event.

import { openSqlite, type SqliteConnection } from '../database/sqlite.ts';
import type { ScramKeyEntry } from './login-secrets.ts';
import { type LoginNote, RecentLoginNotes } from './recent-logins.ts';

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

export interface LastLogin {
  readonly mailbox: number;
  readonly time: number;
  readonly protocol: string;
  readonly address: string;
}

const delayMilliseconds = 1000;
/** Beyond this the oldest notes are dropped: keys are made again at the next login. */
const maxPending = 10_000;
/** So many at a time, a few milliseconds of the thread that speaks the protocols; the rest a moment later. */
const maxWritten = 500;
/** Writes within one of these show the same last use. */
const useGranularityMilliseconds = 60_000;

const insertKeys = `
  INSERT INTO scram_key (mailbox_id, hash, app_password_id, made_of, salt, iterations, stored_key, server_key)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (mailbox_id, hash, app_password_id) DO UPDATE SET made_of = excluded.made_of, salt = excluded.salt,
    iterations = excluded.iterations, stored_key = excluded.stored_key, server_key = excluded.server_key`;

/** Of a mailbox that is there: one that has been forgotten in between leaves nothing. */
const insertLogin = `
  INSERT INTO last_login (mailbox_id, time, protocol, address)
  SELECT id, @time, @protocol, @address FROM mailbox WHERE id = @mailbox
  ON CONFLICT (mailbox_id) DO UPDATE SET time = excluded.time, protocol = excluded.protocol, address = excluded.address`;

export class LoginNotes {
  readonly #file: string;
  readonly #open: (file: string) => SqliteConnection;
  readonly #onWritten: () => void;
  readonly #keys = new Map<string, NewScramKeys>();
  readonly #uses = new Map<number, AppPasswordUse>();
  readonly #keyUses = new Map<string, KeyUse>();
  readonly #logins = new Map<number, LastLogin>();
  readonly #recent = new RecentLoginNotes();
  /** When each use, and each login, was written last. */
  readonly #written = new Map<number | string, number>();
  readonly #writtenLogins = new Map<number, number>();
  #connection: SqliteConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Closed, or nothing may be written: what comes is forgotten. */
  #isOver: boolean;

  /** `open`: where the directory is on a server, a connection whose changes are sent there. */
  constructor(file: string, isReadonly: boolean, onWritten: () => void, open = openNotes) {
    this.#file = file;
    this.#open = open;
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

  /** Somebody has been let in to a mailbox. */
  loggedIn(login: LastLogin): void {
    const { mailbox, ...rest } = login;
    this.tried({ ...rest, owner: { kind: 'mailbox', id: mailbox }, outcome: 'in' });
    const before = this.#writtenLogins.get(login.mailbox);
    if (before !== undefined && login.time - before < useGranularityMilliseconds) return;
    this.#logins.set(login.mailbox, login);
    this.#later(this.#logins);
  }

  /** Somebody has logged in, or has given a wrong secret. */
  tried(note: LoginNote): void {
    if (this.#recent.add(note)) this.#schedule();
  }

  /** Writes what has gathered; false where it cannot be now (another program writes, the disk is full): it is tried again. */
  flush(isLast = false): boolean {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isEmpty) return true;
    try {
      do this.#write();
      while (isLast && !this.#isEmpty);
      if (!this.#isEmpty) this.#schedule();
      return true;
    } catch {
      this.#schedule();
      return false;
    }
  }

  close(): void {
    this.flush(true);
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
      this.#logins.clear();
      this.#recent.clear();
      return;
    }
    this.#timer ??= setTimeout(() => this.flush(), delayMilliseconds).unref();
  }

  #write(): void {
    this.#connection ??= this.#open(this.#file);
    const connection = this.#connection;
    const statements = {
      keys: connection.prepare(insertKeys),
      use: connection.prepare('UPDATE app_password SET used = ?, used_protocol = ?, used_address = ? WHERE id = ?'),
      token: connection.prepare('UPDATE api_token SET used = ?, used_address = ? WHERE id = ?'),
      session: connection.prepare('UPDATE web_session SET seen = ?, address = ? WHERE id = ?'),
      login: connection.prepare(insertLogin),
    };
    const keys = [...this.#keys].slice(0, maxWritten);
    const uses = [...this.#uses.values()].slice(0, maxWritten);
    const keyUses = [...this.#keyUses].slice(0, maxWritten);
    const logins = [...this.#logins.values()].slice(0, maxWritten);
    const recent = this.#recent.next();
    connection
      .transaction(() => {
        for (const [, entry] of keys) statements.keys.run(...columnsOf(entry));
        for (const { id, time, protocol, address } of uses) statements.use.run(time, protocol, address, id);
        for (const [, { kind, id, time, address }] of keyUses) statements[kind].run(time, address, id);
        for (const { mailbox, time, protocol, address } of logins) {
          statements.login.run({ mailbox, time, protocol, address });
        }
        this.#recent.write(connection, recent);
      })
      .immediate();
    for (const [name] of keys) this.#keys.delete(name);
    for (const { id, time } of uses) {
      this.#uses.delete(id);
      this.#written.set(id, time);
    }
    for (const [key, { time }] of keyUses) {
      this.#keyUses.delete(key);
      this.#written.set(key, time);
    }
    for (const { mailbox, time } of logins) {
      this.#logins.delete(mailbox);
      this.#writtenLogins.set(mailbox, time);
    }
    this.#recent.written(recent);
    for (const written of [this.#written, this.#writtenLogins]) if (written.size > maxPending) written.clear();
    this.#onWritten();
  }

  get #isEmpty(): boolean {
    return this.#keys.size + this.#uses.size + this.#keyUses.size + this.#logins.size + this.#recent.size === 0;
  }
}

function columnsOf(entry: NewScramKeys): (string | number)[] {
  const { mailbox, hash, appPasswordId, madeOf, salt, iterations, storedKey, serverKey } = entry;
  const [salted = '', stored = '', server = ''] = [salt, storedKey, serverKey].map((bytes) => bytes.toString('base64'));
  return [mailbox, hash, appPasswordId, madeOf, salted, iterations, stored, server];
}

/** It waits neither for other writers nor for the disk. */
export function openNotes(file: string): SqliteConnection {
  return openSqlite(file, { busyTimeout: 0, cacheKib: 1024, synchronous: 'NORMAL' });
}
