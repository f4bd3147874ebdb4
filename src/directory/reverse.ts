// What leads to an address, asked of the directory backwards: aliases that have it as a target, alias domains, forwards, lists.
// One step at a time and each bounded, since a domain may have a million addresses. Structure only: whether mail really
// goes that way is for the resolver to say.

import { sql } from 'kysely';
import { keepQuery } from '../database/kept-query.ts';
import type { DirectoryDatabase } from './database.ts';
import { findDomain } from './domain-rows.ts';
import { addressKey } from './mail-address.ts';

export type PointerKind = 'alias' | 'catch-all' | 'alias-domain' | 'forward' | 'list' | 'list-owner';

export interface Pointer {
  readonly by: PointerKind;
  /** Folded; `@domain` for every other local part of a domain. */
  readonly address: string;
}

/** Folded; `localpart` '' is every local part that nobody has. */
export interface Place {
  readonly localpart: string;
  readonly domain: string;
}

/** A row at an address of a domain. */
export interface Standing {
  readonly kind: 'mailbox' | 'alias' | 'list';
  /** '' is the catch-all. */
  readonly localpart: string;
  readonly isOn: boolean;
}

const targetsInto = keepQuery((db: DirectoryDatabase, domain: string, limit: number) =>
  db.selectFrom('alias_target').select('alias_id').where('domain', '=', domain).limit(limit),
);

const targetsWith = keepQuery((db: DirectoryDatabase, domain: string, localpart: string, limit: number) =>
  db
    .selectFrom('alias_target')
    .select('alias_id')
    .where('domain', '=', domain)
    .where('localpart', '=', localpart)
    .limit(limit),
);

const forwardsWith = keepQuery((db: DirectoryDatabase, domain: string, localpart: string, limit: number) =>
  db
    .selectFrom('mailbox_forward')
    .select('mailbox_id')
    .where('domain', '=', domain)
    .where('localpart', '=', localpart)
    .limit(limit),
);

const personsWith = keepQuery((db: DirectoryDatabase, domain: string, localpart: string, limit: number) =>
  db
    .selectFrom('list_person')
    .select(['list_id', 'role'])
    .where('domain', '=', domain)
    .where('localpart', '=', localpart)
    .where('role', '!=', 'poster')
    .limit(limit),
);

const domainsWithTarget = keepQuery((db: DirectoryDatabase, target: number, limit: number) =>
  db.selectFrom('domain').select('name').where('target_id', '=', target).where('tombstone', '=', 0).limit(limit),
);

export class ReverseLookups {
  readonly #db: DirectoryDatabase;

  constructor(db: DirectoryDatabase) {
    this.#db = db;
  }

  /** One step back, at most `limit` of each kind. */
  async pointersTo({ localpart, domain }: Place, limit: number): Promise<Pointer[]> {
    const found: Pointer[] = [];
    const own = localpart === '' ? [] : await this.#aliasesWith(domain, localpart, limit);
    for (const alias of own) found.push(asPointer(alias));
    for (const alias of await this.#aliasesWith(domain, '', limit)) {
      // A target `@domain` keeps the local part (virtual(5)).
      if (alias.localpart === '') found.push({ by: 'catch-all', address: addressKeyOf(localpart, alias.domain) });
      else if (alias.localpart === localpart || localpart === '') found.push(asPointer(alias));
    }
    for (const name of await this.aliasDomainsOf(domain, limit)) {
      found.push({ by: 'alias-domain', address: addressKeyOf(localpart, name) });
    }
    if (localpart !== '') found.push(...(await this.#forwardsTo(domain, localpart, limit)));
    if (localpart !== '') found.push(...(await this.#listsWith(domain, localpart, limit)));
    return found;
  }

  /** Aliases with any target in the domain: what they lead to may be an address that a catch-all takes. */
  async aliasesInto(domain: string, limit: number): Promise<Pointer[]> {
    return (await this.#aliasesWith(domain, undefined, limit)).map(asPointer);
  }

  /**
   * One table a question: in a trial tables are views (touched-rows.ts), which SQLite searches well alone and badly when they
   * are joined.
   */
  async #aliasesWith(domain: string, localpart: string | undefined, limit: number): Promise<Place[]> {
    const rows =
      localpart === undefined
        ? await targetsInto(this.#db, domain, limit)
        : await targetsWith(this.#db, domain, localpart, limit);
    const places = await this.placesOf('alias', [...new Set(rows.map((row) => row.alias_id))]);
    return [...places.values()];
  }

  async #forwardsTo(domain: string, localpart: string, limit: number): Promise<Pointer[]> {
    const rows = await forwardsWith(this.#db, domain, localpart, limit);
    const places = await this.placesOf(
      'mailbox',
      rows.map((row) => row.mailbox_id),
    );
    return [...places.values()].map((place) => ({ by: 'forward', address: `${place.localpart}@${place.domain}` }));
  }

  async #listsWith(domain: string, localpart: string, limit: number): Promise<Pointer[]> {
    const rows = await personsWith(this.#db, domain, localpart, limit);
    const places = await this.placesOf(
      'list',
      rows.map((row) => row.list_id),
    );
    return rows.flatMap(({ list_id: id, role }): Pointer[] => {
      const place = places.get(id);
      if (place === undefined) return [];
      const address = `${place.localpart}@${place.domain}`;
      return [role === 'owner' ? { by: 'list-owner', address: `owner-${address}` } : { by: 'list', address }];
    });
  }

  async aliasDomainsOf(domain: string, limit: number): Promise<string[]> {
    const target = await findDomain(this.#db, domain);
    if (target === undefined) return [];
    return (await domainsWithTarget(this.#db, target.id, limit)).map(({ name }) => name);
  }

  /** Hosted domains below `parent`. Looks through the names of all of them. */
  async domainsUnder(parent: string, limit: number): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('domain')
      .select('name')
      .where('tombstone', '=', 0)
      .where('name', 'like', `%.${parent.replace(/[%_\\]/g, '')}`)
      .limit(limit)
      .execute();
    return rows.map(({ name }) => name);
  }

  /** Names of domains by their id, removed ones too. */
  async domainNames(ids: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const names = new Map<number, string>();
    for (let start = 0; start < ids.length; start += 500) {
      const some = ids.slice(start, start + 500);
      const rows = await this.#db.selectFrom('domain').select(['id', 'name']).where('id', 'in', some).execute();
      for (const { id, name } of rows) names.set(id, name);
    }
    return names;
  }

  /** Where aliases, lists and mailboxes stand, by their id. */
  async placesOf(table: 'alias' | 'list' | 'mailbox', ids: readonly number[]): Promise<ReadonlyMap<number, Place>> {
    const places = new Map<number, Place>();
    for (let start = 0; start < ids.length; start += 500) {
      const some = ids.slice(start, start + 500);
      const living = table === 'mailbox' ? sql`AND tombstone = 0` : sql``;
      const { rows } = await sql<{ id: number; domain_id: number; localpart: string }>`
        SELECT id, domain_id, localpart FROM ${sql.table(table)} WHERE id IN (${sql.join(some)}) ${living}`.execute(
        this.#db,
      );
      const names = await this.domainNames([...new Set(rows.map((row) => row.domain_id))]);
      for (const { id, localpart, domain_id: domainId } of rows) {
        places.set(id, { localpart, domain: names.get(domainId) ?? '' });
      }
    }
    return places;
  }

  /** Everything that stands in a domain, at most `limit` rows, sorted by name within each kind. */
  async standingIn(
    domain: string,
    limit: number,
  ): Promise<{ readonly standing: readonly Standing[]; readonly isCut: boolean }> {
    const hosted = await findDomain(this.#db, domain);
    const standing: Standing[] = [];
    const tables = { alias: sql`active`, list: sql`1`, mailbox: sql`enabled` };
    for (const kind of ['alias', 'list', 'mailbox'] as const) {
      const living = kind === 'mailbox' ? sql`AND tombstone = 0` : sql``;
      const { rows } = await sql<{ localpart: string; is_on: number }>`
        SELECT localpart, ${tables[kind]} AS is_on FROM ${sql.table(kind)}
        WHERE domain_id = ${hosted?.id ?? 0} ${living} ORDER BY localpart LIMIT ${limit + 1}`.execute(this.#db);
      for (const { localpart, is_on: isOn } of rows) standing.push({ kind, localpart, isOn: Number(isOn) !== 0 });
    }
    return { standing: standing.slice(0, limit), isCut: standing.length > limit };
  }

  /** What stands in a domain: local parts of its mailboxes, aliases and lists ('' is a catch-all), at most `limit` of each. */
  async localpartsOf(
    domain: string,
    limit: number,
  ): Promise<{ readonly localparts: string[]; readonly isCut: boolean }> {
    const found = new Set<string>();
    let isCut = false;
    const hosted = await findDomain(this.#db, domain);
    for (const table of ['mailbox', 'alias', 'list'] as const) {
      const living = table === 'mailbox' ? sql`AND tombstone = 0` : sql``;
      const { rows } = await sql<{ localpart: string }>`
        SELECT localpart FROM ${sql.table(table)}
        WHERE domain_id = ${hosted?.id ?? 0} ${living} LIMIT ${limit + 1}`.execute(this.#db);
      isCut ||= rows.length > limit;
      for (const { localpart } of rows.slice(0, limit)) {
        found.add(localpart);
        if (table === 'list') found.add(`owner-${localpart}`).add(`${localpart}-request`);
      }
    }
    return { localparts: [...found], isCut };
  }
}

function asPointer({ localpart, domain }: Place): Pointer {
  return { by: localpart === '' ? 'catch-all' : 'alias', address: addressKeyOf(localpart, domain) };
}

function addressKeyOf(localpart: string, domain: string): string {
  return addressKey({ localpart, domain, shown: '' });
}

export function placeOf(address: string): Place {
  const at = address.lastIndexOf('@');
  return { localpart: address.slice(0, at), domain: address.slice(at + 1) };
}

export interface Reaching extends Pointer {
  /** How many steps from the address. */
  readonly steps: number;
}

/**
 * Every address that leads to one of `starts`, by any number of steps, those nearest first; at most `limit`. What `follows`
 * says no to is left out, with all that leads here by it alone.
 */
export async function addressesLeadingTo(
  lookups: ReverseLookups,
  starts: Iterable<string>,
  limit: number,
  follows: (pointer: Pointer) => boolean = () => true,
): Promise<{ readonly found: readonly Reaching[]; readonly isCut: boolean }> {
  const seen = new Set(starts);
  const found: Reaching[] = [];
  let edge = [...seen];
  for (let steps = 1; edge.length > 0; steps++) {
    const next: string[] = [];
    for (const address of edge) {
      for (const pointer of await lookups.pointersTo(placeOf(address), limit)) {
        if (seen.has(pointer.address) || !follows(pointer)) continue;
        if (found.length >= limit) return { found, isCut: true };
        seen.add(pointer.address);
        found.push({ ...pointer, steps });
        next.push(pointer.address);
      }
    }
    edge = next;
  }
  return { found, isCut: false };
}
