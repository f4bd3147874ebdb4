// The state of one group (one transaction): prepared statements, folder rows loaded once and written back
// once, and the changes that are told to every session after the commit.

import type { SqliteConnection, Statement } from '../../database/sqlite.ts';
import { isDeleted, isSeen, keywordBit, withFlags } from '../flags.ts';
import {
  type FlagBits,
  type FolderChange,
  type FolderRow,
  type MessageRow,
  maxKeywords,
  StoreRefusedError,
  systemFlags,
} from '../types.ts';
import { BookSums } from './books.ts';
import type { Slice } from './types.ts';

export interface FolderColumns {
  id: number;
  mailbox: number;
  name: string;
  special_use: string | null;
  selectable: number;
  uid_validity: number;
  uid_next: number;
  modseq: number;
  messages: number;
  bytes: number;
  unseen: number;
  deleted: number;
  keywords: string;
}

/** A UIDVALIDITY that lies so far ahead is no time: to count on from it would use up the 32 bits. */
const maxAheadSeconds = 10 * 365 * 86_400;

/** A folder within the running transaction. */
export interface FolderState {
  readonly columns: FolderColumns;
  keywords: string[];
  keywordsGrew: boolean;
  /** The folder's new MODSEQ has been drawn for this transaction. */
  bumped: boolean;
  dirty: boolean;
  readonly added: MessageRow[];
  readonly flagged: { uid: number; flags: FlagBits; modseq: number }[];
  readonly expunged: number[];
  gone: boolean;
}

export class Group {
  readonly database: SqliteConnection;
  /** The bytes that travelled with the group. */
  #bytes: Buffer = Buffer.alloc(0);
  now = 0;
  /** Files whose content row goes away with this transaction. */
  readonly removedFiles: string[] = [];
  readonly books = new BookSums();
  readonly #statements = new Map<string, Statement>();
  readonly #folders = new Map<number, FolderState>();
  readonly #inboxes = new Map<number, number>();

  constructor(database: SqliteConnection) {
    this.database = database;
  }

  sql(text: string): Statement {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  slice(slice: Slice): Buffer {
    return this.#bytes.subarray(slice.offset, slice.offset + slice.length);
  }

  begin(bytes: Uint8Array, now: number): void {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.now = now;
    this.removedFiles.length = 0;
    this.#folders.clear();
    this.#inboxes.clear();
    this.books.clear();
    this.database.exec('BEGIN IMMEDIATE');
  }

  rollback(): void {
    if (this.database.inTransaction) this.database.exec('ROLLBACK');
  }

  /** Writes the folders back and commits; returns what changed. */
  commit(): FolderChange[] {
    const changes: FolderChange[] = [];
    for (const state of this.#folders.values()) {
      if (!state.dirty) continue;
      if (!state.gone) this.#writeFolder(state);
      changes.push(toChange(state));
    }
    this.books.write(this);
    this.database.exec('COMMIT');
    return changes;
  }

  #writeFolder(state: FolderState): void {
    const c = state.columns;
    this.sql(
      `UPDATE folder SET uid_next = ?, modseq = ?, messages = ?, bytes = ?, unseen = ?, deleted = ?, keywords = ? WHERE id = ?`,
    ).run(c.uid_next, c.modseq, c.messages, c.bytes, c.unseen, c.deleted, state.keywords.join(' '), c.id);
  }

  folder(id: number): FolderState {
    const known = this.#folders.get(id);
    if (known && !known.gone) return known;
    const columns = known
      ? undefined
      : (this.sql('SELECT * FROM folder WHERE id = ? AND mailbox > 0').get(id) as FolderColumns | undefined);
    if (!columns) throw new StoreRefusedError('nonexistent', 'folder does not exist');
    return this.#remember(columns);
  }

  folderByName(mailbox: number, name: string): FolderState | undefined {
    for (const state of this.#folders.values()) {
      if (state.columns.mailbox === mailbox && state.columns.name === name && !state.gone) return state;
    }
    const columns = this.sql('SELECT * FROM folder WHERE mailbox = ? AND name = ?').get(mailbox, name) as
      | FolderColumns
      | undefined;
    return columns && (this.#folders.get(columns.id) ?? this.#remember(columns));
  }

  /** The mailbox's INBOX, made where the mailbox has none yet. */
  inbox(mailbox: number): FolderState {
    const id = this.#inboxes.get(mailbox);
    if (id !== undefined) return this.folder(id);
    const columns = this.sql(`SELECT * FROM folder WHERE mailbox = ? AND name = 'INBOX'`).get(mailbox) as
      | FolderColumns
      | undefined;
    const state = columns
      ? (this.#folders.get(columns.id) ?? this.#remember(columns))
      : this.createFolder(mailbox, 'INBOX', null, true);
    this.#inboxes.set(mailbox, state.columns.id);
    return state;
  }

  /** Of all folders of a mailbox, with what this transaction has changed so far. */
  usedOctets(mailbox: number): number {
    const rows = this.sql('SELECT id, bytes FROM folder WHERE mailbox = ?').all(mailbox) as FolderColumns[];
    return rows.reduce((sum, { id, bytes }) => sum + (this.#folders.get(id)?.columns.bytes ?? bytes), 0);
  }

  createFolder(mailbox: number, name: string, specialUse: string | null, selectable: boolean): FolderState {
    const uidValidity = this.#nextUidValidity();
    const result = this.sql(
      `INSERT INTO folder (mailbox, name, special_use, selectable, uid_validity, uid_next, modseq, messages, bytes, unseen, deleted, keywords)
       VALUES (?, ?, ?, ?, ?, 1, 1, 0, 0, 0, 0, '')`,
    ).run(mailbox, name, specialUse, selectable ? 1 : 0, uidValidity);
    const columns = this.sql('SELECT * FROM folder WHERE id = ?').get(result.lastInsertRowid) as FolderColumns;
    return this.#remember(columns);
  }

  /** Seconds since 1970, or one more than the last: a name that is made again never repeats a value (RFC 3501 §2.3.1.1). */
  #nextUidValidity(): number {
    const next = Math.max(this.#lastUidValidity() + 1, Math.floor(this.now / 1000));
    this.sql(`INSERT OR REPLACE INTO meta (key, value) VALUES ('uid_validity', ?)`).run(next);
    return next;
  }

  #lastUidValidity(): number {
    const row = this.sql(`SELECT value FROM meta WHERE key = 'uid_validity'`).get() as { value: number } | undefined;
    return row?.value ?? 0;
  }

  /** A value of another server is in use here: the next ones are above it, where it is a time as ours are. */
  takeUidValidity(state: FolderState, value: number): void {
    this.sql('UPDATE folder SET uid_validity = ? WHERE id = ?').run(value, state.columns.id);
    state.columns.uid_validity = value;
    if (value <= this.#lastUidValidity() || value > this.now / 1000 + maxAheadSeconds) return;
    this.sql(`INSERT OR REPLACE INTO meta (key, value) VALUES ('uid_validity', ?)`).run(value);
  }

  #remember(columns: FolderColumns): FolderState {
    const state: FolderState = {
      columns,
      keywords: columns.keywords === '' ? [] : columns.keywords.split(' '),
      keywordsGrew: false,
      bumped: false,
      dirty: false,
      added: [],
      flagged: [],
      expunged: [],
      gone: false,
    };
    this.#folders.set(columns.id, state);
    return state;
  }

  forget(state: FolderState): void {
    if (this.#inboxes.get(state.columns.mailbox) === state.columns.id) this.#inboxes.delete(state.columns.mailbox);
    state.gone = true;
    state.dirty = true;
  }

  /** One new MODSEQ a folder and transaction: what changes together carries the same value. */
  bump(state: FolderState): number {
    if (!state.bumped) {
      state.bumped = true;
      state.dirty = true;
      state.columns.modseq++;
    }
    return state.columns.modseq;
  }

  /** `wished`: a uid that is free; absent: the folder's next. */
  addMessage(
    state: FolderState,
    flags: FlagBits,
    size: number,
    internalDate: number,
    content: number,
    wished?: number,
  ): MessageRow {
    const modseq = this.bump(state);
    const uid = wished ?? state.columns.uid_next;
    state.columns.uid_next = Math.max(state.columns.uid_next, uid + 1);
    this.sql(
      'INSERT INTO message (folder, uid, modseq, flags, size, internal_date, content) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ).run(state.columns.id, uid, modseq, flags, size, internalDate, content);
    const row: MessageRow = { uid, modseq, flags, size, internalDate, content };
    state.added.push(row);
    count(state.columns, flags, size, 1);
    return row;
  }

  removeMessage(state: FolderState, row: MessageRow): void {
    const modseq = this.bump(state);
    this.sql('DELETE FROM message WHERE folder = ? AND uid = ?').run(state.columns.id, row.uid);
    this.sql('INSERT INTO expunged (folder, modseq, uid) VALUES (?, ?, ?)').run(state.columns.id, modseq, row.uid);
    state.expunged.push(row.uid);
    count(state.columns, row.flags, row.size, -1);
  }

  /** The bits of flag names; new keywords are given the folder's next bits. */
  flagBits(state: FolderState, names: readonly string[], mayAdd: boolean): FlagBits {
    let bits = 0;
    for (const name of names) {
      const system = systemFlags.findIndex((flag) => flag.toLowerCase() === name.toLowerCase());
      if (system >= 0) bits = withFlags(bits, 2 ** system);
      else {
        const index = this.#keywordIndex(state, name, mayAdd);
        if (index >= 0) bits = withFlags(bits, keywordBit(index));
      }
    }
    return bits;
  }

  #keywordIndex(state: FolderState, name: string, mayAdd: boolean): number {
    const folded = name.toLowerCase();
    const index = state.keywords.findIndex((keyword) => keyword.toLowerCase() === folded);
    if (index >= 0 || !mayAdd) return index;
    if (state.keywords.length >= maxKeywords) {
      throw new StoreRefusedError('too-many-keywords', `a folder holds at most ${maxKeywords} keywords`);
    }
    state.keywords.push(name);
    state.keywordsGrew = true;
    state.dirty = true;
    return state.keywords.length - 1;
  }
}

/** Adds (1) or subtracts (-1) a message to the folder's counters. */
export function count(columns: FolderColumns, flags: FlagBits, size: number, sign: 1 | -1): void {
  columns.messages += sign;
  columns.bytes += sign * size;
  if (!isSeen(flags)) columns.unseen += sign;
  if (isDeleted(flags)) columns.deleted += sign;
}

function toChange(state: FolderState): FolderChange {
  const { columns } = state;
  return {
    folder: columns.id,
    mailbox: Math.abs(columns.mailbox),
    uidNext: columns.uid_next,
    modseq: columns.modseq,
    added: state.added,
    flagged: state.flagged,
    expunged: state.expunged,
    ...(state.keywordsGrew ? { keywords: state.keywords } : {}),
    ...(state.gone ? { gone: true } : {}),
  };
}

export function toFolderRow(columns: FolderColumns, subscribed: boolean): FolderRow {
  return {
    id: columns.id,
    mailbox: columns.mailbox,
    name: columns.name,
    specialUse: columns.special_use,
    subscribed,
    selectable: columns.selectable === 1,
    uidValidity: columns.uid_validity,
    uidNext: columns.uid_next,
    modseq: columns.modseq,
    keywords: columns.keywords === '' ? [] : columns.keywords.split(' '),
  };
}
