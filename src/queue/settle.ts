// Makes outcomes durable, each group of them in one transaction with the notice that reports it: deliveries at once,
// refusals and postponements when a message has been through all its jobs.
//
// While an outcome cannot be recorded (disk full, directory silent), the message stays as it is in the store and is tried
// again later. Only where a remote server has already taken the mail that would double it: such a record is repeated
// until it succeeds or the server stops.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { MailMetrics } from '../metrics/mail-metrics.ts';
import type {
  AcceptOperation,
  Mailstore,
  QueueMessage,
  QueueRecipient,
  QueueUpdate,
  RecipientState,
} from '../mailstore/types.ts';
import type { DeliveryReport, Forward, RecipientOutcome } from './delivery-agent.ts';
import type { Forwarder, PreparedForward } from './forwarding.ts';
import type { Concerned, Notices, PreparedNotices } from './notices.ts';

export interface RetryTimes {
  readonly minimalBackoffSeconds: number;
  readonly maximalBackoffSeconds: number;
  readonly lifetimeSeconds: number;
  /** For mail from the null sender. */
  readonly bounceLifetimeSeconds: number;
  /** 0: no delay warnings. */
  readonly delayWarningSeconds: number;
}

export interface SettlerOptions extends RetryTimes {
  readonly store: Mailstore;
  readonly clock: Clock;
  readonly log: Log;
  readonly syslogName: string;
  readonly notices: Notices;
  readonly forwarder: Forwarder;
  readonly metrics?: MailMetrics;
}

const retryRecordMilliseconds = 1000;
const maxRecordRetries = 300;
/** Recorded in one transaction. */
const verpNotices = 20;

export class Settler {
  readonly #options: SettlerOptions;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** Records the delivered ones (`sent`: as the agent had it, with VERP from another sender); returns the outcomes, with those put off whose local copy or new message could not be stored. */
  async recordDelivered(
    message: QueueMessage,
    recipients: readonly QueueRecipient[],
    { outcomes, copies = [], forwards = [] }: DeliveryReport,
    sent = message,
  ): Promise<readonly RecipientOutcome[]> {
    const delivered = pair(recipients, outcomes).filter(({ outcome }) => outcome.kind === 'delivered');
    if (delivered.length === 0) return outcomes;
    const isOut = copies.length === 0 && forwards.length === 0;
    let update: QueueUpdate = {
      id: message.id,
      recipients: delivered.map((each) => state(each, finalState(each.outcome, forwards))),
      deliveries: copies,
    };
    try {
      // A server that gives reports itself has been asked to; only what ends here is ours to report.
      const ours = delivered.filter(({ outcome }) => outcome.relayed !== false);
      const notice = await this.#options.notices.prepare('success', message, ours);
      const made = await this.#prepareForwards(sent, forwards);
      if (made.length > 0) update = { ...update, forwards: made.map(({ operation }) => operation) };
      const isRecorded = await this.#record(update, notice, isOut);
      if (!isRecorded && !isOut) throw new Error('the message has been deleted from the queue');
      for (const forward of made) forward.committed();
      if (made.length > 0) return outcomes.map((outcome) => namingForwards(outcome, made));
    } catch (error) {
      if (isOut) {
        // Delivered is delivered: rather no report than a second copy.
        this.#warn(`${message.id}: no success report: ${describe(error)}`);
        await this.#record(update, undefined, true);
        return outcomes;
      }
      const what = copies.length > 0 ? 'mailbox cannot be written' : 'unable to forward message';
      const reason = `${what}: ${describe(error)}`;
      return outcomes.map((outcome) =>
        outcome.kind === 'delivered'
          ? { kind: 'deferred', status: '4.3.0', reason, relay: outcome.relay ?? 'none' }
          : outcome,
      );
    }
    return outcomes;
  }

  async #prepareForwards(message: QueueMessage, forwards: readonly Forward[]): Promise<PreparedForward[]> {
    const made: PreparedForward[] = [];
    for (const forward of forwards) made.push(await this.#options.forwarder.prepare(message, forward));
    return made;
  }

  /**
   * After a message's last job. Returns when it is due again; undefined when it has left the queue. `isPart`: it has
   * recipients that were not tried.
   */
  async settle(
    message: QueueMessage,
    outcomes: ReadonlyMap<QueueRecipient, RecipientOutcome>,
    isPart = false,
  ): Promise<number | undefined> {
    if (isPart && outcomes.size === 0) return undefined;
    const { clock, log, syslogName } = this.#options;
    const now = clock.now();
    const age = now - message.arrival;
    const all = [...outcomes].map(([recipient, outcome]) => ({ recipient, outcome }));
    let bounced = all.filter(({ outcome }) => outcome.kind === 'bounced');
    let deferred = all.filter(({ outcome }) => outcome.kind === 'deferred');
    if (deferred.length > 0 && age >= this.#lifetime(message)) {
      log.write(
        `${syslogName}/qmgr`,
        'info',
        `${message.id}: from=<${message.sender}>, status=expired, returned to sender`,
      );
      bounced = all;
      deferred = [];
    }
    const next = now + this.#backoff(age);
    try {
      if (bounced.length > 0) await this.#bounce(message, bounced);
      if (deferred.length > 0) await this.#defer(message, deferred, age, next);
    } catch (error) {
      this.#warn(`${message.id}: outcome not recorded, will be tried again: ${describe(error)}`);
      return this.#postpone(message, all, next);
    }
    if (deferred.length > 0) return next;
    if (!isPart) log.write(`${syslogName}/qmgr`, 'info', `${message.id}: removed`);
    return undefined;
  }

  async #bounce(message: QueueMessage, bounced: readonly Concerned[]): Promise<void> {
    // With VERP each recipient has a notice of its own, which returns the message: not all of them in memory at once.
    const step = message.verp === undefined ? bounced.length : verpNotices;
    for (let from = 0; from < bounced.length; from += step) {
      const some = bounced.slice(from, from + step);
      const notice = await this.#options.notices.prepare('failure', message, some);
      await this.#record({ id: message.id, recipients: some.map((each) => state(each, 'bounced')) }, notice, false);
      this.#options.metrics?.bounced(some.length);
    }
  }

  async #defer(message: QueueMessage, deferred: readonly Concerned[], age: number, next: number): Promise<void> {
    const { delayWarningSeconds, notices } = this.#options;
    const isLate = delayWarningSeconds > 0 && age >= delayWarningSeconds * 1000;
    const notice = isLate && !message.warned ? await notices.prepare('delay', message, deferred) : undefined;
    const recipients = deferred.map((each) => state(each, 'deferred'));
    const warned = notice ? { warned: true } : {};
    await this.#record({ id: message.id, recipients, nextAttempt: next, ...warned }, notice, false);
  }

  /** Keeps everybody in the queue, so that the message is not tried again at once. */
  async #postpone(message: QueueMessage, all: readonly Concerned[], next: number): Promise<number> {
    try {
      const recipients = all.map((each) => state(each, 'deferred'));
      await this.#record({ id: message.id, recipients, nextAttempt: next }, undefined, false);
    } catch (error) {
      this.#warn(`${message.id}: ${describe(error)}`);
    }
    return next;
  }

  /** `mustSucceed`: the mail is out; its record is tried for minutes before it is given up. */
  async #record(update: QueueUpdate, notice: PreparedNotices | undefined, mustSucceed: boolean): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      try {
        if (await this.#options.store.queueUpdate(withNotices(update, notice?.operations ?? []))) break;
        // Somebody has deleted it while it was being sent.
        return false;
      } catch (error) {
        if (!mustSucceed || tries > maxRecordRetries) throw error;
        if (tries === 1) this.#warn(`${update.id}: delivered, but not recorded yet: ${describe(error)}`);
        await sleep(retryRecordMilliseconds);
      }
    }
    notice?.committed();
    return true;
  }

  #lifetime(message: QueueMessage): number {
    const { lifetimeSeconds, bounceLifetimeSeconds } = this.#options;
    return (message.sender === '' ? bounceLifetimeSeconds : lifetimeSeconds) * 1000;
  }

  /** The message's age, between the limits: so the intervals about double (qmgr_active.c). */
  #backoff(age: number): number {
    const { minimalBackoffSeconds, maximalBackoffSeconds } = this.#options;
    return Math.min(Math.max(age, minimalBackoffSeconds * 1000), maximalBackoffSeconds * 1000);
  }

  #warn(text: string): void {
    this.#options.log.write(`${this.#options.syslogName}/qmgr`, 'warning', text);
  }
}

/** All of them in the transaction of the outcome: the second and following stand beside the messages it has made. */
function withNotices(update: QueueUpdate, [notice, ...more]: readonly AcceptOperation[]): QueueUpdate {
  if (notice === undefined) return update;
  return { ...update, notice, ...(more.length > 0 ? { forwards: [...(update.forwards ?? []), ...more] } : {}) };
}

/** How it left the queue: for the books. */
function finalState({ discarded, reason, relayed }: RecipientOutcome, forwards: readonly Forward[]): RecipientState {
  if (discarded) return 'discarded';
  if (forwards.length > 0 && reason === 'forwarded') return 'forwarded';
  return relayed === undefined ? 'delivered' : 'relayed';
}

/** As local(8) logs it: `forwarded as QUEUEID`; a reply likewise. */
function namingForwards(outcome: RecipientOutcome, made: readonly PreparedForward[]): RecipientOutcome {
  if (outcome.kind !== 'delivered' || !/^(forwarded|answered)$/.test(outcome.reason)) return outcome;
  return { ...outcome, reason: `${outcome.reason} as ${made.map(({ queueId }) => queueId).join(', ')}` };
}

function pair(recipients: readonly QueueRecipient[], outcomes: readonly RecipientOutcome[]): Concerned[] {
  return recipients.flatMap((recipient, index) => {
    const outcome = outcomes[index];
    return outcome ? [{ recipient, outcome }] : [];
  });
}

function state({ recipient, outcome }: Concerned, recorded: RecipientState) {
  return { id: recipient.id, state: recorded, status: outcome.status, reason: outcome.reason };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
