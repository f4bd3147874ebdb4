// One fault run: a server on a fresh folder, loaded, cut down and started again as often as asked, on the same data.
// After every round all that is new is read by IMAP and judged; at the end everything is read again.

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSqlite } from '../../src/database/sqlite.ts';
import { takeCensus } from '../../src/mailstore/take-census.ts';
import { fillDirectory } from '../harness/fill-directory.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { Random } from '../harness/random.ts';
import { type FoundCopy, isClean, type Judgement, Ledger } from './ledger.ts';
import { Load } from './load.ts';
import { compilePowerCutShim, PowerCut } from './power-cut.ts';
import { MailboxReader } from './verify.ts';

export interface FaultRunOptions {
  /** Emptied first. */
  readonly folder: string;
  readonly rounds: number;
  readonly kind: 'kill' | 'power-cut';
  readonly seed: number;
  /** `posthaste_store_synchronous`: NORMAL must make a power-cut run fail. */
  readonly synchronous: 'FULL' | 'NORMAL';
  readonly sessions?: number;
  /** The server is cut down after this many milliseconds of load, at random between the two. */
  readonly loadMilliseconds?: readonly [number, number];
  readonly report?: (line: string) => void;
}

export interface FaultRunResult {
  readonly judgement: Judgement;
  readonly rounds: number;
  /** Replies other than 250 and how often they came. */
  readonly refusals: ReadonlyMap<string, number>;
}

const password = 'fault-run-password';
const domain = 'fault.test';
const mailboxes = Array.from({ length: 8 }, (_, index) => `box${index}@${domain}`);
const churnMailbox = `churn@${domain}`;
const aliases: Record<string, string> = {
  [`alias0@${domain}`]: `box0@${domain}`,
  [`alias1@${domain}`]: `box1@${domain}`,
};

export class FaultRun {
  readonly #options: FaultRunOptions;
  readonly #random: Random;
  readonly #ledger = new Ledger();
  readonly #refusals = new Map<string, number>();
  #server!: PosthasteProcess;
  #reader!: MailboxReader;
  #powerCut: PowerCut | undefined;

  constructor(options: FaultRunOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  /** Goes on after a broken promise, so that its extent is seen, but not beyond the rounds asked for. */
  async run(): Promise<FaultRunResult> {
    await this.#prepare();
    try {
      for (let round = 1; round <= this.#options.rounds; round++) await this.#runRound(round);
      const judgement = await this.#lookAtEverything();
      await this.#server.stop();
      return { judgement, rounds: this.#options.rounds, refusals: this.#refusals };
    } finally {
      await this.#server.kill();
    }
  }

  async #prepare(): Promise<void> {
    const { folder, kind, synchronous } = this.#options;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    this.#server = await PosthasteProcess.create({
      folder,
      settings: { posthaste_store_synchronous: synchronous },
    });
    await fillDirectory(this.#server, { mailboxes: [...mailboxes, churnMailbox], aliases, password });
    this.#reader = new MailboxReader({ port: this.#server.imapPort, password });
    if (kind === 'power-cut') {
      const library = compilePowerCutShim(folder);
      this.#powerCut = new PowerCut({ live: this.#server.dataFolder, record: join(folder, 'record'), library });
    }
    // The first start makes the data folder; what it made is then taken for durable.
    await this.#server.start();
    for (const mailbox of mailboxes) await this.#reader.read(mailbox);
    await this.#server.stop();
    await this.#startServer(0);
  }

  async #startServer(round: number): Promise<void> {
    this.#powerCut?.begin();
    // In half of the rounds some unsynced changes reach the disk all the same, in any order.
    const survivePercent = round % 2 === 1 ? 30 : 0;
    await this.#server.start(this.#powerCut?.environment(survivePercent) ?? {});
  }

  async #runRound(round: number): Promise<void> {
    const { sessions = 10, loadMilliseconds = [100, 1_500], report = () => undefined } = this.#options;
    const load = new Load({
      smtpPort: this.#server.smtpPort,
      imapPort: this.#server.imapPort,
      ledger: this.#ledger,
      random: this.#random,
      round,
      mailboxes,
      aliases,
      churnMailbox,
      password,
      sessions,
    });
    load.start();
    await sleep(this.#random.between(...loadMilliseconds));
    this.#server.note(`round ${round}: cut`);
    const ended = load.stop();
    await this.#server.kill();
    await ended;
    for (const [text, count] of load.refusals) this.#refusals.set(text, (this.#refusals.get(text) ?? 0) + count);
    this.#powerCut?.restore();
    await this.#startServer(round);
    this.#checkBooks();
    const judgement = this.#ledger.judge(await this.#readAll());
    const { accepted, lost, doubled, damaged, unexpected } = judgement;
    const verdict = isClean(judgement)
      ? 'all there'
      : `${lost.length} lost, ${doubled.length} doubled, ${damaged.length} damaged, ${unexpected.length} unexpected`;
    report(`${this.#options.kind} ${round}/${this.#options.rounds}: ${accepted} accepted so far, ${verdict}`);
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
    return this.#ledger.judge(await this.#readAll());
  }

  async #readAll(): Promise<FoundCopy[]> {
    const copies: FoundCopy[] = [];
    for (const mailbox of [...mailboxes, churnMailbox]) copies.push(...(await this.#reader.read(mailbox)));
    return copies;
  }
}
