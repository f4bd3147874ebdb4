// Clients that connect to the API and then keep it waiting: they are let go, so that they cannot hold all its connections.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LiveEvents } from '../../src/admin/live-events.ts';
import type { ServerParts } from '../../src/admin/server-parts.ts';
import { Directory } from '../../src/directory/directory.ts';
import { LazyListener } from '../../src/http-server/lazy-listener.ts';
import { HttpServer } from '../../src/http-server/server.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { MemoryLog, ProgramLog } from '../../src/lib/log.ts';
import { TemporaryError } from '../../src/lib/temporary-error.ts';

let folder: string;
let directory: Directory;
let server: HttpServer;
let listener: LazyListener;
let port: number;
let written: MemoryLog;
let opened = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slow-clients-'));
  directory = await Directory.open(join(folder, 'directory.db'), { clock, actor: 'test' });
  const log = new ProgramLog(new MemoryLog(), 'test');
  // Nobody asks for anything.
  const others = { server: {} as ServerParts, live: {} as LiveEvents };
  const parts = { directory, ...others, clock, version: 'x', log, requestsPerMinute: 0 };
  server = await HttpServer.open({ ...parts, headMilliseconds: 300 });
  const serve = server.serve({ host: '127.0.0.1', httpsPort: () => undefined });
  written = new MemoryLog();
  const isExempt = async (address: string): Promise<boolean> => {
    if (address === '127.0.0.4') throw new TemporaryError('the table of exceptions is away');
    return address === '127.0.0.9';
  };
  const open = async () => (opened++, serve);
  listener = new LazyListener(open, new ProgramLog(written, 'test'), { clientLimit: 3, isExempt });
  port = await listener.listen('127.0.0.1', 0);
});
afterAll(async () => {
  listener.close();
  await server.close();
  directory.close();
  rmSync(folder, { recursive: true });
});

/** What came until the server ended the connection. */
async function say(text: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setEncoding('utf8').on('data', (part: string) => (said += part));
    socket.on('close', () => resolve(said));
    socket.on('error', reject);
  });
}

test.each([
  ['nothing', ''],
  ['half a head', 'GET /api/v1/domains HTTP/1.1\r\nHost: localhost\r\nX-Slow: '],
])('who sends %s is let go', async (_what, text) => {
  expect(await say(text)).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
});

test('one address holds only its share of the connections, if it is not exempt', async () => {
  const held: Socket[] = [];
  /** False: it was closed at once, before a head was too late. */
  const holds = async (localAddress: string): Promise<boolean> =>
    await new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', localAddress });
      held.push(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(false));
      setTimeout(() => resolve(true), 150);
    });
  const several = async (address: string) =>
    (await Promise.all(Array.from({ length: 5 }, () => holds(address)))).filter(Boolean).length;
  expect(await several('127.0.0.2')).toBe(3);
  expect(await several('127.0.0.9')).toBe(5);
  expect(await several('127.0.0.3')).toBe(3);
  // Whether it is exempt cannot be found out: that is no trouble of the server's, which stays as it is.
  expect(await several('127.0.0.4')).toBe(3);
  expect(await several('127.0.0.5')).toBe(3);
  expect({ opened, errors: written.lines.filter((line) => line.includes('does not open')) }).toEqual({
    opened: 1,
    errors: [],
  });
  for (const socket of held) socket.destroy();
  await expect.poll(() => holds('127.0.0.2')).toBe(true);
  const warnings = written.lines.filter((line) => line.includes('127.0.0.2'));
  expect(warnings).toEqual([
    expect.stringContaining('127.0.0.2 has 3 connections (posthaste_http_client_connection_limit)'),
  ]);
  for (const socket of held) socket.destroy();
});
