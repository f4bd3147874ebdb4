// The MIME structure of contents, found by reading them in slices, and kept for the few that clients are reading
// part by part: a client that fetches a large attachment in pieces must not have the message analysed for each piece.

import { TemporaryError } from '../../lib/temporary-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ContentReader } from '../../mailstore/types.ts';
import { MimeScanner, parseMessage } from '../../message/mime-scanner.ts';
import type { Part } from '../../message/part.ts';
import { TimeSlice } from '../time-slice.ts';

const maxEntries = 64;
/** Structures with more parts than this are found anew each time. */
const maxCachedParts = 500;
export const sliceBytes = 256 * 1024;

export class StructureCache {
  readonly #clock: Clock;
  /** Least recently used first. Contents never change, so entries never go stale. */
  readonly #parts = new Map<number, Part>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async get(content: number, reader: ContentReader): Promise<Part> {
    const known = this.#parts.get(content);
    if (known !== undefined) {
      this.#parts.delete(content);
      this.#parts.set(content, known);
      return known;
    }
    const root = await scanStructure(reader, this.#clock);
    if (countParts(root) <= maxCachedParts) {
      this.#parts.set(content, root);
      const [oldest] = this.#parts.keys();
      if (this.#parts.size > maxEntries && oldest !== undefined) this.#parts.delete(oldest);
    }
    return root;
  }
}

export async function scanStructure(reader: ContentReader, clock: Clock): Promise<Part> {
  if (reader.size <= sliceBytes) return parseMessage(await reader.readAll());
  const scanner = new MimeScanner();
  const slice = new TimeSlice(clock);
  for (let from = 0; from < reader.size; ) {
    const bytes = await reader.read(from, Math.min(from + sliceBytes, reader.size));
    if (bytes.length === 0) throw new TemporaryError('a stored message is shorter than its row says');
    scanner.write(bytes);
    from += bytes.length;
    if (slice.isOver) await slice.pause();
  }
  return scanner.finish();
}

function countParts(part: Part): number {
  let count = 1;
  for (const child of part.children) count += countParts(child);
  return count;
}
