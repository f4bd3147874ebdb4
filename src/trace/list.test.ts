// Messages page by page: each once, the newest first, however they are narrowed, and in bounded work.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { QueueIds } from '../queue/queue-id.ts';
import { listStories, type TraceListQuery } from './list.ts';
import { lineHead } from './record.ts';
import { segmentFile } from './segments.ts';

let folder: string;
let clock: FakeClock;
let ids: QueueIds;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'trace-list-')), 'trace');
  mkdirSync(folder);
  clock = new FakeClock();
  ids = new QueueIds(clock);
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Message {
  readonly to: string;
  readonly status?: string;
  readonly subject?: string;
}

/** A segment of such messages, a second apart; returns their ids. */
function segment(messages: readonly Message[]): string[] {
  const start = clock.now();
  const lines: string[] = [];
  const made = messages.map(({ to, status = 'sent', subject }, index) => {
    clock.advance(1000);
    const id = ids.next();
    const session = `s-${start}-${index}`;
    const add = (text: string, own = '') => lines.push(`${lineHead(clock.now(), 'postfix/x', 'info', own)}${text}\n`);
    add('connect from c.test[192.0.2.1]', session);
    add('Anonymous TLS connection established from c.test[192.0.2.1]: TLSv1.3', session);
    add(`${id}: client=c.test[192.0.2.1]`, session);
    if (subject !== undefined) add(`${id}: subject=${subject}`);
    add(`${id}: from=<a@example.net>, size=1, nrcpt=1 (queue active)`);
    add(`${id}: to=<${to}>, relay=x, delay=1, delays=0/0/0/1, dsn=2.0.0, status=${status} (ok)`);
    if (status === 'sent') add(`${id}: removed`);
    add('disconnect from c.test[192.0.2.1] quit=1', session);
    return id;
  });
  writeFileSync(segmentFile(folder, start), lines.join(''));
  clock.advance(1000);
  return made;
}

test('of a message that is gone nobody waits: it went back, was deleted, or was routed to others', () => {
  const expired = (id: string, how: string) => `${id}: from=<a@example.net>, status=${how}, returned to sender`;
  const tried = (id: string, to: string, status = 'deferred') =>
    `${id}: to=<${to}>, relay=none, delay=1, delays=0/0/0/1, dsn=4.4.1, status=${status} (refused)`;
  const kinds: Readonly<Record<string, (id: string) => readonly string[]>> = {
    old: (id) => [tried(id, 'u@x.test'), expired(id, 'expired')],
    'given up': (id) => [tried(id, 'u@x.test'), `${id}: placed on hold`, expired(id, 'force-expired')],
    'given up untried': (id) => [expired(id, 'force-expired')],
    deleted: (id) => [tried(id, 'u@x.test'), tried(id, 'v@x.test', 'sent')],
    rerouted: (id) => [tried(id, 'u@x.test'), `${id}: requeued`, tried(id, 'v@x.test', 'sent')],
    'rerouted, the same': (id) => [
      tried(id, 'u@x.test'),
      `${id}: requeued`,
      tried(id, 'u@x.test'),
      expired(id, 'expired'),
    ],
  };
  const lines: string[] = [];
  const names = new Map<string | null, string>();
  const start = clock.now();
  for (const [name, made] of Object.entries(kinds)) {
    clock.advance(1000);
    const id = ids.next();
    names.set(id, name);
    const texts = [`${id}: from=<a@example.net>, size=1, nrcpt=1 (queue active)`, ...made(id), `${id}: removed`];
    for (const text of texts) lines.push(`${lineHead(clock.now(), 'postfix/x', 'info', '')}${text}\n`);
  }
  writeFileSync(segmentFile(folder, start), lines.join(''));
  const told = listStories(folder, { limit: 50 }).stories.map(({ queueId, state, recipients }) => [
    names.get(queueId),
    state,
    ...recipients.map((one) => `${one.recipient} ${one.state}`),
  ]);
  expect(told.reverse()).toEqual([
    ['old', 'bounced', 'u@x.test bounced'],
    ['given up', 'bounced', 'u@x.test bounced'],
    ['given up untried', 'bounced'],
    ['deleted', 'removed', 'u@x.test removed', 'v@x.test delivered'],
    ['rerouted', 'delivered', 'v@x.test delivered'],
    ['rerouted, the same', 'bounced', 'u@x.test bounced'],
  ]);
  const found = (state: 'bounced' | 'deferred' | 'removed') =>
    pages({ state }, 50)
      .flat()
      .map((id) => names.get(id));
  expect(new Set(found('bounced'))).toEqual(new Set(['given up', 'given up untried', 'old', 'rerouted, the same']));
  expect([found('deferred'), found('removed')]).toEqual([[], ['deleted']]);
});

function pages(query: Omit<TraceListQuery, 'limit'>, limit: number): (string | null)[][] {
  const found: (string | null)[][] = [];
  for (let before: string | undefined; ; ) {
    const { stories, next } = listStories(folder, { ...query, limit, before });
    found.push(stories.map(({ queueId }) => queueId));
    if (next === undefined) return found;
    before = next;
  }
}

test('pages give every message once, the newest first, over segments', () => {
  const all = [1, 2, 3].flatMap((part) => segment([0, 1, 2, 3, 4].map((index) => ({ to: `u${part}${index}@d.test` }))));
  expect(pages({}, 4).flat()).toEqual(all.toReversed());
  expect(pages({ text: 'a@example.net' }, 4).flat()).toEqual(all.toReversed());
});

test('a message whose lines lie in two segments is on one page', () => {
  const [id = ''] = segment([{ to: 'late@d.test', status: 'deferred' }, { to: 'x@d.test' }]);
  const start = clock.now();
  const text = `${id}: to=<late@d.test>, relay=x, delay=9, delays=0/0/0/9, dsn=2.0.0, status=sent (ok)`;
  writeFileSync(segmentFile(folder, start), `${lineHead(start, 'postfix/smtp', 'info', '')}${text}\n`);
  const found = pages({}, 1).flat();
  expect(found.filter((one) => one === id)).toEqual([id]);
  const [story] = listStories(folder, { limit: 1, text: 'late@d.test' }).stories;
  expect(story).toMatchObject({ state: 'delivered', recipients: [{ attempts: 2 }] });
});

test('narrows by state, subject, time and domain', () => {
  const [sent, later, back] = segment([
    { to: 'a@one.test', subject: 'Grüne Wiese' },
    { to: 'b@two.test', status: 'deferred' },
    { to: 'c@two.test', status: 'bounced' },
  ]);
  expect(pages({ state: 'delivered' }, 10).flat()).toEqual([sent]);
  expect(pages({ state: 'deferred' }, 10).flat()).toEqual([later]);
  expect(pages({ state: 'bounced' }, 10).flat()).toEqual([back]);
  expect(pages({ subject: 'WIESE' }, 10).flat()).toEqual([sent]);
  expect(pages({ domains: ['two.test'] }, 10).flat()).toEqual([back, later]);
  expect(pages({ domains: ['o.test'] }, 10).flat()).toEqual([]);
  expect(pages({ until: clock.now() - 2500 }, 10).flat()).toEqual([sent]);
  expect(listStories(folder, { limit: 10 }).stories.at(-1)).toMatchObject({ subject: 'Grüne Wiese', events: [] });
});

test('a connection without a refusal is no message, and one with is told with its reason', () => {
  const start = clock.now();
  const line = (session: string, text: string) => `${lineHead(clock.now(), 'postfix/smtpd', 'info', session)}${text}\n`;
  const lines = [
    line('s-1', 'connect from a.test[192.0.2.1]'),
    line('s-1', 'lost connection after CONNECT from a.test[192.0.2.1]'),
    line('s-2', 'connect from b.test[192.0.2.2]'),
    line('s-2', 'NOQUEUE: reject: CONNECT from b.test[192.0.2.2]: 554 5.7.1 <b>: denied; proto=SMTP'),
  ];
  writeFileSync(segmentFile(folder, start), lines.join(''));
  const { stories } = listStories(folder, { limit: 10 });
  expect(stories).toMatchObject([
    { queueId: null, session: 's-2', state: 'refused', client: 'b.test[192.0.2.2]', refusal: '554 5.7.1 <b>: denied' },
  ]);
});
