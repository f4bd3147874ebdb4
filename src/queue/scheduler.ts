// The queue manager (Postfix's qmgr): takes what is due, brings it to the agents under the limits of each destination,
// and records what became of every recipient.
//
// A message becomes active: its recipients are grouped by transport and next hop into jobs, jobs wait in their
// destination's line, and run when destination and transport have room (delivery-lines.ts).
// A delivered recipient is recorded durably as soon as its job ends. When all jobs of the message have ended, it is settled
// (settle.ts): refusals are recorded together with the one notice that reports them, the rest is put off by its age
// (between minimal_ and maximal_backoff_time) or, past its lifetime, bounced.
//
// What is active is only in memory: the rows stay due until they are settled. So after a crash everything unsettled is
// tried again, and all that can be repeated is an attempt whose answer had come but was not recorded. Local copies
// are made by the transaction that records them and cannot be repeated at all.
//
// Bounded: at most qmgr_message_active_limit messages are active. New mail is always taken up at once: where there is no room
// it takes the place of a message that only waits, which goes back to the store as if it had never been looked at. What
// does not fit is looked for when half of the active ones are done. Deferred mail is taken up at its time, everything when
// asked to flush.

import type { Clock } from '../lib/clock.ts';
import type { LogLevel } from '../lib/log.ts';
import {
  type Content,
  expiredByForce,
  type Mailstore,
  type QueueMessage,
  type QueueRecipient,
} from '../mailstore/types.ts';
import type { FreshMessage } from './accepted.ts';
import type { DeliveryReport, RecipientOutcome, Transport, TransportTable } from './delivery-agent.ts';
import { type Active, ActiveMessages } from './active-messages.ts';
import { DeliveryLines } from './delivery-lines.ts';
import type { DeathCertificate } from './destination.ts';
import { type Job, makeJobs } from './job.ts';
import { activeLine, type AttemptLog, logAttempt } from './log-lines.ts';
import type { Forwarder } from './forwarding.ts';
import type { Notices } from './notices.ts';
import { deferredTransport, expiredOutcome, failedOutcome, orGivenUp, softened, unavailable } from './own-outcomes.ts';
import { QueueRuns } from './queue-runs.ts';
import { type RetryTimes, Settler } from './settle.ts';

export interface SchedulerOptions extends RetryTimes, AttemptLog {
  readonly store: Mailstore;
  readonly clock: Clock;
  readonly syslogName: string;
  readonly transports: TransportTable;
  readonly notices: Notices;
  readonly forwarder: Forwarder;
  /** qmgr_message_active_limit. */
  readonly activeLimit: number;
  /** queue_run_delay: how often the whole queue is looked through, whatever the timers say. */
  readonly queueRunSeconds: number;
  /** soft_bounce: every refusal is put off instead. */
  readonly softBounce: boolean;
  /** defer_transports: what goes by these waits until the queue is flushed. */
  readonly deferTransports: readonly string[];
}

type Why = 'fresh' | 'new' | 'due' | 'flushed' | 'asked';

interface ActiveMessage extends Active {
  readonly message: QueueMessage;
  /** When it became active. */
  readonly since: number;
  /** It has come in just now. */
  readonly isFresh: boolean;
  /** Taken up because somebody asked. */
  readonly isFlushed: boolean;
  jobs: readonly QueuedJob[];
  jobsLeft: number;
  /** Some of its jobs were taken back before they began. */
  isCut?: true;
  /** Recipients without a final outcome recorded yet; absent while there are none, as for most of those that wait. */
  outcomes: Map<QueueRecipient, RecipientOutcome> | undefined;
}

type QueuedJob = Job & {
  readonly transport: Transport;
  readonly active: ActiveMessage;
  readonly isRetry: boolean;
  readonly isFresh: boolean;
};

interface RunningDelivery {
  readonly abort: AbortController;
  isAnswered: boolean;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #settler: Settler;
  readonly #active = new ActiveMessages<ActiveMessage>();
  readonly #lines: DeliveryLines<QueuedJob>;
  readonly #deliveries = new Map<QueuedJob, RunningDelivery>();
  #isCutOff = false;
  readonly #running = new Set<Promise<void>>();
  readonly #runs: QueueRuns;
  /** Messages in somebody else's hands, and who waits until the last delivery of one has ended. */
  readonly #withheld = new Set<string>();
  readonly #leaving = new Map<string, () => void>();
  #closing = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#settler = new Settler(options);
    this.#lines = new DeliveryLines<QueuedJob>({
      clock: options.clock,
      deadMilliseconds: options.minimalBackoffSeconds * 1000,
      run: (job, ended) => this.#track(this.#run(job, ended)),
      cut: (job) => this.#cut(job),
      suspend: (job, death) => this.#suspend(job, death),
    });
    this.#runs = new QueueRuns({
      ...options,
      retrySeconds: options.minimalBackoffSeconds,
      isTaken: (id) => this.#active.has(id) || this.#withheld.has(id),
      take: (message, now, isFlushed) => {
        if (this.#active.size >= options.activeLimit) return false;
        this.#activate(message, now, isFlushed ? 'flushed' : 'due');
        return true;
      },
      onEnd: () => this.#lines.tidy(),
      warn: (text) => this.#report('warning', text),
    });
  }

  start(): void {
    void this.scan();
  }

  /** A message has just been queued; `fresh` is what would be read of it. */
  enqueue(queueId: string, fresh?: FreshMessage): void {
    if (this.#closing) return;
    try {
      const message = fresh ? fresh.message : this.#options.store.queueMessage(queueId);
      if (!message || message.hold || this.#active.has(queueId) || this.#withheld.has(queueId)) return;
      if (this.#active.size >= this.#options.activeLimit && !this.#makeRoom()) this.#runs.hasMore = true;
      else this.#activate(message, this.#options.clock.now(), 'fresh', fresh?.content);
    } catch (error) {
      // It is durable, and whoever queued it must not hear otherwise.
      this.#runs.hasMore = true;
      this.#report('warning', `${queueId}: not taken up yet: ${String(error)}`);
    }
  }

  /** Tries everything now, also what is put off and destinations that are taken for dead. */
  async flush(): Promise<void> {
    this.#lines.revive();
    await this.#runs.flush(this.#active.keys());
  }

  /** What has not begun of these messages does not begin before giveBack(); what runs goes on. */
  withhold(ids: readonly string[]): void {
    for (const id of ids) {
      this.#withheld.add(id);
      const active = this.#active.get(id);
      if (!active) continue;
      const taken = active.jobs.filter((job) => this.#lines.remove(job)).length;
      if (taken === 0) continue;
      this.#active.hasBegun(active);
      active.isCut = true;
      active.jobsLeft -= taken;
      if (active.jobsLeft === 0) this.#track(this.#settle(active));
    }
  }

  /** Resolves when nothing of a message that is withheld runs any more. */
  whenInactive(id: string): Promise<void> {
    if (!this.#active.has(id)) return Promise.resolve();
    return new Promise((resolve) => this.#leaving.set(id, resolve));
  }

  /** Takes up those that are due; with `revives` also where their destinations are taken for dead. */
  giveBack(ids: readonly string[], revives = false): void {
    const { store, clock, activeLimit } = this.#options;
    const now = clock.now();
    for (const id of ids) {
      this.#withheld.delete(id);
      const message = store.queueMessage(id);
      if (this.#closing || !message || message.hold || message.nextAttempt > now || this.#active.has(id)) continue;
      if (this.#active.size >= activeLimit && !this.#makeRoom()) this.#runs.hasMore = true;
      else this.#activate(message, now, revives ? 'asked' : 'due');
    }
  }

  /** Looks for due messages now; resolves when they are active (not when they are done). */
  async scan(): Promise<void> {
    this.#active.hasLostTrack = false;
    await this.#runs.run();
  }

  get activeCount(): number {
    return this.#active.size;
  }

  get activeIds(): string[] {
    return [...this.#active.keys()];
  }

  /** Resolves when nothing is active: for tests, and for a clean end. */
  async whenIdle(): Promise<void> {
    while (this.#runs.running || this.#running.size > 0) await Promise.all([this.#runs.running, ...this.#running]);
  }

  /** Takes up nothing more, gives what runs `graceMilliseconds` to end, then cuts connections. What is left stays due. */
  async close(graceMilliseconds = 5000): Promise<void> {
    this.#closing = true;
    this.#runs.close();
    this.#lines.close();
    const timer = setTimeout(() => {
      this.#isCutOff = true;
      for (const { abort } of this.#deliveries.values()) abort.abort();
    }, graceMilliseconds);
    await this.whenIdle();
    clearTimeout(timer);
  }

  #activate(message: QueueMessage, now: number, why: Why, body?: Content): void {
    this.#runs.hasTurn(message.id);
    const recipients = message.recipients.filter(({ state }) => state === 'pending' || state === 'deferred');
    const isExpired = message.nextAttempt === expiredByForce;
    const jobs = isExpired ? [] : makeJobs(message, recipients, this.#options.transports);
    const active: ActiveMessage = {
      id: message.id,
      message,
      since: now,
      isNew: why === 'new' || why === 'fresh',
      isFresh: why === 'fresh',
      isFlushed: why === 'flushed' || why === 'asked',
      jobs: [],
      jobsLeft: jobs.length,
      outcomes: undefined,
      idleIndex: -1,
      body,
    };
    this.#active.add(active);
    // The first time is logged by whoever queued it.
    if (message.attempts > 0) {
      const { log, syslogName } = this.#options;
      log.write(`${syslogName}/qmgr`, 'info', activeLine(message.id, message.sender, message.size, recipients.length));
    }
    if (isExpired) this.#expire(active, recipients);
    if (jobs.length === 0) {
      this.#active.hasBegun(active);
      this.#track(this.#settle(active));
    }
    active.jobs = jobs.flatMap((job) => this.#queuedJob(job, active) ?? []);
    for (const job of active.jobs) {
      if (why === 'asked') this.#lines.reviveFor(job);
      this.#lines.add(job);
    }
  }

  /** postsuper(1) -e: it is not tried again; what kept it back so far is what its sender is told. */
  #expire(active: ActiveMessage, recipients: readonly QueueRecipient[]): void {
    const { id, sender } = active.message;
    this.#report('info', `${id}: from=<${sender}>, status=force-expired, returned to sender`);
    for (const recipient of recipients) outcomesOf(active).set(recipient, expiredOutcome(recipient));
  }

  /** Undefined: the end of this job is known already. */
  #queuedJob(job: Job, active: ActiveMessage): QueuedJob | undefined {
    const { transport } = job;
    const isDeferred = !active.isFlushed && this.#options.deferTransports.includes(job.transportName);
    const isRetry = active.message.attempts > 0;
    if (transport && !isDeferred) return { ...job, transport, active, isRetry, isFresh: active.isFresh };
    this.#track(this.#finishUntried(job, active, isDeferred ? deferredTransport : unavailable));
    return undefined;
  }

  #suspend(job: QueuedJob, { status, reason }: DeathCertificate): void {
    const outcome = { kind: 'deferred', status, reason: `delivery temporarily suspended: ${reason}` } as const;
    this.#track(this.#finishUntried(job, job.active, outcome));
  }

  /** What no agent was asked about: error(8) says so in the log. */
  async #finishUntried(job: Job, active: ActiveMessage, outcome: RecipientOutcome): Promise<void> {
    this.#active.hasBegun(active);
    const report = { outcomes: job.recipients.map(() => outcome) };
    await this.#finish(job, active, report, this.#options.clock.now(), `${this.#options.syslogName}/error`);
  }

  /** Makes room for one: gives a message that only waits back to the store, where it stays due. False: all have begun. */
  #makeRoom(): boolean {
    const active = this.#active.giveBack(({ jobs }) => jobs.some((job) => this.#lines.isGood(job)));
    for (const job of active?.jobs ?? []) this.#lines.remove(job);
    return active !== undefined;
  }

  /** Those that have made room come back as there is room again. */
  #takeBack(): void {
    const { clock, store, activeLimit } = this.#options;
    try {
      while (this.#active.size < activeLimit && !this.#closing) {
        const given = this.#active.takeBack();
        if (!given) return;
        const now = clock.now();
        const message = store.queueMessage(given.id);
        // It may have been looked at by a scan since, and put off.
        const isDue = message && !message.hold && message.nextAttempt <= now && !this.#withheld.has(given.id);
        if (isDue && !this.#active.has(given.id)) this.#activate(message, now, given.isNew ? 'new' : 'due');
      }
    } catch (error) {
      this.#runs.hasMore = true;
      this.#report('warning', `not taken up again yet: ${String(error)}`);
    }
  }

  async #run(job: QueuedJob, ended: (death?: DeathCertificate) => void): Promise<void> {
    const { store, clock } = this.#options;
    const { active, transport, message } = job;
    const started = clock.now();
    const running: RunningDelivery = { abort: new AbortController(), isAnswered: false };
    this.#deliveries.set(job, running);
    this.#active.hasBegun(active);
    let report: DeliveryReport;
    try {
      report = await transport.agent.deliver({
        message,
        transport: job.transportName,
        nexthop: job.nexthop,
        recipients: job.recipients,
        openContent: () => (active.body ? store.openNew(active.body) : store.openContent(message.content)),
        mayBeRepeated: !active.isNew,
        signal: running.abort.signal,
        onAnswer: () => {
          running.isAnswered = true;
        },
      });
    } catch (error) {
      report = { outcomes: job.recipients.map(() => failedOutcome(error)) };
    }
    this.#deliveries.delete(job);
    if (running.abort.signal.aborted && !this.#isCutOff)
      report = { ...report, outcomes: report.outcomes.map(orGivenUp) };
    ended(report.unreachable ? report.outcomes[0] : undefined);
    await this.#finish(job, active, report, started, transport.program);
  }

  #cut(job: QueuedJob): boolean {
    const running = this.#deliveries.get(job);
    if (!running || running.isAnswered) return false;
    running.abort.abort();
    return true;
  }

  /** Records what one job achieved, and settles the message after its last one. */
  async #finish(
    job: Job,
    active: ActiveMessage,
    report: DeliveryReport,
    started: number,
    program: string,
  ): Promise<void> {
    const { message } = active;
    const outcomes = await this.#settler.recordDelivered(message, job.recipients, report, job.message);
    const setup = report.setupMilliseconds ?? 0;
    const transfer = report.transferMilliseconds ?? Math.max(0, this.#options.clock.now() - started - setup);
    const delays = [active.since - message.arrival, started - active.since, setup, transfer] as const;
    job.recipients.forEach((recipient, index) => {
      const hard = outcomes[index] ?? unavailable;
      const outcome = this.#options.softBounce ? softened(hard) : hard;
      if (outcome.kind !== 'delivered') outcomesOf(active).set(recipient, outcome);
      logAttempt(this.#options, { program, transport: job.transportName, message, recipient, outcome, delays });
    });
    active.jobsLeft--;
    if (active.jobsLeft === 0) await this.#settle(active);
  }

  async #settle(active: ActiveMessage): Promise<void> {
    const { id } = active.message;
    // Cut off by the end of the server: nothing is known, and the next start tries at once.
    if (this.#isCutOff) return;
    const next = await this.#settler.settle(active.message, outcomesOf(active), active.isCut);
    this.#active.delete(id);
    this.#leaving.get(id)?.();
    this.#leaving.delete(id);
    if (next !== undefined) this.#runs.wakeAt(next);
    this.#takeBack();
    if ((this.#runs.hasMore || this.#active.hasLostTrack) && this.#active.size <= this.#options.activeLimit / 2)
      void this.scan();
  }

  #report(level: LogLevel, text: string): void {
    this.#options.log.write(`${this.#options.syslogName}/qmgr`, level, text);
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        this.#report('panic', error instanceof Error ? (error.stack ?? error.message) : String(error));
      })
      .finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }
}

function outcomesOf(active: ActiveMessage): Map<QueueRecipient, RecipientOutcome> {
  active.outcomes ??= new Map();
  return active.outcomes;
}
