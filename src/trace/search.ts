// Finds lines in the segments of the trace. Two passes: the newest lines that name what is looked for give the messages
// (queue ids) and, where mail was refused before it had one, the sessions; then all lines of those. A segment is read only
// where its filter says that it may hold one of the words; one segment is in memory at a time.

import fs from 'node:fs';
import { queueIdTime } from '../queue/queue-id.ts';
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
  /** In place of the text: a session that was refused, by its name. */
  readonly session?: string | undefined;
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

/** What is looked for, line by line. */
export interface Wanted {
  /** Of a segment that is full: may it hold what is looked for? */
  readonly mayHold?: ((holds: (text: string) => boolean) => boolean) | undefined;
  /** One of these stands in every line that matches; without, every line is looked at. */
  readonly needles?: readonly string[] | undefined;
  readonly matches: (line: TraceLine) => boolean;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Only lines before this place: where the page before ended. */
  readonly before?: string | undefined;
  readonly limit: number;
  /** No more segments are read. */
  readonly isOver?: () => boolean;
}

export interface Candidates {
  readonly ids: ReadonlySet<string>;
  /** Sessions without a queue id, with the time of the line by which they were found. */
  readonly refused: ReadonlyMap<string, number>;
  /** Where to look further; undefined: there is nothing older. */
  readonly next: string | undefined;
}

/** A session may go on for days: of each so many lines are shown. */
const maxSessionLines = 300;
const maxMessageLines = 20_000;
/** More than the octets of any segment. */
const placesOfSegment = 2 ** 32;
/** An id may be a little older than its first line. */
const clockStepMilliseconds = 60_000;
/** Of a session that goes on for longer only its end is looked at. */
const maxSessionMilliseconds = 600_000;

/** Lines of one message or session. */
interface Sought {
  readonly key: string;
  /** In each of them. */
  readonly needle: string;
  /** None is older. */
  readonly from: number;
  owns(line: TraceLine): boolean;
  isLast(line: TraceLine): boolean;
}

export class TraceSearch {
  readonly #segments: readonly Segment[];
  readonly #filters = new Map<string, Uint8Array | undefined>();

  constructor(folder: string) {
    this.#segments = listSegments(folder);
  }

  find({ text, since, limit, session }: TraceQuery): FoundLines {
    if (session !== undefined) {
      return { ...this.#gather({ ids: new Set(), refused: new Map([[session, 0]]) }), isCut: false };
    }
    const wanted = text.replace(/^<(.*)>$/, '$1');
    const names = namesOf(wanted);
    const found = this.candidates({
      mayHold: (holds) => holds(wanted),
      needles: [wanted],
      matches: (line) => line.time >= since && names(line),
      since,
      limit,
    });
    return { ...this.#gather(found), isCut: found.next !== undefined };
  }

  /** The newest messages and refused sessions of which a line matches. */
  candidates(wanted: Wanted): Candidates {
    const ids = new Set<string>();
    const refused = new Map<string, number>();
    const end = wanted.before === undefined ? undefined : readPlace(wanted.before);
    let last: string | undefined;
    for (const segment of this.#segments.toReversed()) {
      if (segment.end < wanted.since || (end !== undefined && segment.start > end.start)) continue;
      if (wanted.mayHold !== undefined && !wanted.mayHold((text) => this.#mayHold(segment, text))) continue;
      const stop = end !== undefined && end.start === segment.start ? end.offset : Number.POSITIVE_INFINITY;
      const data = readSegment(segment);
      for (const line of wanted.needles === undefined
        ? linesFromEnd(data)
        : linesWith(data, wanted.needles, 'newest')) {
        if (line.place >= stop || !wanted.matches(line)) continue;
        const [id, session] = keysOf(line);
        if (id === '' && session === '') continue;
        if (ids.has(id) || refused.has(session)) continue;
        if (ids.size + refused.size >= wanted.limit) return { ids, refused, next: last };
        last = `${segment.start}-${line.place}`;
        if (id === '') refused.set(session, line.time);
        else ids.add(id);
      }
      if (wanted.isOver?.() === true && ids.size + refused.size < wanted.limit) {
        return { ids, refused, next: `${segment.start}-0` };
      }
    }
    return { ids, refused, next: undefined };
  }

  /** Where a page ended, as `place` counts. */
  placeOf(mark: string): number {
    const { start, offset } = readPlace(mark);
    const index = this.#segments.findLastIndex((segment) => segment.start <= start);
    const isThere = this.#segments[index]?.start === start;
    return Math.max(0, index) * placesOfSegment + (isThere ? offset : placesOfSegment - 1);
  }

  /** All lines of those. */
  #gather({ ids, refused }: Pick<Candidates, 'ids' | 'refused'>): Omit<FoundLines, 'isCut'> {
    const messages = this.#collect(ids, maxMessageLines, (line) =>
      [...line.text.matchAll(/[0-9A-Za-z]{6,22}/g)].map(([word]) => word).filter((word) => ids.has(word)),
    );
    const own = new Set<string>();
    for (const [id, lines] of messages) {
      for (const { session, text } of lines) if (session !== '' && text.startsWith(id)) own.add(session);
    }
    const wanted = new Set([...own, ...refused.keys()]);
    const sessions = this.#collect(wanted, maxSessionLines, ({ session }) => (wanted.has(session) ? [session] : []));
    const pick = (keys: { has(key: string): boolean }) =>
      new Map([...sessions].filter(([session]) => keys.has(session)));
    return { messages, sessions: pick(own), refused: pick(refused) };
  }

  /** Of each its own lines, from when it came until it had gone; of a refused session what was near. */
  gatherBriefly({ ids, refused }: Pick<Candidates, 'ids' | 'refused'>): Omit<FoundLines, 'isCut' | 'sessions'> {
    const sought = [...ids].map((id) => ({
      key: id,
      needle: `${id}: `,
      from: (queueIdTime(id) ?? 0) - clockStepMilliseconds,
      owns: ({ text }: TraceLine): boolean => text.startsWith(`${id}: `),
      isLast: ({ text }: TraceLine): boolean => text === `${id}: removed`,
    }));
    const sessions = [...refused].map(([session, time]) => ({
      key: session,
      needle: `\t${session}\t`,
      from: time - maxSessionMilliseconds,
      owns: (line: TraceLine): boolean => line.session === session,
      isLast: ({ text }: TraceLine): boolean => text.startsWith('disconnect from '),
    }));
    return { messages: this.#collectUntilGone(sought), refused: this.#collectUntilGone(sessions) };
  }

  #collectUntilGone(sought: readonly Sought[]): Map<string, PlacedLine[]> {
    const found = new Map<string, PlacedLine[]>(sought.map(({ key }) => [key, []]));
    let open = sought;
    for (const [index, segment] of this.#segments.entries()) {
      const here = open.filter(({ key, from }) => segment.end >= from && this.#mayHold(segment, key));
      if (here.length === 0) continue;
      const data = readSegment(segment);
      const gone = new Set<Sought>();
      for (const one of here) {
        const lines = found.get(one.key) ?? [];
        for (const line of linesAfter(data, one.needle, one.from)) {
          if (!one.owns(line)) continue;
          if (lines.length < maxMessageLines) lines.push({ ...line, place: index * placesOfSegment + line.place });
          if (!one.isLast(line)) continue;
          gone.add(one);
          break;
        }
      }
      open = open.filter((one) => !gone.has(one));
    }
    return found;
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

function* linesFromEnd(data: Buffer): Iterable<PlacedLine> {
  for (let end = data.lastIndexOf(10); end > 0; ) {
    const start = data.lastIndexOf(10, end - 1) + 1;
    const line = parseLine(data.toString('utf8', start, end));
    if (line !== undefined) yield { ...line, place: start };
    end = start - 1;
  }
}

/** Lines that hold `needle`, letter by letter, from that time on: lines are written as time goes. */
function* linesAfter(data: Buffer, needle: string, time: number): Iterable<PlacedLine> {
  for (let at = data.indexOf(needle, startAt(data, time)); at >= 0; ) {
    const start = data.lastIndexOf(10, at) + 1;
    const end = data.indexOf(10, at);
    if (end < 0) return;
    const line = parseLine(data.toString('utf8', start, end));
    if (line !== undefined) yield { ...line, place: start };
    at = data.indexOf(needle, end);
  }
}

/** Where the lines of that time begin, or a little before. */
function startAt(data: Buffer, time: number): number {
  let [low, high] = [0, data.length];
  while (high - low > 4096) {
    const middle = (low + high) >>> 1;
    const start = data.indexOf(10, middle) + 1;
    const tab = data.indexOf(9, start);
    if (start === 0 || tab < 0) high = middle;
    else if (Number(data.toString('latin1', start, tab)) < time) low = middle;
    else high = middle;
  }
  return low;
}

/** The message that a line is about, or else the session; neither where it has no story: a connection without a message. */
function keysOf({ text, session }: TraceLine): readonly [id: string, session: string] {
  const length = queueIdLength(text);
  if (length > 0) return [text.slice(0, length), ''];
  return ['', /^(?:dis)?connect(?:ion)? /.test(text) ? '' : session];
}

function readPlace(mark: string): { readonly start: number; readonly offset: number } {
  const [start = 0, offset = 0] = mark.split('-').map(Number);
  return { start, offset };
}

/** A character an octet, so that places are those of the octets; both sides of a comparison go through it. */
function fold(data: Buffer): string {
  return data.toString('latin1').toLowerCase();
}

/** Whether a line names what is looked for, and not only something that contains it. */
export function namesOf(wanted: string): (line: Pick<TraceLine, 'text'>) => boolean {
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
