// Answers one FETCH (RFC 3501 §7.4.2): a line a message, in pages, with bounded memory whatever is asked of however many
// messages. Flags, uids and mod-sequences come from the view, sizes and dates from the store's rows, envelopes and structures
// from the store's cache (filled here the first time), bodies in slices straight from the content to the socket.

import type { FetchItem, SectionFetchItem } from '../../imap/fetch-items.ts';
import { printDateTime } from '../../imap/print.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { seenBit, type ContentReader, type Head, type MessageRow } from '../../mailstore/types.ts';
import { hasFlag } from '../folder-view.ts';
import { ConnectionEndedError } from '../refusal.ts';
import type { SelectedFolder } from '../selected-folder.ts';
import type { SessionContext } from '../session-context.ts';
import { TimeSlice } from '../time-slice.ts';
import { MessageRows, pageMessages } from './message-rows.ts';
import { renderEnvelope, renderStructure } from './render-structure.ts';
import { findSection } from './sections.ts';
import { scanStructure, sliceBytes } from './structure-cache.ts';

/** Between looks at the clock. */
const stepMessages = 16;
const maxWaitingHeads = 100;

export class FetchResponder {
  readonly #session: SessionContext;
  readonly #selected: SelectedFolder;
  readonly #items: readonly FetchItem[];
  readonly #sections: readonly SectionFetchItem[];
  readonly #needsRow: boolean;
  readonly #setsSeen: boolean;
  readonly #slice: TimeSlice;
  #heads: { content: number; head: Head }[] = [];
  /** Some message was gone when its turn came. */
  hasMissing = false;
  /** Some message's octets could not be read. */
  hasUnreadable = false;
  #isLineBegun = false;

  constructor(session: SessionContext, selected: SelectedFolder, items: readonly FetchItem[]) {
    this.#session = session;
    this.#selected = selected;
    this.#items = items;
    this.#sections = items.filter((item) => item.kind === 'section');
    this.#needsRow = items.some(({ kind }) => kind !== 'FLAGS' && kind !== 'UID' && kind !== 'MODSEQ');
    this.#setsSeen = !selected.isReadOnly && this.#sections.some((section) => !section.peek);
    this.#slice = new TimeSlice(session.server.clock);
  }

  /** `uids` ascending. */
  async respond(uids: readonly number[]): Promise<void> {
    const { output } = this.#session;
    const rows = new MessageRows(this.#session.server.store, this.#selected.view.folder);
    for (let from = 0; from < uids.length; from += pageMessages) {
      const page = uids.slice(from, from + pageMessages);
      const newlySeen = this.#setsSeen ? await this.#setSeen(page) : undefined;
      if (this.#needsRow) rows.load(page);
      let step = 0;
      for (const uid of page) {
        const index = this.#selected.view.indexOf(uid);
        const row = this.#needsRow ? rows.get(uid) : undefined;
        if (index === -1 || (this.#needsRow && row === undefined)) {
          this.hasMissing = true;
          continue;
        }
        await this.#messageIfReadable(uid, index, row, newlySeen?.has(uid) ?? false);
        if (output.isBlocked) await output.ready();
        if (++step % stepMessages === 0 && this.#slice.isOver) await this.#pause();
      }
      if (this.#slice.isOver) await this.#pause();
    }
    await this.#saveHeads();
  }

  async #pause(): Promise<void> {
    this.#session.output.flush();
    await this.#slice.pause();
    // Ends here where the client is gone, however much is left to do.
    await this.#session.output.ready();
  }

  /** RFC 3501 §6.4.5: BODY[...] sets \Seen. Gives the uids that have it now and had not. */
  async #setSeen(page: readonly number[]): Promise<ReadonlySet<number>> {
    const { view } = this.#selected;
    const unseen = page.filter((uid) => {
      const index = view.indexOf(uid);
      return index !== -1 && !hasFlag(view.flagsAt(index), seenBit);
    });
    if (unseen.length === 0) return new Set();
    const { changed } = await this.#session.server.store.storeFlags(view.folder, unseen, 'add', ['\\Seen']);
    return new Set(changed.map(({ uid }) => uid));
  }

  /** One message that cannot be read must not keep the client from the others. */
  async #messageIfReadable(
    uid: number,
    index: number,
    row: MessageRow | undefined,
    isNewlySeen: boolean,
  ): Promise<void> {
    this.#isLineBegun = false;
    const modseq = this.#selected.view.modseqAt(index);
    try {
      await this.#message(uid, index, row, isNewlySeen);
      if (isNewlySeen) this.#selected.flagsShown(uid, modseq);
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      this.#session.log.error(
        this.#session.user?.login ?? '',
        `UID ${uid} of ${this.#selected.name}: ${error.message}`,
      );
      // Within a literal nothing can be said any more.
      if (this.#isLineBegun) throw new ConnectionEndedError('a message could not be read to its end');
      if (this.#selected.view.indexOf(uid) === -1) this.hasMissing = true;
      else this.hasUnreadable = true;
    }
  }

  async #message(uid: number, index: number, row: MessageRow | undefined, isNewlySeen: boolean): Promise<void> {
    const { view } = this.#selected;
    const { isCondstoreEnabled } = this.#session;
    const pieces: string[] = [];
    for (const item of this.#items) {
      switch (item.kind) {
        case 'UID':
          pieces.push(`UID ${uid}`);
          break;
        case 'FLAGS':
          pieces.push(`FLAGS (${view.flagsText(view.flagsAt(index))})`);
          break;
        case 'MODSEQ':
          pieces.push(`MODSEQ (${view.modseqAt(index)})`);
          break;
        case 'RFC822.SIZE':
          pieces.push(`RFC822.SIZE ${row?.size}`);
          break;
        case 'INTERNALDATE':
          pieces.push(`INTERNALDATE ${printDateTime(row?.internalDate ?? 0)}`);
          break;
        case 'ENVELOPE':
        case 'BODYSTRUCTURE':
        case 'BODY':
        case 'section':
          break;
      }
    }
    if (isNewlySeen && !this.#items.some((item) => item.kind === 'FLAGS')) {
      pieces.push(`FLAGS (${view.flagsText(view.flagsAt(index))})`);
      // RFC 7162 §3.2.4: whoever is told of flags is told of their mod-sequence.
      if (isCondstoreEnabled && !this.#items.some((item) => item.kind === 'MODSEQ')) {
        pieces.push(`MODSEQ (${view.modseqAt(index)})`);
      }
    }
    const begin = `* ${this.#selected.sequenceOf(uid)} FETCH (`;
    if (row === undefined) this.#session.output.line(`${begin}${pieces.join(' ')})`);
    else await this.#messageWithContent(begin, pieces, row);
  }

  async #messageWithContent(begin: string, pieces: string[], row: MessageRow): Promise<void> {
    const { store } = this.#session.server;
    const wants = (kind: FetchItem['kind']): boolean => this.#items.some((item) => item.kind === kind);
    const wantsHead = wants('ENVELOPE') || wants('BODYSTRUCTURE');
    let head = wantsHead ? store.head(row.content) : undefined;
    const needsContent = (wantsHead && head === undefined) || wants('BODY') || this.#sections.length > 0;
    const reader = needsContent ? store.openContent(row.content) : undefined;
    try {
      if (reader !== undefined && wantsHead && head === undefined) head = await this.#makeHead(row.content, reader);
      if (wants('ENVELOPE')) pieces.push(`ENVELOPE (${head?.envelope})`);
      if (wants('BODYSTRUCTURE')) pieces.push(`BODYSTRUCTURE ${head?.structure}`);
      if (reader !== undefined && wants('BODY')) {
        pieces.push(`BODY ${renderStructure(await this.#session.server.structures.get(row.content, reader), false)}`);
      }
      if (reader === undefined || this.#sections.length === 0) {
        this.#session.output.line(`${begin}${pieces.join(' ')})`);
        return;
      }
      await this.#printSections(begin + pieces.join(' '), pieces.length > 0, row.content, reader);
    } finally {
      await reader?.close();
    }
  }

  async #makeHead(content: number, reader: ContentReader): Promise<Head> {
    const root = await scanStructure(reader, this.#session.server.clock);
    const head = { envelope: renderEnvelope(root.envelope ?? {}), structure: renderStructure(root, true) };
    this.#heads.push({ content, head });
    if (this.#heads.length >= maxWaitingHeads) await this.#saveHeads();
    return head;
  }

  /** The cache is filled without waiting for the disk's answer to matter: a failure only means work done again. */
  async #saveHeads(): Promise<void> {
    if (this.#heads.length === 0) return;
    const heads = this.#heads;
    this.#heads = [];
    await this.#session.server.store.putHeads(heads).catch(() => {});
  }

  /** What can fail is read before what it is announced with goes out. */
  async #printSections(begin: string, hasPieces: boolean, content: number, reader: ContentReader): Promise<void> {
    const { output, server } = this.#session;
    let text = begin;
    let separator = hasPieces ? ' ' : '';
    for (const item of this.#sections) {
      const octets = await findSection(item, reader, () => server.structures.get(content, reader));
      text += `${separator}${item.label} `;
      separator = ' ';
      if (octets === undefined) {
        text += 'NIL';
        continue;
      }
      const isRange = octets.kind === 'range';
      const [first, last] = isRange ? [octets.from, octets.to] : [0, octets.bytes.length];
      const { from, to } = clip(first, last, item.partial);
      this.#count(item, to - from);
      if (isRange) await this.#printRange(text, reader, { from, to });
      else {
        this.#begin(`${text}{${to - from}}\r\n`);
        output.bytes(withoutNul(octets.bytes.subarray(from, to)));
      }
      text = '';
    }
    output.text(`${text})\r\n`);
  }

  /** As Dovecot counts for the line at the end of a session. */
  #count({ text }: SectionFetchItem, octets: number): void {
    const { counters } = this.#session;
    if (text === 'ALL' || text === 'TEXT') {
      counters.bodyCount++;
      counters.bodyOctets += octets;
    } else {
      counters.headerCount++;
      counters.headerOctets += octets;
    }
  }

  async #printRange(before: string, reader: ContentReader, { from, to }: { from: number; to: number }): Promise<void> {
    const { output } = this.#session;
    let at = from;
    do {
      const bytes = await readSlice(reader, at, to);
      if (at === from) this.#begin(`${before}{${to - from}}\r\n`);
      output.bytes(withoutNul(bytes));
      at += bytes.length;
      if (output.isBlocked) await output.ready();
      if (this.#slice.isOver) await this.#pause();
    } while (at < to);
  }

  /** From here on the response cannot be taken back. */
  #begin(text: string): void {
    this.#isLineBegun = true;
    this.#session.output.text(text);
  }
}

/** The next octets of [from, to). */
async function readSlice(reader: ContentReader, from: number, to: number): Promise<Uint8Array> {
  if (from === to) return new Uint8Array(0);
  const bytes =
    reader.size <= sliceBytes
      ? (await reader.readAll()).subarray(from, to)
      : await reader.read(from, Math.min(from + sliceBytes, to));
  if (bytes.length === 0) throw new TemporaryError('a stored message is shorter than its row says');
  return bytes;
}

/** A literal holds no NUL (RFC 3501 §9 CHAR8), a message may: shown as 0x80, as Dovecot does it. */
function withoutNul(bytes: Uint8Array): Uint8Array {
  const first = bytes.indexOf(0);
  if (first === -1) return bytes;
  const shown = Uint8Array.from(bytes);
  for (let at = first; at !== -1; at = shown.indexOf(0, at + 1)) shown[at] = 0x80;
  return shown;
}

/** `<from.length>` of the octets [from, to). */
function clip(
  from: number,
  to: number,
  partial: { from: number; length: number } | undefined,
): { from: number; to: number } {
  if (partial === undefined) return { from, to };
  const begin = Math.min(from + partial.from, to);
  return { from: begin, to: Math.min(begin + partial.length, to) };
}
