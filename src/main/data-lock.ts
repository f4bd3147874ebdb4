// One server per data folder. The lock is the kernel's, taken through SQLite on a file of its own: it ends
// with the process that holds it, however that ends. The pid beside it is only for people.

import fs from 'node:fs';
import path from 'node:path';
import { makeFolders } from '../lib/make-folders.ts';
import { openSqlite, type SqliteConnection, sqliteCode } from '../database/sqlite.ts';

export class DataFolderInUseError extends Error {
  override name = 'DataFolderInUseError';
}

export class DataFolderClosedError extends Error {
  override name = 'DataFolderClosedError';
}

export interface DataLock {
  release(): void;
}

/** Throws DataFolderClosedError. */
export function makeDataFolder(dataDirectory: string): void {
  try {
    makeFolders(dataDirectory, 0o750);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DataFolderClosedError(
      `the data folder ${dataDirectory} cannot be made (${code}): change posthaste_data_directory in main.cf, or start as a user who may make it`,
    );
  }
}

/** Throws DataFolderInUseError that names the process which holds the folder, or DataFolderClosedError. */
export function lockDataFolder(dataDirectory: string): DataLock {
  const pidFile = path.join(dataDirectory, 'pid');
  let database: SqliteConnection | undefined;
  try {
    // To open it may find it locked already.
    database = openSqlite(path.join(dataDirectory, 'lock'), { readonly: false, rollbackJournal: true });
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    const code = sqliteCode(error);
    if (code !== undefined && /^SQLITE_(?:CANTOPEN|READONLY|IOERR)/.test(code))
      throw new DataFolderClosedError(whyClosed(dataDirectory));
    if (code !== 'SQLITE_BUSY') throw error;
    throw new DataFolderInUseError(
      `${dataDirectory} is in use by process ${holder(pidFile)}; stop it first: posthaste stop`,
    );
  }
  fs.writeFileSync(pidFile, `${process.pid}\n`);
  const lock = database;
  return {
    release() {
      fs.rmSync(pidFile, { force: true });
      lock.close();
    },
  };
}

/** Root may write everywhere where files can be made: not below /proc, nor on a disk that is mounted to be read. */
function whyClosed(dataDirectory: string): string {
  const self = process.geteuid?.();
  const isOwn = self === 0 || fs.statSync(dataDirectory, { throwIfNoEntry: false })?.uid === self;
  return isOwn
    ? `no file can be written in the data folder ${dataDirectory}: change posthaste_data_directory in main.cf`
    : `${dataDirectory} belongs to another user: run this as root or as that user`;
}

function holder(pidFile: string): string {
  try {
    return fs.readFileSync(pidFile, 'utf8').trim();
  } catch {
    return '(unknown)';
  }
}
