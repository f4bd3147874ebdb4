// Mail in mbox files: one file is one folder, a folder of files an account; where an IMAP server kept it (.imap, .subscriptions)
// a file without mail is a folder too, and subscriptions are known. UIDs and UIDVALIDITY where an IMAP server has
// left them in the headers, flags, keywords, and the date of the From_ line. A message is known again by its digest
// without the fields that change (mbox-headers.ts), and by which of several equal ones it is.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type MboxEntry, MboxFile } from '../../maildir/mbox-file.ts';
import { parseSubscriptions } from '../../maildir/folder-lists.ts';
import { decodeMailboxName } from '../../imap/modified-utf7.ts';
import { type MboxHeader, parseMboxHeader } from '../../maildir/mbox-headers.ts';
import { LineEnds } from '../../message/line-ends.ts';
import type { MailSource, NotTaken, OpenFolder, SourceBody, SourceFolder, SourceMessage } from './types.ts';

/** How `From ` at the beginning of a line was kept from looking like a new message. */
export type MboxQuoting = 'mboxrd' | 'mboxo' | 'none';

export interface MboxOptions {
  readonly path: string;
  /** What the folder of a single file is called; by default INBOX. */
  readonly folder?: string | undefined;
  readonly quoting: MboxQuoting;
}

/** The file is something else. */
export class NoMboxError extends Error {
  override name = 'NoMboxError';
}

const batchMessages = 200;

/** What mail programs keep beside their files. */
const besideMail = /\.(?:msf|dat|html|json|lock)$/i;
const noFromLine = 'it is no mbox: it does not begin with a From_ line';

export class MboxSource implements MailSource {
  readonly name: string;
  readonly notTaken: NotTaken[] = [];
  readonly #options: MboxOptions;
  readonly #root: string;
  readonly #isServed: boolean;

  constructor(options: MboxOptions) {
    this.name = `mbox ${options.path}`;
    this.#options = options;
    this.#root = path.resolve(options.path);
    this.#isServed = ['.imap', '.subscriptions'].some((name) => fs.existsSync(path.join(this.#root, name)));
  }

  async folders(): Promise<readonly SourceFolder[]> {
    const { folder = 'INBOX' } = this.#options;
    if (!fs.statSync(this.#root).isDirectory()) return [this.#folder(this.#root, folder.split('/'))];
    return await this.#foldersIn('', []);
  }

  #folder(file: string, levels: readonly string[]): SourceFolder {
    const own = levels.length === 1 && levels[0]?.toUpperCase() === 'INBOX' ? [] : levels;
    return { levels: own, open: () => MboxFolder.open(file, this.#options.quoting, this.#isServed) };
  }

  async #foldersIn(below: string, levels: readonly string[]): Promise<SourceFolder[]> {
    const found: SourceFolder[] = [];
    const entries = fs.readdirSync(path.join(this.#root, below), { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.')) continue;
      const relative = path.join(below, entry.name);
      // Thunderbird's Work.sbd holds the folders below Work; many others end their files' names in .mbox.
      const bare = entry.name.replace(/\.(sbd|mbox)$/i, '');
      // Only servers write names in modified UTF-7, and they add nothing to them.
      const own = [...levels, bare === entry.name ? decoded(bare) : bare];
      const file = path.join(this.#root, relative);
      if (entry.isDirectory()) found.push(...(await this.#foldersIn(relative, own)));
      else if (entry.isSymbolicLink()) this.notTaken.push({ what: file, why: 'it is a symbolic link', isMail: true });
      else if (entry.isFile()) {
        if (fs.statSync(file).size === 0 ? this.#isServed : await isMbox(file)) found.push(this.#folder(file, own));
        else if (fs.statSync(file).size > 0 && !besideMail.test(entry.name)) {
          this.notTaken.push({ what: file, why: noFromLine, isMail: false });
        }
      }
    }
    return found;
  }

  /** Dovecot's. */
  async subscriptions(): Promise<readonly (readonly string[])[] | undefined> {
    const file = path.join(this.#root, '.subscriptions');
    // A link would be its owner's way to what others wrote.
    if (!this.#isServed || fs.lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
    return parseSubscriptions(fs.readFileSync(file, 'utf8'), '/').map((levels) => levels.map(decoded));
  }

  async close(): Promise<void> {}
}

/** A folder's name as a server writes it in the name of a file, or as people do. */
function decoded(name: string): string {
  return decodeMailboxName(Buffer.from(name, 'utf8').toString('latin1'));
}

async function isMbox(file: string): Promise<boolean> {
  const mbox = await MboxFile.open(file);
  try {
    return await mbox.isMbox();
  } finally {
    await mbox.close();
  }
}

interface MboxMessage extends SourceMessage {
  readonly entry: MboxEntry;
  readonly shown: string;
}

class MboxFolder implements OpenFolder {
  readonly isRereadable = true;
  uidValidity: number | undefined;
  uidNext: number | undefined;
  readonly #file: string;
  readonly #mbox: MboxFile;
  readonly #quoting: MboxQuoting;

  private constructor(file: string, mbox: MboxFile, quoting: MboxQuoting) {
    this.#file = file;
    this.#mbox = mbox;
    this.#quoting = quoting;
  }

  static async open(file: string, quoting: MboxQuoting, isEmptyAllowed: boolean): Promise<MboxFolder> {
    const folder = new MboxFolder(file, await MboxFile.open(file), quoting);
    if (isEmptyAllowed && fs.statSync(file).size === 0) return folder;
    if (!(await folder.#mbox.isMbox())) {
      await folder.close();
      throw new NoMboxError(`${file}: ${noFromLine}`);
    }
    for await (const { header } of folder.#mbox.entries()) {
      const { base } = parseMboxHeader(header);
      folder.uidValidity = base?.uidValidity;
      folder.uidNext = base === undefined ? undefined : base.lastUid + 1;
      break;
    }
    return folder;
  }

  async *messages(): AsyncIterable<readonly SourceMessage[]> {
    const seen = new Map<string, number>();
    let batch: MboxMessage[] = [];
    let lastUid = 0;
    for await (const entry of this.#mbox.entries()) {
      const header = parseMboxHeader(entry.header);
      if (header.isInternal) continue;
      const digest = await this.#digest(entry, header);
      const number = (seen.get(digest) ?? 0) + 1;
      seen.set(digest, number);
      // Uids that do not grow are somebody else's: a message that was copied in with its header.
      const uid = this.uidValidity !== undefined && (header.uid ?? 0) > lastUid ? header.uid : undefined;
      lastUid = uid ?? lastUid;
      batch.push({
        entry,
        shown: header.shown,
        keys: [`m:${digest}:${number}`],
        uid,
        flags: header.flags,
        label: `${this.#file}, message at octet ${entry.start}`,
      });
      if (batch.length < batchMessages) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  async #digest(entry: MboxEntry, { shown }: MboxHeader): Promise<string> {
    const hash = createHash('sha256');
    for await (const chunk of this.#chunks(entry, shown)) hash.update(chunk);
    return hash.digest('base64url');
  }

  async *bodies(messages: readonly SourceMessage[]): AsyncIterable<SourceBody> {
    for (const message of messages as readonly MboxMessage[]) {
      const { entry, shown } = message;
      yield { kind: 'message', message, internalDate: entry.date, chunks: this.#chunks(entry, shown) };
    }
  }

  async *#chunks(entry: MboxEntry, shown: string): AsyncIterable<Uint8Array> {
    const lineEnds = new LineEnds();
    yield lineEnds.encode(Buffer.from(shown, 'latin1'));
    const body = this.#mbox.bytes(entry.bodyStart, entry.end);
    // Counted text needs no quoting; what looks quoted is the text's own, unless the writer did both.
    const quoting = entry.isCounted ? 'none' : this.#quoting;
    for await (const piece of quoting === 'none' ? body : unquoted(body, quoting)) yield lineEnds.encode(piece);
  }

  async close(): Promise<void> {
    await this.#mbox.close();
  }
}

/** `>From ` at the beginning of a line loses its `>`; of several, with mboxrd, one. */
async function* unquoted(pieces: AsyncIterable<Buffer>, quoting: MboxQuoting): AsyncIterable<Buffer> {
  const pattern = quoting === 'mboxrd' ? /^>(>*From )/gm : /^>(From )/gm;
  let held = '';
  for await (const piece of pieces) {
    const text: string = held + piece.toString('latin1');
    const end = text.lastIndexOf('\n') + 1;
    held = text.slice(end);
    // A line that has no end yet may still grow, but what matters stands at its beginning.
    if (end > 0) yield Buffer.from(text.slice(0, end).replaceAll(pattern, '$1'), 'latin1');
  }
  if (held !== '') yield Buffer.from(held.replaceAll(pattern, '$1'), 'latin1');
}
