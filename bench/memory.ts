// Resident memory of the server: idle after its start, and the most it needs while 50 MB bodies come in and go out.

import { setTimeout as sleep } from 'node:timers/promises';
import { ImapConnection } from '../test/harness/imap-connection.ts';
import { SmtpConnection } from '../test/harness/smtp-connection.ts';
import type { Posthaste } from './posthaste.ts';
import { residentMiB } from './process-tree.ts';
import { password } from './users.ts';

export interface MemoryResult {
  readonly idleMiB: number;
  readonly largeBodiesMiB: number;
  readonly largeBodies: number;
  readonly largeBodyBytes: number;
}

const mailbox = 'u2@d000002.test';
const largeBodyBytes = 50_000_000;
const senders = 4;

/** Call it on a server that was just started. */
export async function measureMemory(server: Posthaste): Promise<MemoryResult> {
  await sleep(3_000);
  const pid = server.process.pid;
  const idleMiB = residentMiB(pid);
  let peak = 0;
  const sampler = setInterval(() => {
    peak = Math.max(peak, residentMiB(pid));
  }, 50);
  await Promise.all(Array.from({ length: senders }, () => sendLargeBody(server.smtpPort)));
  await readLargeBodies(server.imapPort);
  clearInterval(sampler);
  return { idleMiB, largeBodiesMiB: peak, largeBodies: senders, largeBodyBytes };
}

async function sendLargeBody(port: number): Promise<void> {
  const connection = await SmtpConnection.open(port);
  await connection.command('EHLO client.test');
  for (const line of ['MAIL FROM:<sender@client.test>', `RCPT TO:<${mailbox}>`, 'DATA']) await connection.command(line);
  connection.send('Subject: large\r\n\r\n');
  const piece = Buffer.from(`${'z'.repeat(76)}\r\n`.repeat(800), 'latin1');
  for (let sent = 0; sent < largeBodyBytes; sent += piece.length) {
    if (!connection.sendSome(piece)) await connection.drained();
  }
  connection.send('.\r\n');
  const { code, text } = await connection.reply();
  if (code !== 250) throw new Error(`a body of ${largeBodyBytes} octets: ${code} ${text}`);
  await connection.quit();
}

async function readLargeBodies(port: number): Promise<void> {
  const connection = await ImapConnection.open({ port });
  await connection.login(mailbox, password);
  await connection.ok('SELECT INBOX');
  connection.isDiscarding = true;
  await connection.ok('FETCH 1:* (BODY.PEEK[] BODYSTRUCTURE)');
  if (connection.receivedBytes < senders * largeBodyBytes) throw new Error('large bodies came back short');
  await connection.logout();
}
