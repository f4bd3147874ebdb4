// The daily upkeep on a real directory and a real store.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Directory } from '../directory/directory.ts';
import { FakeClock } from '../lib/clock.ts';
import { MemoryLog, ProgramLog } from '../lib/log.ts';
import { openMailstore, type SqliteMailstore } from '../mailstore/store.ts';
import { Upkeep } from './upkeep.ts';

const day = 86_400_000;
let clock: FakeClock;
let folder: string;
let directory: Directory;
let store: SqliteMailstore;
let log: MemoryLog;
let upkeep: Upkeep;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'upkeep-'));
  clock = new FakeClock(Date.now());
  log = new MemoryLog();
  directory = await Directory.open(join(folder, 'directory.db'), { clock, actor: 'tester' });
  store = await openMailstore({
    folder,
    inlineLimit: 1000,
    log: new ProgramLog(log, 'postfix/mailstore'),
    onBroken: (error) => {
      throw error;
    },
  });
  upkeep = new Upkeep({ directory, store, clock, log: new ProgramLog(log, 'postfix/master') });
});

afterEach(async () => {
  await upkeep.close();
  await store.close();
  directory.close();
  rmSync(folder, { recursive: true });
});

async function accept(mailbox: number, once?: string): Promise<number> {
  const writer = store.contentWriter();
  await writer.write(Buffer.from('Subject: x\r\n\r\n'));
  const { delivered } = await store.accept({
    content: await writer.finish(),
    deliveries: [{ mailbox, prefix: Buffer.from(''), internalDate: clock.now() }],
    ...(once === undefined ? {} : { once }),
  });
  return delivered.length;
}

it('deletes the mail of removed mailboxes when their time is over, and nobody gets them back after it', async () => {
  await directory.domains.add('example.com');
  const anna = await directory.mailboxes.add({ address: 'anna@example.com', passwordHash: '{PLAIN}x' });
  const bert = await directory.mailboxes.add({ address: 'bert@example.com', passwordHash: '{PLAIN}x' });
  await accept(anna.id);
  await accept(bert.id);
  await directory.mailboxes.remove('anna@example.com');
  await upkeep.run();
  expect(store.usage(anna.id).messages).toBe(1);
  const removed = await directory.mailboxes.list({ removed: true });
  clock.advance((removed[0]?.recoverableUntil ?? 0) - clock.now() + day);
  await expect(directory.mailboxes.restore('anna@example.com')).rejects.toThrow(/removed too long ago/);
  await upkeep.run();
  expect(store.usage(anna.id).messages).toBe(0);
  expect(store.usage(bert.id).messages).toBe(1);
  expect(await directory.mailboxes.list({ removed: true })).toEqual([]);
  expect(log.lines.join('\n')).toContain('anna@example.com: removed mailbox deleted with its mail');
});

it('says what leads nowhere', async () => {
  await directory.domains.add('example.com');
  await upkeep.run();
  expect(log.lines.join('\n')).toContain('example.com refuses mail to postmaster');
});

it('forgets handed-in names only when they have not been seen for a month', async () => {
  expect(await accept(1, 'maildrop/a')).toBe(1);
  expect(await accept(1, 'maildrop/a')).toBe(0);
  clock.advance(29 * day);
  await upkeep.run();
  expect(await accept(1, 'maildrop/a')).toBe(0);
  await store.forgetOnce(Date.now() + day);
  expect(await accept(1, 'maildrop/a')).toBe(1);
});
