// The directory on a server that is reached over TLS: with the authority and the name that are expected it works; with another
// authority, or another name, nothing is asked of it, and every question is "could not find out", never "unknown".

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServerDialect } from '../../src/database/server/server-session.ts';
import { Directory } from '../../src/directory/directory.ts';
import { replicaFile } from '../../src/directory/server/replica-path.ts';
import { readDirectoryServer } from '../../src/directory/server/server-settings.ts';
import { DirectoryTable } from '../../src/directory/tables.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { TemporaryError } from '../../src/lib/temporary-error.ts';
import { quickFolder, serverDialects } from '../harness/directory-servers.ts';
import { MariaDbServer } from '../harness/mariadb.ts';
import { PostgreSqlServer } from '../harness/postgresql.ts';
import { Certificates, hasOpenssl } from '../queue/certificates.ts';

// Needs Debian's openssl, and mariadb-server and postgresql: of each that is not installed the tests are left out.
describe.skipIf(!hasOpenssl).each(serverDialects)('a directory over TLS on %s', (dialect) => {
  let folder: string;
  let server: MariaDbServer | PostgreSqlServer;
  let certificates: Certificates;

  beforeAll(async () => {
    folder = mkdtempSync(join(quickFolder(), 'directory-tls-'));
    chmodSync(folder, 0o755);
    certificates = new Certificates();
    server = await startWithTls(dialect, folder, certificates.path('good'));
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
    certificates.remove();
  });

  /** By TCP, as an account that may come by TLS alone. */
  async function open(host: string, settings: Readonly<Record<string, string>>): Promise<Directory> {
    const file = join(folder, 'directory.cf');
    const lines = { hosts: `${host}:${server.port}`, user: 'tls', password: 'secret', dbname: 'mail', ...settings };
    const text = Object.entries(lines).map(([name, value]) => `${name} = ${value}\n`);
    writeFileSync(file, text.join(''), { mode: 0o600 });
    const copy = replicaFile(mkdtempSync(join(folder, 'copy-')));
    const options = { clock, actor: 'test', warn: () => undefined };
    return await Directory.openOnServer(readDirectoryServer({ kind: 'server', dialect, file }), copy, options);
  }

  it('works where the certificate is what is expected, and without TLS not at all', async () => {
    const verified = { tls_level: 'verify', tls_CAfile: certificates.path('ca') };
    const directory = await open('localhost', verified);
    await directory.domains.add('example.com');
    await directory.mailboxes.add({ address: 'anna@example.com', passwordHash: '!' });
    directory.close();
    for (const settings of [verified, { tls_level: 'encrypt' }]) {
      const again = await open('localhost', settings);
      const table = new DirectoryTable(again.lookups, 'mailboxes');
      expect(await table.lookup('anna@example.com')).toMatchObject({ kind: 'found' });
      expect(await table.lookup('nobody@example.com')).toMatchObject({ kind: 'not-found' });
      again.close();
    }
    const refused = await open('localhost', { tls_level: 'none' });
    const table = new DirectoryTable(refused.lookups, 'mailboxes');
    await expect(table.lookup('nobody@example.com')).rejects.toThrow(TemporaryError);
    refused.close();
  });

  it.each([
    ['another authority', 'localhost', 'alone'],
    ['no authority', 'localhost', undefined],
    ['another name', '127.0.0.1', 'ca'],
  ])('could not find out anything with %s', async (_what, host, authority) => {
    const file = authority === undefined ? {} : { tls_CAfile: certificates.path(authority) };
    const directory = await open(host, { tls_level: 'verify', ...file });
    const table = new DirectoryTable(directory.lookups, 'mailboxes');
    for (const address of ['anna@example.com', 'nobody@example.com', 'x@unhosted.example']) {
      await expect(table.lookup(address)).rejects.toThrow(TemporaryError);
    }
    await expect(directory.mailboxes.list()).rejects.toThrow(TemporaryError);
    await expect(directory.domains.add('new.example')).rejects.toThrow(TemporaryError);
    directory.close();
  });
});

async function startWithTls(
  dialect: ServerDialect,
  folder: string,
  certificate: string,
): Promise<MariaDbServer | PostgreSqlServer> {
  const own = join(folder, 'server.pem');
  writeFileSync(own, readFileSync(certificate), { mode: 0o600 });
  const isRoot = process.getuid?.() === 0;
  if (isRoot) execFileSync('chown', [dialect === 'mysql' ? 'mysql' : 'postgres', own]);
  const data = join(folder, 'd');
  if (dialect === 'mysql') {
    const server = new MariaDbServer(data);
    await server.start([`--ssl-cert=${own}`, `--ssl-key=${own}`, '--skip-name-resolve']);
    server.execute(
      "CREATE DATABASE mail; CREATE USER tls@'%' IDENTIFIED BY 'secret' REQUIRE SSL; GRANT ALL ON mail.* TO tls@'%'",
    );
    return server;
  }
  const server = new PostgreSqlServer(data);
  await server.start({ ssl: 'on', ssl_cert_file: own, ssl_key_file: own });
  const rules = join(server.socketFolder, 'data', 'pg_hba.conf');
  writeFileSync(rules, `hostnossl all tls all reject\n${readFileSync(rules, 'utf8')}`);
  server.execute("SELECT pg_reload_conf(); CREATE ROLE tls LOGIN PASSWORD 'secret'");
  server.execute('CREATE DATABASE mail OWNER tls');
  return server;
}
