// One fault run: a server on a fresh folder with every delivery agent in play, loaded, cut down and started again as often
// as asked, on the same data. After some rounds all that is new in mailboxes is read by IMAP and judged; at the end the
// queue is left to empty itself, and everything is counted.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSqlite } from '../../src/database/sqlite.ts';
import { takeCensus } from '../../src/mailstore/take-census.ts';
import { openStoreReader } from '../../src/mailstore/store-reader.ts';
import { fillDirectory } from '../harness/fill-directory.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { Random } from '../harness/random.ts';
import { type Arrival, isClean, type Judgement, Ledger } from './ledger.ts';
import { Load } from './load.ts';
import { compilePowerCutShim, PowerCut } from './power-cut.ts';
import { aliases, domain, listedMailboxes, mailboxes, senders } from './recipients.ts';
import { Services } from './services.ts';
import { type CutPoint, isStep, stepEnvironment } from './steps.ts';
import { endStragglers, markVariable } from './stragglers.ts';
import type { Cut } from './repetition.ts';
import { MailboxReader } from './verify.ts';

export interface FaultRunOptions {
  /** Emptied first. */
  readonly folder: string;
  readonly rounds: number;
  readonly kind: 'kill' | 'power-cut';
  readonly seed: number;
  /** `posthaste_store_synchronous`: NORMAL must make a power-cut run fail. */
  readonly synchronous: 'FULL' | 'NORMAL';
  /** Taken in turn; steps need a C compiler. */
  readonly points: readonly CutPoint[];
  readonly sessions?: number;
  /** The server is cut down after this many milliseconds of load, at random between the two, if no step has ended it. */
  readonly loadMilliseconds?: readonly [number, number];
  /** Mailboxes are looked at after every so many rounds. */
  readonly lookEvery?: number;
  /** How long the queue may take to empty itself at the end. */
  readonly longestDrainMilliseconds?: number;
  readonly report?: (line: string) => void;
}

export interface FaultRunResult {
  readonly judgement: Judgement;
  /** How often the server was ended at each point: a step that a round did not come to counts as random. */
  readonly cuts: ReadonlyMap<CutPoint, number>;
  /** Replies other than 250 and how often they came. */
  readonly refusals: ReadonlyMap<string, number>;
}

const password = 'fault-run-password';
const churnMailbox = `churn@${domain}`;
const readMailboxes = [...mailboxes, ...listedMailboxes, churnMailbox];
const isRoot = process.getuid?.() === 0;
/** A server that has just been started delivers nothing yet. */
const shortestStartMilliseconds = 200;

export class FaultRun {
  readonly #options: FaultRunOptions;
  readonly #random: Random;
  readonly #ledger = new Ledger();
  readonly #refusals = new Map<string, number>();
  readonly #cuts = new Map<CutPoint, number>();
  readonly #cutTimes: Cut[] = [];
  readonly #services: Services;
  #server!: PosthasteProcess;
  #reader!: MailboxReader;
  #library = '';
  #powerCut: PowerCut | undefined;

  constructor(options: FaultRunOptions) {
    this.#options = { ...options, folder: resolve(options.folder) };
    this.#random = new Random(options.seed);
    const { folder, rounds } = this.#options;
    this.#services = new Services({ folder, maildirFolder: this.#maildirFolder, rounds, random: this.#random });
  }

  /** What a power cut takes from: the data folder, and the Maildirs beside it. */
  get #liveFolder(): string {
    return join(this.#options.folder, 'live');
  }

  get #maildirFolder(): string {
    return join(this.#liveFolder, 'maildirs');
  }

  /** Goes on after a broken promise, so that its extent is seen, but not beyond the rounds asked for. */
  async run(): Promise<FaultRunResult> {
    await this.#prepare();
    try {
      for (let round = 1; round <= this.#options.rounds; round++) await this.#runRound(round);
      const stuck = await this.#drain();
      const judgement = await this.#lookAtEverything();
      judgement.lost.push(...stuck);
      await this.#server.stop();
      return { judgement, cuts: this.#cuts, refusals: this.#refusals };
    } finally {
      await this.#server.kill();
      await this.#endStragglers();
      await this.#services.close();
    }
  }

  async #prepare(): Promise<void> {
    const { folder, kind, synchronous, points } = this.#options;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    mkdirSync(this.#liveFolder);
    // Others than root must get through.
    for (const one of [folder, this.#liveFolder]) chmodSync(one, 0o755);
    await this.#services.open();
    this.#server = await PosthasteProcess.create({
      folder,
      dataFolder: join(this.#liveFolder, 'data'),
      services: this.#services.services,
      environment: { [markVariable]: folder },
      settings: {
        ...this.#services.settings,
        posthaste_store_synchronous: synchronous,
        // What a power cut leaves is put back as root's.
        ...(isRoot && kind === 'kill' ? { posthaste_user: 'nobody' } : {}),
      },
    });
    await fillDirectory(this.#server, { mailboxes: [...readMailboxes, ...senders], aliases, password });
    this.#reader = new MailboxReader({ port: this.#server.imapPort, password });
    if (kind === 'power-cut' || points.some(isStep)) this.#library = compilePowerCutShim(folder);
    if (kind === 'power-cut') {
      const record = join(folder, 'record');
      this.#powerCut = new PowerCut({ live: this.#liveFolder, record, library: this.#library });
    }
    // The first start makes the data folder; what it made is then taken for durable.
    await this.#server.start();
    for (const mailbox of mailboxes) await this.#reader.read(mailbox);
    await this.#server.stop();
  }

  async #startServer(round: number, point: CutPoint): Promise<void> {
    if (this.#powerCut) {
      await this.#endStragglers();
      this.#powerCut.begin();
    }
    const last = this.#cutTimes.at(-1);
    if (last) last.until = Date.now() + shortestStartMilliseconds;
    // In half of the rounds some unsynced changes reach the disk all the same, in any order.
    const survivePercent = round % 2 === 1 ? 30 : 0;
    await this.#server.start({
      ...this.#powerCut?.environment(survivePercent),
      ...(isStep(point) ? stepEnvironment(point, this.#library, this.#random) : {}),
    });
  }

  async #runRound(round: number): Promise<void> {
    const { rounds, kind, lookEvery = 10, report = () => undefined } = this.#options;
    const point = this.#options.points[round % this.#options.points.length] ?? 'random';
    const reached = point === 'start' ? await this.#cutWhileStarting(round) : await this.#cutUnderLoad(round, point);
    this.#cuts.set(reached, (this.#cuts.get(reached) ?? 0) + 1);
    if (this.#powerCut) {
      await this.#endStragglers();
      this.#powerCut.restore();
      this.#giveBack();
    } else if (this.#random.chance(30)) await this.#endStragglers();
    if (round % lookEvery !== 0 && round !== rounds) return;
    await this.#startServer(round, 'random');
    this.#checkBooks();
    const judgement = await this.#judge(false);
    await this.#cut();
    const { accepted, lost, doubled, damaged, unexpected } = judgement;
    const verdict = isClean(judgement)
      ? 'all there'
      : `${lost.length} lost, ${doubled.length} doubled, ${damaged.length} damaged, ${unexpected.length} unexpected`;
    report(`${kind} ${round}/${rounds}: ${accepted} accepted so far, ${verdict}`);
  }

  /** Recovery is cut down too. */
  async #cutWhileStarting(round: number): Promise<CutPoint> {
    const starting = this.#startServer(round, 'start').catch(() => undefined);
    await sleep(this.#random.between(100, 1_000));
    await this.#cut();
    await starting;
    // It may have begun only now.
    await this.#server.kill();
    return 'start';
  }

  /** Returns where the server was ended. */
  async #cutUnderLoad(round: number, point: CutPoint): Promise<CutPoint> {
    try {
      await this.#startServer(round, point);
    } catch (error) {
      // What was left of earlier rounds may bring it to the step while it starts.
      if (!isStep(point) || this.#server.isRunning) throw error;
    }
    const { sessions = 10, loadMilliseconds = [100, 1_500] } = this.#options;
    const load = new Load({
      smtpPort: this.#server.smtpPort,
      imapPort: this.#server.imapPort,
      ledger: this.#ledger,
      random: this.#random,
      round,
      churnMailbox,
      password,
      sessions,
    });
    load.start();
    const time = this.#random.between(...loadMilliseconds);
    // A step has its time to come.
    await Promise.race([this.#server.whenEnded(), sleep(isStep(point) ? 1_000 + time : time)]);
    const reached = this.#server.isRunning ? 'random' : point;
    const ended = load.stop();
    await this.#cut();
    await ended;
    for (const [text, count] of load.refusals) this.#refusals.set(text, (this.#refusals.get(text) ?? 0) + count);
    this.#server.note(`round ${round}: cut at ${reached}`);
    return reached;
  }

  async #cut(): Promise<void> {
    this.#cutTimes.push({ at: Date.now(), until: Number.POSITIVE_INFINITY });
    await this.#server.kill();
  }

  async #endStragglers(): Promise<void> {
    await endStragglers({ mark: this.#options.folder, program: this.#services.program });
  }

  /** After a power cut: what was put back is root's, and for root only. */
  #giveBack(): void {
    const { owner } = this.#services;
    chmodSync(this.#liveFolder, 0o755);
    if (owner !== undefined) execFileSync('chown', ['-R', `${owner}:${owner}`, this.#maildirFolder]);
  }

  /** Leaves the server alone until nothing is queued; what stays is told. */
  async #drain(): Promise<string[]> {
    await this.#startServer(this.#options.rounds, 'random');
    const { longestDrainMilliseconds = 120_000 } = this.#options;
    for (const deadline = Date.now() + longestDrainMilliseconds; Date.now() < deadline; await sleep(200)) {
      if (this.#queued().length === 0) return [];
    }
    return this.#queued();
  }

  #queued(): string[] {
    const store = openStoreReader(this.#server.dataFolder);
    try {
      const waiting = store?.queueList('', 10) ?? [];
      return waiting.map(({ id, recipients }) => {
        const states = recipients.map(({ recipient, state, reason }) => `${recipient} ${state} (${reason})`);
        return `still queued: ${id} for ${states.join(', ')}`;
      });
    } finally {
      store?.close();
    }
  }

  /** Whoever was accepted is in the queue or has an outcome: the server's own accounting, read from its database. */
  #checkBooks(): void {
    const file = join(this.#server.dataFolder, 'store.db');
    const database = openSqlite(file, { readonly: true, busyTimeout: 5_000 });
    try {
      const census = takeCensus(database, Date.now(), Number.MAX_SAFE_INTEGER - 1);
      if (census?.mismatch !== 0) throw new Error(`the accounting is wrong: ${JSON.stringify(census)}`);
    } finally {
      database.close();
    }
  }

  async #lookAtEverything(): Promise<Judgement> {
    this.#reader.forget();
    return this.#judge(true);
  }

  async #judge(isDrained: boolean): Promise<Judgement> {
    const arrivals: Arrival[] = isDrained ? this.#services.arrivals() : [];
    for (const mailbox of readMailboxes) arrivals.push(...(await this.#reader.read(mailbox)));
    if (isDrained) for (const sender of senders) arrivals.push(...(await this.#reader.read(sender, 'notices')));
    return this.#ledger.judge(arrivals, { isDrained, cuts: this.#cutTimes });
  }
}
