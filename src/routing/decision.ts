// One decision: everything that is found out for one recipient. Asks each (table, key) once and remembers the
// answer, writes the derivation when somebody reads it, and is made again when a table changed meanwhile: an
// address that moves from alias to mailbox between two lookups must never look unknown.

import { TemporaryError } from '../lib/temporary-error.ts';
import type { Asker } from '../tables/asker.ts';
import type { LookupResult, RevisionSource, Table } from '../tables/table.ts';
import type { TraceEdge, TraceSink, TraceStep } from './types.ts';

// Text tables and the directory answer within microseconds: who loses this race three times meets a mass change,
// and the client comes back (4xx).
const maxAttempts = 3;

const leftOut: LookupResult = { kind: 'not-found', reason: 'left out' };

export class Decision implements Asker {
  readonly #answers = new Map<Table, Map<string, Promise<LookupResult>>>();
  readonly #steps: TraceStep[] | undefined;
  /** Every question in order, those too that were answered before. */
  readonly #asked: TraceStep[] = [];
  readonly #stepOf = new Map<Promise<LookupResult>, TraceStep>();
  readonly #edges: TraceEdge[] = [];
  /** Whether a domain is local, by folded domain: asked many times in one decision. */
  readonly localDomains = new Map<string, boolean>();
  /** Nesting of alias expansion, for the trace. */
  depth = 0;

  readonly #revisions: RevisionSource | undefined;
  #revision: number | undefined;
  #asksServers = false;

  readonly #without: TraceSink['without'];
  #warned: Set<string> | undefined;

  constructor(isTracing: boolean, revisions?: RevisionSource, without?: TraceSink['without']) {
    this.#steps = isTracing ? [] : undefined;
    this.#revisions = revisions;
    this.#without = without;
  }

  /** A server was asked. */
  get asksServers(): boolean {
    return this.#asksServers;
  }

  /** The revision of the first answer; undefined where nothing was asked. */
  get revision(): number | undefined {
    return this.#revision;
  }

  /** False where another configuration's tables were asked, or these have changed since. */
  holds(revisions: RevisionSource): boolean {
    if (this.#revisions !== revisions) return false;
    return this.#revision === undefined || this.#revision === revisions.revision();
  }

  get isTracing(): boolean {
    return this.#steps !== undefined;
  }

  get steps(): readonly TraceStep[] {
    return this.#steps ?? [];
  }

  get edges(): readonly TraceEdge[] {
    return this.#edges;
  }

  /** Where the questions stand: for `since`. */
  get mark(): number {
    return this.#asked.length;
  }

  since(mark: number): readonly TraceStep[] {
    return [...new Set(this.#asked.slice(mark))];
  }

  /** Only where somebody reads it. */
  lead(edge: TraceEdge): void {
    if (this.isTracing) this.#edges.push(edge);
  }

  ask(stage: string, table: Table, key: string): Promise<LookupResult> {
    this.#revision ??= this.#revisions?.revision();
    let answers = this.#answers.get(table);
    if (answers === undefined) {
      answers = new Map();
      this.#answers.set(table, answers);
    }
    const known = answers.get(key);
    if (known !== undefined) {
      const step = this.#stepOf.get(known);
      if (step !== undefined) this.#asked.push(step);
      return known;
    }
    const answer = this.#without?.(table.name, key) === true ? Promise.resolve(leftOut) : table.lookup(key, this);
    answers.set(key, answer);
    if (table.isServed === true) this.#asksServers = true;
    return this.#steps === undefined ? answer : this.#traced(stage, table, key, answer);
  }

  note(stage: string, table: string, key: string, result: string): void {
    if (this.#steps !== undefined) this.#told({ stage, table, key, result, depth: this.depth });
  }

  /** False where it has been said: what was asked ahead of the one who decides meets the same. */
  isNews(warning: string): boolean {
    this.#warned ??= new Set();
    const { size } = this.#warned;
    return this.#warned.add(warning).size > size;
  }

  /** Tells a decision that no table made. */
  tell(stage: string, result: string): void {
    this.#steps?.push({ stage, result, depth: this.depth });
  }

  async #traced(stage: string, table: Table, key: string, answer: Promise<LookupResult>): Promise<LookupResult> {
    const step = { stage, table: table.name, key, depth: this.depth };
    try {
      const result = await answer;
      if (result.kind === 'not-found') {
        const why = result.reason === undefined ? '' : `: ${result.reason}`;
        this.#told({ ...step, result: `not found${why}` }, answer);
      } else if (result.source === undefined) this.#told({ ...step, result: result.value }, answer);
      else this.#told({ ...step, result: result.value, source: result.source }, answer);
      return result;
    } catch (error) {
      this.#told({ ...step, result: `error: ${(error as Error).message}` }, answer);
      throw error;
    }
  }

  #told(step: TraceStep, answer?: Promise<LookupResult>): void {
    this.#steps?.push(step);
    this.#asked.push(step);
    if (answer !== undefined) this.#stepOf.set(answer, step);
  }
}

/**
 * Runs `decide` until the tables stood still while it ran: first with `begun`, where nothing has changed since its answers
 * were asked for: who decides may order something, or count the question. Throws TemporaryError where the tables never stand still.
 */
export async function decideAtOneRevision<Result>(
  revisions: RevisionSource,
  trace: TraceSink | undefined,
  decide: (decision: Decision) => Promise<Result>,
  begun?: Decision,
): Promise<Result> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const isBegun = attempt === 0 && begun?.holds(revisions) === true;
    const decision = isBegun ? begun : new Decision(trace !== undefined, revisions, trace?.without);
    const result = await decide(decision);
    // Most questions to the client's own words ask no table: then there is nothing to compare, and to look costs.
    if (decision.revision !== undefined && revisions.revision() !== decision.revision) continue;
    if (trace !== undefined) for (const step of decision.steps) trace(step);
    if (trace?.edge !== undefined) for (const edge of decision.edges) trace.edge(edge);
    return result;
  }
  throw new TemporaryError('the lookup tables keep changing');
}
