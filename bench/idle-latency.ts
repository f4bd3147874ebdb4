// From the 250 of a message to the `* EXISTS` at a client that waits in IDLE (RFC 2177). Ours may tell before the
// 250 is on the wire: a negative time counts as 0.

import { ImapConnection } from '../test/harness/imap-connection.ts';
import { SmtpConnection } from '../test/harness/smtp-connection.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from './paced-load.ts';
import { password } from './users.ts';

export interface IdleLatency {
  readonly server: string;
  readonly messages: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

export interface IdleLatencyOptions {
  readonly server: string;
  readonly smtpPort: number;
  readonly imapPort: number;
  readonly messages: number;
  /** Between two messages: 0 is back to back. */
  readonly pauseMilliseconds: number;
}

const mailbox = 'u1@d000001.test';

export async function measureIdleLatency(options: IdleLatencyOptions): Promise<IdleLatency> {
  const { server, smtpPort, imapPort, messages, pauseMilliseconds } = options;
  const reader = await ImapConnection.open({ port: imapPort });
  await reader.login(mailbox, password);
  await reader.ok('SELECT INBOX');
  const arrivals: number[] = [];
  let arrived: () => void = () => undefined;
  reader.onUntagged = ({ text }) => {
    if (!/^\d+ EXISTS/.test(text)) return;
    arrivals.push(performance.now());
    arrived();
  };
  const endIdle = await reader.idle();
  const sender = await SmtpConnection.open(smtpPort);
  await sender.command('EHLO client.test');
  const times: number[] = [];
  for (let i = 0; i < messages; i++) {
    const before = arrivals.length;
    sender.send(`MAIL FROM:<sender@client.test>\r\nRCPT TO:<${mailbox}>\r\nDATA\r\n`);
    for (let reply = 0; reply < 3; reply++) await sender.reply();
    sender.send(`Subject: idle ${i}\r\n\r\nbody\r\n.\r\n`);
    const { code, text } = await sender.reply();
    const accepted = performance.now();
    if (code !== 250) throw new Error(`${server}: ${code} ${text}`);
    while (arrivals.length === before) {
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
    }
    times.push(Math.max(0, (arrivals[before] ?? 0) - accepted));
    if (pauseMilliseconds > 0) await sleep(pauseMilliseconds);
  }
  await sender.quit();
  await endIdle();
  await reader.logout();
  const sorted = times.sort((a, b) => a - b);
  return {
    server,
    messages,
    median: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    max: sorted.at(-1) ?? 0,
  };
}
