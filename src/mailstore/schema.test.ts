// A store of an older version is brought up once, whole, and without loss; one of a newer version is left alone.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqlite, type SqliteConnection } from '../database/sqlite.ts';
import { openStoreForWriting, storeVersion } from './schema.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'schema-'));
  file = join(folder, 'store.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function withStore<Result>(use: (database: SqliteConnection) => Result): Result {
  const database = openStoreForWriting(file, 'NORMAL');
  try {
    return use(database);
  } finally {
    database.close();
  }
}

/** The file as the first version made it, with a queued message. */
function makeFirstFormat(): void {
  withStore((database) =>
    database.exec(`
      INSERT INTO queue_message (id, content, size, sender, arrival, next_attempt, attempts, ret, envid, smtputf8, eight_bit, warned, hold)
        VALUES ('Q1', 1, 10, 'a@b.example', 1, 2, 3, 'HDRS', 'E', 0, 1, 1, 0);
      ALTER TABLE queue_message DROP COLUMN verp;
      DROP TABLE import_folder;
      DROP TABLE imported;
      PRAGMA user_version = 1`),
  );
}

function version(database: SqliteConnection): unknown {
  return database.pragma('user_version', { simple: true });
}

function columns(database: SqliteConnection): unknown[] {
  return database
    .prepare('SELECT m.name AS "table", c.* FROM sqlite_schema m, pragma_table_info(m.name) c ORDER BY 1, c.name')
    .all();
}

test('an older store becomes what a new one is, and keeps its rows', () => {
  const expected = withStore(columns);
  rmSync(file);
  makeFirstFormat();
  withStore((database) => {
    expect(version(database)).toBe(storeVersion);
    expect(columns(database)).toEqual(expected);
    expect(database.prepare('SELECT id, sender, warned, verp FROM queue_message').all()).toEqual([
      { id: 'Q1', sender: 'a@b.example', warned: 1, verp: '' },
    ]);
  });
});

test('a step that fails leaves everything as it was, for the next start', () => {
  withStore((database) => database.exec('PRAGMA user_version = 1'));
  // Its column is there already, so the step cannot be done.
  expect(() => withStore(version)).toThrow(/duplicate column/);
  const raw = openSqlite(file, {});
  expect(version(raw)).toBe(1);
  expect(raw.inTransaction).toBe(false);
  raw.close();
});

test('a newer store is refused', () => {
  withStore((database) => database.exec(`PRAGMA user_version = ${storeVersion + 1}`));
  expect(() => withStore(version)).toThrow(/written by a newer Posthaste/);
});
