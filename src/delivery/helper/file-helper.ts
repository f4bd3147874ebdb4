// The file helper: writes mail into Maildirs and mbox files under the uid of their owners. It is started by the server
// while that is still root, has no network, and reads no mail. Paths, uids and limits come from the server, which has
// checked them; uid 0 is refused here once more.
//
// Whatever depends on the uid is one synchronous call between taking and giving back that uid, so that nothing
// else can run under it. Only fsync, which asks for no rights, runs in the thread pool: several mailboxes sync at once.

import { fsync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { getSystemErrorMap, promisify } from 'node:util';
import { systemClock } from '../../lib/clock.ts';
import { MaildirMessage } from '../../maildir/maildir.ts';
import { MboxAppend } from '../../maildir/mbox.ts';
import type { Failure, FileJob, FileOutcome } from './protocol.ts';
import { type HelperJob, serveJobs } from './serve-jobs.ts';

const sync = promisify(fsync);
const isRoot = process.getuid?.() === 0;

/** virtual_mailbox_limit, as the kernel's limit on a file's size would say it. */
class FileLimit extends Error {
  readonly code = 'EFBIG';
  readonly errno = -27;
}

/** The system's words for its error, as strerror(3) begins them. */
function wordsOf(error: NodeJS.ErrnoException): string {
  const words = getSystemErrorMap().get(error.errno ?? 0)?.[1];
  return words === undefined ? error.message : `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

function asOwner<T>({ uid, gid }: FileJob, run: () => T): T {
  if (uid === undefined || gid === undefined) {
    if (isRoot) throw new Error('no owner is set');
    return run();
  }
  if (uid <= 0 || gid <= 0) throw new Error('mail is never delivered as root');
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    return run();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

class FileDeliveryJob implements HelperJob<FileOutcome> {
  readonly #job: FileJob;
  #target: MaildirMessage | MboxAppend | undefined;
  #octets = 0;
  /** For the reason of a failure. */
  #step: string;

  constructor(job: FileJob) {
    this.#job = job;
    this.#step = job.kind === 'maildir' ? `create maildir file ${job.folder}tmp/${job.name}` : 'cannot open file';
  }

  async open(): Promise<FileOutcome | undefined> {
    const job = this.#job;
    if (job.kind === 'maildir') {
      this.#target = asOwner(job, () => MaildirMessage.open(job));
      return this.#target === undefined ? { kind: 'done', wasThere: true } : undefined;
    }
    const mailbox = new MboxAppend({ ...job, owner: job.mustOwn ? (job.uid ?? process.getuid?.()) : undefined });
    for (let attempt = 1; !asOwner(job, () => mailbox.tryOpen(systemClock.now())); attempt++) {
      if (attempt >= job.lockAttempts) throw new Error(`unable to lock ${job.file} for exclusive access`);
      await sleep(job.lockDelayMilliseconds);
    }
    this.#target = mailbox;
    this.#octets = mailbox.start;
    return undefined;
  }

  write(chunk: Buffer): void {
    const target = this.#target;
    if (target === undefined) return;
    this.#step = 'error writing message';
    this.#octets += chunk.length;
    if (this.#job.limit > 0 && this.#octets > this.#job.limit) throw new FileLimit('file too large');
    asOwner(this.#job, () => target.write(chunk));
  }

  async commit(): Promise<FileOutcome> {
    const target = this.#target;
    if (target === undefined) throw new Error('nothing was opened');
    this.#step = 'error writing message';
    await sync(target.handle);
    if (this.#job.kind === 'maildir') this.#step = `create maildir file ${this.#job.folder}new/${this.#job.name}`;
    asOwner(this.#job, () => target.publish());
    return { kind: 'done', wasThere: false };
  }

  abort(): void {
    const target = this.#target;
    this.#target = undefined;
    if (target !== undefined) asOwner(this.#job, () => target.abort());
  }

  describe(error: unknown): Failure {
    const { code = '', path } = error as NodeJS.ErrnoException;
    if (this.#job.kind === 'mbox' && path === `${this.#job.file}.lock`)
      this.#step = `unable to create lock file ${path}`;
    const words = wordsOf(error as NodeJS.ErrnoException);
    return { kind: 'failed', code, text: code === '' ? words : `${this.#step}: ${words}` };
  }
}

serveJobs<FileJob, FileOutcome>((job) => new FileDeliveryJob(job));
