// The queue as a whole, for commands that look at it beside a running server: page by page, each page a read of its own, so
// that a million messages neither hold back the write-ahead log nor fill the memory.

import fs from 'node:fs';
import path from 'node:path';
import { openSqlite, type SqliteConnection, type Statement } from '../database/sqlite.ts';
import { storeFile } from './store-reader.ts';

/** Row (for the next page), message, address, arrival, size, hold, attempts: an array, as there may be a million. */
export type SurveyedRecipient = readonly [number, string, string, number, number, number, number];

/** One message, to be named among all. */
export interface SurveyedMessage {
  readonly id: string;
  readonly sender: string;
  readonly arrival: number;
  readonly size: number;
  /** One of those who wait for it, and why. */
  readonly recipient: string;
  readonly reason: string;
}

/** Undefined where there is no store yet. */
export function openQueueSurvey(dataDirectory: string): QueueSurvey | undefined {
  const file = path.join(dataDirectory, storeFile);
  return fs.existsSync(file)
    ? new QueueSurvey(openSqlite(file, { readonly: true, busyTimeout: 2000, cacheKib: 65_536 }))
    : undefined;
}

export class QueueSurvey {
  readonly #database: SqliteConnection;
  readonly #pages: Readonly<Record<'sender' | 'recipient', Statement>>;
  readonly #counts: Statement;
  readonly #site: Statement;
  readonly #message: Statement;

  constructor(database: SqliteConnection) {
    this.#database = database;
    const page = (address: string): Statement =>
      database
        .prepare(
          `SELECT r.id, r.message, ${address}, m.arrival, m.size, m.hold, m.attempts
           FROM queue_recipient r JOIN queue_message m ON m.id = r.message WHERE r.id > ? ORDER BY r.id LIMIT ?`,
        )
        .raw();
    this.#pages = { sender: page('m.sender'), recipient: page('r.recipient') };
    // The index alone answers.
    this.#counts = database.prepare('SELECT count(*) AS messages, coalesce(sum(hold), 0) AS hold FROM queue_message');
    this.#site = database.prepare(
      'SELECT id AS row, message, recipient FROM queue_recipient WHERE id > ? ORDER BY id LIMIT ?',
    );
    this.#message = database.prepare(
      `SELECT m.id, m.sender, m.arrival, m.size, r.recipient, r.reason
       FROM queue_message m JOIN queue_recipient r ON r.message = m.id WHERE m.id = ? ORDER BY r.id LIMIT 1`,
    );
  }

  counts(): { readonly messages: number; readonly hold: number } {
    return this.#counts.get() as { messages: number; hold: number };
  }

  /** Recipients that wait, in the order of their rows, behind `after` (0: from the start). */
  recipients(address: 'sender' | 'recipient', after: number, limit: number): SurveyedRecipient[] {
    return this.#pages[address].all(after, limit) as SurveyedRecipient[];
  }

  /** Recipients' addresses alone. */
  addresses(after: number, limit: number): { readonly row: number; message: string; readonly recipient: string }[] {
    return this.#site.all(after, limit) as { row: number; message: string; recipient: string }[];
  }

  /** Undefined where it has left. */
  message(id: string): SurveyedMessage | undefined {
    return this.#message.get(id) as SurveyedMessage | undefined;
  }

  close(): void {
    this.#database.close();
  }
}
