// pickup(8): takes what sendmail has left in the maildrop folder and brings it into the queue like any other mail. Looks
// at the start, whenever the folder changes, and every minute.
//
// A file is removed after its message is durable. A crash in between leaves a file whose message is stored already:
// the store remembers the file's name (AcceptOperation.once), so it is taken once however often it is handed in.
// A file that cannot be understood is put aside under a name with a dot in front, and logged; a message that is too large
// goes back to its sender.
//
// The folder is open to everybody on this machine. So it is read in pieces, each user's files in turn; users who hand in more
// than submitters.ts lets them wait, and nothing is taken while the disk is nearly full. What sendmail, or somebody
// else, has left half done is removed after a day, what was put aside after a month.

import { mkdirSync, watch, type FSWatcher } from 'node:fs';
import { lstat, opendir, rename, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { ContentWriter, Mailstore } from '../mailstore/types.ts';
import type { FieldRewriter } from '../routing/header-rewriting.ts';
import type { AddressHandling } from '../routing/types.ts';
import { LineEnds } from '../message/line-ends.ts';
import { subjectNote } from '../message/subject-note.ts';
import { type LocalHeader, localHeader } from './local-message.ts';
import { MaildropError, type MaildropFile, openMaildropFile } from './maildrop.ts';
import type { PickupFilters } from './pickup-filters.ts';
import type { QueueOptions, RouteRecipient } from './submit.ts';
import { Submitters } from './submitters.ts';
import type { MailQueue, SubmittedRecipient } from './types.ts';

export interface PickupOptions {
  readonly folder: string;
  readonly store: Mailstore;
  readonly queue: MailQueue;
  readonly clock: Clock;
  readonly log: Log;
  readonly syslogName: string;
  readonly route: RouteRecipient;
  /** The envelope sender as the queue keeps it. Throws TemporaryError. */
  readonly rewriteSender: QueueOptions['rewriteSender'];
  /** For the header of each message, the newest. */
  readonly rewriter: () => FieldRewriter;
  /** What the pickup service does to addresses (its receive_override_options). */
  readonly handling: () => AddressHandling;
  /** An address in external form to its standard form: adds the domain that is missing. */
  readonly standardForm: (address: string) => string;
  readonly hostname: string;
  readonly mailName: string;
  /** message_drop_headers, lower case. */
  readonly droppedHeaders: ReadonlySet<string>;
  /** message_size_limit; 0: none. */
  readonly sizeLimit: number;
  /** authorized_submit_users. Throws TemporaryError. */
  readonly mayUse: (user: () => Promise<string>) => Promise<boolean>;
  /** Octets free where messages are kept, and how many must be (queue_minfree). */
  readonly freeSpace: () => number;
  readonly minFree: number;
  /** What its mail passes before it is queued, and behind the queue; absent: nothing. */
  readonly filters?: PickupFilters;
  /** How often the folder is looked at when nothing has told of a change. */
  readonly intervalMilliseconds?: number;
}

const chunkBytes = 64 * 1024;
/** Names read at a time. */
const batchLength = 2000;
/** As for SMTP's MAIL. */
const freeSpaceFactor = 1.5;
/** After a look that has left files: this long, and this many times as long as it took. */
const restMilliseconds = 1000;
const restFactor = 4;
/** Of a file put aside, whose name gets longer. */
const maxNameLength = 60;
const tidyMilliseconds = 3_600_000;
const halfDoneMilliseconds = 86_400_000;
const asideMilliseconds = 30 * halfDoneMilliseconds;
/** header_size_limit: what is longer is not a header. */
const maxHeaderBytes = 102_400;

export class Pickup {
  readonly #options: PickupOptions;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #scanning: Promise<void> | undefined;
  #again = false;
  #closing = false;
  readonly #submitters: Submitters;
  #restUntil = 0;
  #nextTidy = 0;
  #restTimer: NodeJS.Timeout | undefined;
  #isShort = false;

  constructor(options: PickupOptions) {
    this.#options = options;
    this.#submitters = new Submitters(options.clock, [0, process.getuid?.() ?? 0]);
  }

  start(): void {
    const { folder, intervalMilliseconds = 60_000 } = this.#options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#watcher = watch(folder, (_, name) => {
      if (name === null || !name.startsWith('.')) void this.scan();
    });
    this.#watcher.on('error', (error) => this.#warn(`${folder} cannot be watched: ${error.message}`));
    this.#timer = setInterval(() => void this.scan(), intervalMilliseconds);
    this.#timer.unref();
    void this.scan();
  }

  /** Takes everything that is there; a call during a scan has the folder looked at once more. */
  async scan(): Promise<void> {
    this.#again = true;
    this.#scanning ??= this.#scanAll().finally(() => {
      this.#scanning = undefined;
    });
    await this.#scanning;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#watcher?.close();
    clearInterval(this.#timer);
    clearTimeout(this.#restTimer);
    await this.#scanning;
  }

  async #scanAll(): Promise<void> {
    const { clock, folder } = this.#options;
    while (this.#again && !this.#closing && clock.monotonic() >= this.#restUntil) {
      this.#again = false;
      const began = clock.monotonic();
      try {
        await this.#tidy();
        let isLeft = false;
        for await (const batch of batches(folder)) isLeft = (await this.#takeInTurn(batch)) || isLeft;
        if (isLeft) this.#rest(clock.monotonic() - began);
      } catch (error) {
        this.#warn(`${folder} cannot be read: ${describe(error)}`);
      }
    }
  }

  /** Somebody has handed in more than may be taken now: a look that finds little must not follow another. */
  #rest(took: number): void {
    const milliseconds = Math.max(restMilliseconds, took * restFactor);
    this.#restUntil = this.#options.clock.monotonic() + milliseconds;
    clearTimeout(this.#restTimer);
    this.#restTimer = setTimeout(() => void this.scan(), milliseconds + 1).unref();
  }

  /** Each user's first file, then each user's second one ...; returns whether some had to stay. */
  async #takeInTurn(names: readonly string[]): Promise<boolean> {
    const { folder } = this.#options;
    const users = new Map<number, string[]>();
    for (const name of names) {
      const found = await lstat(path.join(folder, name)).catch(() => undefined);
      if (found) users.set(found.uid, [...(users.get(found.uid) ?? []), name]);
    }
    let isLeft = false;
    for (let turn = 0; users.size > 0; turn++) {
      for (const [uid, own] of users) {
        if (this.#closing || !this.#hasSpace()) return true;
        const name = own[turn];
        const mayTake = name === undefined || this.#submitters.mayTake(uid);
        isLeft ||= !mayTake;
        if (name === undefined || !mayTake) users.delete(uid);
        else {
          this.#submitters.take(uid);
          await this.#take(name);
        }
      }
    }
    return isLeft;
  }

  #hasSpace(): boolean {
    const { freeSpace, minFree, sizeLimit } = this.#options;
    const isShort = freeSpace() < Math.max(minFree, freeSpaceFactor * sizeLimit);
    if (isShort && !this.#isShort) this.#warn('nothing is taken: not enough free space in mail queue');
    this.#isShort = isShort;
    return !isShort;
  }

  async #tidy(): Promise<void> {
    const { clock, folder } = this.#options;
    const now = clock.now();
    if (now < this.#nextTidy) return;
    this.#nextTidy = now + tidyMilliseconds;
    for await (const { name } of await opendir(folder)) {
      if (!name.startsWith('.')) continue;
      const age = name.startsWith('.corrupt-') ? asideMilliseconds : halfDoneMilliseconds;
      const file = path.join(folder, name);
      const found = await lstat(file).catch(() => undefined);
      if (!found || found.ctimeMs >= now - age) continue;
      // What is in a stranger's folder is not followed.
      await (found.isDirectory() ? rmdir(file) : unlink(file)).catch(() => undefined);
    }
  }

  async #take(name: string): Promise<void> {
    const file = path.join(this.#options.folder, name);
    try {
      const opened = await openMaildropFile(file);
      try {
        await this.#submit(name, opened);
      } finally {
        await opened.handle.close();
      }
      await unlink(file);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT') return;
      if (error instanceof MaildropError) {
        this.#warn(`${file} put aside: ${describe(error)}`);
        await rename(file, path.join(this.#options.folder, `.corrupt-${name.slice(0, maxNameLength)}`)).catch(
          () => undefined,
        );
        return;
      }
      // The disk is full or a table is silent: the file stays, and is tried again in a minute.
      this.#warn(`${file} not taken yet: ${describe(error)}`);
    }
  }

  async #submit(name: string, file: MaildropFile): Promise<void> {
    const { store, queue, clock, log, syslogName, standardForm, mayUse } = this.#options;
    const { envelope, uid } = file;
    if (!(await mayUse(() => this.#submitters.nameOf(uid)))) {
      throw new MaildropError(`uid ${uid} is not allowed to submit mail`);
    }
    const arrival = clock.now();
    const queueId = queue.newQueueId();
    const handling = this.#options.handling();
    const given = envelope.sender === '' ? '' : standardForm(envelope.sender);
    const sender = await this.#options.rewriteSender(given, handling);
    const recipients = await this.#recipients(file, given, handling);
    const content = store.contentWriter();
    try {
      // One that is too large goes back, and only its header is there.
      const filters = this.#isTooLarge(file) ? undefined : this.#options.filters;
      const writer = filters?.writer(content, queueId, given, recipients);
      const { header, eightBit, eightBitHeader } = await this.#copy(file, writer ?? content, queueId, sender);
      const checked = await writer?.finish();
      log.write(`${syslogName}/pickup`, 'info', `${queueId}: uid=${uid} from=<${envelope.sender}>`);
      log.write(`${syslogName}/cleanup`, 'info', `${queueId}: message-id=${header.messageId}`);
      if (header.subject !== '') log.note?.(`${syslogName}/cleanup`, `${queueId}: ${subjectNote(header.subject)}`);
      const addresses = [sender, ...recipients.map(({ original }) => original)];
      const passed = await filters?.pass({ queueId, sender: given, recipients, writer: content, checked });
      if (passed === 'discarded') return;
      await queue.submit({
        queueId,
        sender: given,
        handling,
        recipients,
        ret: envelope.ret,
        envid: envelope.envid,
        ...passed,
        content: passed?.content ?? (await content.finish()),
        ...(envelope.verp === undefined ? {} : { verp: envelope.verp }),
        smtputf8: eightBitHeader || addresses.some((address) => /[^\x00-\x7f]/.test(address)),
        eightBit,
        arrival,
        once: `maildrop/${uid}/${name}`,
      });
    } catch (error) {
      await content.abort().catch(() => undefined);
      throw error;
    }
  }

  async #recipients(file: MaildropFile, sender: string, handling: AddressHandling): Promise<SubmittedRecipient[]> {
    const { envelope, size } = file;
    const recipients: SubmittedRecipient[] = [];
    const reason = `5.3.4 message size ${size} exceeds size limit ${this.#options.sizeLimit}`;
    for (const address of envelope.recipients) {
      const original = this.#options.standardForm(address);
      const deliveries = this.#isTooLarge(file)
        ? [{ recipient: original, original, transport: 'error', nexthop: reason }]
        : await this.#options.route(original, sender, handling);
      recipients.push({ original, notify: envelope.notify, orcpt: '', deliveries });
    }
    return recipients;
  }

  #isTooLarge({ size }: MaildropFile): boolean {
    const { sizeLimit } = this.#options;
    return sizeLimit > 0 && size > sizeLimit;
  }

  /** Of a message that is too large the header alone. */
  async #copy(
    file: MaildropFile,
    content: Pick<ContentWriter, 'write'>,
    queueId: string,
    sender: string,
  ): Promise<{ header: LocalHeader; eightBit: boolean; eightBitHeader: boolean }> {
    const { handle, start, size, envelope, uid } = file;
    const { hostname, mailName, clock, droppedHeaders: dropped } = this.#options;
    const first = Buffer.alloc(Math.min(size, maxHeaderBytes));
    await handle.read(first, 0, first.length, start);
    const { fullName } = envelope;
    const now = clock.now();
    const rewriter = this.#options.rewriter();
    const facts = { queueId, sender, fullName, uid, hostname, mailName, now, dropped, rewriter };
    const header = await localHeader(first, facts);
    await content.write(header.bytes);
    const eightBitHeader = isEightBit(header.bytes);
    let eightBit = eightBitHeader;
    const lineEnds = new LineEnds();
    let lastOctet = 10;
    const end = this.#isTooLarge(file) ? header.consumed : size;
    for (let from = header.consumed; from < end; from += chunkBytes) {
      const chunk = Buffer.alloc(Math.min(chunkBytes, end - from));
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, start + from);
      if (bytesRead !== chunk.length) throw new MaildropError('the file has become shorter');
      eightBit ||= isEightBit(chunk);
      lastOctet = chunk[chunk.length - 1] ?? lastOctet;
      await content.write(lineEnds.encode(chunk));
    }
    if (lastOctet !== 10) await content.write(Buffer.from('\r\n'));
    return { header, eightBit, eightBitHeader };
  }

  #warn(text: string): void {
    this.#options.log.write(`${this.#options.syslogName}/pickup`, 'warning', text);
  }
}

/** Whole files' names, in the order in which they were made, some thousands at a time. */
async function* batches(folder: string): AsyncIterable<readonly string[]> {
  let names: string[] = [];
  for await (const { name } of await opendir(folder, { bufferSize: 256 })) {
    if (!name.startsWith('.')) names.push(name);
    if (names.length < batchLength) continue;
    yield names.toSorted();
    names = [];
  }
  if (names.length > 0) yield names.toSorted();
}

function isEightBit(bytes: Buffer): boolean {
  return bytes.some((octet) => octet > 127);
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
