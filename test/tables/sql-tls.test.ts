// mysql: and pgsql: tables over TLS: asked for, checked against a certificate authority and a name, and preferred as
// libpq does.

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryLog } from '../../src/lib/log.ts';
import { Tables } from '../../src/tables/registry.ts';
import { hasSqlServers, SqlServers } from './sql-servers.ts';

const hasOpenssl = existsSync('/usr/bin/openssl');
const mysqlCipher = "SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'ssl_cipher'";
const pgsqlTls = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';

// Skipped where MariaDB or PostgreSQL (scripts/install-test-servers) is not there; CI installs them and counts a skip as a failure.
describe.skipIf(!hasSqlServers || !hasOpenssl)('SQL over TLS (packages mariadb-server, postgresql, openssl)', () => {
  const servers = new SqlServers();
  const log = new MemoryLog();
  const tables = new Tables({ log, isWatching: false });
  const own = (name: string): string => join(servers.folder, name);
  beforeAll(async () => {
    makeCertificate('server', 'IP:127.0.0.1');
    makeCertificate('other', 'DNS:other.test');
    writeFileSync(own('pg.key'), readFileSync(own('server.key')), { mode: 0o600 });
    if (process.getuid?.() === 0) {
      execFileSync('chown', ['mysql', own('server.key')]);
      execFileSync('chown', ['postgres', own('pg.key')]);
    }
    await servers.start([`--ssl-cert=${own('server.crt')}`, `--ssl-key=${own('server.key')}`], {
      ssl: 'on',
      ssl_cert_file: own('server.crt'),
      ssl_key_file: own('pg.key'),
    });
    // `tls` may come only with TLS, `plain` only without.
    const hba = join(servers.postgreSql.socketFolder, 'data', 'pg_hba.conf');
    const rules = readFileSync(hba, 'utf8');
    writeFileSync(hba, `hostnossl all tls all reject\nhostssl all plain all reject\n${rules}`);
    servers.postgreSql.execute('SELECT pg_reload_conf()');
    servers.postgreSql.execute('CREATE ROLE tls LOGIN; CREATE ROLE plain LOGIN');
  });
  afterAll(async () => {
    tables.close();
    await servers.stop();
  });

  function makeCertificate(name: string, subject: string): void {
    const [key, certificate] = [own(`${name}.key`), own(`${name}.crt`)];
    const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const what = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${subject}`];
    execFileSync('openssl', [...kind, ...what, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
    chmodSync(key, 0o600);
  }

  const ask = async (table: string): Promise<unknown> => await tables.open(table).lookup('a');

  test('mysql: plain without tls_*, encrypted with, refused where the certificate is somebody else’s', async () => {
    expect(await ask(servers.table('mysql', { query: mysqlCipher }))).toEqual({ kind: 'not-found' });
    const checked = { query: mysqlCipher, tls_CAfile: own('server.crt'), tls_verify_cert: 'yes' };
    expect(await ask(servers.table('mysql', checked))).toMatchObject({ kind: 'found' });
    const unchecked = { query: mysqlCipher, tls_ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384:TLS_AES_256_GCM_SHA384' };
    expect(await ask(servers.table('mysql', unchecked))).toMatchObject({ kind: 'found' });
    const wrong = { query: mysqlCipher, tls_CAfile: own('other.crt') };
    await expect(ask(servers.table('mysql', wrong))).rejects.toThrow('self-signed certificate');
    const misnamed = { ...checked, hosts: `[::ffff:127.0.0.1]:${servers.mariaDb.port}` };
    await expect(ask(servers.table('mysql', misnamed))).rejects.toThrow("not match certificate's altnames");
    const missing = { query: mysqlCipher, tls_CAfile: own('nosuch.crt') };
    expect(() => tables.open(servers.table('mysql', missing))).toThrow('nosuch.crt');
  });

  test('pgsql: what the server wants, or what the URI says', async () => {
    expect(await ask(servers.table('pgsql', { query: pgsqlTls, user: 'plain' }))).toMatchObject({ value: 'f' });
    expect(await ask(servers.table('pgsql', { query: pgsqlTls, user: 'tls' }))).toMatchObject({ value: 't' });
    const uri = `postgresql://reader@127.0.0.1:${servers.postgreSql.port}/mail`;
    const withUri = (parameters: string) => servers.table('pgsql', { query: pgsqlTls, hosts: `${uri}?${parameters}` });
    expect(await ask(withUri('sslmode=require'))).toMatchObject({ value: 't' });
    expect(await ask(withUri('sslmode=disable'))).toMatchObject({ value: 'f' });
    expect(await ask(withUri(`sslmode=verify-full&sslrootcert=${own('server.crt')}`))).toMatchObject({ value: 't' });
    await expect(ask(withUri(`sslmode=verify-full&sslrootcert=${own('other.crt')}`))).rejects.toThrow(
      'self-signed certificate',
    );
  });
});
