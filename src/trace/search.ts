// Finds lines in the segments of the trace. Two passes: the newest lines that name what is looked for give the messages
// (queue ids) and, where mail was refused before it had one, the sessions; then all lines of those. A segment is read only
// where its filter says that it may hold one of the words; one segment is in memory at a time.

import fs from 'node:fs';
import { filterBytes, mayHold } from './key-filter.ts';
import { parseLine, queueIdLength, type TraceLine } from './record.ts';
import { filterFile, listSegments, type Segment } from './segments.ts';

export interface TraceQuery {
  /** A queue id, a message-id with or without brackets, an address, or a client's name or address. */
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** At most so many messages and refused sessions, the newest. */
  readonly limit: number;
}

/** A line, and its place in the trace: lines of different searches can be put in order. */
export interface PlacedLine extends TraceLine {
  readonly place: number;
}

export interface FoundLines {
  /** Lines by queue id, oldest first: also of other messages that name it. */
  readonly messages: ReadonlyMap<string, readonly PlacedLine[]>;
  /** Lines by session, of sessions whose mail was refused before it got a queue id. */
  readonly refused: ReadonlyMap<string, readonly PlacedLine[]>;
  /** Lines by session of the messages' sessions. */
  readonly sessions: ReadonlyMap<string, readonly PlacedLine[]>;
  /** There may be more than `limit`. */
  readonly isCut: boolean;
}

/** A session may go on for days: of each so many lines are shown. */
const maxSessionLines = 300;
const maxMessageLines = 20_000;
/** More than the octets of any segment. */
const placesOfSegment = 2 ** 32;

export class TraceSearch {
  readonly #segments: readonly Segment[];
  readonly #filters = new Map<string, Uint8Array | undefined>();

  constructor(folder: string) {
    this.#segments = listSegments(folder);
  }

  find({ text, since, limit }: TraceQuery): FoundLines {
    const wanted = text.replace(/^<(.*)>$/, '$1');
    const ids = new Set<string>();
    const refused = new Set<string>();
    let isCut = false;
    const names = namesOf(wanted);
    for (const segment of this.#segments.toReversed()) {
      if (segment.end < since || !this.#mayHold(segment, wanted)) continue;
      for (const line of linesWith(readSegment(segment), [wanted], 'newest')) {
        if (line.time < since || !names(line)) continue;
        const length = queueIdLength(line.text);
        // A connection without a message or a refusal has no story.
        if (length === 0 && /^(?:dis)?connect(?:ion)? /.test(line.text)) continue;
        const [set, key] = length > 0 ? [ids, line.text.slice(0, length)] : [refused, line.session];
        if (key === '' || set.has(key)) continue;
        if (ids.size + refused.size >= limit) {
          isCut = true;
          break;
        }
        set.add(key);
      }
      if (isCut) break;
    }
    return { ...this.#gather(ids, refused), isCut };
  }

  #gather(ids: ReadonlySet<string>, refused: ReadonlySet<string>): Omit<FoundLines, 'isCut'> {
    const messages = this.#collect(ids, maxMessageLines, (line) =>
      [...line.text.matchAll(/[0-9A-Za-z]{6,22}/g)].map(([word]) => word).filter((word) => ids.has(word)),
    );
    const own = new Set<string>();
    for (const [id, lines] of messages) {
      for (const { session, text } of lines) if (session !== '' && text.startsWith(id)) own.add(session);
    }
    const wanted = new Set([...own, ...refused]);
    const sessions = this.#collect(wanted, maxSessionLines, ({ session }) => (wanted.has(session) ? [session] : []));
    const pick = (keys: ReadonlySet<string>) => new Map([...sessions].filter(([session]) => keys.has(session)));
    return { messages, sessions: pick(own), refused: pick(refused) };
  }

  /** All lines that belong to one of the keys, as `keysOf` says: the whole story, however old it is. */
  #collect(
    keys: ReadonlySet<string>,
    most: number,
    keysOf: (line: TraceLine) => readonly string[],
  ): Map<string, PlacedLine[]> {
    const found = new Map<string, PlacedLine[]>([...keys].map((key) => [key, []]));
    for (const [index, segment] of this.#segments.entries()) {
      const here = [...keys].filter((key) => this.#mayHold(segment, key));
      if (here.length === 0) continue;
      for (const line of linesWith(readSegment(segment), here, 'oldest')) {
        for (const key of new Set(keysOf(line))) {
          const lines = found.get(key);
          if (lines && lines.length < most) lines.push({ ...line, place: index * placesOfSegment + line.place });
        }
      }
    }
    return found;
  }

  #mayHold({ file }: Segment, text: string): boolean {
    if (!this.#filters.has(file)) this.#filters.set(file, readFilter(file));
    const filter = this.#filters.get(file);
    return filter === undefined || mayHold(filter, text);
  }
}

/** Undefined for a segment that is not full, or whose filter was lost. */
function readFilter(segment: string): Uint8Array | undefined {
  try {
    const bits = fs.readFileSync(filterFile(segment));
    return bits.length === filterBytes ? bits : undefined;
  } catch {
    return undefined;
  }
}

function readSegment({ file }: Segment): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    // Too old since the folder was listed.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

/** Lines that hold one of the words, each once; letters of any case. */
function* linesWith(data: Buffer, words: readonly string[], order: 'oldest' | 'newest'): Iterable<PlacedLine> {
  const folded = fold(data);
  const starts = new Set<number>();
  for (const word of words) {
    const needle = fold(Buffer.from(word));
    if (needle === '') continue;
    for (let at = folded.indexOf(needle); at >= 0; ) {
      starts.add(folded.lastIndexOf('\n', at) + 1);
      const end = folded.indexOf('\n', at);
      at = end < 0 ? -1 : folded.indexOf(needle, end);
    }
  }
  const sorted = [...starts].sort((one, two) => (order === 'oldest' ? one - two : two - one));
  for (const start of sorted) {
    const end = data.indexOf(10, start);
    // Without its end it is being written, or was cut.
    const line = end < 0 ? undefined : parseLine(data.toString('utf8', start, end));
    if (line !== undefined) yield { ...line, place: start };
  }
}

/** A character an octet, so that places are those of the octets; both sides of a comparison go through it. */
function fold(data: Buffer): string {
  return data.toString('latin1').toLowerCase();
}

/** Whether a line names what is looked for, and not only something that contains it. */
function namesOf(wanted: string): (line: TraceLine) => boolean {
  const folded = wanted.toLowerCase();
  const isLong = folded.includes('@');
  return ({ text }) => {
    const low = text.toLowerCase();
    if (isLong && low.includes(`<${folded}>`)) return true;
    for (let at = low.indexOf(folded); at >= 0; at = low.indexOf(folded, at + 1)) {
      if (!isWordAt(low, at - 1) && !isWordAt(low, at + folded.length)) return true;
    }
    return false;
  };
}

function isWordAt(text: string, at: number): boolean {
  return at >= 0 && at < text.length && /[^\s<>()[\]{}"'=,;:]/.test(text.charAt(at));
}
