// Answers one FETCH (RFC 3501 §7.4.2): a line a message, in pages, with bounded memory whatever is asked of however many
// messages. Flags, uids and mod-sequences come from the view, sizes and dates from the store's rows, envelopes and structures
// from the store's cache (filled here the first time), bodies in slices straight from the content to the socket.

import type { FetchItem, SectionFetchItem } from '../../imap/fetch-items.ts';
import { printDateTime } from '../../imap/print.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { seenBit, type ContentReader, type Head, type MessageRow } from '../../mailstore/types.ts';
import { hasFlag } from '../folder-view.ts';
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
        await this.#message(uid, index, row, newlySeen?.has(uid) ?? false);
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

  /** RFC 3501 §6.4.5: BODY[…] sets \Seen. Gives the uids that have it now and had not. */
  async #setSeen(page: readonly number[]): Promise<ReadonlySet<number>> {
    const { view } = this.#selected;
    const unseen = page.filter((uid) => {
      const index = view.indexOf(uid);
      return index !== -1 && !hasFlag(view.flagsAt(index), seenBit);
    });
    if (unseen.length === 0) return new Set();
    const { changed } = await this.#session.server.store.storeFlags(view.folder, unseen, 'add', ['\\Seen']);
    for (const { uid, modseq } of changed) this.#selected.ownChange(uid, modseq);
    return new Set(changed.map(({ uid }) => uid));
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

  async #printSections(begin: string, hasPieces: boolean, content: number, reader: ContentReader): Promise<void> {
    const { output, counters, server } = this.#session;
    let separator = hasPieces ? ' ' : '';
    let isFirst = true;
    for (const item of this.#sections) {
      const octets = await findSection(item, reader, () => server.structures.get(content, reader));
      // Everything that can fail before the first octet does, fails before the line is begun.
      if (isFirst) output.text(begin);
      isFirst = false;
      output.text(`${separator}${item.label} `);
      separator = ' ';
      if (octets === undefined) {
        output.text('NIL');
        continue;
      }
      counters.bodyCount++;
      if (octets.kind === 'range') {
        await this.#printRange(reader, clip(octets.from, octets.to, item.partial));
      } else {
        const { from, to } = clip(0, octets.bytes.length, item.partial);
        output.text(`{${to - from}}\r\n`);
        output.bytes(octets.bytes.subarray(from, to));
      }
    }
    output.text(')\r\n');
  }

  async #printRange(reader: ContentReader, { from, to }: { from: number; to: number }): Promise<void> {
    const { output } = this.#session;
    output.text(`{${to - from}}\r\n`);
    for (let at = from; at < to; ) {
      const bytes =
        reader.size <= sliceBytes
          ? (await reader.readAll()).subarray(at, to)
          : await reader.read(at, Math.min(at + sliceBytes, to));
      if (bytes.length === 0) throw new TemporaryError('a stored message is shorter than its row says');
      output.bytes(bytes);
      at += bytes.length;
      if (output.isBlocked) await output.ready();
      if (this.#slice.isOver) await this.#slice.pause();
    }
  }
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
