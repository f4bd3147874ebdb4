// The stream of what changes: who hears what, that it ends with the login, and that it is bounded.

import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-scheme.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { ApiServer } from './api-server.ts';

let api: ApiServer;

beforeAll(async () => {
  api = await ApiServer.start();
  const { directory } = api;
  const passwordHash = await hashPassword('secret');
  await directory.administrators.add({ login: 'hanna', role: 'host', passwordHash });
  for (const name of ['own.test', 'foreign.test']) {
    await directory.domains.add(name);
    for (const local of ['anna', 'ben']) await directory.mailboxes.add({ address: `${local}@${name}`, passwordHash });
  }
  await directory.administrators.add({ login: 'dora', role: 'domain', domains: ['own.test'], passwordHash });
});
afterAll(async () => {
  for (const one of listeners) one.close();
  await api.close();
});

const listeners = new Set<Listener>();

/** Speaks HTTP by hand: what is written is seen as it comes. */
class Listener {
  readonly #socket: Socket;
  text = '';
  isOver = false;

  constructor(header: string, query = '') {
    listeners.add(this);
    this.#socket = connect(api.port, '127.0.0.1');
    this.#socket.setEncoding('utf8');
    this.#socket.on('data', (chunk: string) => {
      this.text += chunk;
    });
    this.#socket.on('close', () => {
      this.isOver = true;
    });
    this.#socket.on('error', () => undefined);
    this.#socket.write(`GET /api/v1/events${query} HTTP/1.1\r\nHost: localhost:${api.port}\r\n${header}\r\n\r\n`);
  }

  get events(): { kind: string; data: Record<string, unknown>; id: string | undefined }[] {
    return [...this.text.matchAll(/(?:id: (\S+)\n)?event: (\w+)\ndata: (.*)\n/g)].map(
      ([, id, kind = '', data = '{}']) => ({
        kind,
        data: JSON.parse(data) as Record<string, unknown>,
        id,
      }),
    );
  }

  async until(what: RegExp | (() => boolean)): Promise<void> {
    for (const end = Date.now() + 10_000; ; ) {
      if (typeof what === 'function' ? what() : what.test(this.text)) return;
      if (Date.now() > end) throw new Error(`${String(what)} did not come in: ${this.text}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  close(): void {
    this.#socket.destroy();
    listeners.delete(this);
  }
}

const bearer = async (login: string, scopes?: readonly string[]) =>
  `Authorization: Bearer ${await api.token(login, scopes)}`;

async function cookie(login: string): Promise<string> {
  const { headers } = await api.ask('POST', '/session', { body: { login, password: 'secret' } });
  return `Cookie: ${(headers.get('set-cookie') ?? '').split(';')[0]}`;
}

async function deliver(recipient: string): Promise<void> {
  const smtp = await SmtpConnection.open(api.smtpPort);
  for (const line of ['EHLO c.test', 'MAIL FROM:<x@elsewhere.test>', `RCPT TO:<${recipient}>`, 'DATA'])
    await smtp.command(line);
  expect((await smtp.command('Subject: x\r\n\r\nx\r\n.')).code).toBe(250);
  await smtp.command('QUIT');
}

describe('the stream of events', () => {
  test('tells each what concerns him, and numbers to the host alone', async () => {
    const host = new Listener(await bearer('hanna'));
    const domain = new Listener(await bearer('dora'));
    const user = new Listener(await bearer('anna@own.test'));
    for (const one of [host, domain, user]) await one.until(/event: directory\ndata: \{"areas":\[\]\}/);
    await api.directory.aliases.add('sales@foreign.test', ['anna@foreign.test']);
    await host.until(/"areas":\[[^\]]*"alias"[^\]]*\],"revision":\d+/);
    await api.directory.mailboxes.set('anna@own.test', { name: 'Anna' });
    await domain.until(/"areas":\["mailbox"\]\}/);
    await user.until(/"areas":\["mailbox"\]\}/);
    await deliver('ben@foreign.test');
    await host.until(/event: deliveries\ndata: \{"accepted":1,"delivered":1/);
    await deliver('ben@own.test');
    await domain.until(/event: deliveries\ndata: \{\}/);
    await deliver('anna@own.test');
    await user.until(/event: deliveries\ndata: \{\}/);
    expect(domain.events.filter(({ kind }) => kind === 'directory').map(({ data }) => data)).toEqual([
      { areas: [] },
      { areas: ['mailbox'] },
    ]);
    expect(domain.events.filter(({ kind }) => kind === 'deliveries').length).toBeLessThanOrEqual(2);
    for (const { kind, data } of [...domain.events, ...user.events]) {
      expect(['directory', 'deliveries']).toContain(kind);
      expect(Object.keys(data).every((name) => name === 'areas')).toBe(true);
    }
    for (const one of [host, domain, user]) one.close();
  });

  test('goes on where a break was', async () => {
    const first = new Listener(await bearer('dora'));
    await first.until(/event: directory/);
    const { id = '' } = first.events[0] ?? {};
    first.close();
    await api.directory.aliases.add('meanwhile@own.test', ['anna@own.test']);
    await api.directory.aliases.add('meanwhile@foreign.test', ['anna@foreign.test']);
    const header = await bearer('dora');
    const second = new Listener(`${header}\r\nLast-Event-ID: ${id}`);
    await second.until(/"areas":\["alias"\]/);
    const third = new Listener(header, `?after=${id}`);
    await third.until(/"areas":\["alias"\]/);
    // Somebody else's mark, or none of ours, begins anew.
    const strange = new Listener(header, '?after=12345');
    await strange.until(/"areas":\[\]/);
    for (const one of [second, third, strange]) one.close();
  });

  test('is for who is logged in, and may', async () => {
    for (const [header, status] of [
      ['X: y', 401],
      [await bearer('hanna', ['queue:*']), 403],
      [await bearer('hanna', ['events:read']), 200],
    ] as const) {
      const one = new Listener(header);
      await one.until(new RegExp(`^HTTP/1.1 ${status} `));
      one.close();
    }
  });

  test('ends with the login', { timeout: 40_000 }, async () => {
    const header = await cookie('dora');
    const stream = new Listener(header);
    await stream.until(/event: directory/);
    expect((await api.ask('GET', '/account', { headers: { cookie: header.slice(8) } })).status).toBe(200);
    const ended = await api.ask('DELETE', '/session', { headers: { cookie: header.slice(8), origin: api.origin } });
    expect(ended.status).toBe(200);
    for (const end = Date.now() + 30_000; !stream.text.includes('event: end') && Date.now() < end; ) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(stream.events.at(-1)).toMatchObject({ kind: 'end', data: { reason: 'login' } });
    expect(stream.text).toContain(': beat');
    stream.close();
  });

  test('is opened so many times and no more', async () => {
    const header = await bearer('ben@own.test');
    const all = Array.from({ length: 8 }, () => new Listener(header));
    for (const one of all) await one.until(/event: directory/);
    const tooMany = new Listener(header);
    await tooMany.until(/^HTTP\/1.1 429 /);
    expect(tooMany.text).toContain('too-many-streams');
    all[0]?.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const again = new Listener(header);
    await again.until(/^HTTP\/1.1 200 /);
    for (const one of [...all, tooMany, again]) one.close();
  });
});
