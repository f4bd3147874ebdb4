// TLS as a client: when it is used, what it is checked for, what is resumed, and what a kept connection must have in
// common with the next message. smtp-client-postfix.test.ts compares the outcomes with a real Postfix's.

import { copyFileSync, writeFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { deliver } from '../../src/smtp-client/deliver.ts';
import { security } from '../../src/smtp-client/security.ts';
import { Certificates, hasOpenssl } from './certificates.ts';
import { testOptions, type TestOverrides, testTls } from './client-options.ts';
import { envelope, polite, ScriptedServer } from './scripted-server.ts';
import { TlsServer, type TlsServerOptions } from './tls-server.ts';

// Skipped where openssl (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
describe.skipIf(!hasOpenssl)('TLS', () => {
  let certificates: Certificates;
  const servers: TlsServer[] = [];

  beforeAll(() => {
    certificates = new Certificates();
  });
  afterAll(() => certificates.remove());
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });

  async function start(
    options: TlsServerOptions = {},
    certificate = 'good',
    maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3',
  ): Promise<{ server: TlsServer; port: number }> {
    const pem = certificates.pem(certificate);
    const server = new TlsServer({ context: createSecureContext({ key: pem, cert: pem, maxVersion }), ...options });
    servers.push(server);
    return { server, port: await server.listen() };
  }

  async function send(port: number, overrides: TestOverrides, host = '127.0.0.1') {
    const lines: string[] = [];
    const options = testOptions({ note: (text) => lines.push(text), warn: (text) => lines.push(text), ...overrides });
    const [outcome] = (await deliver(`[${host}]:${port}`, envelope(['ann@b.example']), options)).outcomes;
    return { outcome, lines };
  }

  test('is used where it is offered, and EHLO is said again', async () => {
    const { server, port } = await start();
    expect((await send(port, { tls: 'may' })).outcome?.kind).toBe('delivered');
    expect(server.seen.slice(0, 4)).toEqual([
      'EHLO client.example',
      'STARTTLS',
      'tls EHLO client.example',
      'tls MAIL FROM:<joe@a.example>',
    ]);
    expect(server.secure?.servername).toBeFalsy();
  });

  test('that fails is done without where it is a wish, not where it is an order', async () => {
    const { server, port } = await start({ isBroken: true });
    expect((await send(port, { tls: 'may' })).outcome?.kind).toBe('delivered');
    server.seen.length = 0;
    const { outcome, lines } = await send(port, { tls: 'encrypt' });
    expect(outcome).toMatchObject({ kind: 'deferred', status: '4.7.5', reason: 'Cannot start TLS: handshake failure' });
    expect(lines[0]).toBe(`SSL_connect error to 127.0.0.1[127.0.0.1]:${port}: wrong version number`);
    expect(server.seen.join()).not.toContain('MAIL');
  });

  test('that breaks after the handshake is done without too, where it is a wish', async () => {
    const { port } = await start({ endsAfterHandshake: true });
    expect((await send(port, { tls: 'may' })).outcome?.kind).toBe('delivered');
    expect((await send(port, { tls: 'encrypt' })).outcome?.kind).toBe('deferred');
  });

  test('that is an order is not done without', async () => {
    const server = new ScriptedServer(polite);
    const port = await server.listen();
    const { outcome } = await send(port, { tls: 'encrypt' });
    await server.close();
    expect(`${outcome?.kind} ${outcome?.status} ${outcome?.reason}`).toBe(
      'deferred 4.7.4 TLS is required, but was not offered by host 127.0.0.1[127.0.0.1]',
    );
  });

  test('of a level that is not there yet keeps the mail, and says which', async () => {
    const { server, port } = await start();
    for (const tls of [testTls({ smtp_tls_security_level: 'dane' }), byTable('dane-only')]) {
      const { outcome, lines } = await send(port, { tls });
      expect(`${outcome?.kind} ${outcome?.status} ${outcome?.reason}`).toMatch(
        /^deferred 4\.7\.5 TLS security level "dane(-only)?" is not supported yet$/,
      );
      expect(lines.join()).toContain('is not supported yet');
    }
    expect(server.seen).toEqual([]);

    function byTable(row: string) {
      return testTls({ smtp_tls_policy_maps: `inline:{[127.0.0.1]:${port}=${row}}` });
    }
  });

  test('sends the name that the policy wants', async () => {
    const { server, port } = await start();
    const row = (text: string) => testTls({ smtp_tls_policy_maps: `inline:{{[127.0.0.1]:${port} = encrypt ${text}}}` });
    await send(port, { tls: row('servername=mail.example') });
    expect(server.secure?.servername).toBe('mail.example');
    // An address is no name (RFC 6066 §3).
    await send(port, { tls: row('servername=hostname') });
    expect(server.secure?.servername).toBeFalsy();
    await send(port, { tls: testTls({ smtp_tls_security_level: 'may', smtp_tls_servername: 'usual.example' }) });
    expect(server.secure?.servername).toBe('usual.example');
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'is resumed under %s, and the certificate checked again',
    async (version) => {
      const { server, port } = await start({}, 'good', version);
      const values = {
        smtp_tls_policy_maps: `inline:{{[127.0.0.1]:${port} = secure match=localhost}}`,
        smtp_tls_CAfile: certificates.path('ca'),
        smtp_tls_loglevel: '1',
      };
      const tls = testTls(values);
      for (let turn = 0; turn < 4; turn++) {
        const { outcome, lines } = await send(port, { tls });
        expect(outcome?.kind).toBe('delivered');
        expect(lines[0]).toMatch(new RegExp(`^Verified TLS connection established to .*: ${version} with cipher `));
      }
      // In TLS 1.3 the ticket for the next time may still be on its way.
      const { resumed } = server;
      expect(resumed).toBeGreaterThanOrEqual(2);
      await send(port, { tls: testTls({ ...values, smtp_tls_session_cache_timeout: '0s' }) });
      expect(server.resumed).toBe(resumed);
    },
  );

  test('is not resumed under another policy, nor believed because an earlier session was', async () => {
    const { server, port } = await start({}, 'good');
    const rows = (text: string) => `inline:{{[127.0.0.1]:${port} = ${text}}}`;
    const more = { smtp_tls_CAfile: certificates.path('ca') };
    const loose = testTls({ smtp_tls_policy_maps: rows('encrypt'), ...more });
    const strict = testTls({ smtp_tls_policy_maps: rows('secure match=elsewhere.example'), ...more });
    await send(port, { tls: loose });
    const tls = { ...strict, sessions: loose.sessions };
    for (let turn = 0; turn < 2; turn++) {
      expect((await send(port, { tls })).outcome).toMatchObject({ reason: 'Server certificate not verified' });
    }
    // The second meets the session of the first, and the certificate that began it.
    expect(server.resumed).toBeLessThanOrEqual(1);
  });

  test('believes whom the files name now', async () => {
    const { port } = await start({}, 'good');
    const file = `${certificates.folder}/changing.pem`;
    copyFileSync(certificates.path('alone'), file);
    const row = `inline:{{[127.0.0.1]:${port} = verify match=localhost}}`;
    let now = 0;
    const clock = { now: () => now, monotonic: () => now };
    const log: string[] = [];
    const note = (text: string) => log.push(text);
    const values = { smtp_tls_CAfile: file, smtp_tls_policy_maps: row };
    const tls = testTls(values, { clock, log: { info: note, warning: note } });
    expect((await send(port, { tls })).outcome?.kind).toBe('deferred');
    copyFileSync(certificates.path('ca'), file);
    now += 6_000;
    expect((await send(port, { tls })).outcome?.kind).toBe('delivered');
    writeFileSync(file, 'half a file');
    now += 6_000;
    expect((await send(port, { tls })).outcome?.kind).toBe('delivered');
    expect(log.join()).toContain('keeping the previous ones');
  });

  test('begins when its files can be read at last', async () => {
    const { server, port } = await start();
    const file = `${certificates.folder}/late.pem`;
    let now = 0;
    const clock = { now: () => now, monotonic: () => now };
    const tls = testTls({ smtp_tls_security_level: 'may', smtp_tls_cert_file: file }, { clock });
    expect((await send(port, { tls })).lines.join()).toContain('TLS is unavailable');
    expect(server.seen).not.toContain('STARTTLS');
    copyFileSync(certificates.path('client'), file);
    now += 6_000;
    await send(port, { tls });
    expect(server.seen).toContain('tls MAIL FROM:<joe@a.example>');
  });

  test('is spoken with LMTP servers, from the first octet too', async () => {
    for (const isWrapped of [false, true]) {
      const { server, port } = await start({ isWrapped });
      const values = { smtp_tls_security_level: 'encrypt', smtp_tls_wrappermode: isWrapped ? 'yes' : 'no' };
      const { outcome } = await send(port, { protocol: 'lmtp', tls: testTls(values) });
      expect(outcome?.kind).toBe('delivered');
      expect(server.seen).toContain('tls LHLO client.example');
    }
  });

  test('does not listen to what was said before it', async () => {
    const server = new ScriptedServer([
      ...polite.filter(([line]) => line !== 'EHLO'),
      ['EHLO', '250-mx\n250 STARTTLS'],
      ['STARTTLS', '220 go\n250 injected'],
    ]);
    const port = await server.listen();
    const { outcome } = await send(port, { tls: 'encrypt' });
    await server.close();
    expect(outcome).toMatchObject({ kind: 'deferred', status: '4.7.5' });
  });

  test('is part of what a kept connection must have in common with the next message', async () => {
    const tls = testTls({
      smtp_tls_security_level: 'may',
      smtp_tls_policy_maps: 'inline:{{strict.example = secure}, {.below.example = encrypt}}',
    });
    const key = async (domain: string, password?: string) => {
      const credentials = password === undefined ? undefined : { login: 'joe', password };
      return security(await tls.policy(domain), credentials, 'x.example').key;
    };
    expect(await key('a.example')).toBe(await key('b.example'));
    expect(await key('a.example')).not.toBe(await key('strict.example'));
    expect(await key('a.below.example')).not.toBe(await key('below.example'));
    expect(await key('a.example', 'one')).not.toBe(await key('a.example', 'two'));
    expect(await key('a.example', 'one')).not.toBe(await key('a.example'));
    expect(await key('a.example', 'one')).not.toContain('one');
  });
});
