// Speaks a group's cases to a server by SMTP and gathers what it answered: replies, and from its log and the sink
// what became of each message.

import { setTimeout as sleep } from 'node:timers/promises';
import type { LmtpSink } from '../harness/lmtp-sink.ts';
import { ConnectionLostError, SmtpConnection, type SmtpReply } from '../harness/smtp-connection.ts';
import { readMailLog } from './mail-log.ts';
import type { ParityAnswer, ParityCase, ParityGroup } from './parity-case.ts';

const closed = '(connection closed)';

export interface AskedServer {
  readonly port: number;
  readLog(): string;
}

interface OpenAnswer {
  readonly id: string;
  readonly mail: string;
  readonly recipients: readonly (readonly [string, string])[];
  readonly data?: string;
  readonly queueId?: string;
}

// Postfix accepts DISCARD's messages without a word of qmgr(8): a log that is quiet for so long has no more to say.
const quietMilliseconds = 1500;
const longestWaitMilliseconds = 15_000;

export async function runGroup(server: AskedServer, sink: LmtpSink, group: ParityGroup): Promise<ParityAnswer[]> {
  const before = server.readLog().length;
  const sessions = new Map<string, SmtpConnection>();
  const open: OpenAnswer[] = [];
  try {
    for (const one of group.cases) {
      const key = JSON.stringify([one.client, one.helo, one.login]);
      const session = sessions.get(key) ?? (await openSession(server.port, one));
      if (typeof session === 'string') {
        open.push({ id: one.id, mail: session, recipients: [] });
        continue;
      }
      sessions.set(key, session);
      const answer = await speak(session, one, group.capture === true ? sinkKey(group, one) : undefined);
      open.push(answer);
      if ([answer.mail, answer.data, ...answer.recipients.map(([, reply]) => reply)].includes(closed)) {
        sessions.delete(key);
      }
    }
  } finally {
    for (const session of sessions.values()) await session.quit();
  }
  const log = await settledLog(
    server,
    before,
    open.flatMap(({ queueId }) => queueId ?? []),
  );
  const { deliveries, senders } = readMailLog(log);
  return open.map(({ queueId, ...answer }) => ({
    ...answer,
    ...(queueId === undefined ? {} : { sender: senders.get(queueId) ?? '(none)' }),
    deliveries: [...(deliveries.get(queueId ?? '') ?? [])].toSorted(byText),
    ...(group.capture === true ? { messages: sink.take(sinkKey(group, answer)) } : {}),
  }));
}

/** What comes late, from an earlier group, is not of this one. */
function sinkKey({ name }: ParityGroup, { id }: { readonly id: string }): string {
  return `${name}, case ${id}`;
}

/** Returns the refusal where the server does not take the client's claims. */
async function openSession(
  port: number,
  { client, helo = 'client.test', login }: ParityCase,
): Promise<SmtpConnection | string> {
  const session = await SmtpConnection.open(port);
  await session.command('EHLO driver.test');
  const claims = [
    ...(client === undefined
      ? []
      : [`NAME=${client[0] === 'unknown' ? '[UNAVAILABLE]' : client[0]}`, `ADDR=${client[1]}`]),
    ...(login === undefined ? [] : [`LOGIN=${login}`]),
  ];
  if (claims.length > 0) {
    const reply = await session.command(`XCLIENT ${claims.join(' ')}`);
    if (reply.code !== 220) {
      await session.quit();
      return `XCLIENT: ${reply.code} ${reply.text}`;
    }
  }
  await session.command(`EHLO ${helo}`);
  return session;
}

/** What one case was answered; replies after the server has closed the connection are `closed`. */
async function speak(session: SmtpConnection, one: ParityCase, key: string | undefined): Promise<OpenAnswer> {
  session.send(
    [`MAIL FROM:<${one.from}>`, ...one.recipients.map((recipient) => `RCPT TO:<${recipient}>`), ''].join('\r\n'),
  );
  const mail = await nextReply(session);
  const recipients: [string, string][] = [];
  for (const recipient of one.recipients) recipients.push([recipient, await nextReply(session)]);
  if (!recipients.some(([, reply]) => reply.startsWith('2'))) {
    session.send('RSET\r\n');
    await nextReply(session);
    return { id: one.id, mail, recipients };
  }
  session.send('DATA\r\n');
  const go = await nextReply(session);
  if (!go.startsWith('354')) {
    session.send('RSET\r\n');
    await nextReply(session);
    return { id: one.id, mail, recipients, data: go };
  }
  const text = one.data ?? `From: <${one.from}>\nSubject: t\n\nx`;
  const lines = `${key === undefined ? '' : `X-Case: ${key}\n`}${text}\n`.split('\n').slice(0, -1);
  session.send(`${lines.map((line) => `${line.startsWith('.') ? '.' : ''}${line}\r\n`).join('')}.\r\n`);
  const reply = await nextReply(session);
  const queueId = /queued as (\w+)/.exec(reply)?.[1];
  const data = queueId === undefined ? reply : reply.replace(queueId, 'QID');
  return { id: one.id, mail, recipients, data, ...(queueId === undefined ? {} : { queueId }) };
}

/** A server that says nothing is a finding, and must not hold up the run. */
async function nextReply(session: SmtpConnection): Promise<string> {
  const timer = setTimeout(() => session.destroy(), longestWaitMilliseconds);
  try {
    return asText(await session.reply());
  } catch (error) {
    if (error instanceof ConnectionLostError) return closed;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function asText({ code, text }: SmtpReply): string {
  return `${code} ${Buffer.from(text, 'latin1').toString('utf8')}`;
}

/** The log since `before` when every message has come to rest. */
async function settledLog(server: AskedServer, before: number, queueIds: readonly string[]): Promise<string> {
  let text = '';
  let size = -1;
  let changedAt = performance.now();
  const deadline = changedAt + longestWaitMilliseconds;
  for (;;) {
    text = server.readLog().slice(before);
    const now = performance.now();
    if (text.length !== size) {
      size = text.length;
      changedAt = now;
    }
    const { finished, senders } = readMailLog(text);
    const isQuiet = now - changedAt > quietMilliseconds;
    const waiting = queueIds.filter((id) => !finished.has(id) && (!isQuiet || senders.has(id)));
    if (waiting.length === 0 || now > deadline) return text;
    await sleep(5);
  }
}

function byText(one: readonly string[], other: readonly string[]): number {
  return one.join('\n') < other.join('\n') ? -1 : 1;
}
