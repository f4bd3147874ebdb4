// What a host must do that no mail asks for: a minute after the start and then daily. It says what the directory
// allows but an administrator should know, deletes the mail of removed mailboxes whose recovery time is over, and
// forgets which files of the maildrop have been taken, long after they are gone.

import type { Directory } from '../directory/directory.ts';
import type { Clock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import type { Mailstore } from '../mailstore/types.ts';

export interface UpkeepOptions {
  readonly directory: Pick<Directory, 'findings' | 'mailboxes'>;
  readonly store: Pick<Mailstore, 'removeMailbox' | 'forgetOnce'>;
  readonly clock: Clock;
  readonly log: ProgramLog;
}

/** Who waits for mail at the start comes first. */
const firstMilliseconds = 60_000;
const dayMilliseconds = 86_400_000;
const onceMilliseconds = 30 * dayMilliseconds;
/** A log line each; the rest is counted. */
const maxFindings = 20;

export class Upkeep {
  readonly #options: UpkeepOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #isClosing = false;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  start(): void {
    this.#after(firstMilliseconds);
  }

  #after(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      this.#running = this.run();
      this.#after(dayMilliseconds);
    }, milliseconds);
    this.#timer.unref();
  }

  /** Never rejects: what failed is tried again a day later. */
  async run(): Promise<void> {
    const { store, clock, log } = this.#options;
    try {
      await this.#reportFindings();
      await this.#purgeMailboxes();
      await store.forgetOnce(clock.now() - onceMilliseconds);
    } catch (error) {
      log.warning(`daily upkeep: ${error instanceof Error ? error.message : String(error)}; tried again in a day`);
    }
  }

  async #reportFindings(): Promise<void> {
    const findings = await this.#options.directory.findings();
    for (const { text } of findings.slice(0, maxFindings)) this.#options.log.warning(text);
    const more = findings.length - maxFindings;
    if (more > 0) this.#options.log.warning(`and ${more} more of the kind: posthaste lint`);
  }

  async #purgeMailboxes(): Promise<void> {
    const { directory, store, clock, log } = this.#options;
    for (;;) {
      const due = await directory.mailboxes.purgeable(clock.now());
      if (due.length === 0) return;
      for (const { id, address } of due) {
        if (this.#isClosing) return;
        // First the mail: after a crash in between the mailbox is still listed, and this is done again.
        await store.removeMailbox(id);
        await directory.mailboxes.purge(id);
        log.info(`${address}: removed mailbox deleted with its mail, its recovery time is over`);
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    await this.#running;
  }
}
