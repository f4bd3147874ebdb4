// Alias domains: every address of NAME means the same address of its target. Kept beside the domains in one table,
// so that a name cannot be both; one step only, so that no chain can end in a loop of domains.

import type { Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { domainName, findDomain, needDomain, refuseTakenName } from './domain-rows.ts';
import { maxPage, type Page } from './domains.ts';
import { refuseLoops, unknownLocalpart } from './expansion.ts';
import { parseDomain, parseHostedDomain } from './mail-address.ts';
import { refuse, refuseMissing } from './refusal.ts';
import { removePlacesOfDomain } from './places.ts';
import { restoreAliasDomain } from './removals.ts';
import { removeRightsOfDomain } from './sender-rights.ts';
import { refuseTransportEntry } from './transports.ts';
import type { DomainRow } from './schema.ts';

export interface AliasDomainInfo {
  readonly name: string;
  readonly target: string;
  readonly active: boolean;
  readonly created: number;
}

export class AliasDomains {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  async add(name: string, target: string): Promise<AliasDomainInfo> {
    const domain = parseHostedDomain(name);
    const targetName = parseDomain(target);
    if (domain === targetName) refuse(`${domain} cannot be an alias domain of itself`);
    await this.#changes.make(async (change) => {
      await refuseTakenName(change.db, domain);
      await refuseTransportEntry(change.db, domain);
      const row = await needDomain(change.db, targetName);
      const values = { name: domain, kind: 'alias-domain' as const, target_id: row.id, active: 1, transport: '' };
      await change.db
        .insertInto('domain')
        .values({ ...values, created: change.now })
        .execute();
      refuseLoops(change.lookups, await startsAt(change.db, domain));
      await change.event('alias-domain.add', domain, null, { name: domain, target: targetName });
    });
    return await this.#need(domain);
  }

  async show(name: string): Promise<AliasDomainInfo | undefined> {
    const row = await findDomain(this.#db, parseDomain(name));
    return row?.kind === 'alias-domain' ? await describe(this.#db, row) : undefined;
  }

  async list(page: Page = {}): Promise<AliasDomainInfo[]> {
    const rows = await this.#db
      .selectFrom('domain')
      .selectAll()
      .where('kind', '=', 'alias-domain')
      .where('tombstone', '=', 0)
      .where('name', '>', page.after ?? '')
      .orderBy('name')
      .limit(Math.min(page.limit ?? 100, maxPage))
      .execute();
    return await Promise.all(rows.map((row) => describe(this.#db, row)));
  }

  async set(name: string, settings: { readonly target?: string; readonly active?: boolean }): Promise<AliasDomainInfo> {
    const domain = parseDomain(name);
    await this.#changes.make(async (change) => {
      const row = await needAliasDomain(change.db, domain);
      const before = await describe(change.db, row);
      const target =
        settings.target === undefined ? undefined : await needDomain(change.db, parseDomain(settings.target));
      const next = {
        target_id: target?.id ?? row.target_id,
        active: settings.active === undefined ? row.active : Number(settings.active),
      };
      await change.db.updateTable('domain').set(next).where('id', '=', row.id).execute();
      refuseLoops(change.lookups, await startsAt(change.db, domain));
      await change.event('alias-domain.set', domain, before, await describe(change.db, { ...row, ...next }));
    });
    return await this.#need(domain);
  }

  async remove(name: string): Promise<void> {
    const domain = parseDomain(name);
    await this.#changes.make(async (change) => {
      const row = await needAliasDomain(change.db, domain);
      const before = await describe(change.db, row);
      await change.db.updateTable('domain').set({ tombstone: row.id }).where('id', '=', row.id).execute();
      await removeRightsOfDomain(change, domain);
      await removePlacesOfDomain(change, domain);
      await change.event('alias-domain.remove', domain, before, null);
    });
  }

  /** Brings back the alias domain that was removed last under this name. */
  async restore(name: string): Promise<AliasDomainInfo> {
    const domain = parseDomain(name);
    await this.#changes.make(async (change) => {
      await restoreAliasDomain(change, domain);
      refuseLoops(change.lookups, await startsAt(change.db, domain));
    });
    return await this.#need(domain);
  }

  async #need(domain: string): Promise<AliasDomainInfo> {
    return await describe(this.#db, await needAliasDomain(this.#db, domain));
  }
}

async function needAliasDomain(db: DirectoryDatabase, name: string): Promise<DomainRow> {
  const row = await findDomain(db, name);
  if (!row) refuseMissing(`${name} is not an alias domain: list them with: posthaste alias-domain list`);
  if (row.kind !== 'alias-domain') refuse(`${name} is a domain of its own: see: posthaste domain show ${name}`);
  return row;
}

async function describe(db: DirectoryDatabase, row: DomainRow): Promise<AliasDomainInfo> {
  return {
    name: row.name,
    target: await domainName(db, row.target_id),
    active: row.active === 1,
    created: row.created,
  };
}

/** Where a loop through the new name would begin: at its unknown users, and at what aliases already point into it. */
export async function startsAt(db: DirectoryDatabase, domain: string): Promise<string[]> {
  const rows = await db
    .selectFrom('alias_target')
    .select(['localpart'])
    .distinct()
    .where('domain', '=', domain)
    .execute();
  return [`${unknownLocalpart}@${domain}`, ...rows.map((row) => `${row.localpart || unknownLocalpart}@${domain}`)];
}
