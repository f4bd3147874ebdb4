// A whole server that gets its own certificate from pebble: what SMTP and IMAP show before and after, what the
// administrator sees, and what is left when it is killed.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePorts } from '../harness/free-ports.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { Certificates, hasOpenssl } from '../queue/certificates.ts';
import { noPebble, Pebble } from './pebble.ts';
import { converse } from './tls-conversation.ts';

const reason = noPebble ?? (hasOpenssl ? undefined : 'needs openssl');

interface Finished {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

// Skipped where pebble or openssl (scripts/install-test-servers) is not there; CI installs them and counts a skip as a failure.
describe.skipIf(reason !== undefined)(`a server with ACME${reason === undefined ? '' : ` (${reason})`}`, () => {
  let certificates: Certificates;
  let pebble: Pebble;
  let server: PosthasteProcess;
  let folder: string;
  let imaps = 0;
  const hosts = ['mx.test.example', 'imap.test.example'];

  beforeAll(async () => {
    certificates = new Certificates();
    folder = mkdtempSync(join(tmpdir(), 'posthaste-acme-server-'));
    const [httpPort = 0, tlsPort = 0, imapsPort = 0] = await findFreePorts(3);
    imaps = imapsPort;
    pebble = await Pebble.start({ certificates, httpPort, tlsPort, hosts });
    server = await PosthasteProcess.create({
      folder,
      settings: {
        myhostname: 'mx.test.example',
        smtpd_tls_security_level: 'may',
        posthaste_imaps_listen: `127.0.0.1:${imaps}`,
        posthaste_acme_directory: pebble.directory,
        posthaste_acme_hosts: '$myhostname, imap.test.example',
        posthaste_acme_terms_agreed: 'yes',
        posthaste_acme_http_listen: `127.0.0.1:${httpPort}`,
        posthaste_acme_ca_file: certificates.path('ca'),
      },
    });
    await server.start();
  }, 60_000);

  afterAll(async () => {
    await server?.stop();
    await pebble.stop();
    certificates.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** In a process beside us: the authority is within ours. */
  function posthaste(args: readonly string[], config = server.configFolder): Promise<Finished> {
    const command = new URL('../../bin/posthaste', import.meta.url).pathname;
    return new Promise((resolve) => {
      execFile(command, ['-c', config, ...args], (error, stdout, stderr) =>
        resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  const issuerOverImaps = (servername?: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = { port: imaps, host: '127.0.0.1', rejectUnauthorized: false };
      const client = connect({ ...options, ...(servername ? { servername } : {}) }, () => {
        const { issuer, subjectaltname } = client.getPeerCertificate();
        resolve(`${String(issuer.CN)}: ${subjectaltname}`);
        client.destroy();
      });
      client.on('error', reject);
    });

  interface Line {
    readonly names: string[];
    readonly source: string;
    readonly validUntil: number | null;
    readonly renewAt: number | null;
  }
  const listed = async (): Promise<Line[]> =>
    (await posthaste(['--json', 'certificate', 'list'])).stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);

  test('shows what it got, by name, without a restart', { timeout: 60_000 }, async () => {
    for (let turn = 0; turn < 300; turn++) {
      if (server.logLines().filter((line) => line.includes('got a certificate')).length === 2) break;
      await sleep(50);
    }
    expect(await issuerOverImaps()).toMatch(/^Pebble .*: DNS:mx\.test\.example$/);
    expect(await issuerOverImaps('imap.test.example')).toMatch(/^Pebble .*: DNS:imap\.test\.example$/);
    expect(await issuerOverImaps('other.example')).toMatch(/^Pebble .*: DNS:mx\.test\.example$/);
    const { replies } = await converse({ port: server.smtpPort, tls: { servername: 'imap.test.example' } });
    expect(replies[0]).toMatch(/^250 /);
    expect(await listed()).toMatchObject(hosts.map((host) => ({ names: [host], source: 'acme' })));
    expect((await posthaste(['certificate', 'list'])).stdout).toMatch(/^NAMES +SOURCE +ISSUER +VALID UNTIL +RENEWAL/);
  });

  test('renews when it is told to', { timeout: 60_000 }, async () => {
    const [before] = await listed();
    await sleep(1_000);
    const done = await posthaste(['certificate', 'renew', 'mx.test.example']);
    expect(done).toMatchObject({ status: 0, stdout: 'mx.test.example has a new certificate\n' });
    expect((await listed())[0]?.validUntil).toBeGreaterThan(before?.validUntil as number);
    expect((await posthaste(['certificate', 'renew', 'no.example'])).stderr).toContain('not in posthaste_acme_hosts');
  });

  test('is killed, and asks for nothing that it has', { timeout: 60_000 }, async () => {
    await server.kill();
    pebble.requests.length = 0;
    await server.start();
    expect(await issuerOverImaps('imap.test.example')).toMatch(/^Pebble /);
    await sleep(200);
    expect(pebble.count('POST /order-plz')).toBe(0);
  });

  test('refuses settings that cannot work, and says which', async () => {
    const mainCf = readFileSync(join(server.configFolder, 'main.cf'), 'utf8');
    const other = join(folder, 'other');
    for (const [line, message] of [
      ['posthaste_acme_hosts = *.test.example', 'posthaste_acme_hosts: *.test.example is no full host name'],
      ['posthaste_acme_http_listen =', 'set this or posthaste_acme_tls_listen'],
      ['posthaste_acme_directory = http://ca.example/', 'posthaste_acme_directory: http://ca.example/ is no https'],
      ['posthaste_acme_external_account_file = /nowhere', 'posthaste_acme_external_account_file: ENOENT'],
    ] as const) {
      mkdirSync(other, { recursive: true });
      writeFileSync(join(other, 'main.cf'), `${mainCf}${line}\nposthaste_data_directory = ${folder}/other-data\n`);
      writeFileSync(join(other, 'master.cf'), readFileSync(join(server.configFolder, 'master.cf')));
      const { stderr, status } = await posthaste(['start'], other);
      expect(stderr).toContain(message);
      expect(status).not.toBe(0);
    }
  });
});
