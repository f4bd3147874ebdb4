// Writes a mailbox as mbox files, one a folder (`Work/2026.mbox`), in the form mboxrd with the fields in which IMAP servers
// keep uids, flags and keywords, so that Dovecot and an import read them back. Reads beside the running server.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { open, rename } from 'node:fs/promises';
import path from 'node:path';
import { makeFolders } from '../../lib/make-folders.ts';
import { printFromDate } from '../../maildir/mbox-file.ts';
import { parseMboxHeader, printMboxFields } from '../../maildir/mbox-headers.ts';
import { StoredForm } from '../../maildir/stored-form.ts';
import { LineEnds } from '../../message/line-ends.ts';
import type { FolderRow, MessageRow } from '../../mailstore/types.ts';
import { MboxSource } from '../import-mail/mbox-source.ts';
import type { NotTaken } from '../import-mail/types.ts';
import { folderMessages, namedFlags } from './folder-messages.ts';
import { ExportRefused } from './export-maildir.ts';
import { piecesOf } from './stored-file.ts';
import { syncFolder } from './synced-file.ts';
import type { ExportedFolder, ExportProgress, ExportReport, ExportStore } from './types.ts';

export interface MboxExportOptions {
  readonly store: ExportStore;
  readonly mailbox: number;
  readonly directory: string;
  readonly progress: ExportProgress;
}

const maxHeaderBytes = 512 * 1024;

export async function exportMbox(options: MboxExportOptions): Promise<ExportReport> {
  const { store, mailbox } = options;
  const root = path.resolve(options.directory);
  const notTaken: NotTaken[] = [];
  const report: ExportedFolder[] = [];
  const taken = new Set<string>();
  for (const folder of store.folders(mailbox).filter(({ selectable }) => selectable)) {
    const name = fileName(folder.name, taken);
    if (name !== `${folder.name}.mbox`) {
      const what = `folder name ${JSON.stringify(folder.name)}`;
      notTaken.push({ what, why: `it is called ${JSON.stringify(name)} there`, isMail: false });
    }
    const exported = await new MboxFolderExport(folder, options, notTaken).run(path.join(root, name));
    if (exported !== undefined) report.push(exported);
  }
  return { folders: report, notTaken, isComplete: report.every(({ messages, equal }) => messages === equal) };
}

/** A folder's name may be any text: no file takes another's place, nor that of a folder of files. */
function fileName(name: string, taken: Set<string>): string {
  const levels = name.split('/').map((level) => level.replace(/^\.+/, (dots) => '_'.repeat(dots.length)));
  const below = levels.slice(0, -1).map((level) => (/\.mbox$/i.test(level) ? `${level}_` : level));
  const wished = [...below, levels.at(-1)].join('/');
  let free = wished;
  for (let number = 2; taken.has(free.toLowerCase()); number++) free = `${wished}_${number}`;
  taken.add(free.toLowerCase());
  return `${free}.mbox`;
}

class MboxFolderExport {
  readonly #folder: FolderRow;
  readonly #options: MboxExportOptions;
  readonly #notTaken: NotTaken[];
  readonly #digests: string[] = [];
  #bytes = 0;
  #changed = 0;

  constructor(folder: FolderRow, options: MboxExportOptions, notTaken: NotTaken[]) {
    this.#folder = folder;
    this.#options = options;
    this.#notTaken = notTaken;
  }

  /** Undefined for an empty folder, which has no file. */
  async run(file: string): Promise<ExportedFolder | undefined> {
    if (fs.existsSync(file)) throw new ExportRefused(`${file} exists already: name another folder`);
    makeFolders(path.dirname(file), 0o700);
    const temporary = `${file}.posthaste-new`;
    const handle = await open(temporary, 'w', 0o600);
    try {
      for await (const page of folderMessages(this.#options.store, this.#folder)) {
        for (const row of page) {
          for await (const piece of this.#message(row)) await handle.writeFile(piece);
          this.#options.progress(this.#folder.name, this.#digests.length, undefined);
        }
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (this.#digests.length === 0) {
      fs.rmSync(temporary);
      return undefined;
    }
    await rename(temporary, file);
    await syncFolder(path.dirname(file));
    if (this.#changed > 0) {
      const what = `header fields Status, X-Status, X-Keywords, X-UID of ${this.#changed} messages in ${this.#folder.name}`;
      this.#notTaken.push({ what, why: 'an mbox uses them itself', isMail: false });
    }
    const messages = this.#digests.length;
    return { name: this.#folder.name, path: file, messages, bytes: this.#bytes, equal: await this.#verify(file) };
  }

  async *#message(row: MessageRow): AsyncIterable<Uint8Array> {
    const content = this.#options.store.openContent(row.content);
    try {
      const head = await content.read(0, Math.min(content.size, maxHeaderBytes));
      const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1');
      const end = /^\r\n|\r\n\r\n/.exec(text);
      const headerLength = end === null ? 0 : end.index + end[0].length - 2;
      const header = text.slice(0, headerLength).replaceAll('\r\n', '\n');
      const { shown } = parseMboxHeader(header);
      if (shown !== header) this.#changed++;
      yield Buffer.from(
        `From MAILER-DAEMON ${printFromDate(row.internalDate)}\n${shown}${this.#fields(row)}`,
        'latin1',
      );
      // A message without a header gets its empty line.
      if (end === null) yield Buffer.from('\n');
      const form = new StoredForm({ quotesFrom: true, endsEmpty: true });
      const hash = createHash('sha256');
      const lineEnds = new LineEnds();
      hash.update(lineEnds.encode(Buffer.from(shown, 'latin1')));
      let at = 0;
      for await (const piece of piecesOf(content)) {
        const body = piece.subarray(Math.max(0, headerLength - at));
        at += piece.length;
        hash.update(lineEnds.encode(body));
        yield form.convert(body);
      }
      yield form.end();
      this.#digests.push(hash.digest('hex'));
      this.#bytes += row.size;
    } finally {
      await content.close();
    }
  }

  #fields(row: MessageRow): string {
    const { keywords, uidValidity, uidNext } = this.#folder;
    const flags = namedFlags(row.flags, keywords.length);
    return printMboxFields({
      ...(this.#digests.length === 0 ? { base: { uidValidity, lastUid: uidNext - 1, keywords } } : {}),
      uid: row.uid,
      flags: flags.system,
      keywords: flags.keywords.map((number) => keywords[number] ?? ''),
    });
  }

  /** Read as an import would. */
  async #verify(file: string): Promise<number> {
    const [folder] = await new MboxSource({ path: file, quoting: 'mboxrd' }).folders();
    const reader = await folder?.open();
    if (reader === undefined) return 0;
    let equal = 0;
    let index = 0;
    try {
      for await (const batch of reader.messages()) {
        for await (const body of reader.bodies(batch)) {
          if (body.kind !== 'message') continue;
          const hash = createHash('sha256');
          for await (const chunk of body.chunks) hash.update(chunk);
          if (hash.digest('hex') === this.#digests[index++]) equal++;
        }
      }
    } finally {
      await reader.close();
    }
    return equal;
  }
}
