// What a client waits for while the server has other work: 2,000 messages a second come in, one reader fetches
// 100,000 messages, another holds a long read. Final dot → 250, and how large the store's write-ahead log is after.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ImapConnection } from '../test/harness/imap-connection.ts';
import { startDiskProbe } from './disk-probe.ts';
import { percentile } from './paced-load.ts';
import { startPacedLoad } from './paced-load-worker.ts';
import type { Posthaste } from './posthaste.ts';
import { residentMiB } from './process-tree.ts';
import { SmtpConnection } from '../test/harness/smtp-connection.ts';
import { bulkUserCount, password } from './users.ts';

export interface LatencyResult {
  readonly sentPerSecond: number;
  readonly refused: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
  /** The longest flush of a block of another file on the same file system meanwhile, milliseconds. */
  readonly longestFlush: number;
  readonly fetchedMessages: number;
  readonly fetchSeconds: number;
  readonly walMiB: number;
  readonly residentMiB: number;
  /** Most of the load's messages that a reader could see: must equal what was sent. */
  readonly isComplete: boolean;
}

export interface LatencyOptions {
  readonly server: Posthaste;
  readonly messagesPerSecond: number;
  readonly seconds: number;
  readonly mailboxMessages: number;
  readonly report: (line: string) => void;
}

/** A mailbox of the small domains, so that the load does not touch it. */
export const largeMailbox = 'u0@d000000.test';

export async function measureLatency(options: LatencyOptions): Promise<LatencyResult> {
  const { server, messagesPerSecond, seconds, mailboxMessages, report } = options;
  report(`filling ${largeMailbox} with ${mailboxMessages} messages`);
  await fillMailbox(server.smtpPort, mailboxMessages);
  await server.takeDelivered(bulkUserCount);
  const slow = await holdLongRead(server.imapPort);
  report(`${messagesPerSecond} messages/s for ${seconds} s`);
  const endProbe = startDiskProbe(server.process.dataFolder);
  const load = startPacedLoad({ port: server.smtpPort, messagesPerSecond, seconds, sessions: 20, bytes: 4_096 });
  const fetched = fetchEverything(server.imapPort);
  let peak = 0;
  const sampler = setInterval(() => {
    peak = Math.max(peak, residentMiB(server.process.pid));
  }, 250);
  const { sent, refused, seconds: taken, latencies } = await load;
  const longestFlush = await endProbe();
  const walMiB = walSizeMiB(server.process.dataFolder);
  clearInterval(sampler);
  const { messages, seconds: fetchSeconds } = await fetched;
  slow.destroy();
  const readable = await server.takeDelivered(bulkUserCount);
  return {
    sentPerSecond: sent / taken,
    refused,
    median: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    max: latencies.at(-1) ?? 0,
    longestFlush,
    fetchedMessages: messages,
    fetchSeconds,
    walMiB,
    residentMiB: peak,
    isComplete: readable === sent,
  };
}

async function fillMailbox(port: number, count: number): Promise<void> {
  const body = `Subject: filler\r\nFrom: <a@client.test>\r\n\r\n${`${'y'.repeat(76)}\r\n`.repeat(50)}.\r\n`;
  let left = count;
  const run = async () => {
    const connection = await SmtpConnection.open(port);
    await connection.command('EHLO client.test');
    while (left-- > 0) {
      connection.send(`MAIL FROM:<a@client.test>\r\nRCPT TO:<${largeMailbox}>\r\nDATA\r\n`);
      for (let i = 0; i < 3; i++) await connection.reply();
      connection.send(body);
      const reply = await connection.reply();
      if (reply.code !== 250) throw new Error(`filling a mailbox: ${reply.code} ${reply.text}`);
    }
    await connection.quit();
  };
  await Promise.all(Array.from({ length: 50 }, run));
}

async function openLargeMailbox(port: number): Promise<ImapConnection> {
  const connection = await ImapConnection.open({ port });
  await connection.login(largeMailbox, password);
  await connection.ok('SELECT INBOX');
  return connection;
}

/** Asks for all bodies and then does not read: the server must neither wait in a transaction nor fill its memory. */
async function holdLongRead(port: number): Promise<ImapConnection> {
  const connection = await openLargeMailbox(port);
  connection.isDiscarding = true;
  connection.command('FETCH 1:* (BODY.PEEK[])').catch(() => undefined);
  connection.pause();
  return connection;
}

async function fetchEverything(port: number): Promise<{ messages: number; seconds: number }> {
  const connection = await openLargeMailbox(port);
  connection.isDiscarding = true;
  const started = performance.now();
  const before = connection.receivedResponses;
  await connection.ok('FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY.PEEK[])');
  const messages = connection.receivedResponses - before;
  const seconds = (performance.now() - started) / 1_000;
  await connection.logout();
  return { messages, seconds };
}

function walSizeMiB(dataFolder: string): number {
  const names = readdirSync(dataFolder).filter((name) => name.endsWith('-wal'));
  return Math.max(0, ...names.map((name) => statSync(join(dataFolder, name)).size)) / 1_048_576;
}
