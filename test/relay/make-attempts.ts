// Makes a thousand attempts over few connections: each MAIL, RCPT and RSET in one packet with others (RFC 2920), as a
// stranger whose address XCLIENT gives. What is accepted is tried again with a message behind it.

import { RawClient } from '../smtp-dialogs/test-server.ts';
import type { StrangerAttempt } from './stranger-attempts.ts';

export interface StrangerOptions {
  /** STARTTLS first. */
  readonly withTls?: boolean;
  /** The client's name in the DNS. */
  readonly name?: string;
}

/** So many replies are waited for at a time; more commands in one packet gain nothing. */
const batchLength = 100;

/** The attempts whose RCPT was accepted, and how their message was answered. */
export async function makeAttempts(
  port: number,
  attempts: readonly StrangerAttempt[],
  options: StrangerOptions = {},
): Promise<{ readonly attempt: StrangerAttempt; readonly reply: string }[]> {
  const accepted: StrangerAttempt[] = [];
  for (const [helo, group] of Map.groupBy(attempts, (attempt) => attempt.helo)) {
    const client = await openStranger(port, helo, options);
    for (let from = 0; from < group.length; from += batchLength) {
      const batch = group.slice(from, from + batchLength);
      client.send(batch.map(envelope).join(''));
      for (const attempt of batch) {
        const [, atRcpt] = [await client.reply(), await client.reply(), await client.reply()];
        if (atRcpt === undefined) throw new Error(`the connection ended at RCPT TO:<${attempt.recipient}>`);
        if (atRcpt.startsWith('2')) accepted.push(attempt);
      }
    }
    client.destroy();
  }
  const answered = [];
  for (const attempt of accepted) answered.push({ attempt, reply: await sendMessage(port, attempt, options) });
  return answered;
}

function envelope({ sender, recipient }: StrangerAttempt): string {
  return `MAIL FROM:<${sender}>\r\nRCPT TO:<${recipient}>\r\nRSET\r\n`;
}

async function openStranger(
  port: number,
  helo: string,
  { withTls = false, name = 'stranger.elsewhere.example' }: StrangerOptions,
): Promise<RawClient> {
  const client = await RawClient.open(port);
  await client.reply();
  await client.command(`EHLO ${helo}`);
  if (withTls) {
    const ready = await client.command('STARTTLS');
    if (!ready?.startsWith('220')) throw new Error(`STARTTLS: ${ready}`);
    await client.startTls();
    await client.command(`EHLO ${helo}`);
  }
  const changed = await client.command(`XCLIENT ADDR=203.0.113.66 NAME=${name}`);
  if (!changed?.startsWith('220')) throw new Error(`XCLIENT: ${changed}`);
  await client.command(`EHLO ${helo}`);
  return client;
}

async function sendMessage(port: number, attempt: StrangerAttempt, options: StrangerOptions): Promise<string> {
  const client = await openStranger(port, attempt.helo, options);
  try {
    await client.command(`MAIL FROM:<${attempt.sender}>`);
    await client.command(`RCPT TO:<${attempt.recipient}>`);
    const ready = await client.command('DATA');
    if (!ready?.startsWith('354')) return ready ?? 'closed';
    return (await client.command('Subject: relay test\r\n\r\nIf you can read this, it relays.\r\n.')) ?? 'closed';
  } finally {
    client.destroy();
  }
}
