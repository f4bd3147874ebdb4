// Lets the tests of the directory run on every database: they open it with what `directoryOpener` gives them, which is SQLite
// by itself, and a server where src/directory/on-servers.test.ts loads them again.

import { dirname } from 'node:path';
import { afterAll } from 'vitest';
import { openServerSession } from '../../src/database/server/open-session.ts';
import { forgetLog } from '../../src/database/server/change-notes.ts';
import type { ServerDialect } from '../../src/database/server/server-session.ts';
import { Directory, type DirectoryOptions } from '../../src/directory/directory.ts';
import { directoryTables } from '../../src/directory/server/directory-tables.ts';
import { replicaFile } from '../../src/directory/server/replica-file.ts';
import type { DirectoryServer } from '../../src/directory/server/server-settings.ts';
import type { DirectoryServers } from './directory-servers.ts';

export type OpenDirectory = (file: string, options: DirectoryOptions) => Promise<Directory>;

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
export function directoryOpener(): OpenDirectory {
  if (loading === undefined) return (file, options) => Directory.open(file, options);
  const { servers, dialect } = loading;
  const opened: Directory[] = [];
  let server: DirectoryServer | undefined;
  let folder = '';
  afterAll(() => {
    for (const directory of opened) directory.close();
  });
  return async (file, options) => {
    server ??= servers.newDatabase(dialect).server;
    const isNew = folder !== dirname(file);
    folder = dirname(file);
    if (isNew) await empty(server);
    const warn = (): void => undefined;
    return await Directory.openOnServer(server, replicaFile(folder), { ...options, warn });
  };
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
