// By what, from where and when somebody has logged in lately, or has failed to: one row for each way and address, so that a
// program that asks each minute is one row and does not hide the others. A stranger with many addresses pushes out other
// failures, never the logins that were right. Bounded for each person, in memory, and in what is written at a time.

import type { SqliteConnection } from '../database/sqlite.ts';
import { RecentMap } from '../lib/recent-map.ts';
import type { Owner } from './api-tokens.ts';
import type { DirectoryDatabase } from './database.ts';
import { parseAddress } from './mail-address.ts';
import { needMailbox } from './mailbox-rows.ts';

export type LoginOutcome = 'in' | 'failed';

export interface LoginNote {
  readonly owner: Owner;
  readonly outcome: LoginOutcome;
  readonly protocol: string;
  /** '' where the client was no network's. */
  readonly address: string;
  readonly time: number;
}

export interface RecentLoginInfo {
  readonly outcome: LoginOutcome;
  readonly protocol: string;
  readonly address: string;
  /** The first and the last time, milliseconds since 1970. */
  readonly since: number;
  readonly time: number;
}

/** Of each outcome. */
const maxKept = 20;
/** Once within so long for each way and address. */
const granularityMilliseconds = 60_000;
const maxPending = 1000;
/** At a time: failures are strangers' to cause. */
const maxWritten = { in: 200, failed: 20 } as const;
const maxRemembered = 10_000;

const insert = `
  INSERT INTO recent_login (owner_kind, owner_id, outcome, protocol, address, since, time)
  SELECT @kind, @id, @outcome, @protocol, @address, @time, @time
  WHERE (@kind = 'mailbox' AND EXISTS (SELECT 1 FROM mailbox WHERE id = @id))
     OR (@kind = 'admin' AND EXISTS (SELECT 1 FROM admin WHERE id = @id))
  ON CONFLICT (owner_kind, owner_id, outcome, protocol, address) DO UPDATE SET time = excluded.time`;

const forgetOldest = `
  DELETE FROM recent_login WHERE owner_kind = @kind AND owner_id = @id AND outcome = @outcome AND time < (
    SELECT time FROM recent_login WHERE owner_kind = @kind AND owner_id = @id AND outcome = @outcome
    ORDER BY time DESC LIMIT 1 OFFSET ${maxKept - 1})`;

/** What waits to be written. */
export class RecentLoginNotes {
  readonly #pending: Readonly<Record<LoginOutcome, Map<string, LoginNote>>> = { in: new Map(), failed: new Map() };
  readonly #written = new RecentMap<string, number>(maxRemembered);

  get size(): number {
    return this.#pending.in.size + this.#pending.failed.size;
  }

  /** False: it was noted a moment ago, or too many wait. */
  add(note: LoginNote): boolean {
    const key = keyOf(note);
    const before = this.#written.get(key);
    if (before !== undefined && note.time - before < granularityMilliseconds) return false;
    const pending = this.#pending[note.outcome];
    if (pending.size >= maxPending && !pending.has(key)) return false;
    pending.set(key, note);
    return true;
  }

  clear(): void {
    this.#pending.in.clear();
    this.#pending.failed.clear();
  }

  /** Those that are to be written now; what is left of failures is too much. */
  next(): LoginNote[] {
    const { in: right, failed } = this.#pending;
    return [...[...right.values()].slice(0, maxWritten.in), ...[...failed.values()].slice(0, maxWritten.failed)];
  }

  /** Within a transaction. */
  write(connection: SqliteConnection, notes: readonly LoginNote[]): void {
    if (notes.length === 0) return;
    const statements = [connection.prepare(insert), connection.prepare(forgetOldest)] as const;
    for (const { owner, outcome, protocol, address, time } of notes) {
      const person = { kind: owner.kind, id: owner.id, outcome };
      statements[0].run({ ...person, protocol: protocol.slice(0, 16), address: address.slice(0, 64), time });
      statements[1].run(person);
    }
  }

  written(notes: readonly LoginNote[]): void {
    for (const note of notes) {
      this.#pending[note.outcome].delete(keyOf(note));
      this.#written.set(keyOf(note), note.time);
    }
    this.#pending.failed.clear();
  }
}

function keyOf({ owner, outcome, protocol, address }: LoginNote): string {
  return `${owner.kind} ${owner.id} ${outcome} ${protocol} ${address}`;
}

export class RecentLogins {
  readonly #db: DirectoryDatabase;

  constructor(db: DirectoryDatabase) {
    this.#db = db;
  }

  /** As `list`; refuses with what to type where there is no such mailbox. */
  async ofMailbox(address: string): Promise<RecentLoginInfo[]> {
    return await this.list({ kind: 'mailbox', id: (await needMailbox(this.#db, parseAddress(address))).id });
  }

  /** The newest first. */
  async list({ kind, id }: Owner): Promise<RecentLoginInfo[]> {
    return await this.#db
      .selectFrom('recent_login')
      .select(['outcome', 'protocol', 'address', 'since', 'time'])
      .where('owner_kind', '=', kind)
      .where('owner_id', '=', id)
      .orderBy('time', 'desc')
      .execute();
  }
}
