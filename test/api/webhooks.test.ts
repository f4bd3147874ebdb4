// Webhooks against a real receiver: what it is told, the signature, what happens while it does not answer, and that none
// leads into a private network.

import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isPrivateAddress, sendWebhook, urlRefusal } from '../../src/admin/webhook-request.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { ApiServer } from './api-server.ts';

interface Received {
  readonly signature: string;
  readonly body: string;
}

class Receiver {
  readonly received: Received[] = [];
  status = 200;
  readonly #server: Server;
  #told: (() => void)[] = [];

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const signature = String(request.headers['posthaste-signature']);
        this.received.push({ signature, body: Buffer.concat(chunks).toString() });
        response.writeHead(this.status).end();
        for (const tell of this.#told.splice(0)) tell();
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- events are as different as what happens.
  get events(): any[] {
    return this.received.flatMap(({ body }) => JSON.parse(body).events);
  }

  /** Resolves when an event is there that `isIt` knows. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as above.
  async until(isIt: (event: any) => boolean): Promise<any> {
    for (;;) {
      const found = this.events.find(isIt);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#told.push(resolve));
    }
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

let api: ApiServer;
let token: string;
let receiver: Receiver;
let url: string;

beforeAll(async () => {
  receiver = new Receiver();
  url = await receiver.listen();
  api = await ApiServer.start({ posthaste_webhook_private_addresses: 'yes' });
  await api.directory.administrators.add({ login: 'anna', role: 'host' });
  token = await api.token('anna');
  await api.directory.domains.add('example.com');
  await api.directory.domains.add('other.test');
});
afterAll(async () => {
  await api.close();
  receiver.close();
});

test('a receiver is told of changes and deliveries, signed', async () => {
  const made = await api.ask('POST', '/webhooks', { token, body: { name: 'all', url } });
  expect(made.status).toBe(201);
  const body = { address: 'bob@example.com', password: 'secret' };
  await api.ask('POST', '/mailboxes', { token, body });
  const change = await receiver.until((event) => event.type === 'mailbox.add');
  expect(change).toMatchObject({ object: 'bob@example.com', actor: expect.stringContaining('api:anna'), before: null });
  const { signature, body: text } = receiver.received[0] as Received;
  const [, seconds = '', sum = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
  expect(createHmac('sha256', made.body.secret).update(`${seconds}.${text}`).digest('hex')).toBe(sum);
  expect(receiver.received.map((one) => one.body).join('')).not.toMatch(/secret|\$argon/);

  const smtp = await SmtpConnection.open(api.smtpPort);
  for (const line of ['EHLO x.test', 'MAIL FROM:<a@x.test>', 'RCPT TO:<bob@example.com>', 'DATA'])
    await smtp.command(line);
  expect((await smtp.command('Subject: x\r\n\r\nhello\r\n.')).code).toBe(250);
  const delivery = await receiver.until((event) => event.type === 'delivery.delivered');
  expect(delivery).toMatchObject({ recipient: 'bob@example.com', relay: 'mailstore' });
});

test('what does not arrive is told later, in order, once', async () => {
  receiver.status = 503;
  const before = receiver.received.length;
  await api.directory.aliases.add('one@example.com', ['bob@example.com']);
  await receiver.until((event) => event.object === 'one@example.com');
  await api.directory.aliases.add('two@example.com', ['bob@example.com']);
  const { body } = await api.ask('GET', '/webhooks/all', { token });
  expect(body.note === '' || body.note === 'answered 503').toBe(true);
  receiver.status = 200;
  receiver.received.splice(before);
  // A changed address is tried at once.
  await api.ask('PATCH', '/webhooks/all', { token, body: { url } });
  await receiver.until((event) => event.object === 'two@example.com');
  const told = receiver.events
    .map((event) => event.object)
    .filter((name) => name === 'one@example.com' || name === 'two@example.com');
  expect(told.slice(-2)).toEqual(['one@example.com', 'two@example.com']);
});

test('a domain administrator hears of his domains alone', async () => {
  await api.directory.administrators.add({ login: 'dora', role: 'domain', domains: ['example.com'] });
  const own = new Receiver();
  const ownUrl = await own.listen();
  try {
    const dora = await api.token('dora');
    await api.ask('POST', '/webhooks', { token: dora, body: { name: 'mine', url: ownUrl, events: ['alias.*'] } });
    await api.directory.aliases.add('secret@other.test', ['bob@example.com']);
    await api.directory.aliases.add('told@example.com', ['bob@example.com']);
    await own.until((event) => event.object === 'told@example.com');
    expect(JSON.stringify(own.events)).not.toContain('other.test');
    expect(own.events[0].id).toBeUndefined();
    expect((await api.ask('GET', '/webhooks', { token: dora })).body.items).toHaveLength(1);
    expect((await api.ask('GET', '/webhooks/all', { token: dora })).status).toBe(404);
  } finally {
    own.close();
  }
});

test('a token is told by a webhook what it may read itself', async () => {
  const { body: narrow } = await api.ask('POST', '/tokens', {
    token,
    body: { name: 'narrow', scopes: ['webhook:*', 'alias:read', 'trace:read'] },
  });
  const ask = async (method: string, path: string, body: object) =>
    (await api.ask(method, path, { token: narrow.secret, body })).status;
  const at = (name: string, events: string[]) => ({ name, url: 'https://192.0.2.1/', events });
  expect(await ask('POST', '/webhooks', at('everything', []))).toBe(403);
  expect(await ask('POST', '/webhooks', at('star', ['*']))).toBe(403);
  expect(await ask('POST', '/webhooks', at('people', ['mailbox.*']))).toBe(403);
  expect(await ask('POST', '/webhooks', at('narrow', ['alias.*', 'delivery.bounced']))).toBe(201);
  expect(await ask('PATCH', '/webhooks/narrow', { events: ['mailbox'] })).toBe(403);
  // Nor is one that somebody else has made to tell him.
  expect(await ask('PATCH', '/webhooks/all', { url: 'https://192.0.2.2/' })).toBe(403);
  await api.ask('DELETE', '/webhooks/narrow', { token });
});

test('an answer of another protocol keeps nobody waiting', async () => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write('HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const sent = { secret: 'x', body: '{}', mayBePrivate: true, now: 0, version: 'x' };
  expect(await sendWebhook({ url: `http://127.0.0.1:${port}/`, ...sent })).toContain('without an answer');
  server.close();
});

test("a domain administrator has room for some, and takes nobody else's", async () => {
  await api.directory.administrators.add({ login: 'many', role: 'domain', domains: ['example.com'] });
  const many = await api.token('many');
  const add = async (name: string, more = {}) =>
    await api.ask('POST', '/webhooks', {
      token: many,
      body: { name, url: 'https://192.0.2.1/', events: ['x.y'], ...more },
    });
  for (let count = 0; count < 20; count++) expect((await add(`many ${count}`)).status).toBe(201);
  expect((await add('one more')).body.detail).toBe('you have 20 webhooks already');
  expect((await add('long', { events: ['x'.repeat(65)] })).body.field).toContain('events');
  const { status, body } = await api.ask('POST', '/webhooks', {
    token,
    body: { name: 'wordy', url, events: Array.from({ length: 50 }, () => 'x'.repeat(40)) },
  });
  expect([status, body.detail]).toEqual([422, 'the kinds of events are too many']);
  await api.directory.administrators.remove('many');
});

test('names are one for each owner: nobody learns of or is stopped by those of others', async () => {
  const { administrators, webhooks } = api.directory;
  const at = (host: string) => ({ name: 'billing', url: `https://${host}.example/`, events: ['x.y'] });
  for (const [login, domain] of [
    ['bert', 'example.com'],
    ['olga', 'other.test'],
  ] as const) {
    await administrators.add({ login, role: 'domain', domains: [domain] });
    const own = await api.token(login);
    const made = await api.ask('POST', '/webhooks', { token: own, body: at(login) });
    expect([made.status, made.body.owner]).toEqual([201, login]);
    expect((await api.ask('POST', '/webhooks', { token: own, body: at(login) })).status).toBe(409);
  }
  const [bert, olga] = [await api.token('bert'), await api.token('olga')];
  const url = async (asked: string, path = '/webhooks/billing') => {
    const { status, body } = await api.ask('GET', path, { token: asked });
    return status === 200 ? body.url : `${status} ${body.detail}`;
  };
  expect([await url(bert), await url(olga)]).toEqual(['https://bert.example/', 'https://olga.example/']);
  const missing = await url(bert, '/webhooks/nothing');
  expect(await url(bert, '/webhooks/billing?owner=olga')).toBe(missing);
  // The host's administrators name whose, and never meet another's by a name alone.
  expect(await url(token)).toBe('404 the host has no such webhook; bert, olga have one each');
  expect((await api.ask('DELETE', '/webhooks/billing', { token })).status).toBe(404);
  expect((await api.ask('POST', '/webhooks', { token, body: at('host') })).body.owner).toBeUndefined();
  expect(await url(token)).toBe('https://host.example/');
  expect(await url(token, '/webhooks/billing?owner=olga')).toBe('https://olga.example/');
  const change = { token, body: { owner: 'bert', active: false } };
  expect((await api.ask('PATCH', '/webhooks/billing', change)).body).toMatchObject({ owner: 'bert', active: false });
  expect((await api.ask('DELETE', '/webhooks/billing?owner=olga', { token })).status).toBe(200);
  expect((await webhooks.list()).filter(({ name }) => name === 'billing')).toMatchObject([
    { active: true },
    { owner: 'bert', active: false },
  ]);
  expect(await url(olga)).toBe(missing);
  await api.ask('DELETE', '/webhooks/billing', { token });
});

test.each([
  '127.0.0.1',
  '10.1.2.3',
  '169.254.169.254',
  '192.168.0.1',
  '172.31.0.1',
  '100.64.0.1',
  '0.0.0.0',
  '224.0.0.1',
  '::1',
  '::',
  'fe80::1',
  'fd00::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
])('%s is private', (address) => {
  expect(isPrivateAddress(address)).toBe(true);
  expect(urlRefusal(`https://${address.includes(':') ? `[${address}]` : address}/x`, false)).toBeDefined();
});

test('an address of the Internet, by HTTPS, is taken', () => {
  expect(isPrivateAddress('8.8.8.8')).toBe(false);
  expect(isPrivateAddress('2606:4700::1111')).toBe(false);
  expect(urlRefusal('https://example.com/hook', false)).toBeUndefined();
  for (const wrong of [
    'http://example.com',
    'https://localhost/',
    'https://a:b@example.com/',
    'https://2130706433/',
    'file:///etc/passwd',
  ]) {
    expect([wrong, urlRefusal(wrong, false)]).toEqual([wrong, expect.any(String)]);
  }
});
