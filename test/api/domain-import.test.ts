// Many at once by the API: what a check tells is what is done, limits are kept, nothing is half done; and finding domains.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyPassword } from '../../src/auth/password-scheme.ts';
import { type Answer, ApiServer } from './api-server.ts';

let api: ApiServer;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  api = await ApiServer.start();
  const { directory } = api;
  await directory.domains.add('own.test', { maxMailboxes: 4, maxAliases: 4, defaultQuotaBytes: 1024 });
  await directory.domains.add('far.test', { class: 'relay' });
  await directory.domains.add('foreign.test', { active: false });
  await directory.domains.add('full.test', { maxAliases: 1 });
  await directory.aliases.add('postmaster@full.test', ['x@example.net']);
  await directory.mailboxes.add({ address: 'anna@own.test', passwordHash: '{PLAIN}x' });
  await directory.lists.add({ address: 'team@own.test', owners: ['anna@own.test'], members: ['anna@own.test'] });
  await directory.administrators.add({ login: 'hanna', role: 'host', passwordHash: '' });
  const domains = ['own.test', 'far.test'];
  await directory.administrators.add({ login: 'dora', role: 'domain', domains, passwordHash: '' });
  for (const login of ['hanna', 'dora']) tokens[login] = await api.token(login);
});
afterAll(async () => {
  await api.close();
});

const ask = async (method: string, path: string, body?: unknown, login = 'dora'): Promise<Answer> =>
  await api.ask(method, path, { token: tokens[login], ...(body === undefined ? {} : { body }) });
const outcomes = ({ body }: Answer): string[] =>
  body.rows.map(({ address, outcome }: { address: string; outcome: string }) => `${address} ${outcome}`);

test('a check tells of each row what would come of it, and leaves nothing', async () => {
  const text = 'address,name,quota\nanna,Anna,\nben@own.test,Ben,2K\n,No,\ncarl,Carl,much\nx@foreign.test,X,\n';
  const before = (await api.directory.events({ limit: 1000 })).length;
  const { status, body } = await ask('POST', '/domains/own.test/import/check', { kind: 'mailbox', text });
  expect([status, body.added, body.wrong, body.there]).toEqual([200, 1, 3, 1]);
  expect(body.rows.map(({ line }: { line: number }) => line)).toEqual([2, 3, 4, 5, 6]);
  expect(body.rows[3].reason).toContain('quota');
  expect(api.directory.mailboxByAddress('ben@own.test')).toBeUndefined();
  expect(await api.directory.events({ limit: 1000 })).toHaveLength(before);
});

test('one wrong row stops all, unless the good ones are wanted alone', async () => {
  const text = 'ben, Ben, 2K\nnobody@elsewhere.test\ncarl';
  const refused = await ask('POST', '/domains/own.test/import', { kind: 'mailbox', text });
  expect([refused.status, refused.body.detail]).toEqual([422, '1 of 3 rows cannot be added, so none was']);
  expect(api.directory.mailboxByAddress('ben@own.test')).toBeUndefined();
  const done = await ask('POST', '/domains/own.test/import', { kind: 'mailbox', text, onlyGood: true });
  expect([done.status, done.body.added, done.body.passwords.length]).toEqual([200, 2, 2]);
  const [{ address, password }] = done.body.passwords;
  expect(address).toBe('ben@own.test');
  expect(await verifyPassword(password, api.directory.credentials('ben@own.test')?.passwordHash ?? '')).toBe(true);
  expect((await api.directory.mailboxes.need('carl@own.test')).quotaBytes).toBe(1024);
});

test('a domain keeps to its limits, row by row', async () => {
  const answer = await ask('POST', '/domains/own.test/import', { kind: 'mailbox', text: 'd\ne\nf', onlyGood: true });
  expect(outcomes(answer)).toEqual(['d@own.test added', 'e@own.test wrong', 'f@own.test wrong']);
  expect(answer.body.rows[1].reason).toContain('has its 4 mailboxes');
});

test('aliases come as lines too, circles and strangers are told', async () => {
  const text = '# comment\nsales: anna, ben\noffice anna@own.test\na: b\nb: a\nlost: nobody\n';
  const answer = await ask('POST', '/domains/own.test/import', { kind: 'alias', text, onlyGood: true });
  const told = Object.fromEntries(
    answer.body.rows.map((row: { address: string; outcome: string; reason?: string }) => [row.address, row]),
  );
  expect(told['sales@own.test'].outcome).toBe('added');
  expect((await api.directory.aliases.need('sales@own.test')).targets).toEqual(['anna@own.test', 'ben@own.test']);
  expect([told['a@own.test'].outcome, told['b@own.test'].outcome]).toContain('wrong');
});

test('members and recipients are read from whatever is pasted', async () => {
  const text = '"Anna" <anna@own.test>; new@example.org\nnew@example.org\nnot an@@address';
  const members = { kind: 'member', list: 'team@own.test', text, onlyGood: true };
  const answer = await ask('POST', '/domains/own.test/import', members);
  expect(answer.status).toBe(200);
  expect(await api.directory.lists.members('team@own.test', undefined)).toContain('new@example.org');
  const recipients = { kind: 'recipient', text: 'a b\nc@far.test\nx@own.test', onlyGood: true };
  const listed = await ask('POST', '/domains/far.test/import', recipients);
  expect([listed.body.added, listed.body.wrong]).toEqual([3, 1]);
});

test("another domain's administrator is told that there is none", async () => {
  for (const path of ['import', 'import/check']) {
    const body = { kind: 'alias', text: 'a: b@own.test' };
    const foreign = await ask('POST', `/domains/foreign.test/${path}`, body);
    const missing = await ask('POST', `/domains/missing.test/${path}`, body);
    expect([foreign.status, foreign.text]).toEqual([404, missing.text]);
  }
  const list = { kind: 'member', list: 'x@foreign.test', text: 'a@own.test' };
  expect((await ask('POST', '/domains/own.test/import', list)).status).toBe(404);
});

test('domains are found by state and counted, within what is seen', async () => {
  const names = async (query: string, login = 'hanna'): Promise<string[]> =>
    (await ask('GET', `/domains?${query}`, undefined, login)).body.items.map(({ name }: { name: string }) => name);
  expect(await names('having=off')).toEqual(['foreign.test']);
  expect(await names('having=off', 'dora')).toEqual([]);
  expect(await names('having=near-limit')).toEqual(['full.test', 'own.test']);
  expect(await names('class=relay', 'dora')).toEqual(['far.test']);
  expect(await names('having=no-postmaster')).toEqual(['foreign.test']);
  expect((await ask('GET', '/domain-counts', undefined, 'hanna')).body).toMatchObject({ all: 4, relay: 1, off: 1 });
  expect((await ask('GET', '/domain-counts')).body).toMatchObject({ all: 2, relay: 1, off: 0 });
});

test('what a domain holds is found by a part of it', async () => {
  const found = async (path: string): Promise<string[]> =>
    (await ask('GET', path)).body.items.map(({ address }: { address: string }) => address);
  expect(await found('/mailboxes?domain=own.test&search=BEN&usage=true')).toEqual(['ben@own.test']);
  expect(await found('/aliases?domain=own.test&search=ben@')).toEqual(['sales@own.test']);
  expect(await found('/lists?domain=own.test&search=tea')).toEqual(['team@own.test']);
  expect((await ask('GET', '/mailboxes?search=ben')).status).toBe(422);
});

test('many domains are changed at once, all or none', async () => {
  const change = { names: ['own.test', 'far.test'], maintenance: 'moving', addTags: ['gold'] };
  expect((await ask('POST', '/domains/set-many', change, 'hanna')).body).toEqual({ changed: 2 });
  expect(await api.directory.tags.of('domain', 'far.test')).toEqual(['gold']);
  const wrong = { names: ['own.test', 'missing.test'], active: false };
  expect((await ask('POST', '/domains/set-many', wrong, 'hanna')).status).toBe(422);
  expect((await api.directory.domains.show('own.test'))?.active).toBe(true);
  expect((await ask('POST', '/domains/set-many', change)).status).toBe(403);
});
