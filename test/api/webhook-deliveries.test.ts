// Deliveries that a webhook is to be told of and that cannot be written down at the moment are not forgotten.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { WebhookSender } from '../../src/admin/webhook-sender.ts';
import { Directory } from '../../src/directory/directory.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { MemoryLog, ProgramLog } from '../../src/lib/log.ts';
import { TemporaryError } from '../../src/lib/temporary-error.ts';

const line =
  '4bXyZ: to=<bob@example.com>, relay=mailstore, delay=0.1, delays=0/0/0/0.1, dsn=2.0.0, status=sent (delivered)';

test('they wait until they can be', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'webhook-deliveries-'));
  const directory = await Directory.open(join(folder, 'directory.db'), { clock, actor: 'test' });
  await directory.webhooks.add({
    name: 'hook',
    url: 'https://192.0.2.1/',
    events: ['delivery'],
    ownerId: 0,
  });
  const [hook] = await directory.webhooks.due(Number.MAX_SAFE_INTEGER);
  const { webhooks } = directory;
  let failures = 0;
  const failing = {
    due: async (now: number) => await webhooks.due(now),
    waiting: async () => [],
    enqueue: async (messages: Parameters<typeof webhooks.enqueue>[0]) => {
      if (failures++ === 0) throw new TemporaryError('the directory is busy: try again');
      await webhooks.enqueue(messages);
    },
  };
  const busy = Object.create(directory, { webhooks: { value: failing } }) as Directory;
  const log = new ProgramLog(new MemoryLog(), 'test');
  const sender = new WebhookSender({ directory: busy, clock, log, version: 'x', mayBePrivate: () => false });
  await vi.waitFor(() => {
    sender.logged(line);
    sender.look();
    expect(failures).toBeGreaterThan(0);
  });
  await sender.close();
  expect((await webhooks.waiting(hook?.id ?? 0, 10)).length).toBeGreaterThan(0);
  directory.close();
  rmSync(folder, { recursive: true });
});

test('of two nodes one tells, each event once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'webhook-nodes-'));
  const told: string[] = [];
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { events } = JSON.parse(Buffer.concat(chunks).toString()) as { events: { object: string }[] };
      told.push(...events.map(({ object }) => object));
      // The other looks meanwhile.
      setTimeout(() => response.writeHead(200).end(), 100);
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;
  const open = async () => await Directory.open(join(folder, 'directory.db'), { clock, actor: 'test' });
  const nodes = [await open(), await open()];
  const [first] = nodes;
  await first?.webhooks.add({ name: 'hook', url: `http://127.0.0.1:${port}/`, events: ['domain'], ownerId: 0 });
  const log = new ProgramLog(new MemoryLog(), 'test');
  const senders = nodes.map(
    (directory) => new WebhookSender({ directory, clock, log, version: 'x', mayBePrivate: () => true }),
  );
  const names = Array.from({ length: 6 }, (_, index) => `d${index}.test`);
  for (const name of names) {
    await first?.domains.add(name);
    for (const sender of senders) sender.look();
    await wait(40);
  }
  await vi.waitFor(
    () => {
      for (const sender of senders) sender.look();
      expect(told).toContain('d5.test');
    },
    { timeout: 5000 },
  );
  for (const sender of senders) await sender.close();
  expect(told).toEqual(names);
  for (const node of nodes) node.close();
  receiver.close();
  rmSync(folder, { recursive: true });
});
