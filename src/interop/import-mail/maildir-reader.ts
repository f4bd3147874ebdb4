// Reads the messages of one Maildir folder: which there are, in the order of their uids, and their bytes with CRLF. A few
// files are opened ahead, since a cold disk answers many at once sooner than one after the other.

import fs from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { octets } from '../../maildir/folder-tree.ts';
import { type MessageName, parseMessageName } from '../../maildir/message-name.ts';
import type { UidList } from '../../maildir/uid-list.ts';
import { LineEnds } from '../../message/line-ends.ts';
import { decompressed } from './compressed-mail.ts';
import { type NotTaken, type OpenFolder, type SourceBody, type SourceMessage, UnreadableMessage } from './types.ts';

const batchMessages = 500;
const openAhead = 8;
/** Longer files are read piece by piece. */
const wholeBytes = 256 * 1024;
const pieceBytes = 256 * 1024;
const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants;

interface Listed {
  readonly parsed: MessageName;
  readonly uid: number | undefined;
  /** Below the folder, as `cur/...`. */
  readonly file: string;
}

interface MaildirMessage extends SourceMessage {
  readonly listed: Listed;
}

export class MaildirReader implements OpenFolder {
  readonly isRereadable = true;
  readonly #folder: string;
  readonly #uids: UidList | undefined;
  readonly #keywords: ReadonlyMap<number, string>;
  readonly #notTaken: NotTaken[];
  /** Names of keywords that the folder's list does not have: told once. */
  readonly #unnamed = new Set<number>();

  constructor(folder: string, uids: UidList | undefined, keywords: ReadonlyMap<number, string>, notTaken: NotTaken[]) {
    this.#folder = folder;
    this.#uids = uids;
    this.#keywords = keywords;
    this.#notTaken = notTaken;
  }

  get uidValidity(): number | undefined {
    return this.#uids?.uidValidity;
  }

  get uidNext(): number | undefined {
    return this.#uids?.uidNext;
  }

  get count(): number {
    return this.#list().length;
  }

  async *messages(): AsyncIterable<readonly SourceMessage[]> {
    const listed = this.#list();
    for (let from = 0; from < listed.length; from += batchMessages) {
      yield listed.slice(from, from + batchMessages).map((one) => this.#toMessage(one));
    }
  }

  #toMessage(listed: Listed): MaildirMessage {
    const { parsed, uid } = listed;
    const keywords = parsed.keywords.flatMap((number) => this.#keywordName(number));
    return {
      listed,
      keys: [`f:${parsed.unique}`],
      uid,
      flags: [...parsed.flags, ...keywords],
      label: octets(path.join(this.#folder, listed.file)).toString('utf8'),
    };
  }

  #keywordName(number: number): string[] {
    const name = this.#keywords.get(number);
    if (name !== undefined) return [name];
    if (!this.#unnamed.has(number)) {
      this.#unnamed.add(number);
      const letter = String.fromCharCode(97 + number);
      const folder = octets(this.#folder).toString('utf8');
      this.#notTaken.push({
        what: `keyword "${letter}" of messages in ${folder}`,
        why: 'dovecot-keywords does not name it',
        isMail: false,
      });
    }
    return [];
  }

  /** By uid; those that have none yet after them, as Dovecot will number them: in the order of their names. */
  #list(): Listed[] {
    const found = new Map<string, Listed>();
    for (const part of ['new', 'cur']) {
      for (const name of this.#namesIn(part)) {
        if (name.startsWith('.')) continue;
        const parsed = parseMessageName(name);
        // One that is just being moved may be seen in both.
        found.set(parsed.unique, { parsed, uid: this.#uids?.uids.get(parsed.base), file: `${part}/${name}` });
      }
    }
    return [...found.values()].toSorted((a, b) => {
      const order = (a.uid ?? Infinity) - (b.uid ?? Infinity);
      if (a.uid !== undefined || b.uid !== undefined) return order;
      return a.parsed.base < b.parsed.base ? -1 : 1;
    });
  }

  #namesIn(part: string): string[] {
    try {
      return fs.readdirSync(octets(path.join(this.#folder, part)), { encoding: 'latin1' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  async *bodies(messages: readonly SourceMessage[]): AsyncIterable<SourceBody> {
    const ahead: Promise<SourceBody>[] = [];
    let next = 0;
    try {
      while (next < messages.length || ahead.length > 0) {
        while (next < messages.length && ahead.length < openAhead) {
          ahead.push(this.#openBody(messages[next++] as MaildirMessage));
        }
        const body = await (ahead.shift() as Promise<SourceBody>);
        yield body;
      }
    } finally {
      for (const body of ahead) await closeBody(body);
    }
  }

  async #openBody(message: MaildirMessage): Promise<SourceBody> {
    try {
      const handle = await this.#open(message.listed);
      return handle === undefined ? { kind: 'gone', message } : await readBody(message, handle);
    } catch (error) {
      if (error instanceof UnreadableMessage) return { kind: 'unreadable', message, why: error.message };
      const { code = String(error) } = error as NodeJS.ErrnoException;
      const why = code === 'ELOOP' ? 'it is a symbolic link' : `it cannot be read (${code})`;
      return { kind: 'unreadable', message, why };
    }
  }

  /** Undefined where it has been deleted; under a new name where its flags have changed since. */
  async #open(listed: Listed): Promise<FileHandle | undefined> {
    let { file } = listed;
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        return await open(octets(path.join(this.#folder, file)), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
      const again = this.#list().find(({ parsed }) => parsed.unique === listed.parsed.unique);
      if (again === undefined) return undefined;
      file = again.file;
    }
    return undefined;
  }

  async close(): Promise<void> {}
}

async function closeBody(opening: Promise<SourceBody>): Promise<void> {
  const body = await opening;
  if (body.kind === 'message') await (body.chunks as AsyncGenerator<Uint8Array>).return(undefined);
}

/** Small ones are read at once, so that no file stays open. */
async function readBody(message: MaildirMessage, handle: FileHandle): Promise<SourceBody> {
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new UnreadableMessage('it is no regular file');
    const internalDate = Math.floor(stats.mtimeMs / 1000) * 1000;
    if (stats.size > wholeBytes) {
      return { kind: 'message', message, internalDate, chunks: withCrlf(decompressed(piecesOf(handle))) };
    }
    const bytes = await handle.readFile();
    await handle.close();
    return { kind: 'message', message, internalDate, chunks: withCrlf(decompressed(only(bytes))) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function* only(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

async function* piecesOf(handle: FileHandle): AsyncGenerator<Buffer> {
  try {
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

async function* withCrlf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  const lineEnds = new LineEnds();
  for await (const chunk of chunks) yield lineEnds.encode(chunk);
}
