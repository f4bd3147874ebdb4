// posthaste directory: a directory goes to a server and back, and every command works on it there.

import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Command } from 'commander';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DirectoryServers, serverDialects } from '../../test/harness/directory-servers.ts';
import { type Migration, migrations } from '../directory/database.ts';
import { dryRunOnFile, dryRunOnServer } from '../directory/server/dry-run.ts';
import { ServerLink } from '../directory/server/server-link.ts';
import { systemClock as clock } from '../lib/clock.ts';
import { register as registerAlias } from './alias.ts';
import type { CommandContext } from './context.ts';
import { register as registerDirectory } from './directory.ts';
import { register as registerDomain } from './domain.ts';
import { register as registerMailbox } from './mailbox.ts';

const servers = new DirectoryServers();
let folder: string;

beforeAll(() => servers.start());
afterAll(() => servers.stop());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'directory-move-'));
  mkdirSync(join(folder, 'etc'));
  writeFileSync(
    join(folder, 'etc', 'main.cf'),
    'myhostname = mx.host.example\nposthaste_data_directory = $config_directory/..\nrecipient_delimiter = +\n',
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

async function run(line: string, json = false): Promise<{ out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const context: CommandContext = {
    configDirectory: join(folder, 'etc'),
    json,
    input: Readable.from(''),
    print: (text) => void out.push(text),
    warn: (text) => void err.push(text),
  };
  const program = new Command('posthaste').exitOverride().configureOutput({ writeErr: () => undefined });
  for (const register of [registerDirectory, registerDomain, registerMailbox, registerAlias])
    register(program, context);
  await program.parseAsync(line.split(' '), { from: 'user' });
  return { out: out.join('\n'), err: err.join('\n') };
}

const isMysql = (dialect: string): boolean => dialect === 'mysql';

async function fill(): Promise<void> {
  await run('domain add example.com');
  await run('mailbox add anna@example.com --quota 1G --name Ännä😀');
  await run('mailbox add berta@example.com');
  await run('mailbox remove berta@example.com');
  await run('alias add team@example.com anna@example.com elsewhere@example.net');
}

const further: Migration = {
  version: (migrations.at(-1)?.version ?? 0) + 1,
  name: 'further',
  up: async (db) => {
    await db.schema
      .alterTable('mailbox')
      .addColumn('shoe_size', 'integer', (column) => column.defaultTo(0))
      .execute();
    await sql`UPDATE mailbox SET shoe_size = 7`.execute(db);
  },
};

// Needs Debian's mariadb-server and postgresql: of each that is not installed the tests are left out.
describe.each(serverDialects)('posthaste directory with %s', (dialect) => {
  it('moves there and back, proves it, and works on it there', async () => {
    await fill();
    const { file, database } = servers.newDatabase(dialect);
    const place = `${isMysql(dialect) ? 'mysql' : 'pgsql'}:${file}`;
    const there = await run(`directory move sqlite: ${place}`);
    expect(there.out).toMatch(/^moved: \d+ tables answer \d+ questions alike; now write "posthaste_directory = /);
    expect(there.err).toMatch(/rows of \d+ tables are equal on both sides/);
    await expect(run(`directory move sqlite: ${place}`)).rejects.toThrow(/is not empty.*nothing was moved/);

    appendFileSync(join(folder, 'etc', 'main.cf'), `posthaste_directory = ${place}\n`);
    rmSync(join(folder, 'directory.db'));
    expect((await run('mailbox show anna@example.com')).out).toMatch(/Ännä😀/);
    await run('mailbox add carl@example.com');
    // The id after that of the removed one.
    const [carl] =
      servers.execute(dialect, database, "SELECT id FROM mailbox WHERE localpart = 'carl'").match(/\d+/) ?? [];
    expect(carl).toBe('3');
    await run('mailbox restore berta@example.com');
    expect(JSON.parse((await run('directory status', true)).out)).toMatchObject({ directory: place });
    expect((await run('directory migrate --dry-run')).out).toMatch(/^nothing to do/);

    const back = await run(`directory move ${place} sqlite:`);
    expect(back.out).toMatch(/^moved:/);
    writeFileSync(join(folder, 'etc', 'main.cf'), 'posthaste_data_directory = $config_directory/..\n', { flag: 'a' });
    appendFileSync(join(folder, 'etc', 'main.cf'), 'posthaste_directory = sqlite:\n');
    expect((await run('mailbox list')).out).toMatch(/carl@example.com/);
    expect(readdirSync(folder).filter((name) => /^(move|dry)-/.test(name))).toEqual([]);
  });

  it('begins anew after an interruption, and is not used before', async () => {
    await fill();
    const { file, database } = servers.newDatabase(dialect);
    const place = `${isMysql(dialect) ? 'mysql' : 'pgsql'}:${file}`;
    // What a move that was killed leaves behind: some of the rows, and the mark.
    appendFileSync(join(folder, 'etc', 'main.cf'), `posthaste_directory = ${place}\n`);
    await run('directory migrate');
    servers.execute(
      dialect,
      database,
      `UPDATE change_state SET status = 'filling';
       INSERT INTO domain (name, kind, active, transport, created) VALUES ('half.example', 'mailbox', 1, '', 0)`,
    );
    await expect(run('domain list')).rejects.toThrow(/is being filled: wait, or run "posthaste directory move" again/);
    await run(`directory move sqlite: ${place}`);
    expect((await run('domain list')).out).not.toMatch(/half/);
    expect((await run('domain list')).out).toMatch(/example\.com/);
  });

  it('tries a migration on a copy and leaves everything as it is', async () => {
    await fill();
    const all = [...migrations, further];
    const onFile = await dryRunOnFile(join(folder, 'directory.db'), { clock, migrations: all });
    expect(onFile.migrations).toEqual([{ version: further.version, name: 'further' }]);
    expect(onFile.statements).toEqual([expect.stringMatching(/^alter table/), 'UPDATE mailbox SET shoe_size = 7']);
    expect(onFile.tables.find(({ table }) => table === 'mailbox')).toEqual({ table: 'mailbox', before: 2, after: 2 });

    const { file, database, server } = servers.newDatabase(dialect);
    await run(`directory move sqlite: ${isMysql(dialect) ? 'mysql' : 'pgsql'}:${file}`);
    const link = new ServerLink(server, () => undefined);
    const onServer = await dryRunOnServer(link, { clock, migrations: all });
    link.close();
    expect(onServer.migrations).toEqual(onFile.migrations);
    expect(onServer.tables.find(({ table }) => table === 'mailbox')).toEqual({ table: 'mailbox', before: 2, after: 2 });
    expect(servers.execute(dialect, database, 'SELECT count(*) FROM mailbox')).toMatch(/2/);
    const left = isMysql(dialect) ? 'SHOW DATABASES' : 'SELECT nspname FROM pg_namespace';
    expect(servers.execute(dialect, database, left)).not.toMatch(/dry_run/);
    expect(
      servers.execute(
        dialect,
        database,
        `SELECT count(*) FROM information_schema.columns WHERE column_name = 'shoe_size'`,
      ),
    ).toMatch(/\b0\b/);
  });
});
