// A queue on a real store, with a clock that tests move, a table of mailboxes, and routing by a small map of domains.

import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { FakeClock } from '../../src/lib/clock.ts';
import { MemoryLog, ProgramLog } from '../../src/lib/log.ts';
import { TemporaryError } from '../../src/lib/temporary-error.ts';
import { openMailstore, type SqliteMailstore } from '../../src/mailstore/store.ts';
import type { QueueMessage } from '../../src/mailstore/types.ts';
import { MailstoreAgent } from '../../src/delivery/mailstore.ts';
import { ErrorAgent } from '../../src/delivery/error.ts';
import type {
  DeliveryAgent,
  DeliveryReport,
  DeliveryRequest,
  Forward,
  RecipientOutcome,
  Transport,
} from '../../src/queue/delivery-agent.ts';
import { Forwarder } from '../../src/queue/forwarding.ts';
import { readNoticePolicy } from '../../src/queue/notice-policy.ts';
import { Notices } from '../../src/queue/notices.ts';
import type { LocalMailbox } from '../../src/queue/plan.ts';
import { Scheduler } from '../../src/queue/scheduler.ts';
import { Queue } from '../../src/queue/submit.ts';
import { Settings } from '../../src/settings/settings.ts';
import type { Submission } from '../../src/queue/types.ts';
import type { Delivery } from '../../src/routing/types.ts';

/** Answers as a test says; by default everything is delivered. */
export class ScriptedAgent implements DeliveryAgent {
  readonly requests: DeliveryRequest[] = [];
  running = 0;
  mostRunning = 0;
  answer: (recipient: string, request: DeliveryRequest) => RecipientOutcome = () => sent;
  unreachable = false;
  /** While set, deliveries wait for it. */
  gate: Promise<void> | undefined;

  async deliver(request: DeliveryRequest): Promise<DeliveryReport> {
    this.requests.push(request);
    this.running++;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    await this.gate;
    this.running--;
    const outcomes = request.recipients.map(({ recipient }) => this.answer(recipient, request));
    return { outcomes, unreachable: this.unreachable };
  }
}

export class ListAgent implements DeliveryAgent {
  forwards: readonly Forward[] = [];

  async deliver({ recipients }: DeliveryRequest): Promise<DeliveryReport> {
    const outcome = { kind: 'delivered', status: '2.0.0', reason: 'forwarded', relay: 'local' } as const;
    return { outcomes: recipients.map(() => outcome), forwards: this.forwards };
  }
}

export const sent: RecipientOutcome = {
  kind: 'delivered',
  status: '2.0.0',
  reason: '250 Ok',
  relay: 'mx[192.0.2.1]:25',
};
export const later: RecipientOutcome = { kind: 'deferred', status: '4.2.0', reason: 'come later', relay: 'none' };
export const never: RecipientOutcome = { kind: 'bounced', status: '5.1.1', reason: 'no such user', relay: 'none' };

export const text = 'From: a@b.example\r\nSubject: hi\r\n\r\nBody text\r\n';

export interface Overrides {
  readonly activeLimit?: number;
  readonly delayWarningSeconds?: number;
  readonly lifetimeSeconds?: number;
  readonly softBounce?: boolean;
  readonly deferTransports?: readonly string[];
  readonly limits?: Partial<Omit<Transport, 'name' | 'program' | 'agent' | 'isMailstore'>>;
}

const shared: { folder: string | undefined; store: SqliteMailstore | undefined; firstMailbox: number } = {
  folder: undefined,
  store: undefined,
  firstMailbox: 0,
};

export class Harness {
  readonly folder: string;
  readonly overrides: Overrides;
  clock = new FakeClock();
  log = new MemoryLog();
  readonly remote = new ScriptedAgent();
  /** Sends on what comes to it, as local(8) does with an alias. */
  readonly list = new ListAgent();
  readonly mailboxes = new Map<string, LocalMailbox>([['ann@local.example', { id: 1, quotaBytes: 0 }]]);
  /** Domains that are local; everything else goes by smtp. */
  readonly local = new Set(['local.example', 'alias.example']);
  /** The directory does not answer. */
  isSilent = false;
  revision = 1;
  /** Of main.cf, for notices. */
  settings: Record<string, string> = { myhostname: 'mx.example.com', compatibility_level: '3.6' };
  redecide = (recipient: string): Promise<Delivery[]> => this.route(recipient);
  rewriteSender = (sender: string): string => sender;
  store!: SqliteMailstore;
  queue!: Queue;
  scheduler!: Scheduler;

  private constructor(folder: string, overrides: Overrides) {
    this.folder = folder;
    this.overrides = overrides;
  }

  /** Tests of one file share a store, each with mailboxes of its own: opening one takes longer than most tests. */
  static async open(overrides: Overrides = {}): Promise<Harness> {
    shared.folder ??= await fs.mkdtemp(path.join(os.tmpdir(), 'queue-'));
    shared.firstMailbox += 10;
    const harness = new Harness(shared.folder, overrides);
    await harness.start();
    return harness;
  }

  /** After the last test of a file. */
  static async end(): Promise<void> {
    await shared.store?.close();
    if (shared.folder) await fs.rm(shared.folder, { recursive: true, force: true });
    shared.store = undefined;
    shared.folder = undefined;
  }

  async start(): Promise<void> {
    this.store = shared.store ??= await openMailstore({
      folder: this.folder,
      inlineLimit: 4096,
      // What is tested here is not the disk.
      synchronous: 'NORMAL',
      log: new ProgramLog(this.log, 'postfix/mailstore'),
      onBroken: (error) => {
        throw error;
      },
    });
    const { store, clock, log } = this;
    const mailboxes = { mailboxByAddress: (recipient: string) => this.#mailbox(recipient) };
    const transports = this.transports(mailboxes);
    const common = { store, clock, log, syslogName: 'postfix', transports, mailboxes };
    const onQueued = (id: string) => this.scheduler.enqueue(id);
    const times = {
      delayWarningSeconds: this.overrides.delayWarningSeconds ?? 0,
      lifetimeSeconds: this.overrides.lifetimeSeconds ?? 5 * 86400,
    };
    this.queue = new Queue({
      ...common,
      redecide: (recipient) => this.redecide(recipient),
      rewriteSender: async (sender) => this.rewriteSender(sender),
      revision: () => this.revision,
      reportExpansions: (message, expanded) => notices.prepare('success', message, expanded),
      byOriginalRecipient: true,
      filterDefaults: { nexthop: '', hostname: 'mx.example.com' },
      onQueued,
    });
    const making = {
      ...common,
      route: (recipient: string) => this.route(recipient),
      newQueueId: () => this.queue.newQueueId(),
      onQueued,
      hostname: 'mx.example.com',
      mailName: 'Postfix',
    };
    const notices = new Notices({
      ...making,
      policy: () =>
        readNoticePolicy(Settings.defaults(this.settings), (text) => log.write('postfix/bounce', 'warning', text)),
      standardForm: (address) => (address.includes('@') ? address : `${address}@local.example`),
    });
    this.scheduler = new Scheduler({
      ...common,
      ...times,
      notices,
      forwarder: new Forwarder(making),
      bounceLifetimeSeconds: 5 * 86400,
      minimalBackoffSeconds: 300,
      maximalBackoffSeconds: 4000,
      activeLimit: this.overrides.activeLimit ?? 1000,
      queueRunSeconds: 300,
      softBounce: this.overrides.softBounce ?? false,
      deferTransports: this.overrides.deferTransports ?? [],
    });
  }

  /** Ends without a word, as a crash does; the store alone survives. */
  async restart(): Promise<void> {
    await this.scheduler.close(0);
    await this.crash();
    await this.start();
  }

  async crash(): Promise<void> {
    await this.store.close();
    shared.store = undefined;
  }

  async close(): Promise<void> {
    await this.scheduler.close(0);
    await this.store.removeFromQueue(this.queued().map(({ id }) => id));
  }

  transports(mailboxes: { mailboxByAddress(recipient: string): Promise<LocalMailbox | undefined> }) {
    const limits = {
      processLimit: 100,
      givesSlowSlotsAway: false,
      recipientLimit: 50,
      concurrencyLimit: 20,
      initialConcurrency: 5,
      positiveFeedback: { base: 1, by: 'nothing' } as const,
      negativeFeedback: { base: 1, by: 'nothing' } as const,
      failedCohortLimit: 1,
      rateDelayMilliseconds: 0,
      transportRateDelayMilliseconds: 0,
      ...this.overrides.limits,
    };
    const agents: Record<string, DeliveryAgent> = {
      smtp: this.remote,
      error: new ErrorAgent('bounced'),
      list: this.list,
      mailstore: new MailstoreAgent({ mailboxes, usage: this.store, clock: this.clock, waitsForRoom: false }),
    };
    return {
      find(name: string): Transport | undefined {
        const agent = agents[name];
        if (!agent) return undefined;
        return { name, program: `postfix/${name}`, agent, isMailstore: name === 'mailstore', ...limits };
      },
    };
  }

  async route(recipient: string): Promise<Delivery[]> {
    if (recipient.endsWith('@broken.example')) throw new TemporaryError('the table is silent');
    if (this.isSilent) throw new TemporaryError('the directory is silent');
    const domain = recipient.slice(recipient.lastIndexOf('@') + 1);
    const target = recipient.replace('@alias.example', '@local.example');
    const transport = this.local.has(domain)
      ? 'mailstore'
      : domain === 'odd.example'
        ? 'odd'
        : domain === 'list.example'
          ? 'list'
          : 'smtp';
    return [{ recipient: target, original: recipient, transport, nexthop: domain }];
  }

  async #mailbox(recipient: string): Promise<LocalMailbox | undefined> {
    if (this.isSilent) throw new TemporaryError('the directory is silent');
    const mailbox = this.mailboxes.get(recipient.replace(/\+[^@]*/, ''));
    return mailbox && { ...mailbox, id: mailbox.id + shared.firstMailbox };
  }

  async submission(
    recipients: readonly string[],
    fields: Partial<Submission> & { notify?: string; body?: string } = {},
  ): Promise<Submission> {
    const writer = this.store.contentWriter();
    await writer.write(Buffer.from(fields.body ?? text));
    const content = await writer.finish();
    const decided = [];
    for (const original of recipients) {
      decided.push({ original, notify: fields.notify ?? '', orcpt: '', deliveries: await this.route(original) });
    }
    return {
      queueId: this.queue.newQueueId(),
      sender: 'joe@away.example',
      recipients: decided,
      content,
      ret: '',
      envid: '',
      smtputf8: false,
      eightBit: false,
      arrival: this.clock.now(),
      ...fields,
    };
  }

  /** Submits, and waits until everything that can be done at once is done. Returns the queue id. */
  async send(
    recipients: readonly string[],
    fields: Partial<Submission> & { notify?: string; body?: string } = {},
  ): Promise<string> {
    const submission = await this.submission(recipients, fields);
    await this.queue.submit(submission);
    await this.scheduler.whenIdle();
    return submission.queueId;
  }

  /** Moves the clock and lets the scheduler look. */
  async pass(seconds: number): Promise<void> {
    this.clock.advance(seconds * 1000);
    await this.scheduler.scan();
    await this.scheduler.whenIdle();
  }

  queued(): QueueMessage[] {
    return this.store.queueList('', 500);
  }

  /** The messages in a mailbox's INBOX, whole. */
  async inbox(mailbox: number): Promise<string[]> {
    const folder = this.store.folders(mailbox + shared.firstMailbox).find(({ name }) => name === 'INBOX');
    if (!folder) return [];
    const messages: string[] = [];
    for (const { content } of this.store.messages(folder.id, 0, 500)) {
      const reader = this.store.openContent(content);
      messages.push(Buffer.from(await reader.readAll()).toString());
      await reader.close();
    }
    return messages;
  }

  /** Log lines that contain `part`. */
  logged(part: string): string[] {
    return this.log.lines.filter((line) => line.includes(part));
  }
}
