// Deliveries that a webhook is to be told of and that cannot be written down at the moment are not forgotten.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
