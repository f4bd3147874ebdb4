// What became of one object of many, and the steps that all kinds share: each is looked at by itself, so that what is
// refused is told of that one.

import type { Change } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { domainName } from './domain-rows.ts';
import { type HostedDomain } from './lookups.ts';
import { DirectoryRefusedError, refuse } from './refusal.ts';
import type { DomainRow } from './schema.ts';

export type BulkOutcome =
  /** `without` is a part that was left out, for the reason. */
  | { readonly kind: 'added'; readonly without?: string; readonly reason?: string }
  | { readonly kind: 'unchanged' }
  /** `difference` names what differs and how; secrets are named only. */
  | { readonly kind: 'differs'; readonly difference: string }
  | { readonly kind: 'refused'; readonly reason: string };

export const added: BulkOutcome = { kind: 'added' };
const unchanged: BulkOutcome = { kind: 'unchanged' };

/** SQLite takes 32,766 parameters a statement, and the widest row has some twenty columns. */
export const rowsPerStatement = 500;

/** The reason, where `look` refuses. */
export function refusalOf<T>(look: () => T): T | BulkOutcome {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof DirectoryRefusedError)) throw error;
    return { kind: 'refused', reason: error.message };
  }
}

/** The refusal of a check that asks the database. */
export async function refusalLater(check: () => Promise<void>): Promise<BulkOutcome | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (!(error instanceof DirectoryRefusedError)) throw error;
    return { kind: 'refused', reason: error.message };
  }
}

/** Where one table's rows of many names stand: by domain, so that each question is a walk along one index. */
export async function presentRows<Row extends { readonly domain_id: number; readonly localpart: string }>(
  wanted: Iterable<readonly [domainId: number, localpart: string]>,
  read: (domainId: number, localparts: readonly string[]) => Promise<readonly Row[]>,
): Promise<ReadonlyMap<string, Row>> {
  const byDomain = new Map<number, string[]>();
  for (const [domainId, localpart] of wanted) {
    const known = byDomain.get(domainId);
    if (known === undefined) byDomain.set(domainId, [localpart]);
    else known.push(localpart);
  }
  const found = new Map<string, Row>();
  for (const [domainId, localparts] of byDomain) {
    for (let start = 0; start < localparts.length; start += rowsPerStatement) {
      const rows = await read(domainId, localparts.slice(start, start + rowsPerStatement));
      for (const row of rows) found.set(rowKey(domainId, row.localpart), row);
    }
  }
  return found;
}

/** What an INSERT tells of each row. */
export interface InsertedRow {
  readonly id: number;
  readonly domain_id: number;
  readonly localpart: string;
}

export function rowKey(domainId: number, localpart: string): string {
  return `${domainId} ${localpart}`;
}

export function isOutcome(value: object): value is BulkOutcome {
  return 'kind' in value && /^(?:added|unchanged|differs|refused)$/.test(String(value.kind));
}

/** From what differs, as `quota 0 -> 1000`. */
export function compared(differences: readonly (string | undefined)[]): BulkOutcome {
  const told = differences.filter((one) => one !== undefined);
  return told.length === 0 ? unchanged : { kind: 'differs', difference: told.join(', ') };
}

export function difference(what: string, here: unknown, there: unknown): string | undefined {
  return here === there ? undefined : `${what} ${show(here)} here, ${show(there)} there`;
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** The living domains of these names. */
export async function domainsByName(
  db: DirectoryDatabase,
  names: ReadonlySet<string>,
): Promise<ReadonlyMap<string, DomainRow>> {
  const found = new Map<string, DomainRow>();
  const all = [...names];
  for (let start = 0; start < all.length; start += rowsPerStatement) {
    const some = all.slice(start, start + rowsPerStatement);
    const rows = await db
      .selectFrom('domain')
      .selectAll()
      .where('name', 'in', some)
      .where('tombstone', '=', 0)
      .execute();
    for (const row of rows) found.set(row.name, row);
  }
  return found;
}

/** What stands under the names that many objects share, each asked once. */
export class SharedDomains {
  readonly #change: Change;
  readonly #rows: ReadonlyMap<string, DomainRow>;
  readonly #targets = new Map<number, string>();
  readonly #hosted = new Map<string, HostedDomain | undefined>();

  private constructor(change: Change, rows: ReadonlyMap<string, DomainRow>) {
    this.#change = change;
    this.#rows = rows;
  }

  static async read(change: Change, names: ReadonlySet<string>): Promise<SharedDomains> {
    const shared = new SharedDomains(change, await domainsByName(change.db, names));
    for (const { kind, target_id: id } of shared.#rows.values()) {
      if (kind === 'alias-domain' && id !== null) shared.#targets.set(id, await domainName(change.db, id));
    }
    return shared;
  }

  /** As needDomain. */
  need(name: string): DomainRow {
    const row = this.#rows.get(name);
    if (row === undefined) refuse(`${name} is not hosted here: add it with: posthaste domain add ${name}`);
    if (row.kind === 'alias-domain') {
      const target = this.#targets.get(row.target_id ?? 0) ?? '';
      refuse(`${name} is an alias domain of ${target}: use ${target} instead`);
    }
    return row;
  }

  hosted(name: string): HostedDomain | undefined {
    if (!this.#hosted.has(name)) this.#hosted.set(name, this.#change.lookups.domain(name));
    return this.#hosted.get(name);
  }
}
