// The file helper: writes mail into Maildirs and mbox files under the uid of their owners. It is started by the server
// while that is still root, has no network, and reads no mail. Paths, uids and limits come from the server, which has
// checked them; uid 0 is refused here once more, but for what is root's own. It also reads the lists that users keep in
// their folders (.forward), which nobody else may read.
//
// Whatever depends on the uid is one synchronous call between taking and giving back that uid, so that nothing
// else can run under it. Only fsync, which asks for no rights, runs in the thread pool: several mailboxes sync at once.

import { closeSync, constants, fstatSync, fsync, lstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { getSystemErrorMap, promisify } from 'node:util';
import { systemClock } from '../../lib/clock.ts';
import { MaildirMessage } from '../../maildir/maildir.ts';
import { MboxAppend } from '../../maildir/mbox.ts';
import { UnfitFile } from '../../maildir/safe-open.ts';
import type { Failure, FileJob, FileOutcome, FoundList } from './protocol.ts';
import { type HelperJob, serveJobs } from './serve-jobs.ts';
import { withRights } from './thread-rights.ts';

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const sync = promisify(fsync);
const isRoot = process.getuid?.() === 0;

/** virtual_mailbox_limit, as the kernel's limit on a file's size would say it. */
class FileLimit extends Error {
  readonly code = 'EFBIG';
  readonly errno = -27;
}

/** The system's words for its error, as strerror(3) has them. */
function wordsOf(error: NodeJS.ErrnoException): string {
  // Libuv's are other words.
  if (error.code === 'EISDIR') return 'Is a directory';
  const words = getSystemErrorMap().get(error.errno ?? 0)?.[1];
  return words === undefined ? error.message : `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

interface User {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly isRoots?: boolean | undefined;
}

function asUser<T>({ uid, gid, isRoots = false }: User, run: () => T): T {
  if (uid === undefined || gid === undefined) {
    if (isRoot) throw new Error('no owner is set');
    return run();
  }
  const isRefused = isRoots ? uid !== 0 : uid <= 0 || gid <= 0;
  if (isRefused) throw new Error('mail is never delivered as root');
  return withRights(uid, gid, run);
}

async function syncAndClose(handle: number): Promise<void> {
  try {
    await sync(handle);
  } finally {
    closeSync(handle);
  }
}

type ListJob = Extract<FileJob, { kind: 'list' }>;

/** What is looked at is what is read, and nothing that would wait is opened: the folder is a user's. */
function readList({ path, followsLinks, limit }: ListJob): FoundList {
  const named = followsLinks ? statSync(path) : lstatSync(path);
  if (!named.isFile()) return { kind: 'list', isRegular: false, mode: named.mode, uid: named.uid, size: 0, text: '' };
  const handle = openSync(path, O_RDONLY | O_NONBLOCK | (followsLinks ? 0 : O_NOFOLLOW));
  try {
    const found = fstatSync(handle);
    const isRegular = found.isFile();
    const text = isRegular && found.size <= limit ? readFileSync(handle, 'utf8') : '';
    return { kind: 'list', isRegular, mode: found.mode, uid: found.uid, size: found.size, text };
  } finally {
    closeSync(handle);
  }
}

class FileDeliveryJob implements HelperJob<FileOutcome> {
  readonly #job: FileJob;
  /** Who makes, locks and shows what is written. */
  readonly #opener: User;
  #target: MaildirMessage | MboxAppend | undefined;
  #octets = 0;
  /** For the reason of a failure. */
  #step: string;

  constructor(job: FileJob) {
    this.#job = job;
    const { openedBy } = job as { openedBy?: { uid: number; gid: number } };
    this.#opener = openedBy === undefined ? job : { ...openedBy, isRoots: openedBy.uid === 0 };
    this.#step = job.kind === 'maildir' ? `create maildir file ${job.folder}tmp/${job.name}` : 'cannot open file';
  }

  async open(): Promise<FileOutcome | undefined> {
    const job = this.#job;
    if (job.kind === 'list') return asUser(job, () => readList(job));
    if (job.kind === 'maildir') {
      this.#target = asUser(job, () => MaildirMessage.open(job));
      return this.#target === undefined ? { kind: 'done', wasThere: true } : undefined;
    }
    const mailbox = new MboxAppend({ ...job, owner: job.mustOwn ? (job.uid ?? process.getuid?.()) : undefined });
    for (let attempt = 1; !asUser(this.#opener, () => mailbox.tryOpen(systemClock.now())); attempt++) {
      if (attempt >= job.lockAttempts) throw new UnfitFile('locked', `unable to lock ${job.file} for exclusive access`);
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
    const isLimited = this.#job.limit > 0 && (target instanceof MaildirMessage || target.isRegular);
    if (isLimited && this.#octets > this.#job.limit) throw new FileLimit('file too large');
    asUser(this.#job, () => target.write(chunk));
  }

  async commit(): Promise<FileOutcome> {
    const target = this.#target;
    if (target === undefined) throw new Error('nothing was opened');
    this.#step = 'error writing message';
    if (target instanceof MaildirMessage || target.isRegular) await sync(target.handle);
    if (this.#job.kind === 'maildir') this.#step = `create maildir file ${this.#job.folder}new/${this.#job.name}`;
    const folder = asUser(this.#opener, () => target.publish());
    if (folder !== undefined) await syncAndClose(folder);
    return { kind: 'done', wasThere: false };
  }

  abort(): void {
    const target = this.#target;
    this.#target = undefined;
    if (target !== undefined) asUser(this.#opener, () => target.abort());
  }

  describe(error: unknown): Failure {
    if (error instanceof UnfitFile) {
      return { kind: 'failed', code: error.code, text: error.message };
    }
    const { code = '', path, syscall } = error as NodeJS.ErrnoException;
    if (this.#job.kind === 'mbox' && path === `${this.#job.file}.lock`)
      this.#step = `unable to create lock file ${path}`;
    else if (syscall === 'create') this.#step = 'cannot create file exclusively';
    const words = wordsOf(error as NodeJS.ErrnoException);
    return { kind: 'failed', code, text: code === '' ? words : `${this.#step}: ${words}` };
  }
}

serveJobs<FileJob, FileOutcome>((job) => new FileDeliveryJob(job));
