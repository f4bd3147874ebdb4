// Everything that is read from store.db: raw prepared statements on a read-only connection, each answer
// bounded, none held open over an await.

import path from 'node:path';
import type { SqliteConnection, Statement } from '../database/sqlite.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { PassingBytes } from '../lib/passing-bytes.ts';
import { type ContentColumns, openContentReader } from './content-reader.ts';
import { type FolderColumns, toFolderRow } from './operations/group.ts';
import { accountKeys, type AccountRow, mismatch, readAccounts } from './operations/books.ts';
import type { ImportedRow } from './import-types.ts';
import type {
  Content,
  ContentReader,
  FolderRow,
  Head,
  MessageRow,
  QueueMessage,
  QueueRecipient,
  QuotaUsage,
  RecipientState,
} from './types.ts';

const maxRows = 500;

export interface QueueNumbers {
  readonly messages: number;
  readonly hold: number;
  readonly recipients: number;
  /** False: there are more messages, perhaps more on hold. */
  readonly isExact: boolean;
}

type FolderWithSubscription = FolderColumns & { subscribed: number };

interface QueueColumns {
  id: string;
  content: number;
  size: number;
  sender: string;
  arrival: number;
  next_attempt: number;
  attempts: number;
  ret: string;
  envid: string;
  smtputf8: number;
  eight_bit: number;
  warned: number;
  hold: number;
  verp?: string;
}

const folderQuery = `SELECT folder.*, EXISTS (SELECT 1 FROM subscription s WHERE s.mailbox = folder.mailbox AND s.name = folder.name) AS subscribed FROM folder`;
const messageQuery =
  'SELECT uid, modseq, flags, size, internal_date AS internalDate, content FROM message WHERE folder = ?';

export class StoreReads {
  readonly #database: SqliteConnection;
  readonly #folder: string;
  readonly #statements = new Map<string, Statement>();

  readonly #bytes: PassingBytes;

  /** `folder` is the data folder, where content files stand; `bytes` is told of what is read from them. */
  constructor(database: SqliteConnection, folder: string, bytes = new PassingBytes(() => undefined)) {
    this.#bytes = bytes;
    this.#database = database;
    this.#folder = folder;
  }

  #sql(text: string): Statement {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  folders(mailbox: number): FolderRow[] {
    const rows = this.#sql(`${folderQuery} WHERE mailbox = ? ORDER BY name`).all(mailbox) as FolderWithSubscription[];
    return rows.map((row) => toFolderRow(row, row.subscribed === 1));
  }

  ledgerTime(key: string): number | undefined {
    return (this.#sql('SELECT time FROM once WHERE key = ?').get(key) as { time: number } | undefined)?.time;
  }

  folder(id: number): FolderRow | undefined {
    const row = this.#sql(`${folderQuery} WHERE id = ? AND mailbox > 0`).get(id) as FolderWithSubscription | undefined;
    return row && toFolderRow(row, row.subscribed === 1);
  }

  subscriptions(mailbox: number): string[] {
    const rows = this.#sql('SELECT name FROM subscription WHERE mailbox = ? ORDER BY name').all(mailbox) as {
      name: string;
    }[];
    return rows.map((row) => row.name);
  }

  messages(folder: number, afterUid: number, limit: number): MessageRow[] {
    return this.#sql(`${messageQuery} AND uid > ? ORDER BY uid LIMIT ?`).all(
      folder,
      afterUid,
      Math.min(limit, maxRows),
    ) as MessageRow[];
  }

  message(folder: number, uid: number): MessageRow | undefined {
    return this.#sql(`${messageQuery} AND uid = ?`).get(folder, uid) as MessageRow | undefined;
  }

  counts(folder: number): { messages: number; unseen: number; deleted: number; size: number } {
    const row = this.#sql('SELECT messages, unseen, deleted, bytes AS size FROM folder WHERE id = ?').get(folder);
    return (
      (row as { messages: number; unseen: number; deleted: number; size: number } | undefined) ?? {
        messages: 0,
        unseen: 0,
        deleted: 0,
        size: 0,
      }
    );
  }

  head(content: number): Head | undefined {
    return this.#sql('SELECT envelope, structure FROM head WHERE content = ?').get(content) as Head | undefined;
  }

  /** What has been written and is in no row yet. */
  openNew(content: Content): ContentReader {
    const data = content.kind === 'inline' ? Buffer.from(content.data) : null;
    const place = content.kind === 'file' ? content.place : null;
    const row = { id: 0, size: content.size, sha256: null, base: null, place, prefix: null, data };
    return openContentReader(row, row, (file) => path.join(this.#folder, file), this.#bytes);
  }

  openContent(content: number): ContentReader {
    const own = this.#content(content);
    const body = own.base === null ? own : this.#content(own.base);
    return openContentReader(own, body, (place) => path.join(this.#folder, place), this.#bytes);
  }

  #content(id: number): ContentColumns {
    const row = this.#sql('SELECT id, size, sha256, base, place, prefix, data FROM content WHERE id = ?').get(id);
    if (!row) throw new TemporaryError(`content ${id} is gone`);
    return row as ContentColumns;
  }

  hasPlace(place: string): boolean {
    return this.#sql('SELECT 1 FROM content WHERE place = ?').get(place) !== undefined;
  }

  /** The folder that a folder of a source has been, or is being, imported into. */
  importedFolder(mailbox: number, name: string): FolderRow | undefined {
    const row = this.#sql(
      `${folderQuery} JOIN import_folder ON import_folder.folder = folder.id
       WHERE import_folder.mailbox = ? AND import_folder.name = ? AND folder.mailbox > 0`,
    ).get(mailbox, name) as FolderWithSubscription | undefined;
    return row && toFolderRow(row, row.subscribed === 1);
  }

  imported(folder: number, key: string): ImportedRow | undefined {
    const row = this.#sql('SELECT key, uid, flags, sha256 FROM imported WHERE folder = ? AND key = ?').get(
      folder,
      key,
    ) as { key: string; uid: number; flags: string; sha256: Buffer } | undefined;
    return row && { ...row, flags: row.flags === '' ? [] : row.flags.split(' ') };
  }

  /** Folders that are no mailbox's any more, with messages that purge has yet to remove. */
  hasDeletedFolders(): boolean {
    return this.#sql('SELECT 1 FROM folder WHERE mailbox < 0 LIMIT 1').get() !== undefined;
  }

  knowsOnceBefore(time: number): boolean {
    return this.#sql('SELECT 1 FROM once WHERE time < ? LIMIT 1').get(time) !== undefined;
  }

  usage(mailbox: number): QuotaUsage {
    const row = this.#sql(
      'SELECT coalesce(sum(bytes), 0) AS bytes, coalesce(sum(messages), 0) AS messages FROM folder WHERE mailbox = ?',
    ).get(mailbox) as { bytes: number; messages: number };
    return { mailbox, ...row };
  }

  deletedUids(folder: number): number[] {
    const rows = this.#sql('SELECT uid FROM message WHERE folder = ? AND flags & 8').all(folder) as { uid: number }[];
    return rows.map((row) => row.uid);
  }

  expungedSince(folder: number, modseq: number): number[] {
    const rows = this.#sql('SELECT uid FROM expunged WHERE folder = ? AND modseq > ? ORDER BY uid').all(
      folder,
      modseq,
    ) as { uid: number }[];
    return rows.map((row) => row.uid);
  }

  queueMessage(id: string): QueueMessage | undefined {
    const row = this.#sql('SELECT * FROM queue_message WHERE id = ?').get(id) as QueueColumns | undefined;
    return row && this.#withRecipients(row);
  }

  queueDue(now: number, limit: number, after?: { readonly nextAttempt: number; readonly id: string }): QueueMessage[] {
    const rows = this.#sql(
      `SELECT * FROM queue_message WHERE hold = 0 AND next_attempt <= ? AND (next_attempt, id) > (?, ?)
       ORDER BY next_attempt, id LIMIT ?`,
    ).all(now, after?.nextAttempt ?? -1, after?.id ?? '', Math.min(limit, maxRows)) as QueueColumns[];
    return rows.map((row) => this.#withRecipients(row));
  }

  /** The same whatever is queued: counted up to `limit`; `recipients` are exact, as the books have them. */
  queueNumbers(limit: number): QueueNumbers {
    const counted = (sql: string): number => (this.#sql(sql).get(limit + 1) as { count: number }).count;
    const messages = counted('SELECT count(*) AS count FROM (SELECT 1 FROM queue_message LIMIT ?)');
    const hold = counted('SELECT count(*) AS count FROM (SELECT 1 FROM queue_message WHERE hold = 1 LIMIT ?)');
    const rows = this.#sql('SELECT key, value FROM meta WHERE key >= ? AND key < ?').all(
      accountKeys.from,
      accountKeys.to,
    ) as AccountRow[];
    const recipients = mismatch(readAccounts(rows), 0);
    return {
      messages: Math.min(messages, limit),
      hold: Math.min(hold, limit),
      recipients: Math.max(0, recipients),
      isExact: messages <= limit,
    };
  }

  /** What has waited longest: ids begin with their time. */
  queueOldest(): string | undefined {
    const row = this.#sql('SELECT id FROM queue_message ORDER BY id LIMIT 1').get() as { id: string } | undefined;
    return row?.id;
  }

  queueNextAttempt(): number | undefined {
    const row = this.#sql('SELECT min(next_attempt) AS next FROM queue_message WHERE hold = 0').get() as {
      next: number | null;
    };
    return row.next ?? undefined;
  }

  queueList(afterId: string, limit: number): QueueMessage[] {
    const rows = this.#sql('SELECT * FROM queue_message WHERE id > ? ORDER BY id LIMIT ?').all(
      afterId,
      Math.min(limit, maxRows),
    ) as QueueColumns[];
    return rows.map((row) => this.#withRecipients(row));
  }

  #withRecipients(row: QueueColumns): QueueMessage {
    const recipients = this.#sql(
      'SELECT id, original, recipient, transport, nexthop, notify, orcpt, state, status, reason FROM queue_recipient WHERE message = ?',
    ).all(row.id) as (QueueRecipient & { state: RecipientState })[];
    return {
      id: row.id,
      content: row.content,
      size: row.size,
      sender: row.sender,
      arrival: row.arrival,
      nextAttempt: row.next_attempt,
      attempts: row.attempts,
      ret: row.ret,
      envid: row.envid,
      smtputf8: row.smtputf8 === 1,
      eightBit: row.eight_bit === 1,
      warned: row.warned === 1,
      hold: row.hold === 1,
      // A reader beside a server that is to upgrade the file yet.
      ...(row.verp ? { verp: row.verp } : {}),
      recipients,
    };
  }

  close(): void {
    this.#database.close();
  }
}
