// Which octets of a message a section names (RFC 3501 §6.4.5): part numbers over the MIME structure, HEADER, TEXT, MIME
// and header fields.

import { TemporaryError } from '../../lib/temporary-error.ts';
import type { SectionFetchItem } from '../../imap/fetch-items.ts';
import type { ContentReader } from '../../mailstore/types.ts';
import { parseHeaderFields } from '../../message/header-field.ts';
import { isMessage, isMultipart, type Part } from '../../message/part.ts';
import { sliceBytes } from './structure-cache.ts';

/** Octets [from, to) of the content, or octets made from it. */
export type SectionOctets =
  | { readonly kind: 'range'; readonly from: number; readonly to: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** Of longer headers HEADER.FIELDS looks at this much. */
const maxHeaderBytes = 1024 * 1024;

const emptyLine = Buffer.from('\r\n');

/** Undefined where the message has no such section: the answer is NIL. */
export async function findSection(
  item: SectionFetchItem,
  reader: ContentReader,
  structure: () => Promise<Part>,
): Promise<SectionOctets | undefined> {
  if (item.part.length === 0) {
    if (item.text === 'ALL') return { kind: 'range', from: 0, to: reader.size };
    const bodyFrom = await findBody(reader);
    if (item.text === 'TEXT') return { kind: 'range', from: bodyFrom, to: reader.size };
    return headerSection(item, reader, 0, bodyFrom);
  }
  const part = findPart(await structure(), item.part);
  if (part === undefined) return undefined;
  if (item.text === 'ALL') return { kind: 'range', from: part.bodyFrom, to: part.end };
  if (item.text === 'MIME') return { kind: 'range', from: part.headerFrom, to: part.bodyFrom };
  // HEADER and TEXT of a part are those of the message in it.
  const [inside] = part.children;
  if (!isMessage(part) || inside === undefined) return undefined;
  if (item.text === 'TEXT') return { kind: 'range', from: inside.bodyFrom, to: inside.end };
  return headerSection(item, reader, inside.headerFrom, inside.bodyFrom);
}

/** The part that `numbers` names; `1` of a message that is no multipart is its body. */
export function findPart(root: Part, numbers: readonly number[]): Part | undefined {
  let part: Part | undefined;
  for (const [depth, number] of numbers.entries()) {
    part = depth === 0 ? childOfMessage(root, number) : part && childOfPart(part, number);
    if (part === undefined) return undefined;
  }
  return part;
}

function childOfMessage(message: Part, number: number): Part | undefined {
  if (isMultipart(message)) return message.children[number - 1];
  return number === 1 ? message : undefined;
}

function childOfPart(part: Part, number: number): Part | undefined {
  if (isMultipart(part)) return part.children[number - 1];
  const [inside] = part.children;
  return isMessage(part) && inside !== undefined ? childOfMessage(inside, number) : undefined;
}

async function headerSection(
  item: SectionFetchItem,
  reader: ContentReader,
  from: number,
  to: number,
): Promise<SectionOctets> {
  if (item.text === 'HEADER') return { kind: 'range', from, to };
  const header = Buffer.from(await readRange(reader, from, Math.min(to, from + maxHeaderBytes)));
  return { kind: 'bytes', bytes: selectFields(header, item.fields, item.text === 'HEADER.FIELDS') };
}

/** The fields named (or those not named), as they stand there, and the empty line. */
export function selectFields(header: Buffer, names: readonly string[], wanted: boolean): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (const field of parseHeaderFields(header.toString('latin1'))) {
    if (names.includes(field.name.toLowerCase()) === wanted) pieces.push(header.subarray(field.from, field.to));
  }
  pieces.push(emptyLine);
  return Buffer.concat(pieces);
}

/** The offset after the header's empty line; the size where there is none. */
export async function findBody(reader: ContentReader): Promise<number> {
  let lineFrom = 0;
  let lastWasReturnOnly = true;
  for (let from = 0; from < reader.size; ) {
    const bytes =
      reader.size <= sliceBytes
        ? await reader.readAll()
        : await reader.read(from, Math.min(from + sliceBytes, reader.size));
    if (bytes.length === 0) throw new TemporaryError('a stored message is shorter than its row says');
    let at = 0;
    for (;;) {
      const found = bytes.indexOf(10, at);
      if (found === -1) break;
      const length = from + found - lineFrom;
      const isEmpty = length === 0 || (length === 1 && (found > 0 ? bytes[found - 1] === 13 : lastWasReturnOnly));
      if (isEmpty) return from + found + 1;
      lineFrom = from + found + 1;
      at = found + 1;
    }
    lastWasReturnOnly = bytes.at(-1) === 13;
    from += bytes.length;
  }
  return reader.size;
}

export async function readRange(reader: ContentReader, from: number, to: number): Promise<Uint8Array> {
  if (to - from <= sliceBytes) return reader.read(from, to);
  const pieces: Uint8Array[] = [];
  for (let at = from; at < to; ) {
    const bytes = await reader.read(at, Math.min(at + sliceBytes, to));
    if (bytes.length === 0) throw new TemporaryError('a stored message is shorter than its row says');
    pieces.push(bytes);
    at += bytes.length;
  }
  return Buffer.concat(pieces);
}
