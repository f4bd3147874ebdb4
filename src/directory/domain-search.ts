// Which domains an administrator is looking for, among a hundred thousand: by a part of the name, by class, or by what is
// amiss. Names and classes are looked through in the order of their index, which takes some milliseconds; what is amiss
// takes questions about each domain, so that is done in steps, between which mail goes on.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ExpressionBuilder, sql } from 'kysely';
import type { DirectoryDatabase } from './database.ts';
import { foldDomain } from './mail-address.ts';
import type { DirectorySchema, DomainClass, DomainRow } from './schema.ts';

/**
 * off: its mail is refused. maintenance: it is put off. catch-all: it has one. no-postmaster: RFC 5321 §4.5.1.
 * near-limit: of its mailboxes, aliases or quotas nine tenths are taken.
 */
export type DomainTrait = 'off' | 'maintenance' | 'catch-all' | 'no-postmaster' | 'near-limit';

export interface DomainSearch {
  readonly after?: string;
  readonly limit: number;
  readonly search?: string;
  readonly class?: DomainClass;
  readonly having?: DomainTrait;
  readonly names?: readonly string[];
}

export interface DomainCounts {
  readonly all: number;
  readonly mailbox: number;
  readonly alias: number;
  readonly relay: number;
  readonly off: number;
  readonly maintenance: number;
}

const domainsPerStep = 2000;
/** SQLite takes 32,766 parameters a statement. */
const namesPerStep = 500;

/** In the order of their names. */
export async function findDomains(db: DirectoryDatabase, query: DomainSearch): Promise<DomainRow[]> {
  const { after = '', limit, names } = query;
  const found: DomainRow[] = [];
  if (names !== undefined) {
    const rest = names.filter((name) => name > after).toSorted();
    for (let start = 0; start < rest.length && found.length < limit; start += namesPerStep) {
      const some = rest.slice(start, start + namesPerStep);
      found.push(
        ...(await selectDomains(db, query, limit - found.length)
          .where('d.name', 'in', some)
          .execute()),
      );
    }
    return found;
  }
  if (query.having === undefined) return await selectDomains(db, query, limit).where('d.name', '>', after).execute();
  for (let from = after; ; ) {
    const end = await endOfStep(db, from);
    let select = selectDomains(db, query, limit - found.length).where('d.name', '>', from);
    if (end !== undefined) select = select.where('d.name', '<=', end);
    found.push(...(await select.execute()));
    if (end === undefined || found.length >= limit) return found;
    from = end;
    await nextTurn();
  }
}

/** The name that ends the next step; undefined where there is no step behind it. */
async function endOfStep(db: DirectoryDatabase, from: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('domain')
    .select('name')
    .where('name', '>', from)
    .orderBy('name')
    .offset(domainsPerStep)
    .limit(1)
    .executeTakeFirst();
  return row?.name;
}

function selectDomains(db: DirectoryDatabase, query: DomainSearch, limit: number) {
  let select = db
    .selectFrom('domain as d')
    .selectAll('d')
    .where('d.tombstone', '=', 0)
    .where('d.kind', '!=', 'alias-domain');
  if (query.search !== undefined) {
    select = select.where(sql<number>`instr(d.name, ${foldDomain(query.search)})`, '>', 0);
  }
  if (query.class !== undefined) select = select.where('d.kind', '=', query.class);
  const { having } = query;
  if (having !== undefined) select = select.where((eb) => traits[having](eb));
  return select.orderBy('d.name').limit(limit);
}

type Asked = ExpressionBuilder<DirectorySchema & { d: DirectorySchema['domain'] }, 'd'>;

const traits = {
  off: (eb: Asked) => eb('d.active', '=', 0),
  maintenance: (eb: Asked) => eb('d.maintenance', '!=', ''),
  'catch-all': (eb: Asked) => eb.exists(aliasesOf(eb).where('a.localpart', '=', '')),
  'no-postmaster': (eb: Asked) =>
    eb.and([
      eb.or([eb('d.kind', '!=', 'relay'), eb('d.takes_all', '=', 0)]),
      eb.not(eb.exists(aliasesOf(eb).where('a.localpart', 'in', ['', 'postmaster']))),
      eb.not(eb.exists(mailboxesOf(eb).select('m.id').where('m.localpart', '=', 'postmaster'))),
      eb.not(
        eb.exists(
          eb
            .selectFrom('relay_recipient as r')
            .select('r.created')
            .whereRef('r.domain_id', '=', 'd.id')
            .where('r.localpart', '=', 'postmaster'),
        ),
      ),
    ]),
  'near-limit': (eb: Asked) =>
    eb.or([
      eb.and([
        eb('d.max_mailboxes', '>', 0),
        sql<boolean>`${mailboxesOf(eb).select(eb.fn.countAll<number>().as('n'))} * 10 >= d.max_mailboxes * 9`,
      ]),
      eb.and([
        eb('d.max_aliases', '>', 0),
        sql<boolean>`${allAliasesOf(eb).select(eb.fn.countAll<number>().as('n'))} * 10 >= d.max_aliases * 9`,
      ]),
      eb.and([
        eb('d.total_quota', '>', 0),
        sql<boolean>`coalesce(${mailboxesOf(eb).select(sql<number>`sum(m.quota)`.as('n'))}, 0) * 10 >= d.total_quota * 9`,
      ]),
    ]),
} as const;

function mailboxesOf(eb: Asked) {
  return eb.selectFrom('mailbox as m').whereRef('m.domain_id', '=', 'd.id').where('m.tombstone', '=', 0);
}

function allAliasesOf(eb: Asked) {
  return eb.selectFrom('alias as a').whereRef('a.domain_id', '=', 'd.id');
}

function aliasesOf(eb: Asked) {
  return allAliasesOf(eb).select('a.id').where('a.active', '=', 1);
}

/** `names`: of these only. */
export async function countDomains(db: DirectoryDatabase, names?: readonly string[]): Promise<DomainCounts> {
  const counts = { all: 0, mailbox: 0, alias: 0, relay: 0, off: 0, maintenance: 0 };
  const parts = names === undefined ? [undefined] : stepsOf(names);
  for (const part of parts) {
    let select = db
      .selectFrom('domain')
      .select((eb) => [
        'kind',
        eb.fn.countAll<number>().as('count'),
        eb.fn.sum<number>(eb.case().when('active', '=', 0).then(1).else(0).end()).as('off'),
        eb.fn.sum<number>(eb.case().when('maintenance', '!=', '').then(1).else(0).end()).as('maintenance'),
      ])
      .where('tombstone', '=', 0)
      .where('kind', '!=', 'alias-domain');
    if (part !== undefined) select = select.where('name', 'in', part);
    for (const { kind, count, off, maintenance } of await select.groupBy('kind').execute()) {
      counts[kind as DomainClass] += Number(count);
      counts.all += Number(count);
      counts.off += Number(off);
      counts.maintenance += Number(maintenance);
    }
  }
  return counts;
}

function stepsOf(names: readonly string[]): (readonly string[])[] {
  const steps: (readonly string[])[] = [];
  for (let start = 0; start < names.length; start += namesPerStep) steps.push(names.slice(start, start + namesPerStep));
  return steps;
}
