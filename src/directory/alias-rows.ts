// Rows of the alias table, their targets, and those who may write to them.

import { keepQuery } from '../database/kept-query.ts';
import type { Change } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { insertRows } from './insert-rows.ts';
import type { MailAddress } from './mail-address.ts';
import { parsePersons } from './list-rows.ts';
import { refuse } from './refusal.ts';
import type { AliasRow, DomainRow, PostingRule } from './schema.ts';

export interface AliasInfo {
  readonly address: string;
  readonly targets: readonly string[];
  /** False: as if it were not there. */
  readonly active: boolean;
  /** Who may write to it: members are those whom it reaches. */
  readonly post: PostingRule;
  /** Where `post` is `listed`: addresses, and `@domain`. */
  readonly posters: readonly string[];
  /** Milliseconds since 1970. */
  readonly created: number;
}

export interface AliasSettings {
  readonly active?: boolean;
  readonly post?: PostingRule;
  /** They replace what was there. */
  readonly posters?: readonly string[];
}

/** A lookup reads one of them; who needs more names whole domains. */
const maxPosters = 10_000;

export async function insertAlias(
  change: Change,
  domain: DomainRow,
  alias: MailAddress,
  targets: readonly MailAddress[],
  settings: AliasSettings = {},
): Promise<AliasInfo> {
  const { active = true, post = 'anyone', posters = [] } = settings;
  const { localpart, shown } = alias;
  const place = { domain_id: domain.id, localpart, shown, created: change.now };
  const values = { ...place, active: Number(active), post };
  const { id } = await change.db.insertInto('alias').values(values).returning('id').executeTakeFirstOrThrow();
  await insertTargets(change.db, id, targets);
  await replacePosters(change.db, id, posters);
  const info = await describeAlias(change.db, { ...values, id });
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
    await insertRows(db, 'alias_target', rows);
  }
}

const aliasAt = keepQuery((db: DirectoryDatabase, domain: string, localpart: string) =>
  db
    .selectFrom('alias as a')
    .innerJoin('domain as d', 'd.id', 'a.domain_id')
    .selectAll('a')
    .where('d.name', '=', domain)
    .where('d.tombstone', '=', 0)
    .where('a.localpart', '=', localpart),
);

export async function findAlias(db: DirectoryDatabase, alias: MailAddress): Promise<AliasRow | undefined> {
  return (await aliasAt(db, alias.domain, alias.localpart))[0];
}

/** Those who may write to it from now on. */
export async function replacePosters(db: DirectoryDatabase, aliasId: number, texts: readonly string[]): Promise<void> {
  const posters = parsePersons(texts, 'poster');
  if (posters.length > maxPosters) {
    refuse(`an alias has at most ${maxPosters} posters: name whole domains as @domain`);
  }
  await db.deleteFrom('alias_poster').where('alias_id', '=', aliasId).execute();
  for (let start = 0; start < posters.length; start += 1000) {
    const rows = posters.slice(start, start + 1000).map(({ shown, domain, localpart }) => {
      return { alias_id: aliasId, address: shown, domain, localpart };
    });
    await db.insertInto('alias_poster').values(rows).execute();
  }
}

const targetsOf = keepQuery((db: DirectoryDatabase, alias: number) =>
  db.selectFrom('alias_target').select('address').where('alias_id', '=', alias).orderBy('position'),
);

const postersOf = keepQuery((db: DirectoryDatabase, alias: number) =>
  db.selectFrom('alias_poster').select('address').where('alias_id', '=', alias).orderBy('domain').orderBy('localpart'),
);

export async function describeAlias(db: DirectoryDatabase, row: AliasRow): Promise<AliasInfo> {
  const targets = await targetsOf(db, row.id);
  const posters = await postersOf(db, row.id);
  return {
    address: row.shown,
    targets: targets.map((target) => target.address),
    active: row.active === 1,
    post: row.post,
    posters: posters.map((poster) => poster.address),
    created: row.created,
  };
}
