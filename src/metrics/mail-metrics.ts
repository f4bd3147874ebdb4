// What is counted while mail goes through: plain numbers, always, whether anybody asks for them or not. Times come from the
// parts that know them; what the log says already (connections, refusals, logins, errors) is counted from its lines, so that
// there is one place where it is told. No label holds what a stranger chose.

import type { LogLevel } from '../lib/log.ts';
import type { Exposition, Labels } from './exposition.ts';
import { Histogram } from './histogram.ts';
import { type MailCounts, noMail } from './mail-history.ts';

/** Milliseconds: before the queue / waiting in it / connection set-up / transmission, as in the log's `delays=`. */
type Delays = readonly [number, number, number, number];

const stageTexts = {
  lookup: "finding out an SMTP client's name",
  recipient: 'deciding about a recipient: restrictions, tables, routing',
  receive: 'from MAIL to the end of the data',
  commit: 'from the end of the data until the message is durable',
  queue: 'from arrival until its first delivery begins, for mail that goes through the queue',
  setup: 'connection set-up of a delivery',
  transfer: 'transmission of a delivery',
} as const;

export type Stage = keyof typeof stageTexts;

/** Reply codes are the administrator's, but tables may make many of them. */
const maxSeries = 200;

/** Outcomes of an attempt, as people count them; what a rule discards is none of them. */
const countOfOutcome: Readonly<Record<string, 'delivered' | 'deferred'>> = {
  delivered: 'delivered',
  relayed: 'delivered',
  forwarded: 'delivered',
  deferred: 'deferred',
};

export class MailMetrics {
  /** Since the start. */
  readonly totals: MailCounts = noMail();
  readonly #stages = Object.fromEntries(Object.keys(stageTexts).map((stage) => [stage, new Histogram()])) as Record<
    Stage,
    Histogram
  >;
  readonly #commits = new Histogram();
  #operations = 0;
  #messages = 0;
  #octets = 0;
  readonly #deliveries = new Series();
  readonly #connections = new Series();
  readonly #refusals = new Series();
  readonly #logins = new Series();
  readonly #lines = new Series();
  readonly #lockouts = new Series();
  readonly #alarms = new Series();

  observe(stage: Stage, milliseconds: number): void {
    this.#stages[stage].observe(milliseconds);
  }

  /** A message is durable. */
  accepted(octets: number): void {
    this.#messages++;
    this.totals.accepted++;
    this.#octets += octets;
  }

  /** One recipient has been tried. */
  delivered(transport: string, outcome: string): void {
    this.#deliveries.add(transport, outcome);
    const count = countOfOutcome[outcome];
    if (count !== undefined) this.totals[count]++;
  }

  /** Recipients that have been given up: refused, or after too long. */
  bounced(recipients: number): void {
    this.totals.bounced += recipients;
  }

  attempted(transport: string, outcome: string, [before, waiting, setup, transfer]: Delays, isFirst: boolean): void {
    this.delivered(transport, outcome);
    if (isFirst) this.#stages.queue.observe(before + waiting);
    this.#stages.setup.observe(setup);
    this.#stages.transfer.observe(transfer);
  }

  /** For a function's value. */
  readonly committed = (milliseconds: number, operations: number): void => {
    this.#commits.observe(milliseconds);
    this.#operations += operations;
  };

  lockedOut(kind: string): void {
    this.#lockouts.add(kind, '');
  }

  alarmed(kind: string): void {
    this.#alarms.add(kind, '');
  }

  /** A line of the log. */
  logged(program: string, level: LogLevel, text: string): void {
    if (level !== 'info') this.#lines.add(level, '');
    if (program.endsWith('/smtpd')) {
      if (!text.startsWith('disconnect ')) this.#countSmtp(program, text);
    } else if (text.startsWith('imap-login: ')) this.#countImap(text);
  }

  #countSmtp(program: string, text: string): void {
    if (text.startsWith('connect from ')) {
      this.#connections.add(program, '');
      return;
    }
    const colon = text.indexOf(': ');
    if (colon < 0) return;
    if (text.startsWith(': reject: ', colon)) {
      const [, stage = '', code = ''] = /reject: (\S+) from [^[]*\[[^\]]*\](?::\S+)?: (\d{3}) /.exec(text) ?? [];
      this.#refusals.add(stage, code);
      this.totals.refused++;
    } else if (text.startsWith(': SASL ', colon)) {
      if (text.includes(' authentication failed')) this.#logins.add('smtp', 'failed');
    } else if (text.startsWith(': client=', colon) && text.includes(', sasl_username=')) this.#logins.add('smtp', 'ok');
  }

  #countImap(text: string): void {
    if (text.includes(': Login: ')) this.#logins.add('imap', 'ok');
    else if (text.includes('auth failed')) this.#logins.add('imap', 'failed');
  }

  print(page: Exposition): void {
    page.counter('posthaste_messages_accepted_total', 'Messages accepted: by SMTP, LMTP, sendmail, and made here.', [
      { value: this.#messages },
    ]);
    page.counter('posthaste_accepted_bytes_total', 'Octets of those messages.', [{ value: this.#octets }]);
    page.counter(
      'posthaste_delivery_attempts_total',
      'Deliveries tried, a recipient each.',
      this.#deliveries.samples('transport', 'outcome'),
    );
    page.counter('posthaste_smtp_connections_total', 'SMTP connections.', this.#connections.samples('service'));
    page.counter('posthaste_smtp_refusals_total', 'Refusals to SMTP clients.', this.#refusals.samples('stage', 'code'));
    page.counter(
      'posthaste_logins_total',
      'Logins; by SMTP, messages of logged-in clients.',
      this.#logins.samples('protocol', 'result'),
    );
    page.counter('posthaste_lockouts_total', 'Lock-outs of logins.', this.#lockouts.samples('kind'));
    page.counter('posthaste_abuse_alarms_total', 'Alarms about users who send.', this.#alarms.samples('kind'));
    page.counter('posthaste_log_lines_total', 'Log lines above plain information.', this.#lines.samples('level'));
    const stages = Object.entries(this.#stages).map(([stage, histogram]) => ({ labels: { stage }, histogram }));
    const meaning = Object.entries(stageTexts).map(([stage, text]) => `${stage}: ${text}`);
    page.histogram('posthaste_stage_seconds', `Time that mail takes. ${meaning.join('; ')}.`, stages);
    page.histogram('posthaste_store_commit_seconds', 'Transactions of the store, the flush of the disk included.', [
      { histogram: this.#commits },
    ]);
    page.counter('posthaste_store_operations_total', 'Operations in those transactions.', [
      { value: this.#operations },
    ]);
  }
}

/** Counters that differ in one or two labels. */
class Series {
  readonly #counts = new Map<string, Map<string, number>>();
  #size = 0;

  add(first: string, second: string): void {
    let inner = this.#counts.get(first);
    if (inner === undefined) {
      inner = new Map();
      this.#counts.set(first, inner);
    }
    const count = inner.get(second);
    if (count === undefined) {
      if (this.#size >= maxSeries) return;
      this.#size++;
    }
    inner.set(second, (count ?? 0) + 1);
  }

  samples(first: string, second?: string): { labels: Labels; value: number }[] {
    return [...this.#counts].flatMap(([one, inner]) =>
      [...inner].map(([two, value]) => ({
        labels: { [first]: one, ...(second === undefined ? {} : { [second]: two }) },
        value,
      })),
    );
  }
}
