// Reading a store from another process than the server's: what commands such as `quota list` need.

import fs from 'node:fs';
import path from 'node:path';
import { openSqlite } from '../database/sqlite.ts';
import { StoreReads } from './store-reads.ts';

/** The file name below the data folder. */
export const storeFile = 'store.db';

/** Opens the store of a data folder read-only; undefined where there is none yet. */
export function openStoreReader(dataDirectory: string): StoreReads | undefined {
  const file = path.join(dataDirectory, storeFile);
  if (!fs.existsSync(file)) return undefined;
  return new StoreReads(openSqlite(file, { readonly: true, busyTimeout: 2000 }), dataDirectory);
}
