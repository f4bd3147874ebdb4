// The first start by the API: the one-time token, the name of the host, a test message, and what a mail program needs.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSetupToken } from '../../src/admin/setup-token.ts';
import { hashPassword } from '../../src/auth/password-scheme.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { ImapConnection } from '../harness/imap-connection.ts';
import { type Answer, ApiServer } from './api-server.ts';
import { SoftwareAuthenticator } from './software-authenticator.ts';

const password = 'correct horse battery';

describe('the setup link', () => {
  let api: ApiServer;
  let command: string;
  beforeAll(async () => {
    api = await ApiServer.start({
      mynetworks: '192.0.2.1/32',
      posthaste_auth_address_limit: '6',
      posthaste_auth_lockout_time: '1s',
    });
    command = `bin/posthaste -c ${api.folder}`;
  });
  afterAll(async () => {
    await api.close();
  });

  const check = async (token: string | undefined): Promise<Answer> =>
    await api.ask('POST', '/setup/check', { body: { token } });

  test('is good until another one is made, and for a day', async () => {
    expect((await api.ask('GET', '/setup')).body).toEqual({ hasAdministrator: false, command });
    const first = await makeSetupToken(api.directory, systemClock);
    expect((await check(first)).body).toEqual({ isGood: true, hostname: 'mail.host.test' });
    const yesterday = { ...systemClock, now: () => Date.now() - 25 * 3_600_000 };
    const old = await makeSetupToken(api.directory, yesterday);
    expect((await check(first)).body).toMatchObject({
      status: 403,
      mend: expect.stringContaining(`${command} setup-link`),
    });
    expect((await check(old)).body).toMatchObject({ status: 403, field: 'token' });
    expect((await check(await makeSetupToken(api.directory, systemClock))).status).toBe(200);
  });

  test('that is guessed too often locks the one who guesses out', async () => {
    const token = await makeSetupToken(api.directory, systemClock);
    const statuses: number[] = [];
    for (let at = 0; at < 8; at++) statuses.push((await check(`phi_guess${at}`)).status);
    expect(statuses[0]).toBe(403);
    expect(statuses.at(-1)).toBe(429);
    expect((await check(token)).status).toBe(429);
    await expect.poll(async () => (await check(token)).status, { timeout: 10_000, interval: 300 }).toBe(200);
  });

  test('makes nothing of what is not accepted, and is still good then', async () => {
    const token = await makeSetupToken(api.directory, systemClock);
    const refused = [
      [{ login: 'first' }, 422],
      [{ login: 'first', password: 'short' }, 422],
      [{ login: 'no such login', password }, 422],
      [{ login: 'first', passkey: { name: 'Key', response: { id: 'none' } } }, 401],
    ] as const;
    for (const [given, status] of refused) {
      expect((await api.ask('POST', '/setup', { body: { token, ...given } })).status, JSON.stringify(given)).toBe(
        status,
      );
    }
    const elsewhere = { headers: { origin: 'https://elsewhere.example' }, body: { token, login: 'first', password } };
    expect((await api.ask('POST', '/setup', elsewhere)).body).toMatchObject({ status: 403, title: 'Not allowed' });
    expect((await api.ask('GET', '/setup')).body).toEqual({ hasAdministrator: false, command });
    expect((await check(token)).status).toBe(200);
  });

  test('makes an administrator with a passkey and no password, logged in, once', async () => {
    const token = await makeSetupToken(api.directory, systemClock);
    const device = new SoftwareAuthenticator(api.origin);
    const headers = { origin: api.origin };
    const options = await api.ask('POST', '/setup/passkey-options', { headers, body: { token, login: 'first' } });
    const passkey = { name: 'Key', response: device.register(options.body) };
    const made = await api.ask('POST', '/setup', { headers, body: { token, login: 'first', passkey } });
    expect(made.body).toEqual({ login: 'first', role: 'host', mustChange: false });
    const cookie = (made.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const factors = await api.ask('GET', '/account/second-factors', { headers: { cookie } });
    expect(factors.body).toMatchObject({ totp: false, passkeys: [{ name: 'Key' }] });
    const signing = await api.ask('POST', '/session/passkey/options', { headers });
    const response = device.sign(signing.body);
    expect((await api.ask('POST', '/session/passkey', { headers, body: { response } })).status).toBe(200);

    expect((await check(token)).body).toMatchObject({ status: 409, detail: expect.stringContaining('log in') });
    expect((await api.ask('POST', '/setup', { body: { token, login: 'second', password } })).status).toBe(409);
    expect((await api.ask('GET', '/setup')).body).toEqual({
      hasAdministrator: true,
      command: 'bin/posthaste',
    });
    expect(await makeSetupToken(api.directory, systemClock)).toBeUndefined();
  });
});

describe('a host', () => {
  let api: ApiServer;
  let token: string;
  let imapPort: number;
  beforeAll(async () => {
    [imapPort = 0] = await findFreePorts(1);
    api = await ApiServer.start({ posthaste_imap_listen: `127.0.0.1:${imapPort}` });
    await api.directory.administrators.add({ login: 'anna', role: 'host' });
    await api.directory.domains.add('own.test');
    await api.directory.domains.add('foreign.test');
    const passwordHash = await hashPassword('secret');
    await api.directory.mailboxes.add({ address: 'ben@own.test', passwordHash });
    await api.directory.mailboxes.add({ address: 'eve@foreign.test', passwordHash });
    await api.directory.administrators.add({ login: 'dora', role: 'domain', domains: ['own.test'] });
    token = await api.token('anna');
  });
  afterAll(async () => {
    await api.close();
  });

  test('is renamed in main.cf, where comments and order stay', async () => {
    const file = join(api.folder, 'main.cf');
    const before = `# A comment.\n${readFileSync(file, 'utf8')}# At the end.\n`;
    writeFileSync(file, before);
    for (const hostname of ['no name', 'mail', '-a.example.com', '192.0.2.1', 'mail.example.com\nmynetworks = all']) {
      const answer = await api.ask('PATCH', '/host', { token, body: { hostname } });
      expect(answer.body, hostname).toMatchObject({ status: 422, field: 'hostname' });
    }
    expect(readFileSync(file, 'utf8')).toBe(before);
    const { body } = await api.ask('PATCH', '/host', { token, body: { hostname: 'MX.Example.com.' } });
    expect(body).toMatchObject({ hostname: 'mx.example.com', isSet: true });
    expect(body.needsRestart).toEqual(['myhostname has changed: that needs a restart']);
    expect(readFileSync(file, 'utf8')).toBe(
      before.replace('myhostname = mail.host.test', 'myhostname = mx.example.com'),
    );
    expect((await api.ask('GET', '/host', { token })).body).toEqual(body);
    writeFileSync(file, before);
    await api.ask('PATCH', '/host', { token, body: { hostname: 'mail.host.test' } });
  });

  test('is not renamed where main.cf has a mistake that a reload would not take', async () => {
    const file = join(api.folder, 'main.cf');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, `${before}no parameter\n`);
    const answer = await api.ask('PATCH', '/host', { token, body: { hostname: 'mx.example.com' } });
    expect(answer.body).toMatchObject({ status: 422, detail: expect.stringContaining('no parameter') });
    expect(readFileSync(file, 'utf8')).toBe(`${before}no parameter\n`);
    writeFileSync(file, before);
  });

  test('sends a test message that is in the mailbox, and whose trace tells it', async () => {
    const { body: sent } = await api.ask('POST', '/messages/test', { token, body: { address: 'ben@own.test' } });
    expect(sent).toMatchObject({ sender: 'postmaster@mail.host.test', recipient: 'ben@own.test' });
    const { body: trace } = await api.ask('GET', `/trace?text=${sent.queueId}`, { token });
    expect(trace.items[0]).toMatchObject({
      queueId: sent.queueId,
      messageId: sent.messageId,
      recipients: [{ recipient: 'ben@own.test', state: 'delivered', relay: 'mailstore' }],
    });
    const imap = await ImapConnection.open({ port: imapPort });
    await imap.ok('LOGIN ben@own.test secret');
    await imap.ok('SELECT INBOX');
    const { untagged } = await imap.ok('FETCH 1 BODY[]');
    const text = untagged.flatMap(({ literals }) => literals.map(String)).join('');
    expect(text).toContain(`Message-Id: ${sent.messageId}\r\n`);
    expect(text).toContain('To: <ben@own.test>\r\n');
    expect(text).toContain('Auto-Submitted: auto-generated\r\n');
    await imap.command('LOGOUT');
  });

  test('sends none elsewhere, none for somebody else, and not many', async () => {
    const dora = await api.token('dora');
    const send = async (address: string, by = dora): Promise<number> =>
      (await api.ask('POST', '/messages/test', { token: by, body: { address } })).status;
    expect(await send('eve@foreign.test')).toBe(403);
    expect(await send('nobody@elsewhere.example', token)).toBe(422);
    const statuses = [];
    for (let at = 0; at < 21; at++) statuses.push(await send('ben@own.test'));
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 200), 429]);
    expect(await send('ben@own.test', token)).toBe(200);
  });

  test('says what a mail program needs, to the owner of the mailbox too', async () => {
    const ben = await api.token('ben@own.test');
    const { body } = await api.ask('GET', '/mailboxes/ben@own.test/client-settings', { token: ben });
    expect(body).toEqual({
      login: 'ben@own.test',
      items: [{ protocol: 'imap', host: 'localhost', port: imapPort, security: 'starttls', isLocal: true }],
      isSelfSigned: true,
    });
  });
});
