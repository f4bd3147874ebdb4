// What follows once a message is durable: its lines in the mail log, and a word to the scheduler about what is queued.

import type { Log } from '../lib/log.ts';
import type { MailMetrics } from '../metrics/mail-metrics.ts';
import type { Content, QueueMessage } from '../mailstore/types.ts';
import type { TransportTable } from './delivery-agent.ts';
import { activeLine, recipientLine } from './log-lines.ts';
import type { Plan } from './plan.ts';

export interface AcceptedOptions {
  readonly log: Log;
  /** syslog_name: the part before the slash. */
  readonly syslogName: string;
  readonly transports: TransportTable;
  readonly metrics?: MailMetrics;
  /** Something has been queued: the scheduler takes it up at once, without reading what is handed on here. */
  onQueued(queueId: string, fresh?: FreshMessage): void;
}

/** What has been stored just now, as its row has it, and its body. */
export interface FreshMessage {
  readonly message: QueueMessage;
  readonly content: Content;
}

export interface AcceptedMessage {
  readonly queueId: string;
  readonly sender: string;
  /** Octets. */
  readonly size: number;
  /** How many the message has, delivered and queued. */
  readonly recipients: number;
}

/** To be called when the transaction is durable. Milliseconds: from arrival to routing, and for the commit. */
export function announceAccepted(
  options: AcceptedOptions,
  { queueId, sender, size, recipients }: AcceptedMessage,
  { delivered, queued }: Plan,
  before = 0,
  commit = 0,
  fresh?: FreshMessage,
): void {
  const { log, syslogName, transports, metrics } = options;
  metrics?.accepted(size);
  log.write(`${syslogName}/qmgr`, 'info', activeLine(queueId, sender, size, recipients));
  for (const recipient of delivered) {
    const { transport: relay } = recipient;
    metrics?.delivered(relay, 'delivered');
    const outcome = { kind: 'delivered', status: '2.0.0', reason: 'delivered to mailbox', relay } as const;
    const program = transports.find(relay)?.program ?? `${syslogName}/${relay}`;
    log.write(program, 'info', recipientLine(queueId, recipient, outcome, [before, 0, 0, commit]));
  }
  if (queued.length > 0) options.onQueued(queueId, fresh);
  else log.write(`${syslogName}/qmgr`, 'info', `${queueId}: removed`);
}
