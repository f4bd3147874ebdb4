// The maildrop folder: how a program on this machine hands in mail without a running server. One file a message: a line
// of JSON with the envelope, then the message as it was written. A file is written under a name with a dot, synced and
// renamed; so whatever has a name without a dot is whole, and durable before `sendmail` says that all is well.
//
// The folder is open to every local user (mode 3733: add, but neither list nor touch others' files), so a file is a
// stranger's: only a plain file with one name is read, never a link, and its owner is who sent it.

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../lib/clock.ts';

export const maildropFolder = 'maildrop';

export interface MaildropEnvelope {
  /** As given, not yet in standard form; '' for the null sender. */
  readonly sender: string;
  readonly fullName: string;
  readonly recipients: readonly string[];
  /** RFC 3461: NOTIFY, RET, ENVID (xtext), or ''. */
  readonly notify: string;
  readonly ret: string;
  readonly envid: string;
  /** VERP delimiters, or absent. */
  readonly verp?: string;
}

const version = 1;
const maxEnvelopeBytes = 1024 * 1024;
const maxRecipients = 10_000;

/** Writes a message as it comes; nobody sees it before finish(). */
export class MaildropWriter {
  readonly #folder: string;
  readonly #name: string;
  readonly #file: FileHandle;

  private constructor(folder: string, name: string, file: FileHandle) {
    this.#folder = folder;
    this.#name = name;
    this.#file = file;
  }

  static async create(folder: string, envelope: MaildropEnvelope, clock: Clock): Promise<MaildropWriter> {
    const name = `${clock.now().toString(36)}-${randomBytes(9).toString('hex')}`;
    const file = await open(path.join(folder, `.${name}`), 'wx', 0o600);
    await letServerRead(file, folder);
    const writer = new MaildropWriter(folder, name, file);
    await writer.write(Buffer.from(`${JSON.stringify({ version, ...envelope })}\n`));
    return writer;
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#file.writeFile(chunk);
  }

  /** When this resolves, the message is durable and will be sent. */
  async finish(): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
    await rename(this.#temporary, path.join(this.#folder, this.#name));
    await syncFolder(this.#folder);
  }

  async abort(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await unlink(this.#temporary).catch(() => undefined);
  }

  get #temporary(): string {
    return path.join(this.#folder, `.${this.#name}`);
  }
}

/** By the folder's group, which a set-gid folder gives to its files; else by all, who cannot find out the name. */
async function letServerRead(file: FileHandle, folder: string): Promise<void> {
  const [own, parent] = await Promise.all([file.stat(), stat(folder)]);
  await file.chmod(own.gid === parent.gid ? 0o640 : 0o644);
}

async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(folder, constants.O_RDONLY);
  } catch (error) {
    // A folder that may be written but not listed cannot be opened; its journal orders the rename behind the file.
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return;
    throw error;
  }
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A file that nobody could have meant: it is put aside. */
export class MaildropError extends Error {
  override name = 'MaildropError';
}

export interface MaildropFile {
  readonly envelope: MaildropEnvelope;
  /** Who wrote it. */
  readonly uid: number;
  /** Where the message begins, and its octets. */
  readonly start: number;
  readonly size: number;
  readonly handle: FileHandle;
}

/** The caller closes `handle`. */
export async function openMaildropFile(file: string): Promise<MaildropFile> {
  const handle = await openStrange(file);
  try {
    const { uid, size, nlink } = await checkPlain(handle);
    if (nlink !== 1) throw new MaildropError('the file has several names');
    const first = Buffer.alloc(Math.min(size, maxEnvelopeBytes));
    const { bytesRead } = await handle.read(first, 0, first.length, 0);
    const end = first.subarray(0, bytesRead).indexOf(10);
    if (end < 0) throw new MaildropError('no envelope');
    const envelope = parseEnvelope(first.toString('utf8', 0, end));
    return { envelope, uid, start: end + 1, size: size - end - 1, handle };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** What open(2) says of links and sockets, and of what its owner keeps to himself. */
const notMessages = new Set(['ELOOP', 'ENXIO', 'EACCES', 'EPERM']);

async function openStrange(file: string): Promise<FileHandle> {
  try {
    return await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw notMessages.has(code) ? new MaildropError(message) : error;
  }
}

async function checkPlain(handle: FileHandle) {
  const found = await handle.stat();
  if (!found.isFile()) throw new MaildropError('not a plain file');
  return found;
}

function parseEnvelope(text: string): MaildropEnvelope {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new MaildropError('the envelope is not JSON');
  }
  if (typeof value !== 'object' || value === null) throw new MaildropError('the envelope is not an object');
  if (value['version'] !== version) throw new MaildropError(`unknown version ${String(value['version'])}`);
  const recipients: unknown = value['recipients'];
  if (!Array.isArray(recipients) || recipients.length === 0 || recipients.length > maxRecipients) {
    throw new MaildropError('no recipients, or too many');
  }
  return {
    sender: word(value, 'sender'),
    fullName: word(value, 'fullName'),
    recipients: recipients.map((recipient) => word({ recipient }, 'recipient')),
    notify: matching(value, 'notify', /^(?:NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2})?$/),
    ret: matching(value, 'ret', /^(?:FULL|HDRS)?$/),
    envid: matching(value, 'envid', /^[!-*,-<>-~+]{0,100}$/),
    ...(value['verp'] === undefined ? {} : { verp: matching(value, 'verp', /^[!-~]{2}$/) }),
  };
}

/** Text without control characters: it goes into commands, headers and the log. */
function word(value: Record<string, unknown>, name: string): string {
  const text = value[name];
  if (typeof text !== 'string' || text.length > 2000 || /[\x00-\x1f\x7f]/.test(text)) {
    throw new MaildropError(`${name} is no text`);
  }
  return text;
}

function matching(value: Record<string, unknown>, name: string, pattern: RegExp): string {
  const text = word(value, name);
  if (!pattern.test(text)) throw new MaildropError(`${name} is wrong`);
  return text;
}
