// Other addresses for mailboxes, and what was removed brought back, by the API.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, ApiServer } from './api-server.ts';

let api: ApiServer;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  api = await ApiServer.start();
  const { directory } = api;
  for (const domain of ['own.test', 'foreign.test']) {
    await directory.domains.add(domain);
    await directory.mailboxes.add({ address: `anna@${domain}`, passwordHash: '{PLAIN}x' });
    await directory.aliases.add(`sales@${domain}`, ['anna@own.test']);
    await directory.lists.add({ address: `team@${domain}`, owners: ['anna@own.test'], members: ['anna@own.test'] });
  }
  await directory.administrators.add({ login: 'hanna', role: 'host', passwordHash: '' });
  await directory.administrators.add({ login: 'dora', role: 'domain', domains: ['own.test'], passwordHash: '' });
  for (const login of ['hanna', 'dora']) tokens[login] = await api.token(login);
});
afterAll(async () => {
  await api.close();
});

const ask = async (login: string, method: string, path: string, body?: unknown): Promise<Answer> =>
  await api.ask(method, path, { token: tokens[login], ...(body === undefined ? {} : { body }) });

test('a mailbox gets another address; what names the old one is told where it is one’s own', async () => {
  const path = '/mailboxes/anna@own.test/rename';
  expect((await ask('dora', 'POST', path, { to: 'anna@foreign.test' })).status).toBe(404);
  const moved = await ask('dora', 'POST', path, { to: 'ann@own.test', moveReferences: true });
  expect([moved.status, moved.body.field]).toEqual([403, 'moveReferences']);
  const { status, body, text } = await ask('dora', 'POST', path, { to: 'ann@own.test' });
  expect([status, body.before, body.address]).toEqual([200, 'anna@own.test', 'ann@own.test']);
  expect(body.references.aliases).toContain('sales@own.test');
  expect(text).not.toContain('foreign');
  expect(text).not.toMatch(/"id":/);
  const back = { to: 'anna@own.test', keepAlias: true };
  expect((await ask('hanna', 'POST', '/mailboxes/ann@own.test/rename', back)).status).toBe(200);
  expect((await ask('hanna', 'GET', '/aliases/ann@own.test')).body.targets).toEqual(['anna@own.test']);
});

test('an alias and a list come back as they were', async () => {
  for (const [path, address] of [
    ['/aliases', 'sales@own.test'],
    ['/lists', 'team@own.test'],
  ] as const) {
    const { created: _, ...before } = (await ask('dora', 'GET', `${path}/${address}`)).body;
    expect((await ask('dora', 'DELETE', `${path}/${address}`)).status).toBe(200);
    const restored = await ask('dora', 'POST', `${path}/${address}/restore`, {});
    expect([restored.status, restored.body]).toMatchObject([200, before]);
    expect((await ask('dora', 'GET', `${path}/${address}`)).body).toMatchObject(before);
    expect((await ask('dora', 'POST', `${path}/sales@foreign.test/restore`, {})).status).toBe(404);
  }
  const { body } = await ask('dora', 'GET', '/lists/team@own.test/members');
  expect(body.items).toEqual(['anna@own.test']);
});

test('a refusal ends before its example', async () => {
  const { status, body } = await ask('hanna', 'POST', '/aliases', { address: 'nowhere@own.test', targets: [] });
  expect([status, body.detail]).toEqual([422, 'an alias needs at least one target']);
});

test('domains are found by a part of their name, page by page', async () => {
  for (const name of ['a-shop.test', 'b-shop.test', 'shop.example']) await api.directory.domains.add(name);
  const found = async (login: string, query: string): Promise<string[]> => {
    const { body } = await ask(login, 'GET', `/domains?${query}`);
    return body.items.map(({ name }: { name: string }) => name);
  };
  expect(await found('hanna', 'search=SHOP')).toEqual(['a-shop.test', 'b-shop.test', 'shop.example']);
  const first = (await ask('hanna', 'GET', '/domains?search=shop&limit=2')).body;
  expect(first.next).toBe('b-shop.test');
  expect(await found('hanna', 'search=shop&limit=2&after=b-shop.test')).toEqual(['shop.example']);
  // As people write it, too.
  await api.directory.domains.add('bücher.example');
  expect(await found('hanna', 'search=B%C3%9Ccher')).toEqual(['xn--bcher-kva.example']);
  // No pattern: % is not in any name.
  expect(await found('hanna', 'search=%25')).toEqual([]);
  expect(await found('dora', 'search=shop')).toEqual([]);
  expect(await found('dora', 'search=own')).toEqual(['own.test']);
});

test('a domain comes back with what went with it', async () => {
  expect((await ask('hanna', 'DELETE', '/domains/foreign.test?recursive=true')).status).toBe(200);
  expect((await ask('hanna', 'GET', '/removed-domains')).body.items).toMatchObject([{ name: 'foreign.test' }]);
  const { status, body } = await ask('hanna', 'POST', '/domains/foreign.test/restore', {});
  expect([status, body]).toMatchObject([200, { mailboxes: 1, aliases: 1, lists: 1, lost: [] }]);
  expect((await ask('hanna', 'GET', '/mailboxes/anna@foreign.test')).status).toBe(200);
  expect((await ask('hanna', 'GET', '/removed-domains')).body.items).toEqual([]);
});
