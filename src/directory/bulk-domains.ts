// Domains and alias domains, many at once (bulk-changes.ts).

import type { Change } from './change.ts';
import {
  added,
  type BulkOutcome,
  compared,
  difference,
  domainsByName,
  isOutcome,
  refusalLater,
  refusalOf,
  rowsPerStatement,
} from './bulk-outcome.ts';
import { summary } from './domain-rows.ts';
import { checkTransport } from './domains.ts';
import { changedLimits, type DomainLimits, noLimits } from './domain-limits.ts';
import { refuseLoops } from './expansion.ts';
import { refuseTransportEntry } from './transports.ts';
import { startsAt } from './alias-domains.ts';
import { checkUnknownTo } from './split-domains.ts';
import { parseDomain, parseHostedDomain } from './mail-address.ts';
import type { DomainClass, DomainRow } from './schema.ts';

/** What is not given is as for a new domain, and is not compared with one that is there. */
export interface BulkDomain {
  readonly name: string;
  readonly class: DomainClass;
  readonly active?: boolean;
  readonly transport?: string;
  readonly limits?: DomainLimits;
  /** `transport:nexthop` for those who are not here. */
  readonly unknownTo?: string;
  readonly takesAll?: boolean;
}

export interface BulkAliasDomain {
  readonly name: string;
  readonly target: string;
  readonly active?: boolean;
}

type DomainColumns = Pick<
  DomainRow,
  | 'kind'
  | 'active'
  | 'transport'
  | 'max_mailboxes'
  | 'max_aliases'
  | 'total_quota'
  | 'default_quota'
  | 'max_quota'
  | 'unknown_to'
  | 'takes_all'
>;

const usualColumns = {
  active: 1,
  transport: '',
  ...noLimits,
  unknown_to: '',
  takes_all: 1,
};

export async function addDomains(change: Change, domains: readonly BulkDomain[]): Promise<BulkOutcome[]> {
  const parsed = domains.map((one) =>
    refusalOf(() => ({ name: parseHostedDomain(one.name), columns: columnsOf(one) })),
  );
  const names = new Set(parsed.flatMap((one) => (isOutcome(one) ? [] : [one.name])));
  const present = await domainsByName(change.db, names);
  const rows = new Map<string, Omit<DomainRow, 'id'>>();
  const outcomes = parsed.map((one): BulkOutcome => {
    if (isOutcome(one)) return one;
    const { name, columns } = one;
    const there = present.get(name);
    if (there !== undefined) return compareDomain(there, columns);
    if (rows.has(name)) return { kind: 'refused', reason: `${name} comes twice` };
    rows.set(name, newRow(name, columns, change.now));
    return added;
  });
  for (const name of rows.keys()) {
    const refusal = await refusalLater(() => refuseTransportEntry(change.db, name));
    if (refusal === undefined) continue;
    rows.delete(name);
    outcomes[parsed.findIndex((one) => !isOutcome(one) && one.name === name)] = refusal;
  }
  await insertDomains(change, [...rows.values()]);
  await change.events(
    [...rows.values()].map((row) => ({ action: 'domain.add', object: row.name, before: null, after: summary(row) })),
  );
  return outcomes;
}

function newRow(name: string, columns: Partial<DomainColumns>, created: number): Omit<DomainRow, 'id'> {
  const fixed = { name, target_id: null, created, tombstone: 0, maintenance: '', catch_all: 'accept' as const };
  return { ...fixed, kind: 'mailbox', ...usualColumns, ...columns };
}

async function insertDomains(change: Change, rows: readonly Omit<DomainRow, 'id'>[]): Promise<void> {
  for (let start = 0; start < rows.length; start += rowsPerStatement) {
    await change.db
      .insertInto('domain')
      .values(rows.slice(start, start + rowsPerStatement))
      .execute();
  }
}

function compareDomain(there: DomainRow, columns: Partial<DomainColumns>): BulkOutcome {
  return compared(
    Object.entries(columns).map(([name, value]) => {
      return difference(name.replaceAll('_', ' '), there[name as keyof DomainColumns], value);
    }),
  );
}

/** Those that are given. */
function columnsOf(domain: BulkDomain): Partial<DomainColumns> & Pick<DomainColumns, 'kind'> {
  const { active, transport, limits, takesAll, unknownTo } = domain;
  return {
    kind: domain.class,
    ...(active === undefined ? {} : { active: Number(active) }),
    ...(transport === undefined ? {} : { transport: checkTransport(transport) }),
    ...(unknownTo === undefined ? {} : { unknown_to: checkUnknownTo(unknownTo, domain.name, domain.class) }),
    ...(limits === undefined ? {} : changedLimits(noLimits, limits)),
    ...(takesAll === undefined ? {} : { takes_all: Number(takesAll) }),
  };
}

export async function addAliasDomains(change: Change, domains: readonly BulkAliasDomain[]): Promise<BulkOutcome[]> {
  const parsed = domains.map((one) =>
    refusalOf(() => ({ name: parseHostedDomain(one.name), target: parseDomain(one.target), active: one.active })),
  );
  const names = new Set(parsed.flatMap((one) => (isOutcome(one) ? [] : [one.name, one.target])));
  const present = new Map(await domainsByName(change.db, names));
  const outcomes: BulkOutcome[] = [];
  for (const one of parsed) {
    outcomes.push(isOutcome(one) ? one : await addAliasDomain(change, present, one));
  }
  return outcomes;
}

interface ParsedAliasDomain {
  readonly name: string;
  readonly target: string;
  readonly active: boolean | undefined;
}

async function addAliasDomain(
  change: Change,
  present: Map<string, DomainRow>,
  { name, target, active }: ParsedAliasDomain,
): Promise<BulkOutcome> {
  const to = present.get(target);
  if (name === target) return { kind: 'refused', reason: `${name} cannot be an alias domain of itself` };
  if (to === undefined || to.kind === 'alias-domain') {
    const what = to === undefined ? 'is not hosted here' : 'is an alias domain itself';
    return { kind: 'refused', reason: `${name} would be an alias domain of ${target}, which ${what}` };
  }
  const there = present.get(name);
  if (there !== undefined) {
    return compared([
      difference('class', there.kind, 'alias-domain'),
      there.target_id === to.id ? undefined : `its target is not ${target} here`,
      active === undefined ? undefined : difference('active', there.active, Number(active)),
    ]);
  }
  const fixed = { ...usualColumns, tombstone: 0, maintenance: '', catch_all: 'accept' as const };
  const values = { ...fixed, name, kind: 'alias-domain' as const, target_id: to.id, created: change.now };
  const row = await change.db
    .insertInto('domain')
    .values({ ...values, active: active === false ? 0 : 1 })
    .returningAll()
    .executeTakeFirstOrThrow();
  const starts = await startsAt(change.db, name);
  const loop = refusalOf(() => {
    refuseLoops(change.lookups, starts);
    return added;
  });
  if (loop.kind === 'refused') {
    await change.db.deleteFrom('domain').where('id', '=', row.id).execute();
    return loop;
  }
  present.set(name, row);
  const after = { name, target, ...(active === false ? { active } : {}) };
  await change.event('alias-domain.add', name, null, after);
  return added;
}
