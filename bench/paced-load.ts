// Sends mail at an even pace, whatever the server does: a message that is late because the server was slow counts
// its wait too. Times what a client feels: from the final dot to 250. Runs in a worker (paced-load-worker.ts), so
// that the reading of other clients does not hold it up.

import { SmtpConnection } from '../test/harness/smtp-connection.ts';
import { bulkAddress, bulkUserCount } from './users.ts';

export interface PacedLoadOptions {
  readonly port: number;
  readonly messagesPerSecond: number;
  readonly seconds: number;
  readonly sessions: number;
  readonly bytes: number;
}

export interface PacedLoadResult {
  readonly sent: number;
  readonly refused: number;
  readonly seconds: number;
  /** Final dot → 250, milliseconds, ascending. */
  readonly latencies: Float64Array;
}

/** Messages that every session may be behind before its lag shows as a lower rate. */
export async function runPacedLoad(options: PacedLoadOptions): Promise<PacedLoadResult> {
  const total = Math.round(options.messagesPerSecond * options.seconds);
  const latencies = new Float64Array(total);
  const body = makeBody(options.bytes);
  let started = 0;
  let sent = 0;
  let refused = 0;
  let next = 0;
  const begin = performance.now();
  const runSession = async () => {
    const connection = await SmtpConnection.open(options.port);
    await connection.command('EHLO client.test');
    for (;;) {
      const number = next++;
      if (number >= total) break;
      const due = begin + (number / options.messagesPerSecond) * 1_000;
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      started++;
      const envelope = `MAIL FROM:<sender@client.test>\r\nRCPT TO:<${bulkAddress((number % bulkUserCount) + 1)}>\r\nDATA\r\n`;
      connection.send(envelope);
      const replies = [await connection.reply(), await connection.reply(), await connection.reply()];
      if (replies.at(-1)?.code !== 354)
        throw new Error(`paced load: ${replies.map((reply) => reply.text).join(' / ')}`);
      const dot = performance.now();
      connection.send(body);
      const reply = await connection.reply();
      if (reply.code === 250) latencies[sent++] = performance.now() - dot;
      else refused++;
    }
    await connection.quit();
  };
  await Promise.all(Array.from({ length: options.sessions }, runSession));
  const seconds = (performance.now() - begin) / 1_000;
  return { sent, refused: refused + (started - sent - refused), seconds, latencies: latencies.slice(0, sent).sort() };
}

function makeBody(bytes: number): Buffer {
  const head = 'From: <sender@client.test>\r\nTo: <someone@bulk.test>\r\nSubject: paced\r\n\r\n';
  const line = `${'x'.repeat(76)}\r\n`;
  const lines = Math.max(1, Math.floor((bytes - head.length) / line.length));
  return Buffer.from(`${head}${line.repeat(lines)}.\r\n`, 'latin1');
}

/** `share` of the sorted values are at most the result. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
