// Certificates from a real ACME server, Debian's pebble, which refuses a tenth of all nonces: both challenges, what an
// authority may ask for, and what is done when it is in trouble.

import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ConnectionOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { MemoryLog, ProgramLog } from '../../src/lib/log.ts';
import { certificateId } from '../../src/tls/acme/acme-client.ts';
import { CertificateFiles } from '../../src/tls/acme/certificate-files.ts';
import { CertificateKeeper, type KeeperOptions } from '../../src/tls/acme/certificate-keeper.ts';
import { HttpChallengeListener, TlsChallengeListener } from '../../src/tls/acme/challenge-listeners.ts';
import { Certificates, hasOpenssl } from '../queue/certificates.ts';
import { externalAccount, noPebble, Pebble } from './pebble.ts';

const reason = noPebble ?? (hasOpenssl ? undefined : 'needs openssl');
const minute = 60_000;

// Skipped where pebble or openssl (scripts/install-test-servers) is not there; CI installs them and counts a skip as a failure.
describe.skipIf(reason !== undefined)(`ACME${reason === undefined ? '' : ` (${reason})`}`, () => {
  let certificates: Certificates;
  let pebble: Pebble;
  let http: HttpChallengeListener;
  let tls: TlsChallengeListener;
  let httpPort = 0;
  let tlsPort = 0;
  let folder: string;
  let clock: FakeClock;
  let log: MemoryLog;
  let keepers: CertificateKeeper[] = [];
  const hosts = ['mx.test.example', 'imap.test.example'];

  beforeAll(async () => {
    certificates = new Certificates();
    clock = new FakeClock(Date.now());
    http = new HttpChallengeListener();
    tls = new TlsChallengeListener(clock);
    httpPort = await http.listen({ host: '127.0.0.1', port: 0 });
    tlsPort = await tls.listen({ host: '127.0.0.1', port: 0 });
    pebble = await Pebble.start({ certificates, httpPort, tlsPort, hosts });
  }, 30_000);

  afterAll(async () => {
    await pebble.stop();
    http.close();
    tls.close();
    certificates.remove();
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'posthaste-acme-'));
    log = new MemoryLog();
    pebble.requests.length = 0;
    pebble.orders.length = 0;
    pebble.renewalWindow = undefined;
    pebble.trouble = () => false;
  });

  afterEach(async () => {
    for (const keeper of keepers) await keeper.close();
    keepers = [];
    rmSync(folder, { recursive: true });
  });

  async function openKeeper(more: Partial<KeeperOptions> = {}): Promise<CertificateKeeper> {
    const keeper = new CertificateKeeper({
      hosts: ['mx.test.example'],
      directoryUrl: pebble.directory,
      contact: ['mailto:admin@test.example'],
      agreesToTerms: true,
      external: undefined,
      profile: '',
      authorities: certificates.pem('ca'),
      responders: [http, tls],
      files: new CertificateFiles(folder),
      userAgent: 'test',
      clock,
      log: new ProgramLog(log, 'test'),
      ...more,
    });
    keepers.push(keeper);
    await keeper.open();
    return keeper;
  }

  const leafOf = (keeper: CertificateKeeper, host = 'mx.test.example') =>
    new X509Certificate(keeper.chains(host)?.[0]?.certificates ?? '');

  async function settled(condition: () => boolean): Promise<void> {
    for (let turn = 0; turn < 1500 && !condition(); turn++) await sleep(10);
    expect(condition(), log.lines.join('\n')).toBe(true);
  }

  const state = () => new CertificateFiles(folder).state('mx.test.example');

  test.each(['http-01', 'tls-alpn-01'])('one by %s, kept for the next start', { timeout: 30_000 }, async (type) => {
    const keeper = await openKeeper({ responders: [type === 'http-01' ? http : tls] });
    expect(keeper.isEmpty).toBe(true);
    keeper.start();
    await settled(() => log.lines.some((line) => line.includes('got a certificate')));
    const leaf = leafOf(keeper);
    expect(leaf.checkHost('mx.test.example')).toBe('mx.test.example');
    expect(leaf.issuer).toContain('Pebble');
    expect(
      readdirSync(join(folder, 'tls')).every((name) => (statSync(join(folder, 'tls', name)).mode & 0o077) === 0),
    ).toBe(true);
    await keeper.close();

    pebble.requests.length = 0;
    const next = await openKeeper();
    next.start();
    await sleep(100);
    expect(leafOf(next).serialNumber).toBe(leaf.serialNumber);
    expect(pebble.requests).toEqual([]);
  });

  test('one for each host, and again after two thirds of its time', { timeout: 30_000 }, async () => {
    const keeper = await openKeeper({ hosts });
    keeper.start();
    await settled(() => hosts.every((host) => keeper.chains(host) !== undefined));
    const first = leafOf(keeper, hosts[1]);
    expect(pebble.orders).toEqual(hosts.map((value) => ({ identifiers: [{ type: 'dns', value }] })));
    await settled(() => log.lines.filter((line) => line.includes('got a certificate')).length === 2);
    await keeper.close();
    const [from, to] = [Date.parse(first.validFrom), Date.parse(first.validTo)];
    const { renewAt } = await new CertificateFiles(folder).state('imap.test.example');
    expect(renewAt).toBeCloseTo(from + ((to - from) * 2) / 3, -4);
  });

  test('an account is made once, and its contact follows the settings', { timeout: 30_000 }, async () => {
    const keeper = await openKeeper();
    await keeper.renew('mx.test.example');
    const serial = leafOf(keeper).serialNumber;
    const again = await openKeeper({ contact: ['mailto:other@test.example'] });
    await again.renew('mx.test.example');
    expect(leafOf(again).serialNumber).not.toBe(serial);
    // Twice where pebble refused the first nonce.
    expect(new Set(pebble.requests.filter((one) => one.startsWith('POST /sign-me-up'))).size).toBe(1);
    expect(pebble.count('POST /my-account/')).toBeGreaterThan(0);
    await expect(again.renew('no.test.example')).rejects.toThrow('not in posthaste_acme_hosts');
  });

  test('no account without agreement to the terms', async () => {
    const keeper = await openKeeper({ agreesToTerms: false });
    await expect(keeper.renew('mx.test.example')).rejects.toThrow(
      /read .*data:text.*posthaste_acme_terms_agreed = yes/,
    );
    expect(pebble.count('POST')).toBe(0);
  });

  test('an authority that wants an account of its customers', { timeout: 30_000 }, async () => {
    const options = { certificates, httpPort: 1, tlsPort: 1, hosts, needsExternalAccount: true };
    const strict = await Pebble.start({ ...options, environment: { PEBBLE_VA_ALWAYS_VALID: '1' } });
    try {
      const directoryUrl = strict.directory;
      const without = await openKeeper({ directoryUrl });
      await expect(without.renew('mx.test.example')).rejects.toThrow('set posthaste_acme_external_account_file');
      const wrong = await openKeeper({ directoryUrl, external: { ...externalAccount, macKey: 'A'.repeat(64) } });
      await expect(wrong.renew('mx.test.example')).rejects.toThrow(/unauthorized|malformed/);
      const right = await openKeeper({ directoryUrl, external: externalAccount });
      await right.renew('mx.test.example');
      expect(right.isEmpty).toBe(false);
    } finally {
      await strict.stop();
    }
  });

  test('the authority says when to renew, and which certificate is replaced', { timeout: 30_000 }, async () => {
    pebble.renewalWindow = { start: new Date(clock.now() + 50 * minute), end: new Date(clock.now() + 60 * minute) };
    const keeper = await openKeeper();
    await keeper.renew('mx.test.example');
    const first = leafOf(keeper);
    const planned = (await state()).renewAt ?? 0;
    expect(planned).toBeGreaterThanOrEqual(pebble.renewalWindow.start.getTime());
    expect(planned).toBeLessThan(pebble.renewalWindow.end.getTime());
    expect((await state()).checkAt).toBe(clock.now() + minute);

    // It has made a mistake: all at once.
    pebble.renewalWindow = { start: new Date(clock.now() - 60 * minute), end: new Date(clock.now() - minute) };
    clock.advance(2 * minute);
    keeper.start();
    await settled(() => leafOf(keeper).serialNumber !== first.serialNumber);
    expect(pebble.orders.at(-1)).toMatchObject({ replaces: certificateId(first) });
    expect(pebble.requests).toContain(`GET /renewal/${certificateId(first)}`);
  });

  test('a challenge that fails is not tried again soon, and never in a loop', { timeout: 30_000 }, async () => {
    const silent = { type: 'http-01' as const, offer: async () => () => undefined };
    const keeper = await openKeeper({ responders: [silent] });
    await expect(keeper.renew('mx.test.example')).rejects.toThrow(/http-01: the authorization is invalid: .*40[34]/);
    expect((await state()).notBefore).toBe(clock.now() + 15 * minute);
    expect(log.lines.at(-1)).toMatch(/mx\.test\.example: no new certificate: http-01: .*; next attempt in 15 minutes$/);
    const asked = pebble.requests.length;
    await keeper.close();
    const next = await openKeeper();
    next.start();
    await sleep(100);
    expect(pebble.requests.length).toBe(asked);

    clock.advance(15 * minute);
    const third = await openKeeper({ responders: [silent] });
    await expect(third.renew('mx.test.example')).rejects.toThrow('invalid');
    expect((await state()).notBefore).toBe(clock.now() + 30 * minute);
  });

  test('one host that fails holds up no other', { timeout: 30_000 }, async () => {
    // Nobody answers for a name that the DNS does not know.
    const keeper = await openKeeper({ hosts: ['gone.test.example', 'imap.test.example'] });
    keeper.start();
    await settled(() => keeper.chains('imap.test.example') !== undefined);
    expect(log.lines[0]).toContain('gone.test.example: no new certificate: ');
    expect((await new CertificateFiles(folder).pause(pebble.directory)).until).toBe(0);
  });

  test('an account that the authority has forgotten is asked for again', { timeout: 30_000 }, async () => {
    await (await openKeeper()).renew('mx.test.example');
    const files = new CertificateFiles(folder);
    const account = await files.account(pebble.directory);
    await files.saveAccount(pebble.directory, { ...account, url: `${account.url}999` });
    const keeper = await openKeeper({ contact: account.contact ?? [] });
    await expect(keeper.renew('mx.test.example')).rejects.toThrow('accountDoesNotExist');
    await keeper.renew('mx.test.example');
    expect((await files.account(pebble.directory)).url).toBe(account.url);
  });

  test('another authority is asked at once, whatever the last one said', { timeout: 30_000 }, async () => {
    const files = new CertificateFiles(folder);
    await files.prepare();
    const later = clock.now() + 600 * minute;
    const directory = 'https://other.example/dir';
    await files.saveState('mx.test.example', { attempts: 5, notBefore: later, directory, order: `${directory}/order` });
    const keeper = await openKeeper();
    keeper.start();
    await settled(() => !keeper.isEmpty);
  });

  test('an attempt that is cut short goes on with its order and its key', { timeout: 30_000 }, async () => {
    const keeper = await openKeeper();
    // As if it were killed when the order is ready: what follows never comes.
    pebble.trouble = (path, response) => {
      if (!path.startsWith('/finalize-order')) return false;
      void keeper.close();
      response.destroy();
      return true;
    };
    await expect(keeper.renew('mx.test.example')).rejects.toThrow();
    const key = readFileSync(join(folder, 'tls', 'acme-mx.test.example.next-key.pem'), 'utf8');
    const cut = await state();
    expect(cut).toMatchObject({ attempts: 1, notBefore: clock.now() + minute });
    expect(cut.order).toMatch(/\/my-order\//);

    pebble.trouble = () => false;
    clock.advance(minute);
    const next = await openKeeper();
    next.start();
    await settled(() => !next.isEmpty);
    expect(pebble.orders.length).toBe(1);
    expect(next.chains('mx.test.example')?.[0]?.key).toBe(key);
  });

  test('where the authority is in trouble all hosts wait, as long as it says', { timeout: 30_000 }, async () => {
    pebble.trouble = (path, response) => {
      if (path !== '/order-plz') return false;
      const problem = { type: 'urn:ietf:params:acme:error:rateLimited', detail: 'too many certificates' };
      response.writeHead(429, { 'retry-after': '7200', 'replay-nonce': 'abc' }).end(JSON.stringify(problem));
      return true;
    };
    const keeper = await openKeeper({ hosts });
    keeper.start();
    await settled(() => log.lines.length > 0);
    await sleep(100);
    expect(log.lines).toEqual([
      'test: warning: mx.test.example: no new certificate: rateLimited: too many certificates; next attempt in 120 minutes',
    ]);
    expect(pebble.count('POST /order-plz')).toBe(1);
    const pause = await new CertificateFiles(folder).pause(pebble.directory);
    expect(pause).toEqual({ until: clock.now() + 120 * minute, failures: 1 });
  });

  test('strangers who come to the challenge listeners get nothing', async () => {
    const get = (path: string, more: RequestInit = {}) => fetch(`http://127.0.0.1:${httpPort}${path}`, more);
    const withdraw = await http.offer('mx.test.example', 'a-token-of-some-length', 'the answer');
    const path = '/.well-known/acme-challenge/a-token-of-some-length';
    expect(await (await get(path)).text()).toBe('the answer');
    expect((await get(path, { method: 'POST', body: 'x' })).status).toBe(404);
    expect((await get(`${path}/../../passwd`)).status).toBe(404);
    expect((await get('/', { headers: { 'x-long': 'x'.repeat(20_000) } })).status).toBe(431);
    withdraw();
    expect((await get(path)).status).toBe(404);

    const shake = (options: ConnectionOptions): Promise<string> =>
      new Promise((resolve) => {
        const client = connect({ port: tlsPort, host: '127.0.0.1', rejectUnauthorized: false, ...options });
        client.on('secureConnect', () => resolve(client.getPeerCertificate().subjectaltname ?? ''));
        client.on('error', () => resolve('nothing'));
      });
    const ours = { servername: 'mx.test.example', ALPNProtocols: ['acme-tls/1'] };
    const take = await tls.offer('mx.test.example', 'token', 'the answer');
    expect(await shake(ours)).toBe('DNS:mx.test.example');
    expect(await shake({ ...ours, ALPNProtocols: ['h2'] })).toBe('nothing');
    expect(await shake({ ...ours, servername: 'other.example' })).toBe('nothing');
    expect(await shake({})).toBe('nothing');
    take();
    expect(await shake(ours)).toBe('nothing');
  });

  test('an authority whose own certificate nobody vouches for is told nothing', async () => {
    const keeper = await openKeeper({ authorities: undefined });
    await expect(keeper.renew('mx.test.example')).rejects.toThrow(/localhost:\d+: .*certificate/);
    expect(pebble.requests).toEqual([]);
    const plain = await openKeeper({ directoryUrl: 'http://localhost:1/dir' });
    await expect(plain.renew('mx.test.example')).rejects.toThrow('not an https:// address');
  });
});
