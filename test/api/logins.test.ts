// Logging in to the API as people do: passwords, codes of an app, passkeys; sessions and their end; and what a page of
// another site cannot do with somebody's session.

import { generateSync } from 'otplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSetupToken } from '../../src/admin/setup-token.ts';
import { hashPassword } from '../../src/auth/password-scheme.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type Answer, ApiServer } from './api-server.ts';
import { SoftwareAuthenticator } from './software-authenticator.ts';

let api: ApiServer;
let passwordHash: string;

beforeAll(async () => {
  api = await ApiServer.start();
  passwordHash = await hashPassword('secret');
});
afterAll(async () => {
  await api.close();
});

async function logIn(body: Readonly<Record<string, unknown>>): Promise<Answer & { readonly cookie: string }> {
  const answer = await api.ask('POST', '/session', { body });
  return { ...answer, cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
}

async function administrator(login: string): Promise<{ cookie: string; ask: ApiServer['ask'] }> {
  await api.directory.administrators.add({ login, role: 'host', passwordHash });
  const { cookie } = await logIn({ login, password: 'secret' });
  const ask: ApiServer['ask'] = async (method, path, asked) =>
    await api.ask(method, path, { ...asked, headers: { cookie, origin: api.origin, ...asked?.headers } });
  return { cookie, ask };
}

test('the first administrator is made by the link of the first start, once', async () => {
  const token = await makeSetupToken(api.directory, systemClock);
  const make = async (given: unknown) =>
    await api.ask('POST', '/setup', { body: { token: given, login: 'first', password: 'long enough now' } });
  expect((await make('phi_wrong')).status).toBe(403);
  expect((await make(token)).status).toBe(201);
  expect((await make(token)).status).toBe(409);
  expect(await makeSetupToken(api.directory, systemClock)).toBeUndefined();
  expect((await logIn({ login: 'first', password: 'long enough now' })).body).toMatchObject({
    login: 'first',
    role: 'host',
  });
});

describe('a session', () => {
  test('begins with the right password, and ends with logging out', async () => {
    const { ask } = await administrator('sara');
    expect((await ask('GET', '/account')).body).toEqual({ login: 'sara', role: 'host', mustChange: false });
    expect((await ask('DELETE', '/session')).status).toBe(200);
    expect((await ask('GET', '/account')).status).toBe(401);
    for (const login of ['sara', 'nobody', 'nobody@example.com']) {
      expect((await logIn({ login, password: 'wrong' })).body).toMatchObject({
        status: 401,
        detail: 'the login or the password is wrong',
      });
    }
  });

  test('can do nothing for a page of another site', async () => {
    const { cookie } = await administrator('cross');
    const post = async (headers: Readonly<Record<string, string>>) =>
      (await api.ask('POST', '/domains', { body: { name: 'evil.test' }, headers: { cookie, ...headers } })).body;
    for (const headers of [
      { origin: 'https://evil.test' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      {},
    ]) {
      expect(await post(headers)).toMatchObject({ status: 403, type: 'urn:posthaste:problem:cross-site' });
    }
    const foreign = { body: { login: 'cross', password: 'secret' }, headers: { origin: 'https://evil.test' } };
    expect((await api.ask('POST', '/session', foreign)).status).toBe(403);
    expect(await post({ origin: api.origin })).toMatchObject({ name: 'evil.test' });
  });

  test('ends everywhere with a new password', async () => {
    const { ask } = await administrator('nina');
    const other = await logIn({ login: 'nina', password: 'secret' });
    const change = await ask('PUT', '/account/password', { body: { current: 'secret', password: 'another' } });
    expect(change.status).toBe(200);
    const fresh = (change.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    expect((await api.ask('GET', '/account', { headers: { cookie: other.cookie } })).status).toBe(401);
    expect((await api.ask('GET', '/account', { headers: { cookie: fresh } })).status).toBe(200);
    expect((await logIn({ login: 'nina', password: 'secret' })).status).toBe(401);
  });

  test('and tokens: they go on after a change by their owner, and end when somebody else sets the password', async () => {
    const { ask } = await administrator('wera');
    const host = await administrator('hester');
    const answerOf = async (token: string): Promise<number> => (await api.ask('GET', '/account', { token })).status;
    const [first, second, own] = [await api.token('wera'), await api.token('wera'), await api.token('hester')];
    const change = await ask('PUT', '/account/password', { body: { current: 'secret', password: 'another' } });
    expect(change.body).toEqual({ changed: true, tokens: 2, passkeys: 0, appPasswords: 0 });
    expect([await answerOf(first), await answerOf(second)]).toEqual([200, 200]);
    expect((await host.ask('DELETE', '/admins/wera/sessions')).body).toEqual({ removed: true, tokens: 2 });
    expect((await host.ask('POST', '/admins/wera/password')).body).toMatchObject({ login: 'wera', tokensRemoved: 2 });
    expect([await answerOf(first), await answerOf(second), await answerOf(own)]).toEqual([401, 401, 200]);
    const third = await api.token('wera');
    await host.ask('PATCH', '/admins/wera', { body: { name: 'Wera', passwordHash } });
    expect(await answerOf(third)).toBe(401);
    expect(await api.directory.events({ object: 'wera' })).toEqual(
      expect.arrayContaining([expect.objectContaining({ action: 'token.remove', actor: 'api:hester' })]),
    );
  });

  test('of somebody with a password that was made for him may only change that', async () => {
    const host = await administrator('olga');
    const { body } = await host.ask('POST', '/admins', { body: { login: 'petra', role: 'host' } });
    const { cookie } = await logIn({ login: 'petra', password: body.password });
    const headers = { cookie, origin: api.origin };
    expect((await api.ask('GET', '/domains', { headers })).body).toMatchObject({
      type: 'urn:posthaste:problem:change-password',
    });
    const next = { body: { current: body.password, password: 'my own' }, headers };
    const changed = await api.ask('PUT', '/account/password', next);
    const fresh = (changed.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    expect((await api.ask('GET', '/domains', { headers: { cookie: fresh } })).status).toBe(200);
  });

  test('of a mailbox is that of its owner', async () => {
    const host = await administrator('rita');
    await host.ask('POST', '/domains', { body: { name: 'people.test' } });
    await host.ask('POST', '/mailboxes', { body: { address: 'tom@people.test', password: 'toms own' } });
    const { cookie, body } = await logIn({ login: 'Tom@people.test', password: 'toms own' });
    expect(body).toMatchObject({ login: 'tom@people.test', role: 'user' });
    const headers = { cookie, origin: api.origin };
    const vacation = { text: 'Back on Monday.' };
    const set = await api.ask('PATCH', '/mailboxes/tom@people.test', { body: { vacation }, headers });
    expect(set.body).toMatchObject({ vacation: { text: 'Back on Monday.' } });
    const quota = await api.ask('PATCH', '/mailboxes/tom@people.test', { body: { quotaBytes: 0 }, headers });
    expect(quota.body).toMatchObject({ status: 403, field: 'quotaBytes' });
  });
});

test('too many wrong passwords lock out, as for mail programs', async () => {
  const strict = await ApiServer.start({ posthaste_auth_account_limit: '3', mynetworks: '192.0.2.1/32' });
  try {
    await strict.directory.administrators.add({ login: 'una', role: 'host', passwordHash });
    const attempt = async (password: string) =>
      await strict.ask('POST', '/session', { body: { login: 'una', password } });
    for (const password of ['a', 'b', 'c', 'd']) await attempt(password);
    const locked = await attempt('secret');
    expect(locked.status).toBe(429);
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(1);
  } finally {
    await strict.close();
  }
});

test('codes of an app are asked for once they are confirmed, and taken once', async () => {
  const { ask } = await administrator('vera');
  const { secret, uri } = (await ask('POST', '/account/totp', { body: {} })).body;
  expect(uri).toMatch(/^otpauth:\/\/totp\//);
  const codeAt = (seconds: number): string => generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + seconds });
  expect((await logIn({ login: 'vera', password: 'secret' })).status).toBe(200);
  const { recoveryCodes } = (await ask('POST', '/account/totp/confirm', { body: { code: codeAt(-30) } })).body;
  expect(recoveryCodes).toHaveLength(10);
  const withCode = async (code?: string) =>
    await logIn({ login: 'vera', password: 'secret', ...(code === undefined ? {} : { code }) });
  expect((await withCode()).body).toMatchObject({
    status: 401,
    type: 'urn:posthaste:problem:second-factor',
    field: 'code',
  });
  expect((await logIn({ login: 'vera', password: 'wrong', code: codeAt(0) })).body).toMatchObject({
    type: 'urn:posthaste:problem:denied',
  });
  const code = codeAt(30);
  expect((await withCode(code)).status).toBe(200);
  expect((await withCode(code)).status).toBe(401);
  expect((await withCode(recoveryCodes[0])).status).toBe(200);
  expect((await withCode(recoveryCodes[0])).status).toBe(401);
  const host = await administrator('wanda');
  expect((await host.ask('DELETE', '/admins/vera/second-factors')).status).toBe(200);
  expect((await withCode()).status).toBe(200);
});

test('a passkey logs in, for this site alone, each time with a new challenge', async () => {
  const { ask } = await administrator('xenia');
  const device = new SoftwareAuthenticator(api.origin);
  const options = (await ask('POST', '/account/passkeys/options', { body: {} })).body;
  const made = { name: 'key', response: device.register(options) };
  expect((await ask('POST', '/account/passkeys', { body: made })).body).toMatchObject({ name: 'key' });
  // What was signed for one challenge is good for no other time.
  expect((await ask('POST', '/account/passkeys', { body: made })).status).toBe(401);

  const begin = async () => (await api.ask('POST', '/session/passkey/options', { body: {} })).body;
  const finish = async (response: object) => await api.ask('POST', '/session/passkey', { body: { response } });
  const signed = device.sign(await begin());
  const answer = await finish(signed);
  expect(answer.body).toMatchObject({ login: 'xenia', role: 'host' });
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  expect((await api.ask('GET', '/account', { headers: { cookie } })).body).toMatchObject({ login: 'xenia' });
  expect((await finish(signed)).status).toBe(401);

  const elsewhere = new SoftwareAuthenticator('https://evil.test');
  const again = (await ask('POST', '/account/passkeys/options', { body: {} })).body;
  expect(
    (await ask('POST', '/account/passkeys', { body: { name: 'x', response: elsewhere.register(again) } })).status,
  ).toBe(401);
  const stranger = new SoftwareAuthenticator(api.origin);
  expect((await finish(stranger.sign(await begin()))).status).toBe(401);
  const [{ id }] = (await ask('GET', '/account/second-factors')).body.passkeys;
  expect((await ask('DELETE', `/account/passkeys/${id}`)).status).toBe(200);
  expect((await finish(device.sign(await begin()))).status).toBe(401);
});
