// The queue's lines in the mail log, in Postfix's words (pflogsumm and people's own greps read them).

import type { Log } from '../lib/log.ts';
import type { QueueMessage, QueueRecipient } from '../mailstore/types.ts';
import type { MailMetrics } from '../metrics/mail-metrics.ts';
import type { RecipientOutcome } from './delivery-agent.ts';

/** Milliseconds: before the queue manager / waiting in it / connection set-up / transmission. */
export type Delays = readonly [number, number, number, number];

const statusWords = { delivered: 'sent', deferred: 'deferred', bounced: 'bounced' } as const;

export function activeLine(queueId: string, sender: string, size: number, recipients: number): string {
  return `${queueId}: from=<${sender}>, size=${size}, nrcpt=${recipients} (queue active)`;
}

/** Where an attempt is told. */
export interface AttemptLog {
  readonly log: Log;
  readonly metrics?: MailMetrics;
}

export interface Attempt {
  readonly program: string;
  readonly transport: string;
  readonly message: QueueMessage;
  readonly recipient: QueueRecipient;
  readonly outcome: RecipientOutcome;
  readonly delays: Delays;
}

/** One recipient has been tried: its line, and its place in the metrics. */
export function logAttempt(
  { log, metrics }: AttemptLog,
  { program, transport, message, recipient, outcome, delays }: Attempt,
): void {
  log.write(program, 'info', recipientLine(message.id, recipient, outcome, delays));
  metrics?.attempted(transport, outcome.kind, delays, message.attempts === 0);
}

export function recipientLine(
  queueId: string,
  recipient: { readonly original: string; readonly recipient: string },
  outcome: RecipientOutcome,
  delays: Delays,
  word: string = statusWords[outcome.kind],
): string {
  const isSame = recipient.original === '' || recipient.original.toLowerCase() === recipient.recipient.toLowerCase();
  const original = isSame ? '' : ` orig_to=<${recipient.original}>,`;
  const total = delays[0] + delays[1] + delays[2] + delays[3];
  const parts = `${seconds(delays[0])}/${seconds(delays[1])}/${seconds(delays[2])}/${seconds(delays[3])}`;
  const { relay = 'none', status, reason, connectionUse } = outcome;
  const use = connectionUse === undefined ? '' : ` conn_use=${connectionUse},`;
  return (
    `${queueId}: to=<${recipient.recipient}>,${original} relay=${relay},${use} delay=${seconds(total)}, delays=${parts}, ` +
    `dsn=${status}, status=${word} (${reason})`
  );
}

/** Two significant digits, at most two behind the point, no trailing zeros: `0`, `0.04`, `2.1`, `12`, `4711`. */
export function seconds(milliseconds: number): string {
  const value = Math.max(0, milliseconds) / 1000;
  if (value >= 10) return String(Math.floor(value));
  if (value >= 1) return String(Math.floor(value * 10) / 10);
  return String(Math.floor(value * 100) / 100);
}
