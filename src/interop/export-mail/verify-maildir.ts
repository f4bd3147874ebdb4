// Reads an exported folder as an import would and compares it with the store: uid by uid, octet by octet.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseKeywords } from '../../maildir/folder-lists.ts';
import { fromTyped } from '../../maildir/folder-tree.ts';
import { parseUidList } from '../../maildir/uid-list.ts';
import { LineEnds } from '../../message/line-ends.ts';
import type { FolderRow, MessageRow } from '../../mailstore/types.ts';
import { MaildirReader } from '../import-mail/maildir-reader.ts';
import { folderMessages } from './folder-messages.ts';
import { piecesOf } from './stored-file.ts';
import type { ExportStore } from './types.ts';

export interface FolderVerdict {
  readonly messages: number;
  readonly bytes: number;
  readonly equal: number;
}

export async function verifyMaildir(
  where: string,
  folder: FolderRow,
  store: ExportStore,
  tell: (done: number) => void,
): Promise<FolderVerdict> {
  const uids = parseUidList(await readFile(path.join(where, 'dovecot-uidlist'), 'latin1'));
  const keywords = parseKeywords(await readFile(path.join(where, 'dovecot-keywords'), 'latin1'));
  const reader = new MaildirReader(fromTyped(where), uids, keywords, []);
  const rows = await rowsByUid(store, folder, uids?.uidNext ?? 0);
  let equal = 0;
  let bytes = 0;
  let done = 0;
  for await (const batch of reader.messages()) {
    for await (const body of reader.bodies(batch)) {
      tell(++done);
      const row = body.message.uid === undefined ? undefined : rows.get(body.message.uid);
      if (body.kind !== 'message' || row === undefined) continue;
      if ((await hashHere(store, row)) === (await hashOf(body.chunks))) equal++;
      bytes += row.size;
    }
  }
  return { messages: rows.size, bytes, equal };
}

/** Those that were there when the uid list was made. */
async function rowsByUid(store: ExportStore, folder: FolderRow, next: number): Promise<Map<number, MessageRow>> {
  const rows = new Map<number, MessageRow>();
  for await (const page of folderMessages(store, folder)) {
    for (const row of page) if (row.uid < next) rows.set(row.uid, row);
  }
  return rows;
}

async function hashHere(store: ExportStore, row: MessageRow): Promise<string> {
  const content = store.openContent(row.content);
  try {
    return await hashOf(withCrlf(piecesOf(content)));
  } finally {
    await content.close();
  }
}

async function* withCrlf(pieces: AsyncIterable<Buffer>): AsyncIterable<Uint8Array> {
  const lineEnds = new LineEnds();
  for await (const piece of pieces) yield lineEnds.encode(piece);
}

async function hashOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}
