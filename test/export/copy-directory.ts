// Copies a directory's rows from its file to a server, as they are: for tests of what others read there.

import { openSqlite } from '../../src/database/sqlite.ts';
import { openServerSession } from '../../src/database/server/open-session.ts';
import type { SqlValue } from '../../src/database/server/server-session.ts';
import { directoryTables } from '../../src/directory/server/directory-tables.ts';
import { createServerSchema } from '../../src/directory/server/server-schema.ts';
import type { DirectoryServer } from '../../src/directory/server/server-settings.ts';
import { systemClock } from '../../src/lib/clock.ts';

export async function copyDirectory(file: string, { addresses }: DirectoryServer): Promise<void> {
  const [address] = addresses;
  if (address === undefined) throw new Error('no server');
  await createServerSchema({ open: () => openServerSession(address), clock: systemClock });
  const session = await openServerSession(address);
  const source = openSqlite(file, { readonly: true });
  for (const { name, columns } of await directoryTables()) {
    await session.query(`DELETE FROM "${name}"`);
    const names = columns.map((column) => `"${column.name}"`).join(', ');
    const marks = columns.map(() => '?').join(', ');
    for (const row of source.prepare(`SELECT ${names} FROM "${name}"`).raw().all() as SqlValue[][]) {
      await session.query(`INSERT INTO "${name}" (${names}) VALUES (${marks})`, row);
    }
  }
  source.close();
  session.close();
}
