// Rows of the alias table and their targets.

import type { Change } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import type { MailAddress } from './mail-address.ts';
import type { AliasRow, DomainRow } from './schema.ts';

export interface AliasInfo {
  readonly address: string;
  readonly targets: readonly string[];
  readonly created: number;
}

export async function insertAlias(
  change: Change,
  domain: DomainRow,
  alias: MailAddress,
  targets: readonly MailAddress[],
): Promise<AliasInfo> {
  const values = { domain_id: domain.id, localpart: alias.localpart, shown: alias.shown, created: change.now };
  const { id } = await change.db.insertInto('alias').values(values).returning('id').executeTakeFirstOrThrow();
  await insertTargets(change.db, id, targets);
  const info = { address: alias.shown, targets: targets.map((target) => target.shown), created: change.now };
  await change.event('alias.add', alias.shown, null, info);
  return info;
}

/** Addresses of aliases that name this address as a target, the first 20. */
export async function aliasesTo(db: DirectoryDatabase, address: MailAddress): Promise<string[]> {
  const rows = await db
    .selectFrom('alias_target as t')
    .innerJoin('alias as a', 'a.id', 't.alias_id')
    .select('a.shown')
    .where('t.domain', '=', address.domain)
    .where('t.localpart', '=', address.localpart)
    .orderBy('a.id')
    .limit(20)
    .execute();
  return rows.map((row) => row.shown);
}

export async function insertTargets(
  db: DirectoryDatabase,
  aliasId: number,
  targets: readonly MailAddress[],
): Promise<void> {
  // SQLite takes 32,766 parameters a statement.
  for (let start = 0; start < targets.length; start += 1000) {
    const rows = targets.slice(start, start + 1000).map(({ shown, domain, localpart }, index) => {
      return { alias_id: aliasId, position: start + index, address: shown, domain, localpart };
    });
    await db.insertInto('alias_target').values(rows).execute();
  }
}

export async function findAlias(db: DirectoryDatabase, alias: MailAddress): Promise<AliasRow | undefined> {
  return await db
    .selectFrom('alias as a')
    .innerJoin('domain as d', 'd.id', 'a.domain_id')
    .selectAll('a')
    .where('d.name', '=', alias.domain)
    .where('d.tombstone', '=', 0)
    .where('a.localpart', '=', alias.localpart)
    .executeTakeFirst();
}

export async function describeAlias(db: DirectoryDatabase, row: AliasRow): Promise<AliasInfo> {
  const targets = await db
    .selectFrom('alias_target')
    .select('address')
    .where('alias_id', '=', row.id)
    .orderBy('position')
    .execute();
  return { address: row.shown, targets: targets.map((target) => target.address), created: row.created };
}
