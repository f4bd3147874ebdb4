// The way back when a password is forgotten: the recovery address and its code, the link and what it is good for, and what
// somebody who tries out addresses learns: nothing.

import { generateSync } from 'otplib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hashPassword, verifyPassword } from '../../src/auth/password-scheme.ts';
import { secretDigest } from '../../src/directory/api-tokens.ts';
import { SecondFactors } from '../../src/directory/second-factors.ts';
import { type Answer, ApiServer } from './api-server.ts';
import { Inboxes } from './inboxes.ts';
import { SoftwareAuthenticator } from './software-authenticator.ts';

let api: ApiServer;
let inboxes: Inboxes;
const anna = 'anna@own.test';
const elsewhere = 'anna@elsewhere.test';

beforeAll(async () => {
  api = await ApiServer.start();
  inboxes = new Inboxes(api);
  const passwordHash = await hashPassword('secret');
  for (const domain of ['own.test', 'elsewhere.test']) {
    await api.directory.domains.add(domain);
    for (const name of ['anna', 'ben', 'carl', 'dora', 'eve']) {
      await api.directory.mailboxes.add({ address: `${name}@${domain}`, passwordHash });
    }
  }
  await api.directory.administrators.add({ login: 'hanna', role: 'host', passwordHash });
});
afterAll(async () => {
  inboxes.close();
  await api.close();
});

type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>;

async function logIn(login: string, password = 'secret'): Promise<Ask> {
  const { headers, status } = await api.ask('POST', '/session', { body: { login, password } });
  expect([login, status]).toEqual([login, 200]);
  const cookie = (headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  return async (method, path, body) =>
    await api.ask(method, path, { headers: { cookie, origin: api.origin }, ...(body === undefined ? {} : { body }) });
}

const post = async (path: string, body: unknown): Promise<Answer> => await api.ask('POST', path, { body });
const hashOf = (address: string): string => api.directory.credentials(address)?.passwordHash ?? '';

/** The last letter's link or code. */
function lastOf(letters: readonly string[], pattern: RegExp): string {
  // A line that is too long has soft breaks (RFC 2045 §6.7).
  return pattern.exec((letters.at(-1) ?? '').replaceAll('=\r\n', ''))?.[1] ?? '';
}
const link = /\/forgotten#(phl_\S+)/;
const code = /^ {4}(\S+)$/m;

describe('a recovery address', () => {
  test('is set by a code that is mailed to it, with the password; wrong codes end it', async () => {
    const ask = await logIn(anna);
    expect((await ask('GET', '/account/recovery')).body).toEqual({ isPossible: true });
    const begin = { address: elsewhere, password: 'secret' };
    expect((await ask('POST', '/account/recovery', { ...begin, password: 'wrong' })).body).toMatchObject({
      status: 403,
      field: 'password',
    });
    expect((await ask('POST', '/account/recovery', { ...begin, address: anna })).status).toBe(422);
    expect((await ask('POST', '/account/recovery', begin)).body).toMatchObject({ address: elsewhere });
    const first = lastOf(await inboxes.when(elsewhere, 1), code);
    for (let tries = 0; tries < 5; tries++) {
      expect((await ask('POST', '/account/recovery/confirm', { code: 'abcde-fghij' })).body.field).toBe('code');
    }
    // Even the right one.
    expect((await ask('POST', '/account/recovery/confirm', { code: first })).status).toBe(422);
    expect((await ask('GET', '/account/recovery')).body).toEqual({ isPossible: true });
    await ask('POST', '/account/recovery', begin);
    const second = lastOf(await inboxes.when(elsewhere, 2), code);
    expect((await ask('POST', '/account/recovery/confirm', { code: first })).status).toBe(422);
    expect((await ask('POST', '/account/recovery/confirm', { code: ` ${second.toUpperCase()} ` })).body).toEqual({
      address: elsewhere,
    });
    expect((await ask('POST', '/account/recovery/confirm', { code: second })).status).toBe(422);
    expect((await ask('GET', '/account/recovery')).body).toEqual({ isPossible: true, address: elsewhere });
    expect((await inboxes.when(anna, 1)).at(-1)).toContain('recovery address');
  });

  test('is shown to, and may be set by, who administers the domain; not by a token of its owner', async () => {
    const token = await api.token('hanna');
    const set = { body: { recoveryAddress: 'ben@elsewhere.test' } };
    const { body } = await api.ask('PATCH', '/mailboxes/ben@own.test', { token, ...set });
    expect(body.recoveryAddress).toBe('ben@elsewhere.test');
    const own = await api.token('ben@own.test');
    expect((await api.ask('PATCH', '/mailboxes/ben@own.test', { token: own, ...set })).body).toMatchObject({
      status: 403,
      field: 'recoveryAddress',
    });
    expect((await api.ask('GET', '/account/recovery', { token: own })).status).toBe(403);
    const bad = await api.ask('PATCH', '/mailboxes/ben@own.test', { token, body: { recoveryAddress: 'ben@own.test' } });
    expect(bad.status).toBe(422);
  });

  test('is nothing that an administrator has', async () => {
    const ask = await logIn('hanna');
    expect((await ask('GET', '/account/recovery')).body).toEqual({ isPossible: false });
    expect((await ask('POST', '/account/recovery', { address: elsewhere, password: 'secret' })).status).toBe(422);
  });
});

describe('a link to a new password', () => {
  test('goes to the recovery address, is good once, and ends all sessions; both addresses hear of it', async () => {
    const session = await logIn('ben@own.test');
    await post('/recovery', { address: 'BEN@own.test' });
    const [letter = ''] = await inboxes.when('ben@elsewhere.test', 1);
    const token = lastOf([letter], link);
    expect(letter).toContain(`http://localhost:${api.port}/forgotten#`);
    expect(letter).toMatch(/^Auto-Submitted: auto-generated$/m);
    expect((await post('/recovery/link', { token })).body).toEqual({ login: 'ben@own.test', code: false });
    expect((await post('/recovery/password', { token: `${token}x`, password: 'new secret' })).body).toMatchObject({
      status: 403,
      field: 'token',
    });
    const all = await Promise.all(
      ['one secret', 'two secret'].map((password) => post('/recovery/password', { token, password })),
    );
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await post('/recovery/password', { token, password: 'new secret' })).status).toBe(403);
    expect((await post('/recovery/link', { token })).status).toBe(403);
    expect(await verifyPassword('secret', hashOf('ben@own.test'))).toBe(false);
    expect((await session('GET', '/account')).status).toBe(401);
    expect((await inboxes.when('ben@own.test', 1)).at(-1)).toContain('was changed');
    expect((await inboxes.when('ben@elsewhere.test', 2)).at(-1)).toContain('was changed');
    const [event] = (await api.directory.events({ object: 'ben@own.test' })).slice(-1);
    expect(event).toMatchObject({ actor: 'recovery:ben@own.test', action: 'mailbox.set' });
  });

  test('ends the tokens, keeps the app passwords and says how many there are; so does an administrator', async () => {
    const { mailboxes, appPasswords, recovery } = api.directory;
    const address = 'eve@elsewhere.test';
    const { id: mailbox } = await mailboxes.set(address, { recoveryAddress: 'eve@own.test' });
    await appPasswords.add({ mailbox: address, name: 'telephone', digest: 'x' });
    const [token, owner] = [await api.token(address), await api.token('hanna')];
    await recovery.addLink({ mailbox, address: 'eve@own.test' }, secretDigest('phl_tokens'));
    const reset = await post('/recovery/password', { token: 'phl_tokens', password: 'new secret' });
    expect(reset.body).toEqual({
      login: address,
      tokensRemoved: 1,
      passkeysRemoved: 0,
      codes: false,
      appPasswords: 1,
    });
    expect((await api.ask('GET', '/account', { token })).status).toBe(401);
    const [notice = ''] = (await inboxes.when(address, 1)).slice(-1);
    expect(notice).toMatch(/1 app password,?\s+which still opens it/);
    const ask = await logIn(address, 'new secret');
    const next = await api.token(address);
    const change = { current: 'new secret', password: 'secret' };
    const left = { tokens: 1, passkeys: 0, appPasswords: 1 };
    expect((await ask('PUT', '/account/password', change)).body).toEqual({ changed: true, ...left });
    expect((await api.ask('GET', '/account', { token: next })).status).toBe(200);
    await api.ask('PATCH', `/mailboxes/${address}`, { token: owner, body: { password: 'secret again' } });
    expect((await api.ask('GET', '/account', { token: next })).status).toBe(401);
    expect(await appPasswords.list(address)).toHaveLength(1);
  });

  test('may be asked for twice: both are good until one is used; more than three in an hour are not sent', async () => {
    await api.directory.mailboxes.set('carl@own.test', { recoveryAddress: 'carl@elsewhere.test' });
    for (let asked = 1; asked <= 3; asked++) {
      await post('/recovery', { address: 'carl@own.test' });
      await inboxes.when('carl@elsewhere.test', asked);
    }
    await post('/recovery', { address: 'carl@own.test' });
    const letters = await inboxes.of('carl@elsewhere.test');
    const tokens = letters.map((letter) => lastOf([letter], link));
    expect(new Set(tokens).size).toBe(3);
    expect((await post('/recovery/link', { token: tokens[0] })).status).toBe(200);
    expect((await post('/recovery/password', { token: tokens[1], password: 'new secret' })).status).toBe(200);
    expect((await post('/recovery/link', { token: tokens[0] })).status).toBe(403);
  });

  test('ends after half an hour, with another recovery address, and with the mailbox', async () => {
    const { directory } = api;
    const { mailboxes, recovery } = directory;
    const { id: mailbox } = await mailboxes.set('dora@own.test', { recoveryAddress: 'dora@elsewhere.test' });
    const address = 'dora@elsewhere.test';
    await recovery.addLink({ mailbox, address }, secretDigest('phl_a'));
    const now = Date.now();
    expect(await recovery.link(secretDigest('phl_a'), now + 29 * 60_000)).toEqual({ mailbox, address });
    expect(await recovery.link(secretDigest('phl_a'), now + 31 * 60_000)).toBeUndefined();
    await mailboxes.set('dora@own.test', { recoveryAddress: '' });
    expect((await post('/recovery/link', { token: 'phl_a' })).status).toBe(403);
    await recovery.addLink({ mailbox, address }, secretDigest('phl_b'));
    await mailboxes.set('dora@own.test', { enabled: false });
    expect((await post('/recovery/link', { token: 'phl_b' })).status).toBe(403);
  });

  test('is not enough where codes of an app are asked for', async () => {
    const ask = await logIn('eve@own.test');
    const { secret } = (await ask('POST', '/account/totp', {})).body;
    const codeAt = (seconds: number): string =>
      generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + seconds });
    await ask('POST', '/account/totp/confirm', { code: codeAt(-30) });
    const { id: mailbox } = await api.directory.mailboxes.set('eve@own.test', {
      recoveryAddress: 'eve@elsewhere.test',
    });
    await api.directory.recovery.addLink({ mailbox, address: 'eve@elsewhere.test' }, secretDigest('phl_eve'));
    const reset = async (given: object) =>
      await post('/recovery/password', { token: 'phl_eve', password: 'new', ...given });
    const shown = (await post('/recovery/link', { token: 'phl_eve' })).body;
    // Whose codes they are the owner knows by their time.
    expect(shown).toEqual({ login: 'eve@own.test', code: true, codesSince: expect.any(Number) });
    expect(Math.abs(shown.codesSince - Date.now())).toBeLessThan(60_000);
    expect((await reset({})).body).toMatchObject({ type: 'urn:posthaste:problem:second-factor', field: 'code' });
    expect((await reset({ code: '000000' })).body.field).toBe('code');
    expect((await reset({ code: codeAt(0) })).body).toMatchObject({ codes: true });
    expect((await inboxes.when('eve@own.test', 1)).at(-1)).toContain('Codes of the app are asked for as before.');
    const { secondFactors } = api.directory;
    expect((await secondFactors.totp({ kind: 'mailbox', id: mailbox }))?.isConfirmed).toBe(true);
  });

  test('is not enough either where codes are switched on while the new password is being hashed', async () => {
    const { mailboxes, recovery, secondFactors } = api.directory;
    const address = 'dora@elsewhere.test';
    const { id: mailbox } = await mailboxes.set(address, { recoveryAddress: 'dora@own.test' });
    const owner = { kind: 'mailbox', id: mailbox } as const;
    await recovery.addLink({ mailbox, address: 'dora@own.test' }, secretDigest('phl_race'));
    await secondFactors.startTotp(owner, 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP');
    const before = hashOf(address);
    const found = await secondFactors.totp(owner);
    const looked = vi.spyOn(SecondFactors.prototype, 'totp').mockImplementationOnce(async () => {
      await secondFactors.confirmTotp(owner, 1, []);
      return found;
    });
    const reset = await post('/recovery/password', { token: 'phl_race', password: 'new', code: '123456' });
    looked.mockRestore();
    expect(reset.status).toBe(401);
    expect(hashOf(address)).toBe(before);
    // It is as good as before.
    expect((await post('/recovery/link', { token: 'phl_race' })).status).toBe(200);
  });

  test('ends the passkeys, as any password does that the owner has not set; both letters and the history tell', async () => {
    const { mailboxes, administrators, recovery, secondFactors } = api.directory;
    const address = 'ben@elsewhere.test';
    const { id: mailbox } = await mailboxes.set(address, { recoveryAddress: 'ben@own.test' });
    const owner = { kind: 'mailbox', id: mailbox } as const;
    const stranger = new SoftwareAuthenticator(api.origin);
    const enter = async (): Promise<number> => {
      const response = stranger.sign((await post('/session/passkey/options', {})).body);
      return (await post('/session/passkey', { response })).status;
    };
    const ask = await logIn(address);
    const made = stranger.register((await ask('POST', '/account/passkeys/options', {})).body);
    expect((await ask('POST', '/account/passkeys', { name: 'mine now', response: made })).status).toBe(200);
    expect(await enter()).toBe(200);
    const change = { current: 'secret', password: 'still secret' };
    expect((await ask('PUT', '/account/password', change)).body).toMatchObject({ passkeys: 1 });
    expect(await enter()).toBe(200);
    await recovery.addLink({ mailbox, address: 'ben@own.test' }, secretDigest('phl_keys'));
    const reset = await post('/recovery/password', { token: 'phl_keys', password: 'new secret' });
    expect(reset.body).toMatchObject({ login: address, passkeysRemoved: 1, codes: false });
    expect(await enter()).toBe(401);
    for (const to of [address, 'ben@own.test']) {
      await expect.poll(async () => (await inboxes.of(to)).join('')).toContain('1 passkey made for it was removed.');
    }
    const events = await api.directory.events({ object: address });
    expect(events.map(({ actor, action }) => `${actor} ${action}`)).toContain(
      `recovery:${address} second-factor.remove`,
    );

    const key = { name: 'key', credential: 'x', publicKey: 'x', counter: 0, transports: [] };
    await secondFactors.addPasskey(owner, key);
    await mailboxes.set(address, { passwordHash: await hashPassword('of an administrator') });
    expect(await secondFactors.passkeys(owner)).toEqual([]);
    await administrators.add({ login: 'lost', role: 'host', passwordHash: await hashPassword('secret') });
    const id = api.directory.lookups.identities.adminByLogin('lost')?.id ?? 0;
    await secondFactors.addPasskey({ kind: 'admin', id }, key);
    const { body } = await api.ask('POST', '/admins/lost/password', { token: await api.token('hanna'), body: {} });
    expect(body).toMatchObject({ tokensRemoved: 0, passkeysRemoved: 1 });
    expect(await secondFactors.passkeys({ kind: 'admin', id })).toEqual([]);
  });
});

test('who asks learns nothing: not from the answer, not from its time, and not too often', async () => {
  const before = (await inboxes.of('ben@elsewhere.test')).length;
  const answers: Answer[] = [];
  const addresses = ['ben@own.test', 'nobody@own.test', 'anna@nowhere.test', 'dora@own.test'];
  for (const address of addresses) answers.push(await post('/recovery', { address }));
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  // The answer is given before anything is looked up: nothing can have been sent yet.
  expect(await inboxes.of('ben@elsewhere.test')).toHaveLength(before);
  const more: number[] = [];
  for (let asked = 0; asked < 12; asked++) more.push((await post('/recovery', { address: 'x@own.test' })).status);
  expect(more.at(-1)).toBe(429);
});

test('a mailbox whose password must be changed is let in to change it, and to nothing else', async () => {
  await api.directory.mailboxes.set('anna@elsewhere.test', { mustChange: true });
  const ask = await logIn('anna@elsewhere.test');
  expect((await ask('GET', '/account')).body).toMatchObject({ role: 'user', mustChange: true });
  expect((await ask('GET', '/mailboxes/anna@elsewhere.test')).body.type).toBe('urn:posthaste:problem:change-password');
  const change = { current: 'secret', password: 'mine alone' };
  expect((await ask('PUT', '/account/password', change)).status).toBe(200);
  const again = await logIn('anna@elsewhere.test', 'mine alone');
  expect((await again('GET', '/mailboxes/anna@elsewhere.test')).status).toBe(200);
});

test('logins are noted by way and address, failures too, and each person sees their own', async () => {
  const ask = await logIn('carl@elsewhere.test');
  await api.ask('POST', '/session', { body: { login: 'carl@elsewhere.test', password: 'wrong' } });
  const seen = async (): Promise<string[]> => {
    const { items } = (await ask('GET', '/account/logins')).body;
    return items.map(({ outcome, protocol }: { outcome: string; protocol: string }) => `${outcome} ${protocol}`);
  };
  await expect.poll(async () => (await seen()).toSorted(), { timeout: 8000 }).toEqual(['failed http', 'in http']);
  const { items } = (await ask('GET', '/mailboxes/carl@elsewhere.test/logins')).body;
  expect(items[0]).toMatchObject({ address: '127.0.0.1', since: expect.any(Number), time: expect.any(Number) });
  expect((await ask('GET', '/mailboxes/ben@own.test/logins')).status).toBe(404);
});

test('the owner of a mailbox is told what reaches it, and nothing of others', async () => {
  const { aliases, aliasDomains, mailboxes } = api.directory;
  await aliases.add('sales@own.test', ['anna@own.test']);
  await aliases.add('hidden@elsewhere.test', ['anna@own.test']);
  await aliasDomains.add('also.test', 'own.test');
  await mailboxes.set('carl@own.test', { forward: { to: ['anna@own.test'] } });
  const ask = await logIn(anna);
  const { items } = (await ask('GET', '/mailboxes/anna@own.test/reaches')).body;
  const told = items.map(({ address, arrives }: { address: string; arrives: boolean }) => `${address} ${arrives}`);
  // It is the host's first mailbox.
  const others = told.filter((one: string) => !/^(?:postmaster|abuse|root)@/.test(one));
  expect(others.toSorted()).toEqual([
    'anna@also.test true',
    'anna@own.test true',
    'sales@also.test true',
    'sales@own.test true',
  ]);
  const token = await api.token('hanna');
  const { body } = await api.ask('GET', '/mailboxes/anna@own.test/reaches', { token });
  const all = body.items.map(({ address }: { address: string }) => address);
  expect(all).toEqual(expect.arrayContaining(['hidden@elsewhere.test', 'carl@own.test']));
});
