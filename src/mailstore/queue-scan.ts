// Looks through the queue for what a filter means: in windows of the recipients' rows, each a read of its own, so that a
// million messages neither hold back the write-ahead log nor fill the memory. Runs beside the server's main thread
// (queue-scan-worker.ts), or in a command's own process.
//
// The rows of one message follow one another: they are inserted in one transaction, and requeueing replaces all of them.

import type { SqliteConnection, Statement } from '../database/sqlite.ts';
import { systemClock } from '../lib/clock.ts';
import { conditionsOf, type QueueFilter, type QueueState, reasonPattern } from './queue-filter.ts';

export interface ScannedMessage {
  readonly id: string;
  readonly state: QueueState;
  readonly sender: string;
  readonly size: number;
  readonly arrival: number;
  readonly nextAttempt: number;
  readonly attempts: number;
  readonly recipientCount: number;
  /** The first of those whom the filter means. */
  readonly recipients: readonly {
    readonly recipient: string;
    readonly original: string;
    readonly transport: string;
    readonly nexthop: string;
    readonly status: string;
    readonly reason: string;
  }[];
}

export interface ScannedPage {
  readonly messages: readonly ScannedMessage[];
  /** Where the next page begins; absent: there is nothing more. A page may be short, or empty, when looking took long. */
  readonly next?: string;
}

export interface ScannedIds {
  readonly ids: readonly string[];
  readonly next?: string;
}

interface Group {
  readonly name: string;
  readonly messages: number;
}

export interface QueueSummary {
  readonly messages: number;
  readonly recipients: number;
  readonly bytes: number;
  readonly states: Readonly<Record<QueueState, number>>;
  /** Recipients for each age (ageSeconds), of all and of the fullest destinations. */
  readonly ages: readonly number[];
  readonly destinations: readonly {
    readonly name: string;
    readonly recipients: number;
    readonly ages: readonly number[];
  }[];
  readonly destinationCount: number;
  readonly reasons: readonly { readonly name: string; readonly recipients: number }[];
  readonly senders: readonly Group[];
  /** False: looking took too long; all numbers are "at least". */
  readonly isComplete: boolean;
}

/** Where one age ends and the next begins; the last has no end. */
export const ageSeconds = [300, 3600, 21_600, 86_400, 259_200] as const;

const windowRows = 20_000;
const listMilliseconds = 4000;
const summaryMilliseconds = 20_000;
/** Names that strangers make up are counted together beyond this. */
const maxNames = 20_000;
const shownDestinations = 100;
const shownGroups = 30;
/** Of the key of a name nobody can have. */
const others = '';

type Row = readonly [number, string, string, number, number, number, number, number, string, string];

export class QueueScan {
  readonly #database: SqliteConnection;
  readonly #statements = new Map<string, Statement>();

  constructor(database: SqliteConnection) {
    this.#database = database;
  }

  list(
    filter: QueueFilter,
    active: ReadonlySet<string>,
    after: string,
    limit: number,
    maxRecipients: number,
  ): ScannedPage {
    const { rows, next } = this.#messages(filter, active, after, limit);
    const { ofRecipient, recipientValues } = conditionsOf(filter);
    const recipients = this.#sql(
      `SELECT recipient, original, transport, nexthop, status, reason FROM queue_recipient r
       WHERE message = ?${ofRecipient} ORDER BY id LIMIT ?`,
    );
    const count = this.#sql('SELECT count(*) AS count FROM queue_recipient WHERE message = ?');
    const messages = rows.map(([, id, sender, arrival, size, hold, attempts, nextAttempt]) => ({
      id,
      state: stateOf(hold, attempts, active.has(id)),
      sender,
      size,
      arrival,
      nextAttempt,
      attempts,
      recipientCount: (count.get(id) as { count: number }).count,
      recipients: recipients.all(id, ...recipientValues, maxRecipients) as ScannedMessage['recipients'],
    }));
    return { messages, ...(next === undefined ? {} : { next }) };
  }

  ids(filter: QueueFilter, active: ReadonlySet<string>, after: string, limit: number): ScannedIds {
    const { rows, next } = this.#messages(filter, active, after, limit);
    return { ids: rows.map(([, id]) => id), ...(next === undefined ? {} : { next }) };
  }

  summary(filter: QueueFilter, active: ReadonlySet<string>, now: number): QueueSummary {
    const sums = new Sums(now);
    const until = systemClock.monotonic() + summaryMilliseconds;
    let isComplete = true;
    for (const rows of this.#windows(filter, 0, windowRows)) {
      for (const row of rows) {
        const [, id, , , , hold, attempts] = row;
        const state = stateOf(hold, attempts, active.has(id));
        if (filter.state === undefined || filter.state === state) sums.add(row, state);
      }
      if (systemClock.monotonic() < until) continue;
      isComplete = false;
      break;
    }
    return sums.summary(isComplete);
  }

  /** The first row of each message, and where to go on. */
  #messages(filter: QueueFilter, active: ReadonlySet<string>, after: string, limit: number) {
    const until = systemClock.monotonic() + listMilliseconds;
    const [from = '0', skipped = ''] = after.split('.');
    const rows: Row[] = [];
    let previous = skipped;
    // Some messages have more than one recipient.
    for (const found of this.#windows(filter, Number(from) || 0, 2 * limit)) {
      for (const row of found) {
        const [number, id, , , , hold, attempts] = row;
        if (id === previous) continue;
        if (filter.state !== undefined && stateOf(hold, attempts, active.has(id)) !== filter.state) continue;
        if (rows.length >= limit) return { rows, next: `${number - 1}.${previous}` };
        previous = id;
        rows.push(row);
      }
      const end = this.#windowEnd;
      if (systemClock.monotonic() >= until) return { rows, next: `${end}.${previous}` };
    }
    return { rows, next: undefined };
  }

  #windowEnd = 0;

  *#windows(filter: QueueFilter, after: number, maxRows: number): Iterable<Row[]> {
    const { ofRecipient, ofMessage, values } = conditionsOf(filter);
    const window = this.#sql(
      `SELECT r.id, r.message, m.sender, m.arrival, m.size, m.hold, m.attempts, m.next_attempt, r.recipient, r.reason
       FROM queue_recipient r CROSS JOIN queue_message m ON m.id = r.message
       WHERE r.id > ? AND r.id <= ?${ofRecipient}${ofMessage} ORDER BY r.id LIMIT ?`,
    ).raw();
    const next = this.#sql('SELECT min(id) AS id FROM queue_recipient WHERE id > ?');
    for (let end = after; ; ) {
      const { id } = next.get(end) as { id: number | null };
      if (id === null) return;
      // Numbers that have left are stepped over.
      const start = id - 1;
      const rows = window.all(start, start + windowRows, ...values, maxRows) as Row[];
      end = rows.length < maxRows ? start + windowRows : (rows.at(-1)?.[0] ?? start + windowRows);
      this.#windowEnd = end;
      yield rows;
    }
  }

  #sql(text: string): Statement {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      // Each combination of filters is one.
      if (this.#statements.size > 200) this.#statements.clear();
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }
}

/** Held mail of which a last delivery still runs is on hold. */
function stateOf(hold: number, attempts: number, isActive: boolean): QueueState {
  if (hold === 1) return 'hold';
  if (isActive) return 'active';
  return attempts > 0 ? 'deferred' : 'incoming';
}

class Sums {
  readonly #ends: readonly number[];
  #messages = 0;
  #recipients = 0;
  #bytes = 0;
  #previous = '';
  readonly #states = { incoming: 0, active: 0, deferred: 0, hold: 0 };
  readonly #ages: number[] = emptyAges();
  readonly #destinations = new Map<string, number[]>();
  readonly #reasons = new Map<string, number>();
  readonly #senders = new Map<string, number>();
  /** Most reasons are the same text. */
  readonly #patterns = new Map<string, string>();

  constructor(now: number) {
    this.#ends = ageSeconds.map((seconds) => now - seconds * 1000);
  }

  add([, id, sender, arrival, size, , , , recipient, reason]: Row, state: QueueState): void {
    if (id !== this.#previous) {
      this.#previous = id;
      this.#messages++;
      this.#bytes += size;
      this.#states[state]++;
      increase(this.#senders, sender === '' ? '<>' : sender.toLowerCase());
    }
    this.#recipients++;
    const found = this.#ends.findIndex((end) => arrival > end);
    const age = found < 0 ? this.#ends.length : found;
    this.#ages[age] = (this.#ages[age] ?? 0) + 1;
    const domain = recipient.slice(recipient.lastIndexOf('@') + 1).toLowerCase();
    const ages = this.#agesOf(domain);
    ages[age] = (ages[age] ?? 0) + 1;
    if (reason !== '') increase(this.#reasons, this.#pattern(domain === '' ? reason : reason.replaceAll(domain, '*')));
  }

  #agesOf(domain: string): number[] {
    const known = this.#destinations.get(domain);
    if (known !== undefined) return known;
    const name = this.#destinations.size < maxNames ? domain : others;
    const ages = this.#destinations.get(name) ?? emptyAges();
    this.#destinations.set(name, ages);
    return ages;
  }

  #pattern(reason: string): string {
    let pattern = this.#patterns.get(reason);
    if (pattern === undefined) {
      pattern = reasonPattern(reason);
      if (this.#patterns.size < maxNames) this.#patterns.set(reason, pattern);
    }
    return pattern;
  }

  summary(isComplete: boolean): QueueSummary {
    const destinations = [...this.#destinations]
      .map(([name, ages]) => ({ name, recipients: ages.reduce((sum, one) => sum + one, 0), ages }))
      .toSorted((a, b) => b.recipients - a.recipients || (a.name < b.name ? -1 : 1));
    const fullest = (counts: ReadonlyMap<string, number>) =>
      [...counts].toSorted(([, a], [, b]) => b - a).slice(0, shownGroups);
    return {
      messages: this.#messages,
      recipients: this.#recipients,
      bytes: this.#bytes,
      states: this.#states,
      ages: this.#ages,
      destinations: destinations.filter(({ name }) => name !== others).slice(0, shownDestinations),
      destinationCount: destinations.length,
      reasons: fullest(this.#reasons).map(([name, recipients]) => ({ name, recipients })),
      senders: fullest(this.#senders).map(([name, messages]) => ({ name, messages })),
      isComplete,
    };
  }
}

function emptyAges(): number[] {
  return Array.from({ length: ageSeconds.length + 1 }, () => 0);
}

function increase(counts: Map<string, number>, name: string): void {
  const count = counts.get(name);
  if (count === undefined && counts.size >= maxNames) return;
  counts.set(name, (count ?? 0) + 1);
}
