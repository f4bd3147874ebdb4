// What is kept of a message, how it is found again, and what happens when the disk does not play along.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { MemoryLog, ProgramLog } from '../lib/log.ts';
import { KeyFilter, mayHold } from './key-filter.ts';
import { keptText, queueIdLength } from './record.ts';
import { TraceSearch } from './search.ts';
import { type SpoolOptions, TraceSpool } from './spool.ts';
import { makeStories } from './story.ts';

let folder: string;
let clock: FakeClock;
let log: MemoryLog;
let spool: TraceSpool;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trace-'));
  clock = new FakeClock();
  log = new MemoryLog();
  spool = open();
});
afterEach(async () => {
  await spool.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(options: Partial<SpoolOptions> = {}): TraceSpool {
  const opened = new TraceSpool({
    dataDirectory: folder,
    days: 14,
    sizeLimit: 1e9,
    clock,
    log: new ProgramLog(log, 'postfix/trace'),
    minFreeBytes: 0,
    ...options,
  });
  opened.start();
  return opened;
}

let number = 0;

/** A message as the log tells it; returns its queue id. */
function message({
  sender = 'bob@example.net',
  recipient = 'anna@example.com',
  text = 'status=sent (ok)',
} = {}): string {
  const id = `4jWwJ04sK${(number++).toString(36).toUpperCase()}zpbG2`;
  const session = `s-${number}`;
  const lines: [string, string, string?][] = [
    ['postfix/smtpd', 'connect from mail.example.net[192.0.2.7]', session],
    ['postfix/smtpd', `${id}: client=mail.example.net[192.0.2.7]`, session],
    ['postfix/cleanup', `${id}: message-id=<${id}@host.example>`],
    ['postfix/qmgr', `${id}: from=<${sender}>, size=250, nrcpt=1 (queue active)`],
    [
      'postfix/smtp',
      `${id}: to=<${recipient}>, orig_to=<sales@example.com>, relay=mx[192.0.2.1]:25, delay=1.2, delays=0/0/1/0.2, dsn=2.0.0, ${text}`,
    ],
    ['postfix/qmgr', `${id}: removed`],
    [
      'postfix/smtpd',
      'disconnect from mail.example.net[192.0.2.7] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5',
      session,
    ],
  ];
  for (const [program, line, of] of lines) spool.add(program, 'info', line, of);
  return id;
}

function find(text: string, { since = 0, limit = 20 } = {}) {
  return makeStories(new TraceSearch(join(folder, 'trace')).find({ text, since, limit }));
}

const files = () => readdirSync(join(folder, 'trace')).toSorted();

describe('finds a message', () => {
  test.each(['the segment that is written', 'one that has ended'])('in %s', async (where) => {
    const id = message();
    message({ sender: 'x@else.example', recipient: 'y@else.example' });
    await spool.flush();
    if (where === 'one that has ended') await spool.close();
    for (const word of [
      id,
      id.toLowerCase(),
      `<${id}@host.example>`,
      `${id}@host.example`,
      'ANNA@example.com',
      'bob@Example.net',
    ]) {
      expect(
        find(word).map(({ queueId }) => queueId),
        word,
      ).toEqual([id]);
    }
    expect(find('sales@example.com')).toHaveLength(2);
    expect(find('192.0.2.7')).toHaveLength(2);
    expect(find('mail.example.net')).toHaveLength(2);
    for (const part of ['na@example.com', 'anna@example.co', '4jWwJ04sK', '2.0.2.7'])
      expect(find(part), part).toEqual([]);
  });

  test('with its connection, and who it was from and for', async () => {
    const id = message();
    await spool.flush();
    const [story] = find(id);
    expect(story).toMatchObject({
      queueId: id,
      client: 'mail.example.net[192.0.2.7]',
      sender: 'bob@example.net',
      size: 250,
      messageId: `<${id}@host.example>`,
      isDone: true,
      recipients: [
        {
          recipient: 'anna@example.com',
          original: 'sales@example.com',
          state: 'delivered',
          relay: 'mx[192.0.2.1]:25',
          delaySeconds: 1.2,
          status: '2.0.0',
          reason: 'ok',
          attempts: 1,
        },
      ],
    });
    expect(story?.events).toHaveLength(7);
  });

  test('over several segments, after a restart without an end', async () => {
    const id = message({ text: 'status=deferred (come later)' });
    await spool.flush();
    const left = spool;
    clock.advance(5000);
    spool = open();
    spool.add(
      'postfix/smtp',
      'info',
      `${id}: to=<anna@example.com>, relay=none, delay=5, delays=5/0/0/0, dsn=2.0.0, status=sent (ok)`,
      undefined,
    );
    await spool.flush();
    expect(files().filter((name) => name.endsWith('.trace'))).toHaveLength(2);
    expect(find(id)[0]?.recipients).toMatchObject([{ state: 'delivered', attempts: 2 }]);
    await left.close();
  });

  test('and the newest of many', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 30; count++) {
      ids.push(message());
      clock.advance(1000);
    }
    await spool.flush();
    expect(find('anna@example.com', { limit: 3 }).map(({ queueId }) => queueId)).toEqual(ids.slice(-3));
    expect(find('anna@example.com', { since: clock.now() - 2500, limit: 30 })).toHaveLength(2);
  });
});

test('refused mail is found without a queue id; a mere connection is not shown', async () => {
  const refusal =
    '550 5.1.1 <x@example.com>: Recipient address rejected: User unknown; from=<bob@example.net> to=<x@example.com> proto=ESMTP helo=<h>';
  spool.add('postfix/smtpd', 'info', 'connect from h[192.0.2.9]', 'r-1');
  spool.add('postfix/smtpd', 'info', `NOQUEUE: reject: RCPT from h[192.0.2.9]: ${refusal}`, 'r-1');
  spool.add('postfix/smtpd', 'info', 'disconnect from h[192.0.2.9] ehlo=1 quit=1 commands=2', 'r-1');
  spool.add('postfix/smtpd', 'info', 'connect from h[192.0.2.9]', 'r-2');
  await spool.flush();
  for (const word of ['x@example.com', 'bob@example.net', '192.0.2.9']) {
    expect(find(word), word).toMatchObject([
      {
        queueId: null,
        client: 'h[192.0.2.9]',
        sender: 'bob@example.net',
        recipients: [
          {
            recipient: 'x@example.com',
            state: 'refused',
            status: '5.1.1',
            reason: expect.stringContaining('550 <x@example.com>'),
          },
        ],
        events: [{}, {}, {}],
      },
    ]);
  }
});

test('notices and forwards lead to one another', async () => {
  const id = message({ text: 'status=sent (forwarded as 4jWwJ99999zpbG2, 4jWwJ88888zpbG2)' });
  spool.add('postfix/bounce', 'info', `${id}: sender non-delivery notification: 4jWwJ77777zpbG2`, undefined);
  spool.add('postfix/qmgr', 'info', '4jWwJ77777zpbG2: removed', undefined);
  spool.add('postfix/qmgr', 'info', '4jWwJ88888zpbG2: removed', undefined);
  await spool.close();
  expect(find(id)[0]?.links).toEqual([
    { kind: 'forward', queueId: '4jWwJ99999zpbG2' },
    { kind: 'forward', queueId: '4jWwJ88888zpbG2' },
    { kind: 'notice', queueId: '4jWwJ77777zpbG2' },
  ]);
  const [notice] = find('4jWwJ77777zpbG2').filter(({ queueId }) => queueId !== id);
  expect(notice?.links).toEqual([{ kind: 'notice-about', queueId: id }]);
});

test('what is not about mail, and what a client sent too early, is not kept', () => {
  expect(keptText('postfix/master', 'daemon started -- version 1', undefined)).toBeUndefined();
  expect(keptText('dovecot', 'imap-login: Info: Login: user=<x>', undefined)).toBeUndefined();
  expect(keptText('postfix/smtpd', 'improper command pipelining after AUTH from h[192.0.2.9]: c2VjcmV0', 's')).toBe(
    'improper command pipelining after AUTH from h[192.0.2.9]',
  );
  expect(keptText('postfix/smtpd', 'non-SMTP command from h[192.0.2.9]: hunter2', 's')).not.toContain('hunter2');
  expect(queueIdLength('4jWwJ04sK4zpbG2: removed')).toBe(15);
  expect(queueIdLength('NOQUEUE: reject: x')).toBe(0);
  expect(queueIdLength('accounting: x')).toBe(0);
});

describe('is bounded', () => {
  test('segments end at 16 MiB and after a day, each with its filter', async () => {
    const padding = 'x'.repeat(1500);
    let last = '';
    for (let count = 0; count < 12_000; count++) {
      last = `4jWwJ04sK${count.toString(36).toUpperCase()}zpbG2`;
      spool.add(
        'postfix/smtp',
        'info',
        `${last}: to=<a@b.example>, relay=none, status=deferred (${padding})`,
        undefined,
      );
      if (count % 1000 === 0) {
        clock.advance(1);
        await spool.flush();
      }
    }
    await spool.flush();
    expect(files().filter((name) => name.endsWith('.trace'))).toHaveLength(2);
    expect(files().filter((name) => name.endsWith('.words'))).toHaveLength(1);
    clock.advance(2 * 86_400_000);
    expect(spool.state.lost).toBe(0);
    expect(find(last)).toHaveLength(1);
  });

  test('what is too old or too much goes, the oldest first', async () => {
    const old = message();
    await spool.close();
    clock.advance(20 * 86_400_000);
    spool = open();
    message();
    await spool.close();
    clock.advance(20_000);
    spool = open();
    const third = message();
    await spool.flush();
    expect(find(old)).toEqual([]);
    expect(find(third)).toHaveLength(1);
    expect(files().filter((name) => name.endsWith('.trace'))).toHaveLength(2);
    clock.advance(20_000);
    await spool.close();
    spool = open({ sizeLimit: 16 * 1024 * 1024 + 1 });
    message();
    await spool.flush();
    expect(find(third)).toHaveLength(1);
    expect(files().filter((name) => name.endsWith('.trace')).length).toBeLessThanOrEqual(2);
  });

  test('more than the disk takes is lost and counted, not gathered', () => {
    const waiting = new TraceSpool({
      dataDirectory: folder,
      days: 14,
      sizeLimit: 1e9,
      clock,
      log: new ProgramLog(log, 'x'),
    });
    const line = `4jWwJ04sK4zpbG2: ${'x'.repeat(1900)}`;
    for (let count = 0; count < 5000; count++) waiting.add('postfix/smtp', 'info', line, undefined);
    expect(waiting.state.lost).toBeGreaterThan(2000);
  });
});

describe('a disk that does not play along', () => {
  test('too little room: it pauses, says so once, and goes on', async () => {
    const options = { minFreeBytes: Number.MAX_SAFE_INTEGER };
    await spool.close();
    spool = open(options);
    message();
    await spool.flush();
    message();
    await spool.flush();
    expect(spool.state).toEqual({ isPaused: true, lost: 14 });
    expect(log.lines.filter((line) => line.includes('trace paused'))).toHaveLength(1);
    expect(log.lines[0]).toContain('MiB of the disk are free');
    expect(existsSync(join(folder, 'trace')) ? files() : []).toEqual([]);
  });

  test('a write that fails: mail goes on, and so does the trace when it can', async () => {
    writeFileSync(join(folder, 'trace'), 'in the way');
    message();
    await spool.flush();
    expect(spool.state).toMatchObject({ isPaused: true, lost: 7 });
    rmSync(join(folder, 'trace'));
    clock.advance(11_000);
    const id = message();
    await spool.flush();
    expect(spool.state.isPaused).toBe(false);
    expect(log.lines.at(-1)).toContain('trace goes on, 7 events are missing');
    expect(find(id)).toHaveLength(1);
  });

  test('a last line that was cut is no line, a filter that was cut is none', async () => {
    const id = message();
    await spool.close();
    const [segment = '', words = ''] = files();
    const file = join(folder, 'trace', segment);
    truncateSync(file, readFileSync(file).length - 5);
    truncateSync(join(folder, 'trace', words), 100);
    expect(find(id)[0]?.events).toHaveLength(6);
  });
});

test('a filter says no to most of what it was not told', () => {
  const filter = new KeyFilter();
  for (let count = 0; count < 170_000; count++) filter.add(`word${count}@domain.example`);
  expect(mayHold(filter.bits, 'WORD77@domain.example')).toBe(true);
  let wrong = 0;
  for (let count = 0; count < 5000; count++) if (mayHold(filter.bits, `other${count}@domain.example`)) wrong++;
  expect(wrong).toBeLessThan(150);
  expect(mayHold(filter.bits, 'abc')).toBe(true);
});
