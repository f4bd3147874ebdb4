// Transports, copies, rules, recipients of relay domains and what is decided about catch-alls, by the API.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, ApiServer } from './api-server.ts';

let api: ApiServer;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  api = await ApiServer.start({ relay_recipient_maps: 'directory:relay-recipients' });
  const { directory } = api;
  await directory.domains.add('own.test');
  await directory.domains.add('far.test', { class: 'relay' });
  await directory.domains.add('other.test', { class: 'relay' });
  await directory.mailboxes.add({ address: 'anna@own.test', passwordHash: '{PLAIN}x' });
  await directory.administrators.add({ login: 'hanna', role: 'host', passwordHash: '' });
  const domains = ['own.test', 'far.test'];
  await directory.administrators.add({ login: 'dora', role: 'domain', domains, passwordHash: '' });
  for (const login of ['hanna', 'dora']) tokens[login] = await api.token(login);
});
afterAll(async () => {
  await api.close();
});

const ask = async (method: string, path: string, body?: unknown, login = 'hanna'): Promise<Answer> =>
  await api.ask(method, path, { token: tokens[login], ...(body === undefined ? {} : { body }) });
const enc = encodeURIComponent;

/** Every item once, page by page. */
async function readAll(path: string, limit: number, login = 'hanna'): Promise<Record<string, string>[]> {
  const items: Record<string, string>[] = [];
  let after = '';
  for (;;) {
    const { status, body } = await ask('GET', `${path}?limit=${limit}${after}`, undefined, login);
    expect([path, status]).toEqual([path, 200]);
    items.push(...body.items);
    if (body.next === undefined) return items;
    expect(body.items).toHaveLength(limit);
    after = `&after=${enc(body.next)}`;
  }
}

test('transports are added, changed as seen, listed and removed', async () => {
  const places = ['anna@own.test', '.elsewhere.test', 'elsewhere.test', 'b.test', 'c.test'];
  for (const place of places) {
    const { status, body } = await ask('POST', '/transports', { place, transport: 'smtp:[192.0.2.1]:25' });
    expect([place, status, body.place]).toEqual([place, 201, place]);
  }
  const all = await readAll('/transports', 2);
  expect(new Set(all.map(({ place }) => place))).toEqual(new Set(places));
  const path = `/transports/${enc('.elsewhere.test')}`;
  const tag = (await ask('GET', path)).headers.get('etag') ?? '';
  const set = async (etag: string): Promise<number> =>
    (
      await api.ask('PUT', path, {
        token: tokens['hanna'],
        body: { transport: 'smtp:[192.0.2.2]' },
        headers: { 'if-match': etag },
      })
    ).status;
  expect([await set(tag), await set(tag)]).toEqual([200, 412]);
  expect((await ask('DELETE', path)).status).toBe(200);
  expect((await ask('GET', path)).status).toBe(404);
});

test('a transport that would take the mail of mailboxes needs force', async () => {
  const body = { place: '*', transport: 'smtp:[192.0.2.1]' };
  const { status, body: problem } = await ask('POST', '/transports', body);
  expect([status, JSON.stringify(problem)]).toEqual([422, expect.stringContaining('own.test')]);
  expect((await ask('POST', '/transports', { ...body, force: true })).status).toBe(201);
  expect((await ask('DELETE', `/transports/${enc('*')}`)).status).toBe(200);
});

test('copies are added, changed, listed and removed', async () => {
  for (const side of ['sender', 'recipient']) {
    for (const place of ['anna@own.test', '@own.test']) {
      expect((await ask('POST', '/bccs', { side, place, address: 'audit@example.org' })).status).toBe(201);
    }
  }
  expect(await readAll('/bccs', 1)).toHaveLength(4);
  expect((await ask('GET', '/bccs?side=sender')).body.items).toHaveLength(2);
  const path = `/bccs/sender/${enc('@own.test')}`;
  expect((await ask('PUT', path, { address: 'anna@own.test' })).body.address).toBe('anna@own.test');
  expect((await ask('DELETE', path)).status).toBe(200);
  expect((await ask('GET', path)).status).toBe(404);
  expect((await ask('GET', '/bccs?after=nonsense')).body.field).toBe('after');
});

test('rules are added, changed, listed and removed; what would not work is refused', async () => {
  const rules = [
    ['client', '192.0.2.0/24', 'REJECT not from there'],
    ['client', 'bad.example', 'REJECT'],
    ['helo', 'bad.example', 'REJECT'],
    ['sender', 'spam@example.net', 'REJECT'],
  ] as const;
  for (const [stage, pattern, action] of rules) {
    const { status, text } = await ask('POST', '/access-rules', { stage, pattern, action });
    expect([text, status]).toEqual([text, 201]);
  }
  expect(await readAll('/access-rules', 1)).toHaveLength(4);
  expect((await ask('GET', '/access-rules?stage=client')).body.items).toHaveLength(2);
  const path = `/access-rules/client/${enc('192.0.2.0/24')}`;
  expect((await ask('PATCH', path, { note: 'since May' })).body).toMatchObject({
    note: 'since May',
    action: rules[0][2],
  });
  expect((await ask('PATCH', path, { action: 'no_such_class' })).status).toBe(422);
  expect((await ask('DELETE', path)).status).toBe(200);
  expect((await ask('GET', path)).status).toBe(404);
});

test('recipients of a relay domain are its administrator’s, and count for mail', async () => {
  const addresses = ['a', 'b', 'c'].map((name) => `${name}@far.test`);
  expect((await ask('POST', '/relay-recipients', { addresses }, 'dora')).body.added).toEqual(addresses);
  expect((await ask('POST', '/relay-recipients', { addresses: ['x@other.test'] }, 'dora')).status).toBe(403);
  const mixed = { addresses: ['d@far.test', 'x@other.test'] };
  expect((await ask('POST', '/relay-recipients', mixed, 'dora')).status).toBe(403);
  await ask('POST', '/relay-recipients', { addresses: ['x@other.test'] });
  expect((await readAll('/relay-recipients', 2)).map(({ address }) => address)).toEqual([...addresses, 'x@other.test']);
  expect((await readAll('/relay-recipients', 2, 'dora')).map(({ address }) => address)).toEqual(addresses);
  await ask('PATCH', '/domains/far.test', { recipients: 'listed' });
  const code = async (address: string): Promise<number> =>
    (await ask('GET', `/explain?address=${address}`)).body.items[0].reply.code;
  expect([await code('a@far.test'), await code('z@far.test')]).toEqual([250, 550]);
  expect((await ask('POST', '/relay-recipients/remove', { addresses: ['a@far.test'] }, 'dora')).status).toBe(200);
  expect(await code('a@far.test')).toBe(550);
});

test('the longest page tells that there is another', async () => {
  const addresses = Array.from({ length: 1002 }, (_, index) => `n${index}@other.test`);
  await ask('POST', '/relay-recipients', { addresses });
  const first = (await ask('GET', '/relay-recipients?domain=other.test&limit=1000')).body;
  expect(first.items).toHaveLength(1000);
  const rest = (await ask('GET', `/relay-recipients?domain=other.test&limit=1000&after=${enc(first.next)}`)).body;
  expect([rest.items.length, rest.next]).toEqual([3, undefined]);
});

test('decisions about a catch-all are its administrator’s, and count for mail', async () => {
  await api.directory.aliases.add('@own.test', ['anna@own.test']);
  const decide = async (what: string, address: string): Promise<Answer> =>
    await ask('POST', `/caught-addresses/${what}`, { addresses: [address] }, 'dora');
  const code = async (address: string): Promise<number> =>
    (await ask('GET', `/explain?address=${address}`)).body.items[0].reply.code;
  expect((await decide('refuse', 'old@own.test')).body.items).toMatchObject([{ state: 'refused' }]);
  expect((await decide('accept', 'new@own.test')).body.items).toMatchObject([{ state: 'accepted' }]);
  expect((await decide('accept', 'x@other.test')).status).toBe(403);
  expect([await code('old@own.test'), await code('new@own.test')]).toEqual([550, 250]);
  const { body } = await ask('GET', '/catch-alls/own.test', undefined, 'dora');
  expect(body).toMatchObject({ targets: ['anna@own.test'], accepted: 1, refused: 1, proposed: 0 });
  expect(await readAll('/caught-addresses', 1, 'dora')).toHaveLength(2);
  expect((await ask('GET', '/caught-addresses?state=refused', undefined, 'dora')).body.items).toHaveLength(1);
  expect((await decide('forget', 'old@own.test')).status).toBe(200);
  expect(await code('old@own.test')).toBe(250);
  expect((await ask('GET', '/history?object=old@own.test', undefined, 'dora')).body.items).toHaveLength(2);
});
