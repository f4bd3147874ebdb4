// `posthaste drive check` after somebody has changed views, accounts and the quota table in the database: each difference is
// found, and `drive apply` puts it right.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { register as registerDrive } from '../../src/cli/drive.ts';
import { register } from '../../src/cli/export.ts';
import { openServerSession } from '../../src/database/server/open-session.ts';
import type { DirectoryServer } from '../../src/directory/server/server-settings.ts';
import type { Driver } from '../../src/interop/export/dialect.ts';
import { DirectoryServers, serverDialects } from '../harness/directory-servers.ts';
import { runCommand, type ToolOutput } from '../harness/run-tool.ts';
import { copyDirectory } from './copy-directory.ts';
import { fillDirectory } from './filled-directory.ts';

const folder = mkdtempSync('/var/tmp/posthaste-drift-');
chmodSync(folder, 0o755);
const file = join(folder, 'data', 'directory.db');
const servers = new DirectoryServers();

beforeAll(async () => {
  mkdirSync(join(folder, 'data'));
  (await fillDirectory(file)).close();
  await servers.start();
}, 60_000);
afterAll(async () => {
  await servers.stop();
  rmSync(folder, { recursive: true, force: true });
});

function configure(name: string, place: string): string {
  const etc = join(folder, `etc-${name}`);
  mkdirSync(etc, { recursive: true });
  const data = join(folder, name === 'sqlite' ? 'data' : `data-${name}`);
  mkdirSync(data, { recursive: true });
  writeFileSync(
    join(etc, 'main.cf'),
    `compatibility_level = 3.6\nrecipient_delimiter = +\nposthaste_data_directory = ${data}\n${place}`,
  );
  writeFileSync(join(etc, 'master.cf'), '');
  return etc;
}

async function exportInto(etc: string, kind: 'postfix-maps' | 'dovecot'): Promise<ToolOutput> {
  const more = kind === 'dovecot' ? ['--mail-user', 'nobody'] : [];
  return await runCommand(register, {
    directory: etc,
    args: ['export', kind, '--destdir', join(etc, kind), ...more],
  });
}

const drive = (etc: string, word: 'check' | 'apply'): Promise<ToolOutput> =>
  runCommand(registerDrive, { directory: etc, args: ['drive', word] });

/** What check says of a planted difference; afterwards all is as it was. */
async function foundAfter(etc: string, plant: () => unknown): Promise<string> {
  await plant();
  const { status, stdout } = await drive(etc, 'check');
  expect([status, (await drive(etc, 'apply')).status]).toEqual([stdout === '' ? 0 : 1, 0]);
  expect((await drive(etc, 'check')).stdout).toBe('everything that was exported agrees with the directory\n');
  return stdout;
}

describe('on the embedded database', () => {
  let etc: string;
  const inFile = (name: string, sql: string) => () => {
    const db = new Database(name);
    db.exec(sql);
    db.close();
  };

  beforeAll(async () => {
    etc = configure('sqlite', '');
    for (const kind of ['postfix-maps', 'dovecot'] as const) expect((await exportInto(etc, kind)).status).toBe(0);
    expect((await drive(etc, 'check')).status).toBe(0);
  });

  test('a view that is gone, and one that is another', async () => {
    expect(await foundAfter(etc, inFile(file, 'DROP VIEW postfix_bcc'))).toContain('the view postfix_bcc is missing');
    const other = 'DROP VIEW postfix_name; CREATE VIEW postfix_name AS SELECT 1 AS name, 2 AS target';
    expect(await foundAfter(etc, inFile(file, other))).toContain('the view postfix_name is missing or was changed');
  });

  test('the table of quotas', async () => {
    const quota = join(folder, 'data', 'dovecot', 'quota.db');
    expect(await foundAfter(etc, inFile(quota, 'DROP TABLE quota2'))).toContain('the table quota2 is missing');
    expect(await foundAfter(etc, () => rmSync(quota))).toContain('the table quota2 is missing');
  });
});

// Needs Debian's mariadb-server and postgresql: of each that is not installed the tests are left out.
describe.each(serverDialects)('on %s', (dialect) => {
  const driver: Driver = dialect === 'mysql' ? 'mysql' : 'pgsql';
  let etc: string;
  let server: DirectoryServer;
  let database: string;
  const byOwner = (...statements: string[]) => {
    return async () => {
      const [address] = server.addresses;
      if (address === undefined) throw new Error('no address');
      const session = await openServerSession(address);
      try {
        for (const statement of statements) await session.query(statement);
      } finally {
        session.close();
      }
    };
  };
  const knowsPublic = async (): Promise<boolean> =>
    await byOwner('SHOW GRANTS FOR PUBLIC')().then(
      () => true,
      () => false,
    );
  const who = (name: string): string => (dialect === 'mysql' ? `'${name}'@'localhost'` : name);
  /** As check names the one that `who` names. */
  const told = (name: string): string => (dialect === 'mysql' ? `${name}@localhost` : name);
  const reader = who('posthaste_reader');
  const dovecot = who('posthaste_dovecot');

  beforeAll(async () => {
    const made = servers.newDatabase(dialect);
    ({ server, database } = made);
    await copyDirectory(file, server);
    etc = configure(driver, `posthaste_directory = ${driver}:${made.file}\n`);
    for (const kind of ['postfix-maps', 'dovecot'] as const) {
      expect(await exportInto(etc, kind)).toMatchObject({ status: 0 });
    }
    expect(await drive(etc, 'check')).toMatchObject({ status: 0 });
  }, 60_000);

  test('a view that is gone, and one that is another', async () => {
    expect(await foundAfter(etc, byOwner('DROP VIEW postfix_bcc'))).toContain('the view postfix_bcc is missing');
    const other =
      "CREATE OR REPLACE VIEW postfix_recipient_row AS SELECT domain_id, localpart FROM relay_recipient WHERE localpart <> 'x'";
    expect(await foundAfter(etc, byOwner(other))).toContain('the view postfix_definition is missing or was changed');
  });

  test('a right that is gone', async () => {
    const found = await foundAfter(etc, byOwner(`REVOKE SELECT ON postfix_bcc FROM ${reader}`));
    expect(found).toContain(`the account ${told('posthaste_reader')} may not SELECT postfix_bcc`);
    expect(await foundAfter(etc, byOwner(`REVOKE INSERT ON quota2 FROM ${dovecot}`))).toContain(
      `the account ${told('posthaste_dovecot')} may not INSERT quota2`,
    );
  });

  test.each([
    ['a table', 'SELECT ON mailbox', 'SELECT mailbox'],
    ['a column', 'SELECT (password) ON mailbox', 'SELECT (password) mailbox'],
    ['the quotas', 'UPDATE ON quota2', 'UPDATE quota2'],
  ])('a right to %s that is none of its', async (_name, right, line) => {
    expect(await foundAfter(etc, byOwner(`GRANT ${right} TO ${reader}`))).toContain(
      `the account ${told('posthaste_reader')} may ${line}, which it need not`,
    );
  });

  test('rights elsewhere, and as a member of others', async () => {
    const role = `somebody_${database}`;
    const make = `CREATE ${dialect === 'mysql' ? 'DATABASE' : 'SCHEMA'} elsewhere`;
    await byOwner(
      make,
      'CREATE TABLE elsewhere.secrets (a integer)',
      `GRANT SELECT ON elsewhere.secrets TO ${reader}`,
    )();
    await byOwner(`CREATE ROLE ${role}`, `GRANT ${role} TO ${reader}`)();
    const { status, stdout } = await runCommand(registerDrive, {
      directory: etc,
      args: ['drive', 'check'],
      json: true,
    });
    expect(status).toBe(1);
    const found = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { what: string; mend: string });
    const account = told('posthaste_reader');
    expect(found.map(({ what }) => what)).toEqual([
      `the account ${account} may SELECT elsewhere.secrets, which it need not`,
      `the account ${account} may do what ${role} may, which it need not`,
    ]);
    // What an export does not take away is told as a statement.
    await byOwner(...found.map(({ mend }) => mend).filter((mend) => mend.startsWith('REVOKE')))();
    expect((await drive(etc, 'apply')).status).toBe(0);
    expect((await drive(etc, 'check')).status).toBe(0);
  });

  test('rights that everybody has', async () => {
    // MariaDB before 10.11 and MySQL have no PUBLIC.
    if (dialect === 'mysql' && !(await knowsPublic())) return;
    await byOwner('GRANT SELECT ON postfix_bcc TO PUBLIC', 'GRANT UPDATE (password) ON mailbox TO PUBLIC')();
    const { status, stdout } = await drive(etc, 'check');
    expect(status).toBe(1);
    for (const right of ['SELECT postfix_bcc', 'UPDATE (password) mailbox']) {
      expect(stdout).toContain(
        `the account posthaste_reader may ${right} as everybody (PUBLIC) may, which it need not`,
      );
    }
    const where = dialect === 'mysql' ? `${database}.` : '';
    const mends = [`SELECT ON ${where}postfix_bcc`, `UPDATE (password) ON ${where}mailbox`].map(
      (right) => `REVOKE ${right} FROM PUBLIC`,
    );
    for (const mend of mends) expect(stdout).toContain(mend);
    await byOwner(...mends)();
    expect((await drive(etc, 'check')).status).toBe(0);
  });

  if (dialect === 'mysql') {
    test('rights that everybody has to databases of a pattern, to all of them, and as members of a role', async () => {
      if (!(await knowsPublic())) return;
      const near = database.replace('_', '\\_').slice(0, -1);
      await byOwner(
        `GRANT INSERT, UPDATE ON \`${near}_\`.* TO PUBLIC WITH GRANT OPTION`,
        `GRANT SELECT ON \`${near}\\_\`.* TO PUBLIC`,
        'GRANT PROCESS ON *.* TO PUBLIC',
        `CREATE ROLE all_${database}`,
        `GRANT all_${database} TO PUBLIC`,
      )();
      const { stdout } = await runCommand(registerDrive, { directory: etc, args: ['drive', 'check'], json: true });
      const found = stdout.trim().split('\n');
      const told = found.map((line) => JSON.parse(line) as { what: string; mend: string });
      const ofReader = told.filter(({ what }) => what.startsWith('the account posthaste_reader may'));
      expect(
        ofReader.map(({ what, mend }) => `${/may (.*) as everybody/.exec(what)?.[1]}: ${mend}`).toSorted(),
      ).toEqual([
        `GRANT OPTION ${near}_.*: REVOKE GRANT OPTION ON ${near}_.* FROM PUBLIC`,
        `INSERT ${near}_.*: REVOKE INSERT ON ${near}_.* FROM PUBLIC`,
        'PROCESS *.*: REVOKE PROCESS ON *.* FROM PUBLIC',
        `UPDATE ${near}_.*: REVOKE UPDATE ON ${near}_.* FROM PUBLIC`,
        `do what all_${database} may: REVOKE all_${database} FROM PUBLIC`,
      ]);
      await byOwner(...ofReader.map(({ mend }) => mend), `REVOKE SELECT ON \`${near}\\_\`.* FROM PUBLIC`)();
      expect((await drive(etc, 'check')).stdout).toBe('everything that was exported agrees with the directory\n');
    });
  }

  test('an account that is gone, or has another password', async () => {
    const gone =
      dialect === 'mysql'
        ? ["DROP USER 'posthaste_reader'@'127.0.0.1'"]
        : [`DROP OWNED BY ${reader}`, `DROP ROLE ${reader}`];
    expect(await foundAfter(etc, byOwner(...gone))).toContain(
      dialect === 'mysql'
        ? 'the account posthaste_reader@127.0.0.1 is missing'
        : 'the account posthaste_reader cannot log in with the password of its file',
    );
    // The PostgreSQL of these tests trusts everybody.
    if (dialect !== 'mysql') return;
    expect(await foundAfter(etc, byOwner(`ALTER USER ${reader} IDENTIFIED BY 'other'`))).toContain(
      'the account posthaste_reader cannot log in with the password of its file',
    );
  });

  test('the table of quotas', async () => {
    expect(await foundAfter(etc, byOwner('DROP TABLE quota2'))).toContain('quota2');
  });

  test('what one program may do stays when the views are made anew for the other', async () => {
    await byOwner('DROP VIEW postfix_definition')();
    expect(await exportInto(etc, 'postfix-maps')).toMatchObject({ status: 0 });
    expect((await drive(etc, 'check')).stdout).toBe('everything that was exported agrees with the directory\n');
  });

  test("accounts that another makes: the views are the directory's own, and check needs nobody else", async () => {
    const { database: name, file: adminFile, server: own } = servers.newDatabase(dialect);
    const [root] = own.addresses;
    if (root === undefined) throw new Error('no address');
    const session = await openServerSession(root);
    const user = `keeper_${name}`;
    const statements =
      dialect === 'mysql'
        ? [`CREATE USER '${user}'@'localhost' IDENTIFIED BY 'x'`, `GRANT ALL ON ${name}.* TO '${user}'@'localhost'`]
        : [`CREATE ROLE ${user} LOGIN PASSWORD 'x'`, `ALTER DATABASE ${name} OWNER TO ${user}`];
    for (const statement of statements) await session.query(statement);
    session.close();
    const keeper = { ...root, user, password: 'x' };
    await copyDirectory(file, { ...own, addresses: [keeper] });
    const keeperFile = adminFile.replace('.cf', '-keeper.cf');
    const text = readFileSync(adminFile, 'utf8').replace(/^user = .*$/m, `user = ${user}\npassword = x`);
    writeFileSync(keeperFile, text, { mode: 0o600 });
    const kept = configure(`kept-${driver}`, `posthaste_directory = ${driver}:${keeperFile}\n`);
    for (const kind of ['postfix-maps', 'dovecot'] as const) {
      const names =
        kind === 'dovecot' ? ['--account', `d_${name}`, '--mail-user', 'nobody'] : ['--reader', `r_${name}`];
      const args = ['export', kind, '--destdir', join(kept, kind), ...names];
      expect((await runCommand(register, { directory: kept, args })).stderr).toContain('--admin FILE');
      expect(await runCommand(register, { directory: kept, args: [...args, '--admin', adminFile] })).toMatchObject({
        status: 0,
      });
    }
    expect((await drive(kept, 'check')).stdout).toBe('everything that was exported agrees with the directory\n');
    const again = await openServerSession(root);
    await again.query(`REVOKE SELECT ON postfix_bcc FROM ${who(`r_${name}`)}`);
    again.close();
    expect((await drive(kept, 'check')).stdout).toContain(`the account r_${name} may not SELECT postfix_bcc`);
  });
});
