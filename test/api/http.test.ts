// The API as a program meets it: problems, entity tags, repeated requests, pages, limits, and its description.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Compile } from 'typebox/compile';
import { operations } from '../../src/admin/registry.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { ApiServer } from './api-server.ts';
import { findOpenApiMistakes } from './openapi-check.ts';

let api: ApiServer;
let token: string;

beforeAll(async () => {
  api = await ApiServer.start();
  await api.directory.administrators.add({ login: 'anna', role: 'host' });
  token = await api.token('anna');
  await api.ask('POST', '/domains', { token, body: { name: 'example.com' } });
});
afterAll(async () => {
  await api.close();
});

async function deliver(recipient: string, octets: number): Promise<void> {
  const smtp = await SmtpConnection.open(api.smtpPort);
  for (const line of ['EHLO c.test', 'MAIL FROM:<a@sender.test>', `RCPT TO:<${recipient}>`, 'DATA']) {
    await smtp.command(line);
  }
  expect((await smtp.command(`Subject: x\r\n\r\n${'x'.repeat(70)}\r\n`.repeat(octets / 80) + '.')).code).toBe(250);
  await smtp.quit();
}

async function add(address: string): Promise<void> {
  const body = { address, passwordHash: '{PLAIN}x' };
  expect((await api.ask('POST', '/mailboxes', { token, body })).status).toBe(201);
}

describe('a problem', () => {
  test('names the field, and what to do', async () => {
    const { status, body, headers } = await api.ask('POST', '/mailboxes', { token, body: { address: 'no address' } });
    expect(status).toBe(422);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(body).toMatchObject({ type: 'urn:posthaste:problem:invalid-field', status: 422, field: 'address' });
    expect(body.detail).toContain('no address');
  });

  test('says which field is missing, unknown, or of the wrong kind', async () => {
    const post = async (body: unknown) => (await api.ask('POST', '/aliases', { token, body })).body;
    expect(await post({ address: 'x@example.com' })).toMatchObject({ field: 'targets', status: 422 });
    expect(await post({ address: 'x@example.com', targets: 'anna@example.com' })).toMatchObject({ field: 'targets' });
    expect(await post({ address: 'x@example.com', targets: [], wrong: 1 })).toMatchObject({ field: 'wrong' });
    expect(await post('{')).toMatchObject({ status: 400 });
    const page = await api.ask('GET', '/domains?limit=0', { token });
    expect(page.body).toMatchObject({ status: 422, field: 'limit' });
  });

  test('is what else goes wrong: no route, no JSON, too large, taken, not there', async () => {
    expect((await api.ask('GET', '/nothing', { token })).body).toMatchObject({ status: 404 });
    const text = { token, body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
    expect((await api.ask('POST', '/domains', text)).body).toMatchObject({ status: 415 });
    const large = { token, body: { name: 'x'.repeat(5_000_000) } };
    expect((await api.ask('POST', '/domains', large)).status).toBe(413);
    expect((await api.ask('POST', '/domains', { token, body: { name: 'example.com' } })).body).toMatchObject({
      status: 409,
      mend: expect.stringContaining('domain show'),
    });
    expect((await api.ask('GET', '/domains/missing.test', { token })).status).toBe(404);
  });
});

describe('an entity tag', () => {
  test('keeps two from overwriting each other', async () => {
    await add('tag@example.com');
    const seen = await api.ask('GET', '/mailboxes/tag@example.com', { token });
    const tag = seen.headers.get('etag') ?? '';
    const again = await api.ask('GET', '/mailboxes/tag@example.com', { token, headers: { 'if-none-match': tag } });
    expect([again.status, again.text]).toEqual([304, '']);
    const set = async (name: string) =>
      await api.ask('PATCH', '/mailboxes/tag@example.com', { token, body: { name }, headers: { 'if-match': tag } });
    expect((await set('First')).status).toBe(200);
    expect((await set('Second')).body).toMatchObject({ status: 412 });
    expect((await api.ask('GET', '/mailboxes/tag@example.com', { token })).body.name).toBe('First');
  });

  test('is not about a login, which changes nothing; what is shown has another tag', async () => {
    await add('away@example.com');
    const path = '/mailboxes/away@example.com';
    const show = async () => await api.ask('GET', path, { token });
    const tag = (await show()).headers.get('etag') ?? '';
    const body = { login: 'away@example.com', password: 'x' };
    expect((await api.ask('POST', '/session', { body })).status).toBe(200);
    await expect.poll(async () => (await show()).body.lastLogin).toBeDefined();
    expect((await api.ask('GET', path, { token, headers: { 'if-none-match': tag } })).status).toBe(200);
    const set = async () =>
      await api.ask('PATCH', path, { token, body: { name: 'Away' }, headers: { 'if-match': tag } });
    expect((await set()).status).toBe(200);
    expect((await set()).status).toBe(412);
  });

  test('of a catch-all is not about the names that come to be used', async () => {
    const path = '/catch-alls/example.com';
    const tag = (await api.ask('GET', path, { token })).headers.get('etag') ?? '';
    await api.directory.catchAlls.accept(['caught@example.com']);
    const set = async (mode: string) =>
      (await api.ask('PATCH', path, { token, body: { mode }, headers: { 'if-match': tag } })).status;
    expect([await set('propose'), await set('accept')]).toEqual([200, 412]);
  });

  test('is for what has one: an act that could not be compared is not done', async () => {
    const headers = { 'if-match': '"none"' };
    expect((await api.ask('POST', '/queue/flush-all', { token, headers })).status).toBe(400);
  });

  test('lets one of many at once through', async () => {
    await add('race@example.com');
    const tag = (await api.ask('GET', '/mailboxes/race@example.com', { token })).headers.get('etag') ?? '';
    const set = async (name: string) =>
      await api.ask('PATCH', '/mailboxes/race@example.com', { token, body: { name }, headers: { 'if-match': tag } });
    const answers = await Promise.all(Array.from({ length: 10 }, async (_, index) => await set(`name ${index}`)));
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([
      200,
      ...Array.from({ length: 9 }, () => 412),
    ]);
  });
});

describe('a repeated request', () => {
  test('is done once, and answered alike', async () => {
    const headers = { 'idempotency-key': 'key-1' };
    const body = { address: 'once@example.com' };
    const ask = async () => await api.ask('POST', '/mailboxes', { token, body, headers });
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter((one) => one.headers.get('idempotent-replayed') === 'true')).toHaveLength(2);
    expect(answers[0]?.body.password).toMatch(/^\w{5}-/);
  });

  test('with another body is refused', async () => {
    const headers = { 'idempotency-key': 'key-2' };
    expect((await api.ask('POST', '/domains', { token, body: { name: 'k.test' }, headers })).status).toBe(201);
    const other = await api.ask('POST', '/domains', { token, body: { name: 'l.test' }, headers });
    expect(other.body).toMatchObject({ status: 422, field: 'Idempotency-Key' });
    expect((await api.ask('GET', '/domains/l.test', { token })).status).toBe(404);
  });
});

test('a list is paged', async () => {
  await api.ask('POST', '/domains', { token, body: { name: 'pages.test' } });
  for (const name of ['a', 'b', 'c', 'd', 'e']) await add(`${name}@pages.test`);
  const found: string[] = [];
  let query = 'domain=pages.test&limit=2';
  let pages = 0;
  for (;;) {
    const { body } = await api.ask('GET', `/mailboxes?${query}`, { token });
    found.push(...body.items.map(({ address }: { address: string }) => address));
    pages++;
    if (body.next === undefined) break;
    query = `domain=pages.test&limit=2&after=${encodeURIComponent(body.next)}`;
  }
  expect(found).toEqual(['a', 'b', 'c', 'd', 'e'].map((name) => `${name}@pages.test`));
  expect(pages).toBe(3);
});

test('mailboxes that are nearly full are found among many, page by page', async () => {
  const { directory } = api;
  await directory.domains.add('full.test');
  const rows = Array.from({ length: 1200 }, (_, index) => {
    const address = `u${String(index).padStart(4, '0')}@full.test`;
    // Some are small enough for one message to fill most of them.
    return { address, passwordHash: '{PLAIN}x', quotaBytes: index % 400 === 399 ? 3000 : 1_000_000 };
  });
  for (const row of rows) await directory.mailboxes.add(row);
  for (const name of ['u0000', 'u0399', 'u0799', 'u1199']) await deliver(`${name}@full.test`, 2400);
  const ask = async (query: string) => (await api.ask('GET', `/quotas?domain=full.test&${query}`, { token })).body;
  const first = await ask('minPercent=80&limit=2');
  expect(first.items.map((one: { address: string }) => one.address)).toEqual(['u0399@full.test', 'u0799@full.test']);
  const rest = await ask(`minPercent=80&limit=2&after=${encodeURIComponent(first.next)}`);
  expect(rest.items).toMatchObject([{ address: 'u1199@full.test', messages: 1 }]);
  expect(rest.next).toBeUndefined();
  expect((await ask('minPercent=1')).items).toHaveLength(3);
});

test('what an operation answers is what it says that it answers', async () => {
  for (const operation of operations) {
    if (operation.method !== 'GET' || operation.path.includes('{')) continue;
    const needed: Readonly<Record<string, string>> = {
      'explain.show': '?address=once@example.com',
      'explain.why-not': '?address=once@example.com&wanted=once@example.com',
      'trace.list': '?text=once@example.com',
    };
    const { status, body } = await api.ask('GET', `${operation.path}${needed[operation.name] ?? ''}`, { token });
    if (operation.isPersonal) continue;
    expect([operation.name, status]).toEqual([operation.name, 200]);
    expect([operation.name, [...Compile(operation.output).Errors(body)]]).toEqual([operation.name, []]);
  }
});

test('the description is OpenAPI 3.1 without a mistake, and names every operation', async () => {
  const { status, body } = await api.ask('GET', '/openapi.json');
  expect(status).toBe(200);
  expect(findOpenApiMistakes(body)).toEqual([]);
  const described = Object.values(body.paths as Record<string, Record<string, { operationId: string }>>)
    .flatMap((path) => Object.values(path))
    .map(({ operationId }) => operationId);
  expect(described.filter((name) => name !== 'events.watch').toSorted()).toEqual(
    operations.map(({ name }) => name).toSorted(),
  );
});

test('who asks too often is told when to come back', async () => {
  const slow = await ApiServer.start({ posthaste_http_rate_limit: '3' });
  try {
    const answers = [];
    for (let index = 0; index < 5; index++) answers.push(await slow.ask('GET', '/account'));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 429, 429]);
    expect(Number(answers[4]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answers[4]?.body).toMatchObject({ status: 429, type: 'urn:posthaste:problem:too-many-requests' });
  } finally {
    await slow.close();
  }
});

test('a name of elsewhere that leads to loopback is not answered to', async () => {
  const { request } = await import('node:http');
  const status = await new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port: api.port, path: '/api/v1/account', headers: { host: 'evil.test' } },
      (response) => resolve(response.statusCode),
    );
    asked.on('error', reject);
    asked.end();
  });
  expect(status).toBe(403);
});

test("of strangers' bodies nothing large is read", async () => {
  const large = `{"x": "${'x'.repeat(200_000)}"}`;
  expect((await api.ask('POST', '/session', { body: large })).status).toBe(413);
  expect((await api.ask('POST', '/recovery', { body: large })).status).toBe(413);
  // It is no JSON: who reads it says so.
  expect((await api.ask('POST', '/mailboxes', { body: large.slice(0, -1) })).status).toBe(401);
  expect((await api.ask('POST', '/mailboxes', { body: large.slice(0, -1), token })).status).toBe(400);
});

test('another way to write an address is no way round the count', async () => {
  const slow = await ApiServer.start({ posthaste_http_rate_limit: '3' });
  try {
    const statuses: number[] = [];
    for (let count = 0; count < 5; count++) {
      statuses.push((await fetch(`${slow.origin}/%61pi/v1/domains`)).status);
    }
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(3);
  } finally {
    await slow.close();
  }
});
