// Rows of the domain table by name, and the refusals that every change shares.

import { keepQuery } from '../database/kept-query.ts';
import type { DirectoryDatabase } from './database.ts';
import { refuse, refuseMissing, refuseTaken } from './refusal.ts';
import type { CatchAllMode, DomainKind, DomainRow } from './schema.ts';
import { describeLimits } from './domain-limits.ts';

const domainNamed = keepQuery((db: DirectoryDatabase, name: string) =>
  db.selectFrom('domain').selectAll().where('name', '=', name).where('tombstone', '=', 0),
);

export async function findDomain(db: DirectoryDatabase, name: string): Promise<DomainRow | undefined> {
  return (await domainNamed(db, name))[0];
}

/** The row of a domain that is not an alias domain; refuses with what to type. */
export async function needDomain(db: DirectoryDatabase, name: string): Promise<DomainRow> {
  const row = await findDomain(db, name);
  if (!row) refuseMissing(`${name} is not hosted here: add it with: posthaste domain add ${name}`);
  if (row.kind === 'alias-domain') {
    const target = await domainName(db, row.target_id);
    refuse(`${name} is an alias domain of ${target}: use ${target} instead`);
  }
  return row;
}

export async function domainName(db: DirectoryDatabase, id: number | null): Promise<string> {
  const row = await db.selectFrom('domain').select('name').where('id', '=', id).executeTakeFirst();
  return row?.name ?? '';
}

export async function refuseTakenName(db: DirectoryDatabase, name: string): Promise<void> {
  const row = await findDomain(db, name);
  if (!row) return;
  if (row.kind !== 'alias-domain')
    refuseTaken(`${name} is already hosted: look at it with: posthaste domain show ${name}`);
  const target = await domainName(db, row.target_id);
  refuseTaken(
    `${name} is already an alias domain of ${target}: remove that first with: posthaste alias-domain remove ${name}`,
  );
}

export async function aliasDomainsOf(db: DirectoryDatabase, domainId: number): Promise<string[]> {
  const select = db.selectFrom('domain').select('name').where('target_id', '=', domainId).where('tombstone', '=', 0);
  return (await select.orderBy('name').execute()).map((row) => row.name);
}

interface SummarisedDomain {
  readonly name: string;
  readonly kind: DomainKind;
  readonly active: number;
  readonly transport: string;
  readonly maintenance?: string;
  readonly unknown_to: string;
  readonly catch_all?: CatchAllMode;
  readonly takes_all?: number;
}

/** For events. */
export function summary(row: SummarisedDomain & Parameters<typeof describeLimits>[0]): object {
  const { name, kind, active, transport, maintenance = '', unknown_to: unknownTo } = row;
  const whole = { name, class: kind, active: active === 1, transport, ...(maintenance === '' ? {} : { maintenance }) };
  const { catch_all: catchAllMode = 'accept', takes_all: takesAll = 1 } = row;
  const places = {
    ...(catchAllMode === 'accept' ? {} : { catchAllMode }),
    ...(takesAll === 1 ? {} : { recipients: 'listed' }),
  };
  return { ...whole, ...(unknownTo === '' ? {} : { unknownTo }), ...describeLimits(row), ...places };
}
