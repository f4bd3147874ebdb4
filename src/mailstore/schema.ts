// The tables of store.db (narrow message rows, inline bodies in `content`, history of
// expunges from the first version, counters on the folder row so that a delivery touches no row above it).
//
// content: one row for the bytes of a message as a mailbox sees it. `prefix` are the trace headers of one
// copy; the body stands in `data` (small), in the file `place` (large), or in another content row `base`
// (several copies of one message). `refs` counts messages, queue entries and dependents.
// folder.mailbox is negative for a deleted folder whose messages are still being removed in slices.

import { openSqlite, type SqliteConnection, type Synchronous } from '../database/sqlite.ts';

export const storeVersion = 1;

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
  hold INTEGER NOT NULL
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
`;

/** Opens store.db for writing and creates its tables; refuses a file from a newer version. */
export function openStoreForWriting(file: string, synchronous: Synchronous): SqliteConnection {
  const database = openSqlite(file, { synchronous, cacheKib: 16_384, busyTimeout: 5000, manualCheckpoints: true });
  const found = database.pragma('user_version', { simple: true }) as number;
  if (found > storeVersion) {
    database.close();
    throw new Error(
      `${file} was written by a newer Posthaste (format ${found}, this program knows ${storeVersion}): use that version`,
    );
  }
  if (found === 0) {
    database.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${storeVersion}; COMMIT`);
  }
  return database;
}
