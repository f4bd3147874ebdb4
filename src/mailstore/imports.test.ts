// Importing into a store: uids that are kept, mail that comes meanwhile, and what a second time does.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MemoryLog, ProgramLog } from '../lib/log.ts';
import type { ImportFolder, ImportMessage } from './import-types.ts';
import { openMailstore, type SqliteMailstore } from './store.ts';
import { openStoreReader } from './store-reader.ts';

let folder: string;
let store: SqliteMailstore;
const mailbox = 7;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'imports-'));
  await open();
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(): Promise<void> {
  store = await openMailstore({
    folder,
    inlineLimit: 100,
    log: new ProgramLog(new MemoryLog(), 'test'),
    onBroken: (error) => {
      throw error;
    },
  });
}

async function content(text: string) {
  const writer = store.contentWriter();
  await writer.write(Buffer.from(text));
  return await writer.finish();
}

async function message(key: string, uid: number | undefined, text = key, flags: string[] = []): Promise<ImportMessage> {
  return { content: await content(text), keys: [key], uid, flags, internalDate: 1000 };
}

async function deliver(text: string): Promise<void> {
  const deliveries = [{ mailbox, prefix: Buffer.alloc(0), internalDate: 2000 }];
  await store.accept({ content: await content(text), deliveries });
}

async function inbox(): Promise<{ uids: string[]; validity: number; next: number }> {
  const row = store.folders(mailbox).find(({ name }) => name === 'INBOX');
  if (row === undefined) throw new Error('no INBOX');
  const uids: string[] = [];
  for (const { uid, content: id } of store.messages(row.id, 0, 500)) {
    uids.push(`${uid} ${Buffer.from(await store.openContent(id).readAll()).toString()}`);
  }
  return { uids, validity: row.uidValidity, next: row.uidNext };
}

const wish: ImportFolder = { mailbox, name: 'INBOX', uidValidity: 1_600_000_000, uidNext: 40 };

test('a folder is built out of sight, and what is delivered meanwhile stands behind the imported mail', async () => {
  await store.ensureMailbox(mailbox);
  const begun = await store.imports.folder(wish);
  expect(begun).toMatchObject({ isStaged: true, keepsUids: true, uidValidity: 1_600_000_000 });
  await store.imports.messages(begun.folder, [await message('c', 30), await message('a', 10)]);
  await deliver('new');
  expect((await inbox()).uids).toEqual(['1 new']);
  await store.imports.messages(begun.folder, [await message('b', 20), await message('late', undefined)]);
  expect(await store.imports.finish(begun.folder)).toEqual({ moved: 1 });
  expect(await inbox()).toEqual({
    uids: ['10 a', '20 b', '30 c', '40 late', '41 new'],
    validity: 1_600_000_000,
    next: 42,
  });
  await deliver('newer');
  expect((await inbox()).uids.at(-1)).toBe('42 newer');
  expect(store.usage(mailbox).messages).toBe(6);
  expect(await store.recalculateQuota(mailbox)).toEqual(store.usage(mailbox));
});

test('sessions that have the old folder selected hear that it is gone', async () => {
  await store.ensureMailbox(mailbox);
  const before = store.folders(mailbox).find(({ name }) => name === 'INBOX')?.id;
  const gone: number[] = [];
  store.onChange((changes) => {
    for (const change of changes) if (change.gone) gone.push(change.folder);
  });
  const begun = await store.imports.folder(wish);
  await store.imports.finish(begun.folder);
  expect(gone).toEqual([before]);
});

test('a second time nothing is done, also after the owner has deleted or renamed', async () => {
  const begun = await store.imports.folder(wish);
  await store.imports.messages(begun.folder, [await message('a', 10), await message('b', 20, 'b', ['\\Deleted'])]);
  await store.imports.finish(begun.folder);
  await store.expunge(begun.folder);
  const again = await store.imports.folder(wish);
  expect(again).toEqual({ ...begun, isStaged: false });
  const results = await store.imports.messages(again.folder, [await message('b', 20), await message('a', 10)]);
  expect(results.map(({ uid, isNew }) => [uid, isNew])).toEqual([
    [20, false],
    [10, false],
  ]);
  const sent = { mailbox, name: 'Sent', uidValidity: 5, uidNext: 2 };
  const first = await store.imports.folder(sent);
  await store.imports.messages(first.folder, [await message('s', 1)]);
  await store.imports.finish(first.folder);
  await store.renameFolder(mailbox, 'Sent', 'Old');
  expect((await store.imports.folder(sent)).folder).toBe(first.folder);
});

test('after a crash an import goes on in the folder that nobody sees yet; a source with a new life begins anew', async () => {
  const begun = await store.imports.folder(wish);
  await store.imports.messages(begun.folder, [await message('a', 10)]);
  await store.close();
  await open();
  const again = await store.imports.folder({ ...wish, uidNext: 50 });
  expect(again).toEqual(begun);
  expect((await store.imports.messages(again.folder, [await message('a', 10)]))[0]?.isNew).toBe(false);
  const other = await store.imports.folder({ ...wish, uidValidity: 1_700_000_000 });
  expect(other).toMatchObject({ isStaged: true, uidValidity: 1_700_000_000 });
  expect((await store.imports.messages(other.folder, [await message('a', 10)]))[0]?.isNew).toBe(true);
});

test('a folder with mail of its own keeps its UIDVALIDITY, or is renumbered when asked', async () => {
  await deliver('own');
  const { validity } = await inbox();
  const begun = await store.imports.folder(wish);
  expect(begun).toMatchObject({ isStaged: false, keepsUids: false, uidValidity: validity });
  await store.imports.messages(begun.folder, [await message('a', undefined)]);
  expect((await inbox()).uids).toEqual(['1 own', '2 a']);
  const sent = await store.createFolder(mailbox, 'Sent');
  await store.append({
    folder: sent.id,
    messages: [{ content: await content('mine'), flags: ['work'], internalDate: 1 }],
  });
  const renumbered = await store.imports.folder({ ...wish, name: 'Sent', renumber: true });
  await store.imports.messages(renumbered.folder, [await message('s', 3, 's', ['other'])]);
  await store.imports.finish(renumbered.folder);
  const row = store.folders(mailbox).find(({ name }) => name === 'Sent');
  expect(row).toMatchObject({ uidValidity: 1_600_000_000, uidNext: 41, keywords: ['other', 'work'] });
  expect(store.messages(row?.id ?? 0, 0, 10).map(({ uid, flags }) => [uid, flags])).toEqual([
    [3, 32],
    [40, 64],
  ]);
});

test('flags that changed at the source are changed here, and those that changed here stay', async () => {
  const begun = await store.imports.folder(wish);
  await store.imports.messages(begun.folder, [await message('a', 10, 'a', ['\\Flagged', 'work'])]);
  await store.imports.finish(begun.folder);
  await store.storeFlags(begun.folder, [10], 'add', ['\\Answered']);
  expect(await store.imports.flags(begun.folder, [{ key: 'a', flags: ['\\Seen', '\\Flagged'] }])).toBe(1);
  // \Seen came, work went; \Flagged was on both sides, \Answered is ours.
  expect(store.message(begun.folder, 10)?.flags).toBe(1 + 2 + 4);
  expect(await store.imports.flags(begun.folder, [{ key: 'a', flags: ['\\Seen', '\\Flagged'] }])).toBe(0);
});

test('keywords beyond the 48th are told, not refused', async () => {
  const begun = await store.imports.folder(wish);
  const keywords = Array.from({ length: 50 }, (_, number) => `k${number}`);
  const [result] = await store.imports.messages(begun.folder, [await message('a', 10, 'a', keywords)]);
  expect(result).toEqual({ uid: 10, isNew: true, lostKeywords: ['k48', 'k49'] });
});

test('the special use goes to the imported folder, unless the one that has it is in use', async () => {
  await store.ensureMailbox(mailbox);
  const names = (): string[] =>
    store.folders(mailbox).flatMap(({ name, specialUse }) => (specialUse === '\\Sent' ? [name] : []));
  const begun = await store.imports.folder({ ...wish, name: 'Sent Items' });
  await store.imports.finish(begun.folder, '\\Sent');
  expect(names()).toEqual(['Sent Items']);
  await store.ensureMailbox(mailbox);
  await store.imports.messages(begun.folder, [await message('x', 50)]);
  const other = await store.imports.folder({ ...wish, name: 'Gesendet' });
  await store.imports.finish(other.folder, '\\Sent');
  expect(names()).toEqual(['Sent Items']);
});

test('what is remembered goes with its folder, and a large file that is not needed goes at once', async () => {
  const begun = await store.imports.folder({ ...wish, name: 'Big' });
  const long = 'x'.repeat(1000);
  await store.imports.messages(begun.folder, [await message('a', 1, long)]);
  await store.imports.finish(begun.folder);
  const twice = await message('a', 1, long);
  await store.imports.messages(begun.folder, [twice]);
  expect(() => store.openNew(twice.content)).not.toThrow();
  await expect(store.openNew(twice.content).read(0, 10)).rejects.toThrow(/cannot read/);
  await store.deleteFolder(mailbox, 'Big');
  const reader = openStoreReader(folder);
  for (let attempt = 0; attempt < 500 && reader?.imported(begun.folder, 'a') !== undefined; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(reader?.imported(begun.folder, 'a')).toBeUndefined();
  reader?.close();
  const again = await store.imports.folder({ ...wish, name: 'Big' });
  expect((await store.imports.messages(again.folder, [await message('a', 1, long)]))[0]?.isNew).toBe(true);
});
