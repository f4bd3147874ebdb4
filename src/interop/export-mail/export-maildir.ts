// Writes a mailbox as a Maildir that Dovecot serves as it is: Maildir++ (or LAYOUT=fs), dovecot-uidlist with our uids and
// UIDVALIDITY, flags and keywords in the names, internal dates as the files' times, subscriptions. So clients that move
// with it fetch nothing again. Reads beside the running server.
//
// Each message is written to tmp, synced and renamed; the uid list comes last. A run that was cut off is run again: what is
// there stays. A folder that Dovecot has opened already is refused, since its uid list is Dovecot's from then on.

import fs from 'node:fs';
import { open, readdir, rename, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { encodeMailboxName } from '../../imap/modified-utf7.ts';
import { makeFolders } from '../../lib/make-folders.ts';
import { printKeywords } from '../../maildir/folder-lists.ts';
import type { MaildirLayout } from '../../maildir/folder-tree.ts';
import { maxNamedKeywords, parseMessageName, printFlags } from '../../maildir/message-name.ts';
import { printUidListEntry, printUidListHeader } from '../../maildir/uid-list.ts';
import type { FolderRow, MessageRow } from '../../mailstore/types.ts';
import type { NotTaken } from '../import-mail/types.ts';
import { folderMessages, namedFlags } from './folder-messages.ts';
import { fileBytes, measureFile } from './stored-file.ts';
import { syncFolder, writeWhole } from './synced-file.ts';
import type { ExportedFolder, ExportProgress, ExportReport, ExportStore } from './types.ts';
import { verifyMaildir } from './verify-maildir.ts';

export interface MaildirExportOptions {
  readonly store: ExportStore;
  readonly mailbox: number;
  readonly directory: string;
  readonly layout: MaildirLayout;
  readonly progress: ExportProgress;
}

/** The place is in use. */
export class ExportRefused extends Error {
  override name = 'ExportRefused';
}

const folderMode = 0o700;
const fileMode = 0o600;
/** Files whose syncs run at the same time. */
const atOnce = 16;

export async function exportMaildir(options: MaildirExportOptions): Promise<ExportReport> {
  return await new MaildirExport(options).run();
}

class MaildirExport {
  readonly #options: MaildirExportOptions;
  readonly #notTaken: NotTaken[] = [];
  readonly #taken = new Set<string>();

  constructor(options: MaildirExportOptions) {
    this.#options = options;
  }

  async run(): Promise<ExportReport> {
    const { store, mailbox, directory } = this.#options;
    const folders = store.folders(mailbox).filter(({ selectable }) => selectable);
    const report: ExportedFolder[] = [];
    for (const folder of folders) report.push(await this.#exportFolder(folder));
    const root = path.resolve(directory);
    this.#makeFolders(root);
    const separator = this.#options.layout === 'fs' ? '/' : '.';
    const subscribed = store.subscriptions(mailbox).map((name) => this.#levels(name).join(separator));
    await writeWhole(path.join(root, 'subscriptions'), subscribed.map((name) => `${name}\n`).join(''));
    await this.#writeLastValidity(root, folders);
    this.#noteUses(folders);
    const isComplete =
      report.every(({ messages, equal }) => messages === equal) && this.#notTaken.every(({ isMail }) => !isMail);
    return { folders: report, notTaken: this.#notTaken, isComplete };
  }

  /** Dovecot gives folders that it makes a greater one. */
  async #writeLastValidity(root: string, folders: readonly FolderRow[]): Promise<void> {
    const last = folders.reduce((most, { uidValidity }) => Math.max(most, uidValidity), 1);
    const hex = last.toString(16).padStart(8, '0');
    await writeWhole(path.join(root, 'dovecot-uidvalidity'), hex);
    await writeWhole(path.join(root, `dovecot-uidvalidity.${hex}`), '');
  }

  #noteUses(folders: readonly FolderRow[]): void {
    const uses = folders.flatMap(({ name, specialUse }) => (specialUse === null ? [] : [`${specialUse} of ${name}`]));
    if (uses.length === 0) return;
    const why = 'Dovecot has it in its configuration: namespace inbox { mailbox NAME { special_use = … } }';
    this.#notTaken.push({ what: `what folders are for (${uses.join(', ')})`, why, isMail: false });
  }

  #levels(name: string): string[] {
    const levels = name.split('/').map(encodeMailboxName);
    if (this.#options.layout === 'fs')
      return levels.map((level) => (/^(\.|\.\.|cur|new|tmp)$/.test(level) ? `${level}_` : level));
    return levels.map((level) => level.replaceAll('.', '_'));
  }

  #place(folder: FolderRow): string {
    const root = path.resolve(this.#options.directory);
    if (folder.name === 'INBOX') return root;
    const levels = this.#levels(folder.name);
    const wished = this.#options.layout === 'fs' ? levels.join('/') : `.${levels.join('.')}`;
    let below = wished;
    for (let number = 2; this.#taken.has(below); number++) below = `${wished}_${number}`;
    this.#taken.add(below);
    const plain = folder.name.split('/').map(encodeMailboxName);
    if (levels.join('/') !== plain.join('/') || below !== wished) {
      const what = `folder name ${JSON.stringify(folder.name)}`;
      this.#notTaken.push({
        what,
        why: `it is called ${JSON.stringify(below)} there; --layout fs keeps dots`,
        isMail: false,
      });
    }
    return path.join(root, below);
  }

  #makeFolders(where: string): void {
    for (const name of ['tmp', 'new', 'cur']) makeFolders(path.join(where, name), folderMode);
  }

  async #exportFolder(folder: FolderRow): Promise<ExportedFolder> {
    const { store, progress, layout } = this.#options;
    const where = this.#place(folder);
    this.#makeFolders(where);
    if (fs.existsSync(path.join(where, 'dovecot.index.log'))) {
      throw new ExportRefused(`${where} is served by Dovecot already: name an empty folder`);
    }
    if (layout === 'maildir++' && folder.name !== 'INBOX') await writeWhole(path.join(where, 'maildirfolder'), '');
    const writer = new FolderWriter(where, folder, store, await namesThere(where));
    let done = 0;
    for await (const page of folderMessages(store, folder)) {
      for (let from = 0; from < page.length; from += atOnce) {
        const part = page.slice(from, from + atOnce);
        await Promise.all(part.map((row) => writer.write(row)));
        done += part.length;
        progress(folder.name, done, undefined);
      }
    }
    await writer.finish();
    this.#noteKeywords(folder, writer.lostKeywords);
    if (writer.loneLf > 0) {
      const what = `${writer.loneLf} messages with lone line feeds in ${folder.name}`;
      this.#notTaken.push({ what, why: 'Dovecot shows them with CRLF', isMail: false });
    }
    const proof = await verifyMaildir(where, folder, store, (count) => progress(`${folder.name} (proof)`, count, done));
    return { name: folder.name, path: where, ...proof };
  }

  #noteKeywords(folder: FolderRow, lost: ReadonlySet<number>): void {
    for (const number of lost) {
      const what = `keyword ${folder.keywords[number] ?? number} in ${folder.name}`;
      this.#notTaken.push({ what, why: `a Maildir's names have letters for ${maxNamedKeywords} only`, isMail: false });
    }
  }
}

/** Names by what never changes of them. */
async function namesThere(where: string): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const part of ['new', 'cur']) {
    for (const name of await readdir(path.join(where, part))) names.set(parseMessageName(name).base, `${part}/${name}`);
  }
  return names;
}

class FolderWriter {
  readonly lostKeywords = new Set<number>();
  loneLf = 0;
  readonly #where: string;
  readonly #folder: FolderRow;
  readonly #store: ExportStore;
  readonly #there: ReadonlyMap<string, string>;
  readonly #entries: { uid: number; name: string }[] = [];

  constructor(where: string, folder: FolderRow, store: ExportStore, there: ReadonlyMap<string, string>) {
    this.#where = where;
    this.#folder = folder;
    this.#store = store;
    this.#there = there;
  }

  async write(row: MessageRow): Promise<void> {
    const { id, uidValidity, keywords } = this.#folder;
    const content = this.#store.openContent(row.content);
    try {
      const form = await measureFile(content);
      const seconds = Math.floor(row.internalDate / 1000);
      const base = `${seconds}.F${id}V${uidValidity}U${row.uid}.posthaste,S=${form.size},W=${form.virtualSize}`;
      const flags = namedFlags(row.flags, keywords.length);
      const name = base + printFlags(flags.system, flags.keywords);
      for (const number of flags.keywords) if (number >= maxNamedKeywords) this.lostKeywords.add(number);
      if (form.hasLoneLf) this.loneLf++;
      this.#entries.push({ uid: row.uid, name: base });
      const target = path.join(this.#where, 'cur', name);
      const there = this.#there.get(base);
      if (there !== undefined) {
        await rename(path.join(this.#where, there), target);
        return;
      }
      const temporary = path.join(this.#where, 'tmp', base);
      const handle = await open(temporary, 'w', fileMode);
      try {
        for await (const piece of fileBytes(content, form)) await handle.writeFile(piece);
        await utimes(temporary, seconds, seconds);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, target);
    } finally {
      await content.close();
    }
  }

  async finish(): Promise<void> {
    const { uidValidity, uidNext, keywords } = this.#folder;
    await syncFolder(path.join(this.#where, 'cur'));
    const entries = this.#entries.toSorted((a, b) => a.uid - b.uid);
    // Mail may have come while we wrote.
    const next = Math.max(uidNext, (entries.at(-1)?.uid ?? 0) + 1);
    const list = printUidListHeader(uidValidity, next) + entries.map(printUidListEntry).join('');
    await writeWhole(path.join(this.#where, 'dovecot-keywords'), printKeywords(keywords.slice(0, maxNamedKeywords)));
    await writeWhole(path.join(this.#where, 'dovecot-uidlist'), list);
    for (const left of await readdir(path.join(this.#where, 'tmp'))) {
      if (left.includes('.posthaste,')) await rm(path.join(this.#where, 'tmp', left), { force: true });
    }
  }
}
