// What hangs on an address, a domain or a pattern, as the mail path asks for it: transports, BCCs, access rules,
// recipients of relay domains, decisions of catch-alls. Most installations have few of these rows or none, and every
// message asks for them, so what is known to be absent is not asked again: of a whole table, and of a domain. Both are
// forgotten with the next change of the directory.

import type { SqliteConnection, Statement } from '../database/sqlite.ts';
import type { AccessStage, BccSide, CaughtState } from './schema.ts';

/** What a table may have rows of. */
export type PlaceKind = 'transport' | `${BccSide}-bcc` | `${AccessStage}-access`;

const kinds: readonly PlaceKind[] = [
  'transport',
  'sender-bcc',
  'recipient-bcc',
  'client-access',
  'helo-access',
  'sender-access',
  'recipient-access',
];

const filledSql = `
  SELECT EXISTS (SELECT 1 FROM transport),
    ${['sender', 'recipient'].map((side) => `EXISTS (SELECT 1 FROM bcc WHERE side = '${side}')`).join(', ')},
    ${['client', 'helo', 'sender', 'recipient'].map((stage) => `EXISTS (SELECT 1 FROM access_rule WHERE stage = '${stage}')`).join(', ')}`;

/** Which of `transport` and the two sides of `bcc` say anything about a domain or its addresses. */
const domainSql = `
  SELECT EXISTS (SELECT 1 FROM transport WHERE domain = ?),
    EXISTS (SELECT 1 FROM bcc WHERE side = 'sender' AND domain = ?),
    EXISTS (SELECT 1 FROM bcc WHERE side = 'recipient' AND domain = ?)`;

/** Answers kept in memory, by domain or pattern. */
const maxKept = 20_000;

export class PlaceLookups {
  readonly #ask: <T>(read: () => T) => T;
  readonly #keeps: boolean;
  readonly #filled: Statement;
  readonly #domain: Statement;
  readonly #transport: Statement;
  readonly #bcc: Statement;
  readonly #access: Statement;
  readonly #relayRecipient: Statement;
  readonly #caught: Statement;
  #kinds: ReadonlySet<PlaceKind> | undefined;
  readonly #domains = new Map<string, ReadonlySet<PlaceKind>>();
  readonly #rules = new Map<string, string | undefined>();

  /** `keeps`: somebody calls `forget` when the directory has changed. */
  constructor(connection: SqliteConnection, ask: <T>(read: () => T) => T, keeps: boolean) {
    this.#ask = ask;
    this.#keeps = keeps;
    this.#filled = connection.prepare(filledSql).raw();
    this.#domain = connection.prepare(domainSql).raw();
    this.#transport = connection.prepare('SELECT transport FROM transport WHERE domain = ? AND localpart = ?').pluck();
    this.#bcc = connection.prepare('SELECT address FROM bcc WHERE side = ? AND domain = ? AND localpart = ?').pluck();
    this.#access = connection.prepare('SELECT action FROM access_rule WHERE stage = ? AND pattern = ?').pluck();
    this.#relayRecipient = connection
      .prepare('SELECT 1 FROM relay_recipient WHERE domain_id = ? AND localpart = ?')
      .pluck();
    this.#caught = connection.prepare('SELECT state FROM caught_address WHERE domain_id = ? AND localpart = ?').pluck();
  }

  /** The directory has changed. */
  forget(): void {
    this.#kinds = undefined;
    this.#domains.clear();
    this.#rules.clear();
  }

  /** Has this table any row? */
  has(kind: PlaceKind): boolean {
    return this.#ask(() => (this.#kinds ?? this.#readKinds()).has(kind));
  }

  #readKinds(): ReadonlySet<PlaceKind> {
    const row = this.#filled.get() as number[];
    const found = new Set(kinds.filter((_kind, index) => row[index] === 1));
    if (this.#keeps) this.#kinds = found;
    return found;
  }

  #mayHave(kind: PlaceKind, domain: string): boolean {
    return this.has(kind) && this.#ask(() => (this.#domains.get(domain) ?? this.#readDomain(domain)).has(kind));
  }

  #readDomain(domain: string): ReadonlySet<PlaceKind> {
    const row = this.#domain.get(domain, domain, domain) as number[];
    const found = new Set(kinds.slice(0, row.length).filter((_kind, index) => row[index] === 1));
    if (this.#keeps) keep(this.#domains, domain, found);
    return found;
  }

  /** `localpart` '' is the whole domain, which may be `.parent` or `*`; folded. */
  transport(localpart: string, domain: string): string | undefined {
    if (!this.#mayHave('transport', domain)) return undefined;
    return this.#ask(() => this.#transport.get(domain, localpart) as string | undefined);
  }

  bcc(side: BccSide, localpart: string, domain: string): string | undefined {
    if (!this.#mayHave(`${side}-bcc`, domain)) return undefined;
    return this.#ask(() => this.#bcc.get(side, domain, localpart) as string | undefined);
  }

  /** The action of the rule with just this pattern (folded). */
  access(stage: AccessStage, pattern: string): string | undefined {
    if (!this.has(`${stage}-access`)) return undefined;
    const key = `${stage} ${pattern}`;
    return this.#ask(() => {
      const known = this.#rules.get(key);
      if (known !== undefined || this.#rules.has(key)) return known;
      const action = this.#access.get(stage, pattern) as string | undefined;
      if (this.#keeps) keep(this.#rules, key, action);
      return action;
    });
  }

  /** Of the relay domain itself, never of an alias domain. */
  relayRecipient(domainId: number, localpart: string): boolean {
    return this.#ask(() => this.#relayRecipient.get(domainId, localpart) !== undefined);
  }

  /** What was decided about a name that nobody has; undefined: it has not been seen. */
  caught(domainId: number, localpart: string): CaughtState | undefined {
    return this.#ask(() => this.#caught.get(domainId, localpart) as CaughtState | undefined);
  }
}

/** What strangers make up pushes others out, but never grows the memory. */
function keep<T>(kept: Map<string, T>, key: string, value: T): void {
  if (kept.size >= maxKept) kept.clear();
  kept.set(key, value);
}
