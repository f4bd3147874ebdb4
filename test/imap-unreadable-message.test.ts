// A stored message whose file is damaged or gone: the others are still served, and nobody is given wrong octets.

import { readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSqlite } from '../src/database/sqlite.ts';
import { LineClient, TestHost, type TestServer } from './imap-dialogs/test-server.ts';

let host: TestHost;
let server: TestServer;

beforeAll(async () => {
  host = await TestHost.open();
  server = await host.serve();
});

afterAll(async () => {
  await server.close();
  await host.close();
});

async function contentFiles(): Promise<string[]> {
  const folder = join(host.folder, 'content');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function openInbox(user: string): Promise<LineClient> {
  const client = await LineClient.open(server.port);
  await client.line();
  await client.command('a1', `LOGIN ${user} secret`);
  await client.command('a2', 'SELECT INBOX');
  return client;
}

it('serves the other messages', async () => {
  await server.deliver('ann', `Subject: large\r\n\r\n${'x'.repeat(78)}\r\n`.padEnd(100_000, 'y'));
  await server.deliver('ann', 'Subject: small\r\n\r\nbody\r\n');
  for (const file of await contentFiles()) await rm(file);
  const client = await openInbox('ann');
  const lines = await client.command('a3', 'FETCH 1:* (ENVELOPE BODY.PEEK[TEXT])');
  expect(lines[0]).toMatch(/^\* 2 FETCH \(ENVELOPE \(NIL "small"/);
  expect(lines.at(-1)).toBe('a3 NO [UNAVAILABLE] Some messages cannot be read at the moment.');
  expect(await client.command('a4', 'SEARCH TEXT small')).toEqual(['* SEARCH 2', 'a4 OK Search completed.']);
  client.destroy();
});

it('finds the others where a small one is damaged, or was expunged while it was looked for', async () => {
  await server.deliver('cleo', 'Subject: first\r\n\r\nbody\r\n');
  await server.deliver('cleo', 'Subject: second\r\n\r\nbody\r\n');
  await server.deliver('cleo', 'Subject: third\r\n\r\nbody\r\n');
  const client = await openInbox('cleo');
  const store = openSqlite(join(host.folder, 'store.db'));
  const [first, second] = store.prepare('SELECT id FROM content ORDER BY id DESC LIMIT 3').pluck().all().toReversed();
  store.prepare('UPDATE content SET data = zeroblob(length(data)) WHERE id = ?').run(first);
  // As for a search that has read the row, and then waits for the next millisecond of its turn.
  store.pragma('foreign_keys = OFF');
  store.prepare('DELETE FROM content WHERE id = ?').run(second);
  store.close();
  expect(await client.command('a3', 'SEARCH TEXT body')).toEqual(['* SEARCH 3', 'a3 OK Search completed.']);
  client.destroy();
});

it('ends the connection where a literal cannot be finished', async () => {
  await server.deliver('bob', 'Subject: large\r\n\r\n'.padEnd(2_000_000, 'y'));
  const [file = ''] = await contentFiles();
  await truncate(file, 1_500_000);
  const client = await openInbox('bob');
  client.send('a3 FETCH 1 (BODY.PEEK[])\r\n');
  expect(await client.line()).toBe('* 1 FETCH (BODY[] {2000000}');
  await expect(client.linesTo('a3')).rejects.toThrow('connection closed');
  expect(server.log.lines.join('\n')).toContain('UID 1 of INBOX');
});
