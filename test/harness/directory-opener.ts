// Lets the tests of the directory run on every database: they open it with what `directoryOpener` gives them, which is SQLite
// by itself, and a server where src/directory/on-servers.test.ts loads them again.

import { dirname, join } from 'node:path';
import { openServerSession } from '../../src/database/server/open-session.ts';
import { forgetLog } from '../../src/database/server/change-notes.ts';
import { openSqlite } from '../../src/database/sqlite.ts';
import type { ServerDialect } from '../../src/database/server/server-session.ts';
import { Directory, type DirectoryOptions } from '../../src/directory/directory.ts';
import { directoryTables } from '../../src/directory/server/directory-tables.ts';
import { replicaFile } from '../../src/directory/server/replica-path.ts';
import type { DirectoryServer } from '../../src/directory/server/server-settings.ts';
import type { DirectoryServers } from './directory-servers.ts';

export interface DirectoryOpener {
  (file: string, options: DirectoryOptions): Promise<Directory>;
  /** The SQLite file that lookups read. */
  fileIn(folder: string): string;
  /** Behind the directory's back, as somebody by SQL. */
  execute(folder: string, sql: string): void;
}

let loading: { readonly servers: DirectoryServers; readonly dialect: ServerDialect } | undefined;

/** What `load` registers runs on a server. */
export async function onServer(
  servers: DirectoryServers,
  dialect: ServerDialect,
  load: () => Promise<unknown>,
): Promise<void> {
  loading = { servers, dialect };
  try {
    await load();
  } finally {
    loading = undefined;
  }
}

/** To be called while the tests are registered. A file in another folder is another directory, which begins empty. */
export function directoryOpener(): DirectoryOpener {
  if (loading === undefined) {
    const fileIn = (folder: string): string => join(folder, 'directory.db');
    return Object.assign((file: string, options: DirectoryOptions) => Directory.open(file, options), {
      fileIn,
      execute: (folder: string, sql: string) => {
        const connection = openSqlite(fileIn(folder), { busyTimeout: 1000 });
        connection.exec(sql);
        connection.close();
      },
    });
  }
  const { servers, dialect } = loading;
  let server: DirectoryServer | undefined;
  let folder = '';
  let database = '';
  const open = async (file: string, options: DirectoryOptions): Promise<Directory> => {
    if (server === undefined) ({ server, database } = servers.newDatabase(dialect));
    const isNew = folder !== dirname(file);
    folder = dirname(file);
    if (isNew) await empty(server);
    const warn = (): void => undefined;
    return await Directory.openOnServer(server, replicaFile(folder), { ...options, warn });
  };
  const execute = (_folder: string, sql: string): void => void servers.execute(dialect, database, sql);
  return Object.assign(open, { fileIn: replicaFile, execute });
}

async function empty({ addresses: [address] }: DirectoryServer): Promise<void> {
  if (address === undefined) return;
  const session = await openServerSession(address);
  try {
    const { rows } = await session.query("SELECT 1 FROM information_schema.tables WHERE table_name = 'change_state'");
    if (rows.length === 0) return;
    await session.query(session.dialect === 'mysql' ? 'SET @posthaste_node = 1' : "SET posthaste.node = 'on'");
    for (const { name } of await directoryTables()) {
      if (name !== 'secret') await session.query(`DELETE FROM "${name}"`);
    }
    await session.query('UPDATE change_sequence SET "value" = 0');
    await session.query('UPDATE change_state SET "revision" = "revision" + 1, "stamp" = "stamp" + 1');
    await forgetLog(session);
  } catch (error) {
    if (!/change_state|doesn't exist|does not exist/.test((error as Error).message)) throw error;
  } finally {
    session.close();
  }
}
