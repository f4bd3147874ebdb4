// The tables of store.db (narrow message rows, inline bodies in `content`, history of
// expunges from the first version, counters on the folder row so that a delivery touches no row above it), and the
// steps that bring the file of an older version to this one.
//
// content: one row for the bytes of a message as a mailbox sees it. `prefix` are the trace headers of one
// copy; the body stands in `data` (small), in the file `place` (large), or in another content row `base`
// (several copies of one message). `refs` counts messages, queue entries and dependents.
// folder.mailbox is negative for a deleted folder whose messages are still being removed in slices.

import { openSqlite, type SqliteConnection, type Synchronous } from '../database/sqlite.ts';

const schema = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE folder (
  id INTEGER PRIMARY KEY,
  mailbox INTEGER NOT NULL,
  name TEXT NOT NULL,
  special_use TEXT,
  selectable INTEGER NOT NULL,
  uid_validity INTEGER NOT NULL,
  uid_next INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  unseen INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  keywords TEXT NOT NULL
);
CREATE UNIQUE INDEX folder_name ON folder (mailbox, name);
CREATE TABLE subscription (mailbox INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (mailbox, name)) WITHOUT ROWID;
CREATE TABLE message (
  folder INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  size INTEGER NOT NULL,
  internal_date INTEGER NOT NULL,
  content INTEGER NOT NULL,
  PRIMARY KEY (folder, uid)
) WITHOUT ROWID;
CREATE TABLE content (
  id INTEGER PRIMARY KEY,
  size INTEGER NOT NULL,
  refs INTEGER NOT NULL,
  sha256 BLOB,
  base INTEGER,
  place TEXT,
  prefix BLOB,
  data BLOB
);
CREATE INDEX content_place ON content (place) WHERE place IS NOT NULL;
CREATE TABLE head (content INTEGER PRIMARY KEY, envelope TEXT NOT NULL, structure TEXT NOT NULL);
CREATE TABLE expunged (
  folder INTEGER NOT NULL, modseq INTEGER NOT NULL, uid INTEGER NOT NULL, PRIMARY KEY (folder, modseq, uid)
) WITHOUT ROWID;
CREATE TABLE file_removal (place TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE once (key TEXT PRIMARY KEY, time INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE queue_message (
  id TEXT PRIMARY KEY,
  content INTEGER NOT NULL,
  size INTEGER NOT NULL,
  sender TEXT NOT NULL,
  arrival INTEGER NOT NULL,
  next_attempt INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  ret TEXT NOT NULL,
  envid TEXT NOT NULL,
  smtputf8 INTEGER NOT NULL,
  eight_bit INTEGER NOT NULL,
  warned INTEGER NOT NULL,
  hold INTEGER NOT NULL,
  verp TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX queue_due ON queue_message (hold, next_attempt);
CREATE TABLE queue_recipient (
  id INTEGER PRIMARY KEY,
  message TEXT NOT NULL,
  original TEXT NOT NULL,
  recipient TEXT NOT NULL,
  transport TEXT NOT NULL,
  nexthop TEXT NOT NULL,
  notify TEXT NOT NULL,
  orcpt TEXT NOT NULL,
  state TEXT NOT NULL,
  status TEXT NOT NULL,
  reason TEXT NOT NULL
);
CREATE INDEX queue_recipient_message ON queue_recipient (message);
CREATE TABLE import_folder (
  mailbox INTEGER NOT NULL, name TEXT NOT NULL, folder INTEGER NOT NULL, PRIMARY KEY (mailbox, name)
) WITHOUT ROWID;
CREATE INDEX import_folder_folder ON import_folder (folder);
CREATE TABLE imported (
  folder INTEGER NOT NULL, key TEXT NOT NULL, uid INTEGER NOT NULL, flags TEXT NOT NULL, sha256 BLOB NOT NULL,
  PRIMARY KEY (folder, key)
) WITHOUT ROWID;
`;

/**
 * Step n brings format n + 1 to format n + 2. A step that has been published never changes; `schema` is what all of them
 * make of the first format.
 */
const upgrades: readonly string[] = [
  // 2: the VERP delimiters of a message.
  `ALTER TABLE queue_message ADD COLUMN verp TEXT NOT NULL DEFAULT '';`,
  // 3: what has been imported, so that it is taken once (operations/imports.ts).
  `CREATE TABLE import_folder (
     mailbox INTEGER NOT NULL, name TEXT NOT NULL, folder INTEGER NOT NULL, PRIMARY KEY (mailbox, name)
   ) WITHOUT ROWID;
   CREATE INDEX import_folder_folder ON import_folder (folder);
   CREATE TABLE imported (
     folder INTEGER NOT NULL, key TEXT NOT NULL, uid INTEGER NOT NULL, flags TEXT NOT NULL, sha256 BLOB NOT NULL,
     PRIMARY KEY (folder, key)
   ) WITHOUT ROWID;`,
];

export const storeVersion = upgrades.length + 1;

/** Opens store.db for writing, creates its tables or upgrades them; refuses a file from a newer version. */
export function openStoreForWriting(file: string, synchronous: Synchronous): SqliteConnection {
  const database = openSqlite(file, { synchronous, cacheKib: 16_384, busyTimeout: 5000, manualCheckpoints: true });
  try {
    bringUp(file, database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function bringUp(file: string, database: SqliteConnection): void {
  const found = database.pragma('user_version', { simple: true }) as number;
  if (found > storeVersion) {
    throw new Error(
      `${file} was written by a newer Posthaste (format ${found}, this program knows ${storeVersion}): use that version`,
    );
  }
  if (found === 0) return run(database, schema, storeVersion);
  // Each step is a transaction with its number: whenever it is cut off, the next start goes on with the first open one.
  upgrades.forEach((step, index) => {
    if (index + 1 >= found) run(database, step, index + 2);
  });
}

function run(database: SqliteConnection, statements: string, version: number): void {
  try {
    database.exec(`BEGIN IMMEDIATE; ${statements} PRAGMA user_version = ${version}; COMMIT`);
  } catch (error) {
    if (database.inTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
