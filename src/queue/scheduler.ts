// The queue manager (Postfix's qmgr): takes what is due, brings it to the agents under the limits of each destination,
// and records what became of every recipient.
//
// A message becomes active: its recipients are grouped by transport and next hop into jobs, jobs wait in their
// destination's line, and run when the destination's window (destination.ts) and the transport's process limit have room.
// A delivered recipient is recorded durably as soon as its job ends. When all jobs of the message have ended, it is settled
// (settle.ts): refusals are recorded together with the one notice that reports them, the rest is put off by its age
// (between minimal_ and maximal_backoff_time) or, past its lifetime, bounced.
//
// What is active is only in memory: the rows stay due until they are settled. So after a crash everything unsettled is
// tried again, and all that can be repeated is an attempt whose answer had come but was not recorded. Local copies
// are made by the transaction that records them and cannot be repeated at all.
//
// Bounded: at most qmgr_message_active_limit messages are active; what does not fit stays in the store and is looked for
// when half of them are done. New mail is taken up at once, deferred mail at its time, everything when asked to flush.

import type { Clock } from '../lib/clock.ts';
import type { Log, LogLevel } from '../lib/log.ts';
import type { Mailstore, QueueMessage, QueueRecipient } from '../mailstore/types.ts';
import type { DeliveryReport, RecipientOutcome, Transport, TransportTable } from './delivery-agent.ts';
import { Destination } from './destination.ts';
import { type Job, makeJobs } from './job.ts';
import { activeLine, recipientLine } from './log-lines.ts';
import type { Forwarder } from './forwarding.ts';
import type { Notices } from './notices.ts';
import { type RetryTimes, Settler } from './settle.ts';

export interface SchedulerOptions extends RetryTimes {
  readonly store: Mailstore;
  readonly clock: Clock;
  readonly log: Log;
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
}

interface ActiveMessage {
  readonly message: QueueMessage;
  /** When it became active. */
  readonly since: number;
  /** It has come in since this server was started, and is tried for the first time. */
  readonly isNew: boolean;
  jobsLeft: number;
  /** Recipients without a final outcome recorded yet. */
  readonly outcomes: Map<QueueRecipient, RecipientOutcome>;
}

type QueuedJob = Job & { readonly active: ActiveMessage };

/** Rows read at once: the main thread serves clients in between. */
const pageLength = 100;
/** setTimeout takes no longer one. */
const maxTimerMilliseconds = 2 ** 31 - 1;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #settler: Settler;
  readonly #active = new Map<string, ActiveMessage>();
  readonly #destinations = new Map<string, Destination<QueuedJob>>();
  /** Running deliveries by transport, and destinations that wait for one of them to end. */
  readonly #busy = new Map<string, number>();
  readonly #blocked = new Map<string, Set<Destination<QueuedJob>>>();
  readonly #abort = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #timerDue = Number.POSITIVE_INFINITY;
  #hasMore = false;
  #scanning: Promise<void> | undefined;
  /** While the queue is flushed: what has had its turn. */
  #flushed: Set<string> | undefined;
  #closing = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#settler = new Settler(options);
  }

  start(): void {
    void this.scan();
  }

  /** A message has just been queued. */
  enqueue(queueId: string): void {
    if (this.#closing) return;
    if (this.#active.size >= this.#options.activeLimit) {
      this.#hasMore = true;
      return;
    }
    try {
      const message = this.#options.store.queueMessage(queueId);
      if (message && !message.hold && !this.#active.has(queueId))
        this.#activate(message, this.#options.clock.now(), true);
    } catch (error) {
      // It is durable, and whoever queued it must not hear otherwise.
      this.#hasMore = true;
      this.#report('warning', `${queueId}: not taken up yet: ${String(error)}`);
    }
  }

  /** Tries everything now, also what is put off and destinations that are taken for dead. */
  async flush(): Promise<void> {
    for (const destination of this.#destinations.values()) destination.revive();
    this.#flushed = new Set(this.#active.keys());
    await this.scan();
  }

  /** Looks for due messages now; resolves when they are active (not when they are done). */
  async scan(): Promise<void> {
    this.#scanning ??= this.#scanPages()
      .catch((error: unknown) => {
        this.#report('warning', `the queue cannot be read: ${String(error)}`);
        this.#wakeAt(this.#options.clock.now() + this.#options.minimalBackoffSeconds * 1000);
      })
      .finally(() => {
        this.#scanning = undefined;
      });
    await this.#scanning;
  }

  get activeCount(): number {
    return this.#active.size;
  }

  /** Resolves when nothing is active: for tests, and for a clean end. */
  async whenIdle(): Promise<void> {
    while (this.#scanning || this.#running.size > 0) await Promise.all([this.#scanning, ...this.#running]);
  }

  /** Takes up nothing more, gives what runs `graceMilliseconds` to end, then cuts connections. What is left stays due. */
  async close(graceMilliseconds = 5000): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#timer);
    for (const destination of this.#destinations.values()) destination.waiting.length = 0;
    const timer = setTimeout(() => this.#abort.abort(), graceMilliseconds);
    await this.whenIdle();
    clearTimeout(timer);
  }

  async #scanPages(): Promise<void> {
    const { store, clock, activeLimit, queueRunSeconds } = this.#options;
    this.#hasMore = false;
    let after: { nextAttempt: number; id: string } | undefined;
    for (;;) {
      if (this.#closing) return;
      const now = clock.now();
      const page = store.queueDue(this.#flushed ? Number.MAX_SAFE_INTEGER : now, pageLength, after);
      for (const message of page) {
        if (this.#active.has(message.id) || this.#flushed?.has(message.id)) continue;
        if (this.#active.size >= activeLimit) {
          this.#hasMore = true;
          return;
        }
        this.#activate(message, now);
      }
      const last = page.at(-1);
      if (!last || page.length < pageLength || (after && last.id === after.id)) break;
      after = { nextAttempt: last.nextAttempt, id: last.id };
      await new Promise(setImmediate);
    }
    this.#flushed = undefined;
    const now = clock.now();
    for (const [key, destination] of this.#destinations) if (destination.isIdle(now)) this.#destinations.delete(key);
    this.#wakeAt(now + queueRunSeconds * 1000);
    const next = store.queueNextAttempt();
    if (next !== undefined && next > now) this.#wakeAt(next);
  }

  #wakeAt(due: number): void {
    if (this.#closing || due >= this.#timerDue) return;
    clearTimeout(this.#timer);
    this.#timerDue = due;
    const delay = Math.min(Math.max(0, due - this.#options.clock.now()), maxTimerMilliseconds);
    this.#timer = setTimeout(() => {
      this.#timerDue = Number.POSITIVE_INFINITY;
      void this.scan();
    }, delay);
    this.#timer.unref();
  }

  #activate(message: QueueMessage, now: number, isNew = false): void {
    this.#flushed?.add(message.id);
    const recipients = message.recipients.filter(({ state }) => state === 'pending' || state === 'deferred');
    const jobs = makeJobs(message, recipients, this.#options.transports);
    const active: ActiveMessage = { message, since: now, isNew, jobsLeft: jobs.length, outcomes: new Map() };
    this.#active.set(message.id, active);
    // The first time is logged by whoever queued it.
    if (message.attempts > 0) {
      const { log, syslogName } = this.#options;
      log.write(`${syslogName}/qmgr`, 'info', activeLine(message.id, message.sender, message.size, recipients.length));
    }
    if (jobs.length === 0) this.#track(this.#settle(active));
    for (const job of jobs) this.#enqueueJob({ ...job, active });
  }

  #enqueueJob(job: QueuedJob): void {
    if (!job.transport) {
      const report = { outcomes: job.recipients.map(() => unavailable) };
      this.#track(this.#finish(job, report, this.#options.clock.now(), this.#errorProgram));
      return;
    }
    const key = `${job.transportName}:${job.destination}`;
    let destination = this.#destinations.get(key);
    if (!destination) {
      destination = new Destination(key, job.transport);
      this.#destinations.set(key, destination);
    }
    destination.waiting.push(job);
    this.#pump(destination, job.transport);
  }

  /** Who says, in the log, what no agent was asked about. */
  get #errorProgram(): string {
    return `${this.#options.syslogName}/error`;
  }

  /** Starts what may run now. */
  #pump(destination: Destination<QueuedJob>, transport: Transport): void {
    while (!this.#closing && destination.waiting.length > 0) {
      const now = this.#options.clock.now();
      const death = destination.death(now);
      const busy = this.#busy.get(transport.name) ?? 0;
      if (!death && !destination.hasRoom) return;
      if (!death && busy >= transport.processLimit) {
        const blocked = this.#blocked.get(transport.name) ?? new Set();
        this.#blocked.set(transport.name, blocked.add(destination));
        return;
      }
      const job = destination.waiting.shift();
      if (!job) return;
      if (death) {
        const reason = `delivery temporarily suspended: ${death.reason}`;
        const outcome = { kind: 'deferred', status: death.status, reason } as const;
        this.#track(this.#finish(job, { outcomes: job.recipients.map(() => outcome) }, now, this.#errorProgram));
        continue;
      }
      destination.busy++;
      this.#busy.set(transport.name, busy + 1);
      this.#track(this.#run(job, transport, destination));
    }
  }

  async #run(job: QueuedJob, transport: Transport, destination: Destination<QueuedJob>): Promise<void> {
    const { store, clock, minimalBackoffSeconds } = this.#options;
    const { message } = job.active;
    const started = clock.now();
    let report: DeliveryReport;
    try {
      report = await transport.agent.deliver({
        message,
        transport: job.transportName,
        nexthop: job.nexthop,
        recipients: job.recipients,
        openContent: () => store.openContent(message.content),
        mayBeRepeated: !job.active.isNew,
        signal: this.#abort.signal,
      });
    } catch (error) {
      const outcome = {
        kind: 'deferred',
        status: '4.3.0',
        reason: error instanceof Error ? error.message : 'failed',
      } as const;
      report = { outcomes: job.recipients.map(() => outcome) };
    }
    const [first] = report.outcomes;
    if (report.unreachable && first) destination.failed(first, clock.now() + minimalBackoffSeconds * 1000);
    else destination.succeeded();
    destination.busy--;
    this.#busy.set(transport.name, (this.#busy.get(transport.name) ?? 1) - 1);
    this.#pump(destination, transport);
    this.#pumpBlocked(transport);
    await this.#finish(job, report, started, transport.program);
  }

  #pumpBlocked(transport: Transport): void {
    const blocked = this.#blocked.get(transport.name);
    for (const destination of blocked ?? []) {
      if ((this.#busy.get(transport.name) ?? 0) >= transport.processLimit) return;
      blocked?.delete(destination);
      this.#pump(destination, transport);
    }
  }

  /** Records what one job achieved, and settles the message after its last one. */
  async #finish(job: QueuedJob, report: DeliveryReport, started: number, program: string): Promise<void> {
    const { active } = job;
    const { message } = active;
    const outcomes = await this.#settler.recordDelivered(message, job.recipients, report);
    const setup = report.setupMilliseconds ?? 0;
    const transfer = report.transferMilliseconds ?? Math.max(0, this.#options.clock.now() - started - setup);
    const delays = [active.since - message.arrival, started - active.since, setup, transfer] as const;
    job.recipients.forEach((recipient, index) => {
      const outcome = this.#softened(outcomes[index] ?? unavailable);
      if (outcome.kind !== 'delivered') active.outcomes.set(recipient, outcome);
      this.#options.log.write(program, 'info', recipientLine(message.id, recipient, outcome, delays));
    });
    active.jobsLeft--;
    if (active.jobsLeft === 0) await this.#settle(active);
  }

  #softened(outcome: RecipientOutcome): RecipientOutcome {
    if (!this.#options.softBounce || outcome.kind !== 'bounced') return outcome;
    return { ...outcome, kind: 'deferred', status: `4${outcome.status.slice(1)}` };
  }

  async #settle(active: ActiveMessage): Promise<void> {
    const { id } = active.message;
    // Cut off by the end of the server: nothing is known, and the next start tries at once.
    if (this.#abort.signal.aborted) return;
    const next = await this.#settler.settle(active.message, active.outcomes);
    this.#active.delete(id);
    if (next !== undefined) this.#wakeAt(next);
    if (this.#hasMore && this.#active.size <= this.#options.activeLimit / 2) void this.scan();
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

const unavailable: RecipientOutcome = { kind: 'deferred', status: '4.3.0', reason: 'mail transport unavailable' };
