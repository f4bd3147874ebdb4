// Looks into one message for SEARCH's BODY and TEXT: every text part, its transfer encoding and charset undone, in slices;
// for TEXT the headers of all parts too, decoded, with the names of attachments.

import { TemporaryError } from '../../lib/temporary-error.ts';
import type { ContentReader } from '../../mailstore/types.ts';
import { decodeHeaderText } from '../../message/encoded-word.ts';
import { parseHeaderFields } from '../../message/header-field.ts';
import { decodedParameter } from '../../message/parameters.ts';
import { isMultipart, parameterValue, type Part } from '../../message/part.ts';
import { newTransferDecoder } from '../../message/transfer-encoding.ts';
import { readRange } from '../fetch/sections.ts';
import { sliceBytes } from '../fetch/structure-cache.ts';
import type { TimeSlice } from '../time-slice.ts';
import { joinBlanks, NeedleFinder, newTextDecoder } from './search-text.ts';

/** Of longer headers this much is looked at. */
const maxHeaderBytes = 256 * 1024;

export interface Needles {
  /** Folded. */
  readonly body: readonly string[];
  readonly text: readonly string[];
}

export interface Findings {
  readonly body: readonly boolean[];
  readonly text: readonly boolean[];
}

export async function searchMessage(
  reader: ContentReader,
  root: Part,
  needles: Needles,
  slice: TimeSlice,
): Promise<Findings> {
  const inBodies = new NeedleFinder([...needles.body, ...needles.text]);
  const inHeaders = new NeedleFinder(needles.text.map((needle) => joinBlanks(needle)));
  await searchPart(reader, root, inBodies, inHeaders, slice);
  const bodyCount = needles.body.length;
  return {
    body: inBodies.found.slice(0, bodyCount),
    text: needles.text.map((_, index) => inBodies.found[bodyCount + index] === true || inHeaders.found[index] === true),
  };
}

async function searchPart(
  reader: ContentReader,
  part: Part,
  inBodies: NeedleFinder,
  inHeaders: NeedleFinder,
  slice: TimeSlice,
): Promise<void> {
  if (inBodies.isDone) return;
  if (!inHeaders.isDone) await searchHeader(reader, part, inHeaders);
  if (part.children.length > 0) {
    for (const child of part.children) await searchPart(reader, child, inBodies, inHeaders, slice);
  } else if (part.type.toLowerCase() === 'text' || isMultipart(part)) {
    await searchBody(reader, part, inBodies, slice);
  }
}

async function searchHeader(reader: ContentReader, part: Part, finder: NeedleFinder): Promise<void> {
  const end = Math.min(part.bodyFrom, part.headerFrom + maxHeaderBytes);
  const header = Buffer.from(await readRange(reader, part.headerFrom, end)).toString('latin1');
  for (const field of parseHeaderFields(header)) {
    finder.next();
    finder.write(joinBlanks(`${field.name}: ${decodeHeaderText(field.body)}`));
  }
  const fileName =
    decodedParameter(part.disposition?.parameters ?? [], 'filename') ?? decodedParameter(part.parameters, 'name');
  finder.next();
  if (fileName !== undefined) finder.write(joinBlanks(decodeHeaderText(fileName)));
}

async function searchBody(reader: ContentReader, part: Part, finder: NeedleFinder, slice: TimeSlice): Promise<void> {
  finder.next();
  const transfer = newTransferDecoder(part.encoding);
  const decoder = newTextDecoder(parameterValue(part.parameters, 'charset') ?? '');
  for (let from = part.bodyFrom; from < part.end && !finder.isDone; ) {
    const bytes = await readRange(reader, from, Math.min(from + sliceBytes, part.end));
    if (bytes.length === 0) throw new TemporaryError('a stored message is shorter than its row says');
    finder.write(decoder.decode(transfer.write(bytes), { stream: true }));
    from += bytes.length;
    if (slice.isOver) await slice.pause();
  }
  finder.write(decoder.decode(transfer.end()));
}
