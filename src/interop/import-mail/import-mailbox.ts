// Imports a source into one mailbox: folder by folder, each message once however often it is run and wherever it was cut
// off before, and then proves what is there (proof.ts). Nothing of the source is ever changed.
//
// What has been taken stands in the store, in the transaction that took it (mailstore/operations/imports.ts). So a run
// begins by asking of each message whether it is known; flags that changed at the source since are changed here too, and what
// its owner has moved, deleted or flagged here stays as he wants it.

import type { Clock } from '../../lib/clock.ts';
import { type ImportedFolder, type ImportFlagsChange, uidKey } from '../../mailstore/import-types.ts';
import { FolderNames, findSpecialUses } from './folder-names.ts';
import { findRow, type ImportReader, isSameFlags } from './known-messages.ts';
import { type FolderProof, proveFolder } from './proof.ts';
import {
  type ImportTarget,
  type MailSource,
  type NotTaken,
  type OpenFolder,
  type SourceBody,
  type SourceFolder,
  type SourceMessage,
  UnreadableMessage,
} from './types.ts';

export interface ImportOptions {
  readonly mailbox: number;
  readonly target: ImportTarget;
  readonly reader: ImportReader;
  /** Mail that is here already makes room for the uids of the source. */
  readonly renumber?: boolean | undefined;
  /** All folders of the source go under this one. */
  readonly below?: string | undefined;
  readonly progress: (progress: ImportProgress) => void;
  readonly clock: Clock;
}

export interface ImportProgress {
  readonly step: 'import' | 'proof';
  readonly folder: string;
  /** Of the folder. */
  readonly done: number;
  readonly count: number | undefined;
}

export interface FolderReport {
  readonly name: string;
  readonly keepsUids: boolean;
  readonly added: number;
  readonly addedBytes: number;
  /** Taken by a run before. */
  readonly known: number;
  readonly flagsChanged: number;
  /** Mail that was delivered here meanwhile and got new uids. */
  readonly moved: number;
  readonly proof: FolderProof;
  readonly importSeconds: number;
  readonly proofSeconds: number;
}

type FolderTaken = Omit<FolderReport, 'proof' | 'importSeconds' | 'proofSeconds'>;

export interface ImportReport {
  readonly source: string;
  readonly folders: readonly FolderReport[];
  readonly subscriptions: number;
  readonly notTaken: readonly NotTaken[];
  /** Everything that is mail is here, octet for octet. */
  readonly isComplete: boolean;
}

export async function importMailbox(source: MailSource, options: ImportOptions): Promise<ImportReport> {
  const folders = await source.folders();
  const uses = findSpecialUses(folders);
  const notTaken: NotTaken[] = [];
  const folderNames = new FolderNames(notTaken, options.below);
  const reports: FolderReport[] = [];
  for (const folder of folders) {
    const name = folderNames.take(folder.levels);
    const use = options.below === undefined ? uses.get(folder) : undefined;
    reports.push(await new FolderImport(folder, name, options, notTaken).run(use));
  }
  const subscribed = await source.subscriptions();
  // Who keeps no list sees all folders, and is to see them here.
  const names = subscribed?.map((levels) => folderNames.nameOf(levels)) ?? reports.map(({ name }) => name);
  for (const name of names) await options.target.subscribe(options.mailbox, name);
  await options.target.completeMailbox(options.mailbox);
  const all = [...source.notTaken, ...notTaken];
  const isComplete = all.every(({ isMail }) => !isMail) && reports.every(({ proof }) => proof.isEqual);
  return { source: source.name, folders: reports, subscriptions: names.length, notTaken: all, isComplete };
}

/** In one step of the writer. */
const flagsPerQuestion = 500;

class FolderImport {
  readonly #source: SourceFolder;
  readonly #name: string;
  readonly #options: ImportOptions;
  readonly #notTaken: NotTaken[];
  #known = 0;
  #added = 0;
  #addedBytes = 0;
  #flagsChanged = 0;
  #done = 0;
  #count: number | undefined;
  readonly #lostKeywords = new Set<string>();

  constructor(source: SourceFolder, name: string, options: ImportOptions, notTaken: NotTaken[]) {
    this.#source = source;
    this.#name = name;
    this.#options = options;
    this.#notTaken = notTaken;
  }

  async run(specialUse: string | undefined): Promise<FolderReport> {
    const open = await this.#source.open();
    try {
      return await this.#take(open, specialUse);
    } finally {
      await open.close();
    }
  }

  async #take(open: OpenFolder, specialUse: string | undefined): Promise<FolderReport> {
    const { mailbox, target, reader, renumber, clock } = this.#options;
    const beganAt = clock.monotonic();
    const { uidValidity, uidNext } = open;
    this.#count = open.count;
    const begun = await target.folder({ mailbox, name: this.#name, uidValidity, uidNext, renumber });
    const changes: ImportFlagsChange[] = [];
    for await (const batch of open.messages()) {
      const unknown: SourceMessage[] = [];
      for (const message of batch) {
        const row = findRow(reader, begun.folder, message);
        if (row === undefined) unknown.push(message);
        else if (!isSameFlags(row.flags, message.flags)) changes.push({ key: row.key, flags: message.flags });
      }
      this.#known += batch.length - unknown.length;
      this.#tell(batch.length - unknown.length);
      for await (const body of open.bodies(unknown)) await this.#add(begun, body, uidValidity);
    }
    await target.flush();
    for (let from = 0; from < changes.length; from += flagsPerQuestion) {
      this.#flagsChanged += await target.flags(begun.folder, changes.slice(from, from + flagsPerQuestion));
    }
    const { moved } = await target.finish(begun.folder, specialUse);
    const report = this.#report(begun, uidValidity !== undefined, moved);
    const takenAt = clock.monotonic();
    const proof = await this.#prove(open, begun.folder);
    const [importSeconds, proofSeconds] = [takenAt - beganAt, clock.monotonic() - takenAt].map((time) => time / 1000);
    return { ...report, proof, importSeconds: importSeconds ?? 0, proofSeconds: proofSeconds ?? 0 };
  }

  #report(begun: ImportedFolder, hasUids: boolean, moved: number): FolderTaken {
    if (hasUids && !begun.keepsUids) {
      this.#notTaken.push({
        what: `uids of ${this.#name}`,
        why: 'the folder had mail of its own, so clients fetch the imported mail again',
        isMail: false,
      });
    }
    for (const keyword of this.#lostKeywords) {
      this.#notTaken.push({
        what: `keyword ${keyword} in ${this.#name}`,
        why: 'a folder holds at most 48',
        isMail: false,
      });
    }
    return {
      name: this.#options.reader.folder(begun.folder)?.name ?? this.#name,
      keepsUids: begun.keepsUids,
      added: this.#added,
      addedBytes: this.#addedBytes,
      known: this.#known,
      flagsChanged: this.#flagsChanged,
      moved,
    };
  }

  #tell(count: number): void {
    this.#done += count;
    this.#options.progress({ step: 'import', folder: this.#name, done: this.#done, count: this.#count });
  }

  async #add(begun: ImportedFolder, body: SourceBody, uidValidity: number | undefined): Promise<void> {
    this.#tell(1);
    if (body.kind === 'gone') return;
    const { label, keys, uid, flags } = body.message;
    if (body.kind === 'unreadable') {
      this.#notTaken.push({ what: label, why: body.why, isMail: true });
      return;
    }
    const message = {
      folder: begun.folder,
      keys: uid === undefined || uidValidity === undefined ? keys : [...keys, uidKey(uidValidity, uid)],
      uid: begun.keepsUids ? uid : undefined,
      flags,
      internalDate: body.internalDate,
    };
    let size = 0;
    const chunks = counted(body.chunks, (octets) => {
      size += octets;
    });
    try {
      await this.#options.target.add(message, chunks, ({ isNew, lostKeywords }) => {
        for (const keyword of lostKeywords) this.#lostKeywords.add(keyword);
        if (!isNew) {
          this.#known++;
          return;
        }
        this.#added++;
        this.#addedBytes += size;
      });
    } catch (error) {
      if (!(error instanceof UnreadableMessage)) throw error;
      this.#notTaken.push({ what: label, why: error.message, isMail: true });
    }
  }

  async #prove(open: OpenFolder, folder: number): Promise<FolderProof> {
    const { reader, progress } = this.#options;
    let done = 0;
    const tell = (count: number): void => {
      done += count;
      progress({ step: 'proof', folder: this.#name, done, count: this.#count });
    };
    return await proveFolder(open, folder, reader, tell);
  }
}

async function* counted(chunks: AsyncIterable<Uint8Array>, count: (octets: number) => void): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    count(chunk.length);
    yield chunk;
  }
}
