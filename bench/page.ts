// sh scripts/with-node bench/page.ts queue [MESSAGES] | load [ROUNDS] [SECONDS] — what the page costs.
// queue: a million queued messages are counted, found, held and deleted over the API, while one message a second goes through and
// a request a tick says how long the server's main thread is busy.
// load: mail as fast as it goes, by turns with a browser at the overview and the queue, and without. (Promised: within 5 %.)

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { hashPassword } from '../src/auth/password-scheme.ts';
import { Directory } from '../src/directory/directory.ts';
import { systemClock } from '../src/lib/clock.ts';
import { openStoreForWriting } from '../src/mailstore/schema.ts';
import { QueueIds } from '../src/queue/queue-id.ts';
import { findFreePorts } from '../test/harness/free-ports.ts';
import { PosthasteProcess } from '../test/harness/posthaste-process.ts';
import { SmtpConnection } from '../test/harness/smtp-connection.ts';
import { mountBenchFileSystem } from './file-system.ts';
import { percentile } from './paced-load.ts';
import { cpuSeconds, residentMiB } from './process-tree.ts';

const [what = 'queue', first, second] = process.argv.slice(2);
const report = (text: string) => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);
const { folder: disk } = mountBenchFileSystem('/var/tmp/posthaste-bench-page', 4_096);
const folder = join(disk, 'page');
const password = 'correct horse battery';
const [httpPort = 0] = await findFreePorts(1);

rmSync(folder, { recursive: true, force: true });
mkdirSync(join(folder, 'data'), { recursive: true });
const server = await PosthasteProcess.create({
  folder,
  settings: { posthaste_http_listen: `127.0.0.1:${httpPort}`, posthaste_http_rate_limit: '0' },
});
let token = '';

async function fillDirectory(): Promise<void> {
  const file = join(folder, 'data', 'directory.db');
  const directory = await Directory.open(file, { clock: systemClock, actor: 'bench' });
  const passwordHash = await hashPassword(password);
  await directory.administrators.add({ login: 'anna', role: 'host', passwordHash });
  await directory.domains.add('example.com');
  for (let number = 0; number < 20; number++) {
    await directory.mailboxes.add({ address: `u${number}@example.com`, passwordHash });
  }
  ({ secret: token } = await directory.tokens.add({
    owner: { kind: 'admin', id: directory.lookups.identities.adminByLogin('anna')?.id ?? 0 },
    name: 'bench',
    scopes: ['*'],
    expires: 0,
  }));
  directory.close();
}

/** Deferred for most of an hour (what is put off for longer than maximal_backoff_time is tried at once), of the last four days, to 5,000 domains. */
function fillQueue(messages: number): void {
  const database = openStoreForWriting(join(folder, 'data', 'store.db'), 'NORMAL');
  const ids = new QueueIds(systemClock);
  const now = systemClock.now();
  const content = database.prepare("INSERT INTO content (size, refs, data) VALUES (10, 1, CAST('Subject: x' AS BLOB))");
  const message = database.prepare(
    `INSERT INTO queue_message (id, content, size, sender, arrival, next_attempt, attempts, ret, envid, smtputf8, eight_bit, warned, hold)
     VALUES (?, ?, 1000, ?, ?, ?, 3, '', '', 0, 0, 0, 0)`,
  );
  const recipient = database.prepare(
    `INSERT INTO queue_recipient (message, original, recipient, transport, nexthop, notify, orcpt, state, status, reason)
     VALUES (?, ?, ?, 'smtp', ?, '', '', 'deferred', '4.4.1', ?)`,
  );
  database.transaction(() => {
    for (let number = 0; number < messages; number++) {
      const domain = `d${(number * number) % 5003}.dead.test`;
      const id = ids.next();
      const arrival = now - (number / messages) * 4 * 86_400_000;
      const { lastInsertRowid } = content.run();
      message.run(id, lastInsertRowid, `s${number % 1000}@sender.test`, arrival, now + 3_000_000);
      const address = `r${number}@${domain}`;
      const reason = `connect to mx.${domain}[192.0.2.${number % 250}]:25: Connection timed out`;
      recipient.run(id, address, address, domain, reason);
    }
  })();
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
  // What was filled in is not to be on its way to the disk while mail is timed.
  spawnSync('sync');
}

async function ask(method: string, path: string, body?: object) {
  const began = performance.now();
  const response = await fetch(`http://127.0.0.1:${httpPort}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // oxlint-disable-next-line typescript/no-explicit-any -- the bench reads what it has asked for.
  const value = (await response.json()) as any;
  if (!response.ok) throw new Error(`${path}: ${JSON.stringify(value)}`);
  return { value, milliseconds: performance.now() - began };
}

async function send(connection: SmtpConnection, number: number): Promise<void> {
  connection.send(`MAIL FROM:<a@client.test>\r\nRCPT TO:<u${number % 20}@example.com>\r\nDATA\r\n`);
  const replies = [await connection.reply(), await connection.reply(), await connection.reply()];
  if (replies[2]?.code !== 354)
    throw new Error(`refused: ${replies.map(({ code, text }) => `${code} ${text}`).join('; ')}`);
  connection.send(`Subject: x\r\nFrom: <a@client.test>\r\n\r\n${'some text\r\n'.repeat(300)}.\r\n`);
  const done = await connection.reply();
  if (done.code !== 250) throw new Error(`refused: ${done.code} ${done.text}`);
}

async function session(): Promise<SmtpConnection> {
  const connection = await SmtpConnection.open(server.smtpPort);
  await connection.command('EHLO client.test');
  return connection;
}

/** How long a message takes, again and again, until it is stopped: what mail notices of the page. */
function probe(): () => Promise<string> {
  let isOver = false;
  const took: number[] = [];
  const running = (async () => {
    const connection = await session();
    for (let number = 0; !isOver; number++) {
      const began = performance.now();
      await send(connection, number);
      took.push(performance.now() - began);
      await sleep(20);
    }
    await connection.quit();
  })();
  return async () => {
    isOver = true;
    await running;
    const sorted = took.toSorted((a, b) => a - b);
    return `${took.length} messages meanwhile, median ${percentile(sorted, 0.5).toFixed(1)} ms, 99 % ${percentile(sorted, 0.99).toFixed(1)} ms, max ${(sorted.at(-1) ?? 0).toFixed(0)} ms`;
  };
}

async function measured(name: string, work: () => Promise<string>): Promise<void> {
  const stop = probe();
  const said = await work();
  report(`${name}: ${said}; ${await stop()}; ${residentMiB(server.pid).toFixed(0)} MiB`);
}

async function apply(body: object): Promise<string> {
  const began = performance.now();
  let { value: job } = await ask('POST', '/queue/apply', body);
  while (job.state === 'running') {
    await sleep(100);
    ({ value: job } = await ask('GET', `/queue/jobs/${job.job}`));
  }
  return `${job.changed} in ${((performance.now() - began) / 1000).toFixed(1)} s`;
}

async function benchQueue(messages: number): Promise<void> {
  fillQueue(messages);
  report(`${messages} messages queued`);
  await server.start();
  await ask('GET', '/status');
  const timed = async (path: string): Promise<string> => {
    const { value, milliseconds } = await ask('GET', path);
    const count = value.items?.length ?? value.messages ?? '';
    return `${milliseconds.toFixed(0)} ms (${count})`;
  };
  await measured('nothing else', async () => {
    await sleep(3000);
    return 'three seconds';
  });
  await measured('summary, first', () => timed('/queue/summary'));
  await measured('summary, kept', () => timed('/queue/summary'));
  await measured('health', () => timed('/health'));
  await measured('status', () => timed('/status'));
  await measured('first page', () => timed('/queue?limit=200&maxRecipients=1'));
  await measured('100 pages, one after the other', async () => {
    let after = '';
    const began = performance.now();
    for (let page = 0; page < 100; page++) {
      const { value } = await ask('GET', `/queue?limit=200&maxRecipients=1${after}`);
      after = `&after=${encodeURIComponent(value.next)}`;
    }
    return `${((performance.now() - began) / 100).toFixed(0)} ms each`;
  });
  await measured('page of one destination', () => timed('/queue?limit=200&maxRecipients=1&destination=d1.dead.test'));
  await measured('page of one recipient', () => timed(`/queue?limit=200&maxRecipients=1&recipient=r${messages - 5}@`));
  await measured('summary of one sender', () => timed('/queue/summary?sender=%3Cs7@sender.test%3E'));
  await measured('hold of one sender', () => apply({ change: 'hold', sender: '<s7@sender.test>' }));
  await measured('delete of ten senders', () => apply({ change: 'remove', sender: 's99' }));
  await measured('delete of three days', () => apply({ change: 'remove', minAge: 3 * 86_400 }));
}

async function benchLoad(rounds: number, seconds: number): Promise<void> {
  await server.start();
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  const round = async () => {
    const cpu = cpuSeconds([server.pid]);
    const end = performance.now() + seconds * 1000;
    let count = 0;
    const one = async () => {
      const connection = await session();
      while (performance.now() < end) await send(connection, count++);
      await connection.quit();
    };
    await Promise.all(Array.from({ length: 10 }, one));
    return { rate: count / seconds, cpu: ((cpuSeconds([server.pid]) - cpu) / count) * 1000 };
  };
  await round();
  const results = { without: [] as number[], with: [] as number[] };
  const costs = { without: [] as number[], with: [] as number[] };
  for (let number = 0; number < rounds; number++) {
    for (const kind of number % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const)) {
      const context = await browser.newContext({ baseURL: `http://localhost:${httpPort}` });
      if (kind === 'with') {
        for (const path of ['/', '/queue']) {
          const page = await context.newPage();
          await page.goto(path);
          if (path === '/') {
            await page.getByLabel('Login or address').fill('anna');
            await page.locator('input[type=password]').fill(password);
            await page.keyboard.press('Enter');
          }
          await page.getByRole('heading', { level: 1 }).waitFor();
        }
        await sleep(1000);
      }
      const { rate, cpu } = await round();
      results[kind].push(rate);
      costs[kind].push(cpu);
      report(`${kind} the page: ${rate.toFixed(0)} messages/s, ${cpu.toFixed(3)} ms of CPU each`);
      await context.close();
    }
  }
  await browser.close();
  const median = (values: readonly number[]) =>
    percentile(
      values.toSorted((a, b) => a - b),
      0.5,
    );
  const ratio = (of: typeof results) => (median(of.with) / median(of.without)).toFixed(3);
  report(`with / without the page: messages/s ${ratio(results)}, the server's CPU a message ${ratio(costs)}`);
}

try {
  await fillDirectory();
  if (what === 'load') await benchLoad(Number(first ?? 6), Number(second ?? 8));
  else await benchQueue(Number(first ?? 1_000_000));
} finally {
  await server.kill().catch(() => undefined);
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
