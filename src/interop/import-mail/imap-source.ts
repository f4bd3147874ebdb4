// The mail of an account on an IMAP server, fetched by login. Small messages come many at a time, long ones piece by piece, so
// that neither the number nor the size of messages decides how much memory it takes. A message is known again by its
// folder's UIDVALIDITY, its uid, its size and its date: a second run fetches the flags of all and the bytes of the new.

import type { FetchMessageObject, ListResponse } from 'imapflow';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { systemFlags } from '../../mailstore/types.ts';
import { type ImapAccount, ImapConnection, ImapRefused } from './imap-connection.ts';
import type { MailSource, NotTaken, OpenFolder, SourceBody, SourceFolder, SourceMessage } from './types.ts';

const batchMessages = 500;
/** Of messages that are fetched in one command. */
const maxFetchBytes = 4 * 1024 * 1024;
const maxFetchMessages = 100;
const pieceBytes = 1024 * 1024;
/** Their messages stand in other folders (RFC 6154 §2). */
const virtualUses: ReadonlySet<string> = new Set(['\\All', '\\Flagged', '\\Important']);

export class ImapSource implements MailSource {
  readonly name: string;
  readonly notTaken: NotTaken[] = [];
  readonly #connection: ImapConnection;
  readonly #lost = new Set<string>();
  #listed: readonly ListResponse[] | undefined;
  #prefix = '';

  constructor(account: ImapAccount) {
    this.name = `${account.user} at ${account.host}`;
    this.#connection = new ImapConnection(account);
  }

  async folders(): Promise<readonly SourceFolder[]> {
    const listed = await this.#list();
    return listed.flatMap((folder) => {
      if (folder.flags.has('\\Noselect') || folder.flags.has('\\NonExistent')) return [];
      const use = folder.specialUseSource === 'extension' ? folder.specialUse : undefined;
      if (use !== undefined && virtualUses.has(use)) {
        this.#skip(folder.path, `it is ${use} and shows mail that stands in other folders`);
        return [];
      }
      return [{ levels: this.#levels(folder), specialUse: use, open: () => this.#open(folder.path) }];
    });
  }

  #skip(what: string, why: string): void {
    this.notTaken.push({ what: `folder ${what}`, why, isMail: false });
  }

  /** RFC 3501 §2.3.2: flags that begin with a backslash are the standard's, and servers here know no others. */
  #lose(flag: string): void {
    if (this.#lost.has(flag)) return;
    this.#lost.add(flag);
    this.notTaken.push({ what: `flag ${flag}`, why: 'it is neither a system flag nor a keyword', isMail: false });
  }

  async #list(): Promise<readonly ListResponse[]> {
    if (this.#listed !== undefined) return this.#listed;
    const { listed, namespaces } = await this.#connection.run(async (client) => ({
      listed: await client.list(),
      namespaces: client.namespaces,
    }));
    this.#prefix = (namespaces && 'personal' in namespaces && namespaces.personal?.[0]?.prefix) || '';
    const foreign =
      namespaces && 'other' in namespaces ? [...(namespaces.other || []), ...(namespaces.shared || [])] : [];
    this.#listed = listed.filter(({ path }) => {
      const isForeign = foreign.some(({ prefix }) => prefix !== '' && path.startsWith(prefix));
      if (isForeign) this.#skip(path, 'it is in the namespace of others');
      return !isForeign;
    });
    return this.#listed;
  }

  /** Without the prefix of the namespace, as in `INBOX.Sent`. */
  #levels({ path, delimiter }: ListResponse): string[] {
    if (path.toUpperCase() === 'INBOX') return [];
    const own = this.#prefix !== '' && path.startsWith(this.#prefix) ? path.slice(this.#prefix.length) : path;
    return delimiter ? own.split(delimiter) : [own];
  }

  async #open(path: string): Promise<OpenFolder> {
    return new ImapFolder(this.#connection, path, await this.#connection.examine(path), (flag) => this.#lose(flag));
  }

  async subscriptions(): Promise<readonly (readonly string[])[]> {
    const listed = await this.#list();
    return listed.filter(({ subscribed }) => subscribed).map((folder) => this.#levels(folder));
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

interface ImapMessage extends SourceMessage {
  readonly uid: number;
  readonly size: number;
  readonly internalDate: number;
}

class ImapFolder implements OpenFolder {
  readonly isRereadable = false;
  readonly uidValidity: number;
  readonly uidNext: number;
  readonly count: number;
  readonly #connection: ImapConnection;
  readonly #path: string;
  readonly #lose: (flag: string) => void;

  constructor(
    connection: ImapConnection,
    path: string,
    status: { readonly uidValidity: number; readonly uidNext: number; readonly count: number },
    lose: (flag: string) => void,
  ) {
    this.#lose = lose;
    this.#connection = connection;
    this.#path = path;
    this.uidValidity = status.uidValidity;
    this.uidNext = status.uidNext;
    this.count = status.count;
  }

  async *messages(): AsyncIterable<readonly SourceMessage[]> {
    const found = await this.#connection.run((client) => client.search({ all: true }, { uid: true }));
    const uids = (found || []).toSorted((a, b) => a - b);
    for (let from = 0; from < uids.length; from += batchMessages) {
      const slice = uids.slice(from, from + batchMessages);
      const wanted = { uid: true, flags: true, internalDate: true, size: true } as const;
      const fetched = await this.#fetch(`${slice[0]}:${slice.at(-1)}`, wanted);
      yield fetched.map((message) => this.#toMessage(message)).toSorted((a, b) => a.uid - b.uid);
    }
  }

  #fetch(range: string, wanted: Parameters<Parameters<Parameters<ImapConnection['run']>[0]>[0]['fetchAll']>[1]) {
    return this.#connection.run((client) => client.fetchAll(range, wanted, { uid: true }));
  }

  #toMessage({ uid, flags = new Set(), internalDate, size = 0 }: FetchMessageObject): ImapMessage {
    const date = Math.floor(new Date(internalDate ?? 0).getTime() / 1000) * 1000;
    return {
      uid,
      size,
      internalDate: date,
      keys: [`i:${this.uidValidity}:${uid}:${size}:${date / 1000}`],
      flags: [...flags].filter((flag) => this.#isKept(flag)),
      label: `${this.#path}, uid ${uid}`,
    };
  }

  #isKept(flag: string): boolean {
    const lower = flag.toLowerCase();
    if (lower === '\\recent') return false;
    const isKept = !flag.startsWith('\\') || systemFlags.some((known) => known.toLowerCase() === lower);
    if (!isKept) this.#lose(flag);
    return isKept;
  }

  async *bodies(messages: readonly SourceMessage[]): AsyncIterable<SourceBody> {
    for (const group of groups(messages as readonly ImapMessage[])) {
      const [first] = group;
      if (group.length === 1 && first !== undefined && first.size > pieceBytes) {
        yield bodyOf(first, this.#pieces(first));
        continue;
      }
      yield* await this.#whole(group);
    }
  }

  async #whole(group: readonly ImapMessage[]): Promise<readonly SourceBody[]> {
    let fetched: readonly FetchMessageObject[] = [];
    try {
      fetched = await this.#fetch(group.map(({ uid }) => uid).join(','), { uid: true, source: true });
    } catch (error) {
      // One that the server cannot read has it refuse all of them.
      if (!(error instanceof ImapRefused)) throw error;
      const [message] = group;
      if (group.length === 1 && message !== undefined) return [{ kind: 'unreadable', message, why: error.message }];
    }
    const sources = new Map(fetched.map(({ uid, source }) => [uid, source]));
    const bodies: SourceBody[] = [];
    for (const message of group) {
      const source = sources.get(message.uid);
      if (source !== undefined) bodies.push(bodyOf(message, only(source)));
      else if (group.length > 1) bodies.push(...(await this.#whole([message])));
      else bodies.push(await this.#missing(message));
    }
    return bodies;
  }

  /** The server has sent nothing of it. */
  async #missing(message: ImapMessage): Promise<SourceBody> {
    const [still] = await this.#fetch(String(message.uid), { uid: true });
    if (still === undefined) return { kind: 'gone', message };
    return { kind: 'unreadable', message, why: 'the server lists it and does not send it' };
  }

  async *#pieces({ uid, size }: ImapMessage): AsyncIterable<Uint8Array> {
    for (let start = 0; start < size; ) {
      const wanted = { uid: true, source: { start, maxLength: pieceBytes } } as const;
      const [message] = await this.#fetch(String(uid), wanted);
      const piece = message?.source;
      if (piece === undefined || piece.length === 0) {
        throw new TemporaryError(`uid ${uid} of ${this.#path} was deleted while it was fetched: run this again`);
      }
      yield piece;
      start += piece.length;
    }
  }

  async close(): Promise<void> {}
}

function bodyOf(message: ImapMessage, chunks: AsyncIterable<Uint8Array>): SourceBody {
  return { kind: 'message', message, internalDate: message.internalDate, chunks };
}

async function* only(bytes: Buffer): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** Long messages alone. */
function* groups(messages: readonly ImapMessage[]): Iterable<readonly ImapMessage[]> {
  let group: ImapMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const isFull = group.length >= maxFetchMessages || bytes + message.size > maxFetchBytes;
    if (group.length > 0 && (isFull || message.size > pieceBytes)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(message);
    bytes += message.size;
    if (message.size <= pieceBytes) continue;
    yield group;
    group = [];
    bytes = 0;
  }
  if (group.length > 0) yield group;
}
