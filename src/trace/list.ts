// Messages, the newest first, a page at a time: all of them, or those with an address, a subject or a state. What was looked
// for without being rare is found in the newest lines; what is rare is looked for no longer than a few seconds, and the page
// says where it has got to. A message stands where its newest line that matches stands, so no page has it twice.

import { systemClock } from '../lib/clock.ts';
import { queueIdLength, type TraceLine } from './record.ts';
import { type FoundLines, namesOf, type PlacedLine, TraceSearch, type Wanted } from './search.ts';
import { makeStories, type MessageState, type Story } from './story.ts';

export interface TraceListQuery {
  /** A queue id, a message-id, an address, or a client's name or address. */
  readonly text?: string | undefined;
  /** A part of it, in any case. */
  readonly subject?: string | undefined;
  readonly state?: MessageState | undefined;
  /** Only lines that name an address of these domains are looked at, where nothing else narrows them. */
  readonly domains?: readonly string[] | undefined;
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly limit: number;
  /** The `next` of the page before. */
  readonly before?: string | undefined;
}

export interface StoryPage {
  /** Without events, the newest first. */
  readonly stories: readonly Story[];
  readonly next?: string;
}

const maxMilliseconds = 3000;

export function listStories(folder: string, query: TraceListQuery): StoryPage {
  const search = new TraceSearch(folder);
  const wanted = wantedLines(query);
  const deadline = systemClock.monotonic() + maxMilliseconds;
  const isOver = () => systemClock.monotonic() > deadline;
  const stories: Story[] = [];
  let before = query.before;
  for (;;) {
    const limit = query.limit - stories.length;
    const seenFrom = before === undefined ? Number.POSITIVE_INFINITY : search.placeOf(before);
    const found = search.candidates({ ...wanted, before, limit, isOver });
    const lines = search.gatherBriefly(found);
    const isNew = (own: readonly PlacedLine[] = []): boolean =>
      !own.some((line) => line.place >= seenFrom && wanted.matches(line));
    const made = makeStories(withRefusals(only(lines.messages, isNew), only(lines.refused, isNew))).filter(
      // Whoever sees a part of the recipients sees another state: that one narrows what is shown.
      ({ state }) => query.state === undefined || query.domains !== undefined || state === query.state,
    );
    stories.push(...made.map((story) => ({ ...story, events: [] })));
    before = found.next;
    if (before === undefined || stories.length >= query.limit || isOver()) break;
  }
  stories.sort((one, two) => two.time - one.time);
  return { stories, ...(before === undefined ? {} : { next: before }) };
}

/** What a session was refused stands with the messages that it brought, where they are on the same page. */
function withRefusals(messages: FoundLines['messages'], refused: FoundLines['refused']): FoundLines {
  const sessions = new Set([...messages.values()].flatMap((lines) => lines.map(({ session }) => session)));
  const alone = [...refused].filter(([session]) => !sessions.has(session));
  return { messages, refused: new Map(alone), sessions: refused, isCut: false };
}

function only(
  groups: ReadonlyMap<string, readonly PlacedLine[]>,
  isWanted: (lines: readonly PlacedLine[]) => boolean,
): ReadonlyMap<string, readonly PlacedLine[]> {
  return new Map([...groups].filter(([, lines]) => isWanted(lines)));
}

/** A line of each message in that state has one of these; one that was given up or deleted may have been tried before. */
const wordsOfStates: Readonly<Record<MessageState, readonly string[] | undefined>> = {
  delivered: ['status=sent'],
  deferred: ['status=deferred'],
  bounced: ['status=bounced', 'status=deferred', 'expired, returned to sender'],
  refused: ['reject:'],
  held: ['hold: ', 'placed on hold'],
  queued: ['(queue active)'],
  removed: [': removed', 'status=deferred'],
};

/** Of a connection only what was refused or went wrong has a story of its own. */
function isTold({ text, level }: TraceLine): boolean {
  return queueIdLength(text) > 0 || text.startsWith('NOQUEUE: ') || level !== 'info';
}

function wantedLines(query: TraceListQuery): Wanted {
  const wanted = wordsWanted(query);
  return { ...wanted, matches: (line) => wanted.matches(line) && isTold(line) };
}

function wordsWanted({ text, subject, state, domains, since = 0, until, ...rest }: TraceListQuery): Wanted {
  const end = until ?? Number.POSITIVE_INFINITY;
  const isInTime = ({ time }: TraceLine): boolean => time >= since && time <= end;
  const common = { since, limit: rest.limit };
  if (text !== undefined && text !== '') {
    const word = text.replace(/^<(.*)>$/, '$1');
    const names = namesOf(word);
    const mayHold = (holds: (one: string) => boolean): boolean => holds(word);
    return { ...common, mayHold, needles: [word], matches: (line) => isInTime(line) && names(line) };
  }
  if (subject !== undefined && subject !== '') {
    const folded = subject.toLowerCase();
    const matches = (line: TraceLine): boolean =>
      isInTime(line) && /^\w+: subject=/.test(line.text) && line.text.toLowerCase().includes(folded);
    return { ...common, needles: [': subject='], matches };
  }
  const places = domains?.map((domain) => `@${domain.toLowerCase()}>`);
  const words = state === undefined ? undefined : wordsOfStates[state];
  return {
    ...common,
    needles: places ?? words,
    matches: (line) => {
      if (!isInTime(line)) return false;
      const low = line.text.toLowerCase();
      const isOfState = words === undefined || words.some((word) => low.includes(word));
      return isOfState && (places === undefined || places.some((place) => low.includes(place)));
    },
  };
}
