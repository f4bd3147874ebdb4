// pickup(8): takes what sendmail has left in the maildrop folder and brings it into the queue like any other mail. Looks
// at the start, whenever the folder changes, and every minute.
//
// A file is removed after its message is durable. A crash in between leaves a file whose message is stored already:
// the store remembers the file's name (AcceptOperation.once), so it is taken once however often it is handed in.
// A file that cannot be understood is put aside under a name with a dot in front, and logged.

import { mkdirSync, watch, type FSWatcher } from 'node:fs';
import { readdir, rename, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { ContentWriter, Mailstore } from '../mailstore/types.ts';
import type { FieldRewriter } from '../routing/header-rewriting.ts';
import type { AddressHandling } from '../routing/types.ts';
import { LineEnds, type LocalHeader, localHeader } from './local-message.ts';
import { MaildropError, type MaildropFile, openMaildropFile } from './maildrop.ts';
import type { QueueOptions, RouteRecipient } from './submit.ts';
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
  /** How often the folder is looked at when nothing has told of a change. */
  readonly intervalMilliseconds?: number;
}

const chunkBytes = 64 * 1024;
/** header_size_limit: what is longer is not a header. */
const maxHeaderBytes = 102_400;

export class Pickup {
  readonly #options: PickupOptions;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #scanning: Promise<void> | undefined;
  #again = false;
  #closing = false;

  constructor(options: PickupOptions) {
    this.#options = options;
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
    await this.#scanning;
  }

  async #scanAll(): Promise<void> {
    while (this.#again && !this.#closing) {
      this.#again = false;
      try {
        const names = (await readdir(this.#options.folder)).filter((name) => !name.startsWith('.')).toSorted();
        for (const name of names) {
          if (this.#closing) return;
          await this.#take(name);
        }
      } catch (error) {
        this.#warn(`${this.#options.folder} cannot be read: ${describe(error)}`);
      }
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
      if (error instanceof MaildropError || code === 'ELOOP' || code === 'ENXIO' || code === 'EISDIR') {
        this.#warn(`${file} put aside: ${describe(error)}`);
        await rename(file, path.join(this.#options.folder, `.corrupt-${name}`)).catch(() => undefined);
        return;
      }
      // The disk is full or a table is silent: the file stays, and is tried again in a minute.
      this.#warn(`${file} not taken yet: ${describe(error)}`);
    }
  }

  async #submit(name: string, file: MaildropFile): Promise<void> {
    const { store, queue, clock, log, syslogName, sizeLimit, standardForm } = this.#options;
    if (sizeLimit > 0 && file.size > sizeLimit) throw new MaildropError('message size exceeds message_size_limit');
    const { envelope, uid } = file;
    const arrival = clock.now();
    const queueId = queue.newQueueId();
    const handling = this.#options.handling();
    const given = envelope.sender === '' ? '' : standardForm(envelope.sender);
    const sender = await this.#options.rewriteSender(given, handling);
    const recipients = await this.#recipients(file, given, handling);
    const content = store.contentWriter();
    try {
      const { header, eightBit, eightBitHeader } = await this.#copy(file, content, queueId, sender);
      log.write(`${syslogName}/pickup`, 'info', `${queueId}: uid=${uid} from=<${envelope.sender}>`);
      log.write(`${syslogName}/cleanup`, 'info', `${queueId}: message-id=${header.messageId}`);
      const addresses = [sender, ...recipients.map(({ original }) => original)];
      await queue.submit({
        queueId,
        sender: given,
        handling,
        recipients,
        content: await content.finish(),
        ret: envelope.ret,
        envid: envelope.envid,
        smtputf8: eightBitHeader || addresses.some((address) => /[^\x00-\x7f]/.test(address)),
        eightBit,
        arrival,
        once: `maildrop/${name}`,
      });
    } catch (error) {
      await content.abort().catch(() => undefined);
      throw error;
    }
  }

  async #recipients(
    { envelope }: MaildropFile,
    sender: string,
    handling: AddressHandling,
  ): Promise<SubmittedRecipient[]> {
    const recipients: SubmittedRecipient[] = [];
    for (const address of envelope.recipients) {
      const original = this.#options.standardForm(address);
      const deliveries = await this.#options.route(original, sender, handling);
      recipients.push({ original, notify: envelope.notify, orcpt: '', deliveries });
    }
    return recipients;
  }

  async #copy(
    { handle, start, size, envelope, uid }: MaildropFile,
    content: ContentWriter,
    queueId: string,
    sender: string,
  ): Promise<{ header: LocalHeader; eightBit: boolean; eightBitHeader: boolean }> {
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
    for (let from = header.consumed; from < size; from += chunkBytes) {
      const chunk = Buffer.alloc(Math.min(chunkBytes, size - from));
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

function isEightBit(bytes: Buffer): boolean {
  return bytes.some((octet) => octet > 127);
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
