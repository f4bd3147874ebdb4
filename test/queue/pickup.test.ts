// From sendmail's file in the maildrop folder to the mailbox, on a real store: headers, crashes, hostile files.

import { chown, link, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LineEnds } from '../../src/message/line-ends.ts';
import { type MaildropEnvelope, MaildropWriter } from '../../src/queue/maildrop.ts';
import { Pickup, type PickupOptions } from '../../src/queue/pickup.ts';
import { Harness, later } from './harness.ts';

let queue: Harness;
let folder: string;
let pickup: Pickup;

const envelope: MaildropEnvelope = {
  sender: 'root',
  fullName: 'Charlie Root',
  recipients: ['ann@local.example'],
  notify: '',
  ret: '',
  envid: '',
};

beforeEach(async () => {
  queue = await Harness.open();
  folder = await mkdtemp(path.join(os.tmpdir(), 'maildrop-'));
  pickup = makePickup();
});

afterEach(async () => {
  await pickup.close();
  await queue.close();
  await rm(folder, { recursive: true });
});

afterAll(() => Harness.end());

function makePickup(changes: Partial<PickupOptions> = {}): Pickup {
  return new Pickup({
    folder,
    store: queue.store,
    queue: queue.queue,
    clock: queue.clock,
    log: queue.log,
    syslogName: 'postfix',
    route: (recipient) => queue.route(recipient),
    rewriteSender: async (sender) => sender,
    rewriter: () => ({ concerns: () => false, rewrite: () => undefined }),
    handling: () => 'external',
    standardForm: (address) => (address.includes('@') ? address : `${address}@local.example`),
    hostname: 'mx.example.com',
    mailName: 'Postfix',
    droppedHeaders: new Set(['bcc', 'return-path']),
    sizeLimit: 1_000_000,
    mayUse: async () => true,
    freeSpace: () => Number.MAX_SAFE_INTEGER,
    minFree: 0,
    ...changes,
  });
}

async function drop(message: string | Buffer, fields: Partial<MaildropEnvelope> = {}): Promise<void> {
  const writer = await MaildropWriter.create(folder, { ...envelope, ...fields }, queue.clock);
  await writer.write(Buffer.from(message));
  await writer.finish();
}

/** Drops, takes, and returns the mailbox's last message without its trace headers and its dates. */
async function take(message: string | Buffer, fields: Partial<MaildropEnvelope> = {}): Promise<string> {
  await drop(message, fields);
  await pickup.scan();
  await queue.scheduler.whenIdle();
  const text = (await queue.inbox(1)).at(-1) ?? '';
  return text.replace(/^Return-Path.*?\r\n\tid [^\r]*\r\n/s, '').replace(/[0-9A-Za-z]{10,}z[0-9A-Za-z]{4}/g, 'QID');
}

test('sendmail -XV: each recipient gets it from a sender of its own', async () => {
  await drop('Subject: x\n\ntext\n', { sender: 'list@local.example', recipients: ['bob@far.example'], verp: '+=' });
  await pickup.scan();
  await queue.scheduler.whenIdle();
  expect(queue.remote.requests.at(-1)?.message.sender).toBe('list+bob=far.example@local.example');
});

describe('a message from sendmail', () => {
  test('gets what its header lacks, and CRLF', async () => {
    expect(await take('Subject: hi\nBcc: eve@x.example,\n\tbob@x.example\n\n.\nbody\n')).toBe(
      'Subject: hi\r\nMessage-Id: <QID@mx.example.com>\r\n' +
        'Date: Thu, 1 Jan 2026 00:00:00 +0000 (UTC)\r\nFrom: Charlie Root <root@local.example>\r\n\r\n.\r\nbody\r\n',
    );
    expect((await queue.inbox(1))[0]).toMatch(
      /^Return-Path: <root@local.example>\r\nX-Original-To: ann@local.example\r\nDelivered-To: ann@local.example\r\nReceived: by mx.example.com \(Postfix, from userid \d+\)\r\n\tid \w+; Thu, 1 Jan 2026/,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  test('keeps what it has', async () => {
    const header = 'From: a@b.example\r\nDate: today\r\nMessage-ID: <x@y>\r\n';
    expect(await take(`From root Sat Nov 21\n${header}\r\nbody without end`)).toBe(`${header}\r\nbody without end\r\n`);
    expect(queue.logged('message-id=<x@y>')).toHaveLength(1);
  });

  test('that is sent on gets Resent- fields', async () => {
    const text = await take('From: a@b.example\nDate: x\nMessage-Id: <x@y>\nResent-To: ann@local.example\n\nb\n');
    expect(text).toContain('Resent-Message-Id: <');
    expect(text).toContain('Resent-From: Charlie Root <root@local.example>\r\n');
  });

  test('without a header is all body', async () => {
    expect(await take('just a line\n')).toMatch(/From: Charlie Root <root@local.example>\r\n\r\njust a line\r\n$/);
    expect(await take('')).toMatch(/From: Charlie Root <root@local.example>\r\n\r\n$/);
  });

  test('of many kilobytes arrives whole', async () => {
    const body = Array.from({ length: 20_000 }, (_, line) => `line ${line}`).join('\n');
    const text = await take(`From: x\nDate: x\nMessage-Id: <x>\n\n${body}\n`);
    expect(text.slice(text.indexOf('line 0'))).toBe(`${body.replaceAll('\n', '\r\n')}\r\n`);
  });
});

test('a crash after the commit does not send twice', async () => {
  await drop('Subject: x\n\nb\n');
  const [name = ''] = await readdir(folder);
  const copy = path.join(folder, `.${name}.saved`);
  await writeFile(copy, await readFile(path.join(folder, name)));
  await pickup.scan();
  await rename(copy, path.join(folder, name));
  await pickup.scan();
  expect(await queue.inbox(1)).toHaveLength(1);
  expect(await readdir(folder)).toEqual([]);
});

test('what cannot be taken now stays, and is taken later', async () => {
  await drop('Subject: x\n\nb\n');
  queue.isSilent = true;
  await pickup.scan();
  expect(await readdir(folder)).toHaveLength(1);
  queue.isSilent = false;
  await pickup.scan();
  expect(await queue.inbox(1)).toHaveLength(1);
});

test('mail for elsewhere is queued with its wishes', async () => {
  queue.remote.answer = () => later;
  await drop('Subject: gr\u00fc\u00dfe\n\nb\n', {
    recipients: ['bob@far.example'],
    notify: 'DELAY',
    ret: 'HDRS',
    envid: 'E1',
  });
  await pickup.scan();
  await queue.scheduler.whenIdle();
  expect(queue.queued()).toMatchObject([
    { sender: 'root@local.example', ret: 'HDRS', envid: 'E1', eightBit: true, smtputf8: true },
  ]);
  expect(queue.queued()[0]?.recipients[0]?.notify).toBe('DELAY');
});

test('a running pickup notices a new file by itself', async () => {
  pickup.start();
  await drop('Subject: x\n\nb\n');
  await expect.poll(async () => (await queue.inbox(1)).length, { timeout: 3000 }).toBe(1);
});

describe('a file that nobody could have meant', () => {
  const files: readonly (readonly [string, (file: string) => Promise<unknown>])[] = [
    ['no JSON', (file) => writeFile(file, 'hello\n')],
    ['no line end', (file) => writeFile(file, '{}')],
    ['empty', (file) => writeFile(file, '')],
    ['another version', (file) => writeFile(file, `${JSON.stringify({ version: 2, ...envelope })}\n`)],
    ['no recipients', (file) => writeFile(file, `${JSON.stringify({ version: 1, ...envelope, recipients: [] })}\n`)],
    [
      'a line end in the sender',
      (file) => writeFile(file, `${JSON.stringify({ version: 1, ...envelope, sender: 'a\r\nb' })}\n`),
    ],
    ['a wrong NOTIFY', (file) => writeFile(file, `${JSON.stringify({ version: 1, ...envelope, notify: 'X' })}\n`)],
    ['a symbolic link', (file) => symlink('/etc/passwd', file)],
    [
      'a second name of another file',
      async (file) => {
        await writeFile(`${folder}/.other`, `${JSON.stringify({ version: 1, ...envelope })}\nx\n`);
        await link(`${folder}/.other`, file);
      },
    ],
  ];
  test.each(files)('is put aside: %s', async (_, make) => {
    await make(path.join(folder, 'bad'));
    await pickup.scan();
    expect(await readdir(folder)).toContain('.corrupt-bad');
    expect(queue.logged('put aside')).toHaveLength(1);
    expect(await queue.inbox(1)).toEqual([]);
  });
});

test('a message that is too large goes back to its sender', async () => {
  await drop(`Subject: big\n\n${'x'.repeat(1_000_001)}`, { sender: 'ann' });
  await pickup.scan();
  await queue.scheduler.whenIdle();
  expect(await readdir(folder)).toEqual([]);
  const [notice = '', ...others] = await queue.inbox(1);
  expect(others).toEqual([]);
  expect(notice).toContain('message size 1000015 exceeds size limit 1000000');
  expect(notice).toContain('Subject: big');
  expect(notice.length).toBeLessThan(10_000);
});

describe('users of the machine', () => {
  test('who hand in more than their share wait, and others do not', async () => {
    for (let n = 0; n < 1100; n++) {
      await writeFile(path.join(folder, `a${n}`), `${JSON.stringify({ version: 1, ...envelope })}\nSubject: ${n}\n\n`);
      await chown(path.join(folder, `a${n}`), 4711, 4711);
    }
    await drop('Subject: root\n\n');
    await pickup.scan();
    await queue.scheduler.whenIdle();
    const left = await readdir(folder);
    expect(left).toHaveLength(100);
    expect(left.every((name) => name.startsWith('a'))).toBe(true);
    // Two seconds fill the bucket again.
    queue.clock.advance(2000);
    await pickup.scan();
    expect(await readdir(folder)).toHaveLength(0);
  });

  test('who are not in authorized_submit_users are refused', async () => {
    await pickup.close();
    pickup = makePickup({ mayUse: async (user) => (await user()) !== 'nobody' });
    await drop('Subject: no\n\n');
    const [name = ''] = await readdir(folder);
    await chown(path.join(folder, name), 65534, 65534);
    await drop('Subject: yes\n\n');
    await pickup.scan();
    await queue.scheduler.whenIdle();
    expect(queue.logged('uid 65534 is not allowed to submit mail')).toHaveLength(1);
    expect(await readdir(folder)).toEqual([`.corrupt-${name}`]);
    expect(await queue.inbox(1)).toHaveLength(1);
  });

  test('wait while the disk is nearly full', async () => {
    let free = 1_000_000;
    await pickup.close();
    pickup = makePickup({ freeSpace: () => free });
    await drop('Subject: wait\n\n');
    await pickup.scan();
    expect(await readdir(folder)).toHaveLength(1);
    expect(queue.logged('not enough free space')).toHaveLength(1);
    free = 2_000_000;
    queue.clock.advance(5000);
    await pickup.scan();
    expect(await readdir(folder)).toEqual([]);
  });
});

test('what was left half done is removed after a day', async () => {
  await writeFile(path.join(folder, '.old'), 'x');
  await mkdir(path.join(folder, '.folder'));
  await writeFile(path.join(folder, '.corrupt-old'), 'x');
  queue.clock.advance(Date.now() + 2 * 86_400_000 - queue.clock.now());
  await pickup.scan();
  expect(await readdir(folder)).toEqual(['.corrupt-old']);
  queue.clock.advance(30 * 86_400_000);
  await pickup.scan();
  expect(await readdir(folder)).toEqual([]);
});

test('an interrupted sendmail leaves nothing that is sent', async () => {
  const writer = await MaildropWriter.create(folder, envelope, queue.clock);
  await writer.write(Buffer.from('half'));
  await pickup.scan();
  expect(await queue.inbox(1)).toEqual([]);
  await writer.abort();
  expect(await readdir(folder)).toEqual([]);
});

test.each(['a\nb\r\nc\n', '\n\n', 'a\r', 'x'])('line ends of %j, however cut', (text) => {
  for (let step = 1; step <= text.length; step++) {
    const ends = new LineEnds();
    let output = '';
    for (let from = 0; from < text.length; from += step)
      output += ends.encode(Buffer.from(text.slice(from, from + step)));
    expect(output).toBe(text.replaceAll(/\r?\n/g, '\r\n'));
  }
});
