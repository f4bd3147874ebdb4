// Runs groups of operations, one transaction each, and survives what a disk does to them:
// - a refusal (no such folder, too many keywords) concerns one operation and nothing of it was done;
// - any other error rolls the group back and runs its operations one by one, so that only the guilty one fails;
// - a full disk: what frees space is tried again after the reserve file is released, what needs space fails as `full`;
// - an I/O error at commit leaves the outcome unknown: one marker row is committed, which overwrites the
//   failed group in the WAL; when that fails too the writer is broken and the process must end.
// It lives on the writer thread (writer-worker.ts); commands that run without a server use it directly.

import fs from 'node:fs';
import path from 'node:path';
import { type SqliteConnection, sqliteCode } from '../database/sqlite.ts';
import { openBooks } from './operations/books.ts';
import { Group } from './operations/group.ts';
import { runOperation } from './operations/run.ts';
import { isReclaiming, type WriteOperation, type WriteResult } from './operations/types.ts';
import { type FolderChange, StoreRefusedError } from './types.ts';

/** Enough for the WAL frames of a few groups of deletions. */
const reserveBytes = 16 * 1024 * 1024;

/** The outcome of a commit cannot be known any more; only a restart can tell. */
export class BrokenStoreError extends Error {
  override name = 'BrokenStoreError';
}

export interface GroupOutcome {
  readonly results: WriteResult[];
  readonly changes: FolderChange[];
}

export class StoreWriter {
  readonly #database: SqliteConnection;
  readonly #folder: string;
  readonly #group: Group;

  /** `folder` is the data folder: it holds the reserve file and the content files. */
  constructor(database: SqliteConnection, folder: string) {
    this.#database = database;
    this.#folder = folder;
    openBooks(database);
    this.#group = new Group(database);
    this.keepReserve();
  }

  run(operations: readonly WriteOperation[], bytes: Uint8Array, now: number): GroupOutcome {
    try {
      return this.#transaction(operations, bytes, now);
    } catch (error) {
      this.#recover(error);
    }
    // One of them is guilty: alone, each shows whether it is.
    const results: WriteResult[] = [];
    const changes: FolderChange[] = [];
    for (const operation of operations) {
      const outcome = this.#runAlone(operation, bytes, now);
      results.push(...outcome.results);
      changes.push(...outcome.changes);
    }
    return { results, changes };
  }

  #runAlone(operation: WriteOperation, bytes: Uint8Array, now: number): GroupOutcome {
    try {
      return this.#transaction([operation], bytes, now);
    } catch (error) {
      this.#recover(error);
      if (sqliteCode(error) !== 'SQLITE_FULL') return failure({ kind: 'failed', message: String(error) });
    }
    if (!isReclaiming(operation) || !this.releaseReserve()) return failure({ kind: 'full' });
    try {
      return this.#transaction([operation], bytes, now);
    } catch (error) {
      this.#recover(error);
      return failure(
        sqliteCode(error) === 'SQLITE_FULL' ? { kind: 'full' } : { kind: 'failed', message: String(error) },
      );
    }
  }

  #transaction(operations: readonly WriteOperation[], bytes: Uint8Array, now: number): GroupOutcome {
    const group = this.#group;
    group.begin(bytes, now);
    const results = operations.map((operation): WriteResult => {
      try {
        return { kind: 'done', value: runOperation(group, operation) };
      } catch (error) {
        if (!(error instanceof StoreRefusedError)) throw error;
        return { kind: 'refused', refusal: error.refusal, message: error.message };
      }
    });
    const changes = group.commit();
    if (group.removedFiles.length > 0) this.unlinkRemoved(group.removedFiles);
    return { results, changes };
  }

  #recover(error: unknown): void {
    try {
      this.#group.rollback();
    } catch {
      // SQLite has rolled back by itself.
    }
    if (!sqliteCode(error)?.startsWith('SQLITE_IOERR')) return;
    try {
      this.#database.exec(`BEGIN IMMEDIATE; INSERT OR REPLACE INTO meta (key, value) VALUES ('marker', 1); COMMIT`);
    } catch (second) {
      throw new BrokenStoreError(
        `commit failed (${String(error)}), and so did the marker after it (${String(second)})`,
      );
    }
  }

  /** Unlinks content files that no row names any more; a crash in between leaves their note in file_removal. */
  unlinkRemoved(places: readonly string[]): void {
    for (const place of places) fs.rmSync(path.join(this.#folder, place), { force: true });
    try {
      const forget = this.#group.sql('DELETE FROM file_removal WHERE place = ?');
      this.#database.exec('BEGIN IMMEDIATE');
      for (const place of places) forget.run(place);
      this.#database.exec('COMMIT');
    } catch {
      // The notes stay and are read again at the next start.
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
    }
  }

  /** Removes what an earlier process noted but did not unlink. */
  finishRemovals(): void {
    const rows = this.#database.prepare('SELECT place FROM file_removal LIMIT 10000').all() as { place: string }[];
    if (rows.length > 0) this.unlinkRemoved(rows.map((row) => row.place));
  }

  get #reserve(): string {
    return path.join(this.#folder, 'reserve');
  }

  /** Makes the reserve file where it is missing and the disk has room for it several times over. */
  keepReserve(): void {
    if (fs.existsSync(this.#reserve)) return;
    const { bavail, bsize } = fs.statfsSync(this.#folder);
    if (bavail * bsize < 4 * reserveBytes) return;
    const piece = Buffer.alloc(reserveBytes / 64, 0x20);
    const descriptor = fs.openSync(this.#reserve, 'w', 0o600);
    try {
      for (let written = 0; written < reserveBytes; written += piece.length) fs.writeSync(descriptor, piece);
    } finally {
      fs.closeSync(descriptor);
    }
  }

  /** Gives the reserve to the file system; false where there is none. */
  releaseReserve(): boolean {
    if (!fs.existsSync(this.#reserve)) return false;
    fs.rmSync(this.#reserve);
    return true;
  }
}

function failure(result: WriteResult): GroupOutcome {
  return { results: [result], changes: [] };
}
