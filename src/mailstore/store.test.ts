import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqlite } from '../database/sqlite.ts';
import { MemoryLog, ProgramLog } from '../lib/log.ts';
import { openMailstore, type SqliteMailstore } from './store.ts';
import { openStoreReader } from './store-reader.ts';
import {
  type Content,
  type FolderChange,
  flaggedBit,
  type NewQueueMessage,
  seenBit,
  StoreRefusedError,
} from './types.ts';

let folder: string;
let store: SqliteMailstore;
const log = new MemoryLog();

function open(): Promise<SqliteMailstore> {
  return openMailstore({
    folder,
    inlineLimit: 1000,
    log: new ProgramLog(log, 'postfix/mailstore'),
    onBroken: (error) => {
      throw error;
    },
  });
}

beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'store-'));
  store = await open();
});

afterEach(async () => {
  await store.close();
  await fs.rm(folder, { recursive: true, force: true });
});

async function content(text: string): Promise<Content> {
  const writer = store.contentWriter();
  await writer.write(Buffer.from(text));
  return writer.finish();
}

function delivery(mailbox: number, prefix = `Delivered-To: ${mailbox}@example.com\r\n`) {
  return { mailbox, prefix: Buffer.from(prefix), internalDate: 1_700_000_000_000 };
}

async function deliver(mailbox: number, text: string): Promise<{ folder: number; uid: number }> {
  const { delivered } = await store.accept({ content: await content(text), deliveries: [delivery(mailbox)] });
  return delivered[0] as { folder: number; uid: number };
}

async function read(folderId: number, uid: number): Promise<string> {
  const reader = store.openContent(store.message(folderId, uid)?.content ?? -1);
  const text = Buffer.from(await reader.readAll()).toString();
  await reader.close();
  return text;
}

function queued(id: string, recipients: string[]): NewQueueMessage {
  return {
    id,
    size: 5,
    sender: 'a@example.com',
    arrival: 1000,
    nextAttempt: 1000,
    ret: '',
    envid: '',
    smtputf8: false,
    eightBit: false,
    hold: false,
    recipients: recipients.map((recipient) => ({
      original: recipient,
      recipient,
      transport: 'smtp',
      nexthop: 'example.org',
      notify: '',
      orcpt: '',
      state: 'pending',
      status: '',
      reason: '',
    })),
  };
}

async function contentFiles(): Promise<string[]> {
  const entries = await fs.readdir(path.join(folder, 'content'), { recursive: true }).catch(() => []);
  return entries.filter((entry) => entry.includes('/'));
}

describe('accept', () => {
  it('puts a copy into each mailbox, with its own trace headers, and survives a restart', async () => {
    const text = 'Subject: hello\r\n\r\nbody\r\n';
    const result = await store.accept({ content: await content(text), deliveries: [delivery(1), delivery(2)] });
    await store.close();
    store = await open();
    for (const [index, { folder: id, uid }] of result.delivered.entries()) {
      expect(await read(id, uid)).toBe(`Delivered-To: ${index + 1}@example.com\r\n${text}`);
    }
    expect(store.usage(1)).toEqual({ mailbox: 1, messages: 1, bytes: text.length + 29 });
  });

  it.each([1000, 1001, 4096, 4097, 262_143, 262_144, 262_145, 524_288, 1_048_577])(
    'keeps a body of %i octets to the last one, however it arrives',
    async (size) => {
      const body = Buffer.alloc(size);
      for (let index = 0; index < size; index++) body[index] = (index * 7 + (index >> 8)) & 0xff;
      for (const step of [size, 65_536, 4_099]) {
        const writer = store.contentWriter();
        for (let from = 0; from < size; from += step) await writer.write(body.subarray(from, from + step));
        const { delivered } = await store.accept({ content: await writer.finish(), deliveries: [delivery(1, '')] });
        const [{ folder: id, uid } = { folder: 0, uid: 0 }] = delivered;
        const reader = store.openContent(store.message(id, uid)?.content ?? -1);
        expect(body.equals(Buffer.from(await reader.readAll()))).toBe(true);
        await reader.close();
      }
      for (const file of await contentFiles()) {
        expect((await fs.stat(path.join(folder, 'content', file))).size).toBe(size);
      }
      expect(await contentFiles()).toHaveLength(size > 1000 ? 3 : 0);
    },
  );

  it('leaves nothing of a body that was given up', async () => {
    const writer = store.contentWriter();
    for (let part = 0; part < 20; part++) void writer.write(Buffer.alloc(65_536, part));
    await writer.abort();
    expect(await contentFiles()).toEqual([]);
  });

  it('keeps a large body in one file that goes with its last copy', async () => {
    const text = `Subject: big\r\n\r\n${'0123456789\r\n'.repeat(50_000)}`;
    const { delivered } = await store.accept({ content: await content(text), deliveries: [delivery(1), delivery(2)] });
    expect(await contentFiles()).toHaveLength(1);
    const [first, second] = delivered as [{ folder: number; uid: number }, { folder: number; uid: number }];
    expect(await read(second.folder, second.uid)).toBe(`Delivered-To: 2@example.com\r\n${text}`);
    for (const { folder: id, uid } of [first, second]) {
      await store.storeFlags(id, [uid], 'add', ['\\Deleted']);
      await store.expunge(id);
    }
    expect(await contentFiles()).toHaveLength(0);
  });

  it('does nothing the second time where a door names the message', async () => {
    const operation = { content: await content('x'), deliveries: [delivery(1)], once: 'maildrop 1' };
    await store.accept(operation);
    expect((await store.accept(operation)).delivered).toEqual([]);
    expect(store.usage(1).messages).toBe(1);
  });

  it('makes a reply once for each entry of the ledger, and again when the entry is old', async () => {
    const reply = async (time: number, since: number, key = 'vacation/1/a') =>
      (await store.accept({ content: await content('x'), deliveries: [delivery(1)], ledger: { key, time, since } }))
        .delivered.length;
    expect(store.ledgerTime('vacation/1/a')).toBeUndefined();
    expect(await reply(1000, 900)).toBe(1);
    expect(await reply(1050, 950)).toBe(0);
    expect(store.ledgerTime('vacation/1/a')).toBe(1000);
    expect(await reply(1050, 950, 'vacation/1/b')).toBe(1);
    expect(await reply(1100, 1000)).toBe(1);
    expect(store.ledgerTime('vacation/1/a')).toBe(1100);
    await store.forgetOnce(1100);
    expect([store.ledgerTime('vacation/1/a'), store.ledgerTime('vacation/1/b')]).toEqual([1100, undefined]);
    expect(store.usage(1).messages).toBe(3);
  });

  it('keeps reports about a message with it: both or neither, once, and from files too', async () => {
    const body = 'b'.repeat(5000);
    const large = await content(body);
    const reader = store.openNew(large);
    expect(Buffer.from(await reader.read(0, 5)).toString()).toBe('bbbbb');
    await reader.close();
    const notices = [{ content: await content('report'), deliveries: [delivery(2)] }];
    const operation = { content: large, deliveries: [delivery(1)], once: 'maildrop 2', notices };
    await store.accept(operation);
    await store.accept(operation);
    expect([store.usage(1).messages, store.usage(2).messages]).toEqual([1, 1]);
    expect(await read(store.folders(2)[0]?.id ?? 0, 1)).toContain('report');
  });

  it('queues and delivers in one transaction, and dequeues with the last recipient', async () => {
    const queue = queued('Q1', ['x@example.org', 'y@example.org']);
    const accepted = await store.accept({ content: await content('queued body'), deliveries: [delivery(1)], queue });
    const [message] = store.queueDue(2000, 10);
    expect(accepted.queued).toEqual(message);
    expect(message?.recipients.map((recipient) => recipient.recipient)).toEqual(['x@example.org', 'y@example.org']);
    const reader = store.openContent(message?.content ?? -1);
    expect(Buffer.from(await reader.readAll()).toString()).toBe('queued body');
    const [x, y] = message?.recipients ?? [];
    await store.queueUpdate({
      id: 'Q1',
      recipients: [
        { id: x?.id ?? 0, state: 'relayed', status: '2.0.0', reason: 'ok' },
        { id: y?.id ?? 0, state: 'deferred', status: '4.4.1', reason: 'refused' },
      ],
      nextAttempt: 5000,
    });
    expect(store.queueDue(4999, 10)).toEqual([]);
    expect(store.queueMessage('Q1')?.recipients).toMatchObject([{ recipient: 'y@example.org', state: 'deferred' }]);
    await store.queueUpdate({
      id: 'Q1',
      recipients: [{ id: y?.id ?? 0, state: 'bounced', status: '5.1.1', reason: 'unknown' }],
      notice: { content: await content('bounce'), deliveries: [delivery(7)] },
    });
    expect(store.queueMessage('Q1')).toBeUndefined();
    expect(store.usage(7).messages).toBe(1);
    expect(store.usage(1).messages).toBe(1);
  });

  it('refuses to hand out a damaged body', async () => {
    const { folder: id, uid } = await deliver(1, 'precious');
    const stored = store.message(id, uid)?.content ?? -1;
    const direct = openSqlite(path.join(folder, 'store.db'), { busyTimeout: 1000, manualCheckpoints: true });
    direct.prepare(`UPDATE content SET data = CAST('forged!!' AS BLOB) WHERE id = ?`).run(stored);
    direct.close();
    expect(() => store.openContent(stored)).toThrow(/checksum/);
  });
});

describe('messages', () => {
  it('tells every change in commit order before the promise resolves', async () => {
    const changes: FolderChange[] = [];
    store.onChange((told) => changes.push(...told));
    const { folder: id, uid } = await deliver(1, 'one');
    expect(changes).toMatchObject([{ folder: id, added: [{ uid, flags: 0 }], uidNext: uid + 1 }]);
    await store.storeFlags(id, [uid], 'add', ['\\Seen', '$Work', '\\Deleted']);
    expect(changes.at(-1)).toMatchObject({ keywords: ['$Work'], flagged: [{ uid, flags: seenBit + 8 + 32 }] });
    await store.expunge(id);
    expect(changes.at(-1)).toMatchObject({ expunged: [uid] });
    expect(store.expungedSince(id, 0)).toEqual([uid]);
  });

  it('counts messages, unseen and octets as they change', async () => {
    const { folder: id, uid } = await deliver(1, 'one');
    await deliver(1, 'two');
    await store.storeFlags(id, [uid], 'add', ['\\Seen']);
    expect(store.counts(id)).toMatchObject({ messages: 2, unseen: 1, deleted: 0 });
    const usage = store.usage(1);
    expect(await store.recalculateQuota(1)).toEqual(usage);
  });

  it('takes no more than the quota has room for, however many bring mail at once', async () => {
    await store.ensureMailbox(1);
    const [inbox, trash] = ['INBOX', 'Trash'].map(
      (name) => store.folders(1).find((row) => row.name === name)?.id ?? -1,
    );
    if (inbox === undefined || trash === undefined) throw new Error('no folders');
    const bodies = await Promise.all(Array.from({ length: 10 }, () => content('x'.repeat(100))));
    const append = (body: Content, index: number) =>
      store.append({
        folder: index % 2 === 0 ? inbox : trash,
        quota: 450,
        messages: [{ content: body, flags: [], internalDate: 1 }],
      });
    const outcomes = await Promise.allSettled(bodies.map(append));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ refusal: 'over-quota' });
    expect(store.usage(1)).toMatchObject({ bytes: 400, messages: 4 });
    const uids = store.messages(inbox, 0, 10).map(({ uid }) => uid);
    await expect(store.copy(inbox, uids, trash, 450)).rejects.toMatchObject({ refusal: 'over-quota' });
    expect((await store.move(inbox, uids, trash)).source).toEqual(uids);
    expect((await store.copy(trash, uids.slice(0, 1), inbox, 500)).target).toHaveLength(1);
  });

  it('leaves messages that changed since (RFC 7162 UNCHANGEDSINCE)', async () => {
    const { folder: id, uid } = await deliver(1, 'one');
    const before = store.message(id, uid)?.modseq ?? 0;
    await store.storeFlags(id, [uid], 'add', ['\\Flagged']);
    const result = await store.storeFlags(id, [uid], 'add', ['\\Seen'], before);
    expect(result).toEqual({ changed: [], modified: [uid] });
    expect(store.message(id, uid)?.flags).toBe(flaggedBit);
  });

  it('copies with keywords translated and moves atomically', async () => {
    await store.ensureMailbox(1);
    const { folder: id, uid } = await deliver(1, 'one');
    const trash = store.folders(1).find((row) => row.name === 'Trash')?.id ?? -1;
    await store.storeFlags(id, [uid], 'add', ['$A', '$B']);
    await store.append({ folder: trash, messages: [{ content: await content('t'), flags: ['$B'], internalDate: 1 }] });
    const copied = await store.copy(id, [uid], trash);
    expect(copied).toMatchObject({ source: [uid], target: [2] });
    expect(store.message(trash, 2)?.flags).toBe(32 + 64);
    expect(store.folder(trash)?.keywords).toEqual(['$B', '$A']);
    await store.move(id, [uid], trash);
    expect(store.counts(id).messages).toBe(0);
    expect(await read(trash, 3)).toContain('one');
  });

  it('holds 48 keywords a folder and refuses the 49th without doing half', async () => {
    const { folder: id, uid } = await deliver(1, 'one');
    const names = Array.from({ length: 48 }, (_, index) => `k${index}`);
    await store.storeFlags(id, [uid], 'replace', names);
    expect(store.message(id, uid)?.flags).toBe(2 ** 53 - 32);
    await expect(store.storeFlags(id, [uid], 'add', ['one-more'])).rejects.toThrow(StoreRefusedError);
    await store.storeFlags(id, [uid], 'remove', ['K47', 'unknown']);
    expect(store.message(id, uid)?.flags).toBe(2 ** 52 - 32);
  });

  it('does thousands of flags and expunges in slices', async () => {
    await store.ensureMailbox(1);
    const inbox = store.folders(1).find((row) => row.name === 'INBOX')?.id ?? -1;
    const one = await content('m');
    await store.append({
      folder: inbox,
      messages: Array.from({ length: 1200 }, () => ({ content: one, flags: [], internalDate: 1 })),
    });
    const uids = Array.from({ length: 1200 }, (_, index) => index + 1);
    expect((await store.storeFlags(inbox, uids, 'add', ['\\Deleted'])).changed).toHaveLength(1200);
    expect((await store.expunge(inbox)).expunged).toHaveLength(1200);
    expect(store.counts(inbox)).toEqual({ messages: 0, unseen: 0, deleted: 0, size: 0 });
  });
});

describe('folders', () => {
  it('makes the standard folders once', async () => {
    await store.ensureMailbox(3);
    expect(store.folders(3).map((row) => [row.name, row.specialUse, row.subscribed])).toEqual([
      ['Archive', '\\Archive', true],
      ['Drafts', '\\Drafts', true],
      ['INBOX', null, true],
      ['Junk', '\\Junk', true],
      ['Sent', '\\Sent', true],
      ['Trash', '\\Trash', true],
    ]);
    await store.deleteFolder(3, 'Archive');
    await store.ensureMailbox(3);
    expect(store.folders(3).some((row) => row.name === 'Archive')).toBe(false);
  });

  it('never gives a name the same UIDVALIDITY twice', async () => {
    const first = await store.createFolder(1, 'Work/2026');
    await store.deleteFolder(1, 'Work/2026');
    const second = await store.createFolder(1, 'Work/2026');
    expect(second.uidValidity).toBeGreaterThan(first.uidValidity);
  });

  it('renames with children, and empties INBOX into the new name', async () => {
    await store.ensureMailbox(1);
    await store.createFolder(1, 'a/b/c');
    await store.renameFolder(1, 'a', 'z');
    expect(store.folders(1).map((row) => row.name)).toEqual(expect.arrayContaining(['z', 'z/b', 'z/b/c']));
    const { folder: inbox, uid } = await deliver(1, 'moved');
    await store.renameFolder(1, 'INBOX', 'Old');
    const old = store.folders(1).find((row) => row.name === 'Old')?.id ?? -1;
    expect(await read(old, uid)).toContain('moved');
    expect(store.counts(inbox).messages).toBe(0);
    await expect(store.renameFolder(1, 'z', 'z/y')).rejects.toThrow(/itself/);
    await expect(store.deleteFolder(1, 'INBOX')).rejects.toThrow(StoreRefusedError);
  });

  it('gives the space of deleted folders back', async () => {
    await store.createFolder(1, 'Big');
    const big = store.folders(1).find((row) => row.name === 'Big')?.id ?? -1;
    const body = await content('x'.repeat(5000));
    await store.append({ folder: big, messages: [{ content: body, flags: [], internalDate: 1 }] });
    await store.deleteFolder(1, 'Big');
    expect(store.folders(1).some((row) => row.name === 'Big')).toBe(false);
    expect(store.usage(1).bytes).toBe(0);
    await expect.poll(contentFiles).toHaveLength(0);
  });
});

describe('the data folder', () => {
  it('removes files that a crash left without a row', async () => {
    await deliver(1, 'y'.repeat(3000));
    const day = (await fs.readdir(path.join(folder, 'content')))[0] as string;
    await fs.writeFile(path.join(folder, 'content', day, 'orphan-1'), 'left');
    await store.close();
    store = await open();
    await expect.poll(contentFiles).toHaveLength(1);
  });

  it('refuses a store from a newer version and says so', async () => {
    await store.close();
    const direct = openSqlite(path.join(folder, 'store.db'));
    const version = direct.pragma('user_version', { simple: true }) as number;
    direct.pragma('user_version = 99');
    direct.close();
    await expect(open()).rejects.toThrow(/newer Posthaste/);
    const again = openSqlite(path.join(folder, 'store.db'));
    again.pragma(`user_version = ${version}`);
    again.close();
    store = await open();
  });

  it('can be read by another process while it is open', async () => {
    await deliver(1, 'one');
    const reader = openStoreReader(folder);
    expect(reader?.usage(1).messages).toBe(1);
    reader?.close();
  });
});
