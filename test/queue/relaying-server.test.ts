// A whole server that sends everything on to a destination to which connections are kept: the log says which use of it each
// message was, and the end of the server ends it with QUIT.

import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deliver } from '../../src/smtp-client/deliver.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { testOptions } from './client-options.ts';
import { envelope, polite, ScriptedServer } from './scripted-server.ts';

let folder: string;
let next: ScriptedServer;
let server: PosthasteProcess;

beforeAll(async () => {
  folder = mkdtempSync('/tmp/relaying-');
  next = new ScriptedServer([['EHLO', '250-mx.example\n250-PIPELINING\n250 8BITMIME'], ...polite]);
  const port = await next.listen();
  server = await PosthasteProcess.create({
    folder,
    settings: {
      default_transport: `smtp:[127.0.0.1]:${port}`,
      smtp_connection_cache_destinations: '127.0.0.1',
      smtp_connection_cache_time_limit: '60s',
      smtp_generic_maps: 'inline:{joe@inside.example=joe@outside.example}',
    },
  });
  await server.start();
}, 60_000);
afterAll(async () => {
  await server.stop();
  await next.close();
  rmSync(folder, { recursive: true, force: true });
});

test('keeps its connection for the next message', async () => {
  for (let count = 1; count <= 4; count++) {
    const mail = envelope([`ann${count}@b.example`], { sender: 'joe@inside.example' });
    await deliver(`[127.0.0.1]:${server.smtpPort}`, mail, testOptions());
    expect(await server.deliveryOutcome(`ann${count}@b.example`)).toMatch(/2\.0\.0 sent \(250 2\.0\.0 Ok: queued\)$/);
  }
  const uses = server.logLines().flatMap((line) => /status=sent/.exec(line) && [/ conn_use=\d/.exec(line)?.[0] ?? '']);
  expect(uses.filter((use) => use !== null)).toEqual(['', ' conn_use=2', ' conn_use=3', ' conn_use=4']);
  expect(next.connections).toBe(1);
  expect(next.lines).toContain('MAIL FROM:<joe@outside.example>');
  const quits = () => next.lines.filter((line) => line === 'QUIT').length;
  expect(quits()).toBe(0);
  await server.stop();
  await expect.poll(quits).toBe(1);
}, 30_000);
