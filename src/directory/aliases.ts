// Aliases: an address and the addresses that it stands for, in order, as many as one likes; `@domain` is the catch-all
// for whoever is not otherwise known there. A target `@other` keeps the localpart (virtual(5)), so it stands alone.
// A change that would send mail round in a circle is refused with the circle named; a -> a, b keeps a copy.

import { isDeepStrictEqual } from 'node:util';
import type { Change, Changes } from './change.ts';
import { contains } from './contains.ts';
import type { DirectoryDatabase } from './database.ts';
import {
  type AliasInfo,
  type AliasSettings,
  describeAlias,
  findAlias,
  insertAlias,
  insertTargets,
  replacePosters,
} from './alias-rows.ts';
import { needDomain } from './domain-rows.ts';
import { refuseListAddress } from './list-rows.ts';
import { refuseLoops, unknownLocalpart } from './expansion.ts';
import type { DirectoryLookups } from './lookups.ts';
import { refuseAliasBeyondLimit } from './domain-limits.ts';
import { addressKey, fold, type MailAddress, parseAddress, parseAliasAddress, parseDomain } from './mail-address.ts';
import { refuse, refuseMissing, refuseTaken } from './refusal.ts';
import { restoreAlias } from './removals.ts';
import { refuseCatchAllOfSplit } from './split-domains.ts';
import type { AliasRow } from './schema.ts';
import { removeTags } from './tags.ts';

export interface AliasQuery {
  readonly domain?: string;
  /** Those whose address or one of whose targets contains this. */
  readonly search?: string;
  /** The address of the last one seen, as listed. */
  readonly after?: string;
  readonly limit?: number;
}

export class Aliases {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  async add(address: string, targets: readonly string[], settings: AliasSettings = {}): Promise<AliasInfo> {
    const alias = parseAliasAddress(address);
    const parsed = parseTargets(targets);
    return await this.#changes.make(async (change) => {
      const domain = await needDomain(change.db, alias.domain);
      const existing = await findAlias(change.db, alias);
      if (existing !== undefined) {
        const now = change.lookups.targets(existing.id).slice(0, 3).join(', ');
        refuseTaken(
          `${addressKey(alias)} is already an alias for ${now}: change it with: posthaste alias set ${addressKey(alias)} TARGET\u2026`,
        );
      }
      refuseListAddress(change.lookups, domain, alias.localpart);
      refuseCatchAllOfSplit(domain, alias.localpart);
      refuseAliasOfForwarded(change.lookups, alias);
      await refuseAliasBeyondLimit(change.db, domain);
      const info = await insertAlias(change, domain, alias, parsed, settings);
      refuseLoops(change.lookups, await startsOf(change.db, alias, parsed));
      return info;
    });
  }

  async show(address: string): Promise<AliasInfo | undefined> {
    const row = await findAlias(this.#db, parseAliasAddress(address));
    return row && (await describeAlias(this.#db, row));
  }

  async list(query: AliasQuery = {}): Promise<AliasInfo[]> {
    const at = query.after?.lastIndexOf('@') ?? -1;
    const afterDomain = query.after === undefined ? '' : query.after.slice(at + 1);
    const afterLocalpart = query.after === undefined ? undefined : fold(query.after.slice(0, Math.max(at, 0)));
    let select = this.#db
      .selectFrom('alias as a')
      .innerJoin('domain as d', 'd.id', 'a.domain_id')
      .selectAll('a')
      .where('d.tombstone', '=', 0)
      .where('d.name', '>=', afterDomain);
    if (afterLocalpart !== undefined) {
      select = select.where((eb) => eb.or([eb('d.name', '>', afterDomain), eb('a.localpart', '>', afterLocalpart)]));
    }
    if (query.domain !== undefined) select = select.where('d.name', '=', parseDomain(query.domain));
    if (query.search !== undefined) {
      const wanted = contains(query.search);
      select = select.where((eb) => {
        const targets = eb.selectFrom('alias_target as t').select('t.position').whereRef('t.alias_id', '=', 'a.id');
        return eb.or([wanted('a.shown'), eb.exists(targets.where(wanted('t.address')))]);
      });
    }
    const rows = await select
      .orderBy('d.name')
      .orderBy('a.localpart')
      .limit(Math.min(query.limit ?? 100, 1001))
      .execute();
    return await Promise.all(rows.map((row) => describeAlias(this.#db, row)));
  }

  /** As `show`; refuses with what to type where there is none. */
  async need(address: string): Promise<AliasInfo> {
    return await describeAlias(this.#db, await needAlias(this.#db, parseAliasAddress(address)));
  }

  /** Replaces the targets. */
  async set(address: string, targets: readonly string[], settings: AliasSettings = {}): Promise<AliasInfo> {
    const parsed = parseTargets(targets);
    return await this.#replace(parseAliasAddress(address), settings, () => parsed);
  }

  /** Adds targets at the end, and takes others away. */
  async edit(
    address: string,
    add: readonly string[],
    drop: readonly string[],
    settings: AliasSettings = {},
  ): Promise<AliasInfo> {
    const dropped = drop.length === 0 ? [] : parseTargets(drop).map(addressKey);
    return await this.#replace(parseAliasAddress(address), settings, (now) => {
      const present = new Set(parseTargets(now).map(addressKey));
      const missing = dropped.find((key) => !present.has(key));
      if (missing !== undefined)
        refuseMissing(`${missing} is not a target of ${address}: see: posthaste alias show ${address}`);
      const kept = parseTargets([...now, ...add]).filter((target) => !dropped.includes(addressKey(target)));
      if (kept.length === 0)
        refuse(`${address} would have no target left: remove it with: posthaste alias remove ${address}`);
      return kept;
    });
  }

  async #replace(
    alias: MailAddress,
    settings: AliasSettings,
    choose: (now: readonly string[]) => MailAddress[],
  ): Promise<AliasInfo> {
    return await this.#changes.make(async (change) => {
      const row = await needAlias(change.db, alias);
      const parsed = choose(change.lookups.targets(row.id));
      const before = await describeAlias(change.db, row);
      const next = { active: Number(settings.active ?? row.active === 1), post: settings.post ?? row.post };
      // A list may have come while the alias was off.
      if (next.active > row.active) refuseListAddress(change.lookups, { name: alias.domain }, alias.localpart);
      await change.db.updateTable('alias').set(next).where('id', '=', row.id).execute();
      if (settings.posters !== undefined) await replacePosters(change.db, row.id, settings.posters);
      await change.db.deleteFrom('alias_target').where('alias_id', '=', row.id).execute();
      await insertTargets(change.db, row.id, parsed);
      // Also where it is off now: its mail may fall to a catch-all whose targets lead back here.
      refuseLoops(change.lookups, await startsOf(change.db, alias, parsed));
      const after = await describeAlias(change.db, { ...row, ...next });
      if (!isDeepStrictEqual(before, after)) await change.event('alias.set', row.shown, before, after);
      return after;
    });
  }

  /** Brings back the alias that was removed last under this address. */
  async restore(address: string, since = 0): Promise<AliasInfo> {
    const alias = parseAliasAddress(address);
    await this.#changes.make(async (change) => await restoreAlias(change, alias, since));
    return await this.need(address);
  }

  async remove(address: string): Promise<void> {
    const alias = parseAliasAddress(address);
    await this.#changes.make(async (change) => {
      await removeAliasRow(change, await needAlias(change.db, alias));
      // Its mail may now fall to a catch-all whose targets lead back here.
      if (alias.localpart !== '') refuseLoops(change.lookups, [addressKey(alias)]);
    });
  }
}

/** Two answers to where its mail goes. */
function refuseAliasOfForwarded(lookups: DirectoryLookups, alias: MailAddress): void {
  const hosted = lookups.domain(alias.domain);
  const local = hosted && lookups.localAt(alias.localpart, hosted);
  if (local?.kind !== 'mailbox' || !local.isForwarded) return;
  const key = addressKey(alias);
  refuse(`${key} is a mailbox that is forwarded: change that with: posthaste mailbox set ${key} --forward ADDRESS`);
}

export async function removeAliasRow(change: Change, row: AliasRow): Promise<void> {
  const before = await describeAlias(change.db, row);
  await removeTags(change, 'alias', row.id, `${row.localpart}${row.shown.slice(row.shown.lastIndexOf('@'))}`);
  await change.db.deleteFrom('alias_target').where('alias_id', '=', row.id).execute();
  await change.db.deleteFrom('alias_poster').where('alias_id', '=', row.id).execute();
  await change.db.deleteFrom('alias').where('id', '=', row.id).execute();
  await change.event('alias.remove', row.shown, before, null);
}

/** Valid targets without repetitions. */
export function parseTargets(texts: readonly string[]): MailAddress[] {
  const targets = new Map<string, MailAddress>();
  for (const text of texts.flatMap(splitList)) {
    const target = parseTarget(text);
    if (!targets.has(addressKey(target))) targets.set(addressKey(target), target);
  }
  const list = [...targets.values()];
  if (list.length === 0)
    refuse('an alias needs at least one target, as in: posthaste alias add sales@example.com anna@example.com');
  const whole = list.find((target) => target.localpart === '');
  if (whole && list.length > 1)
    refuse(`the target ${whole.shown} keeps the name before the "@" and must stand alone (virtual(5))`);
  return list;
}

/** People separate targets by commas too. */
function splitList(text: string): string[] {
  if (text.includes('"')) return [text];
  return text.split(',').filter((part) => part.trim() !== '');
}

function parseTarget(text: string): MailAddress {
  const given = text.trim();
  if (given.startsWith('|') || given.startsWith('/') || given.startsWith(':include:')) {
    refuse(`"${given}": commands, files and :include: belong to alias_maps (local(8)); here a target is an address`);
  }
  return given.startsWith('@') ? parseAliasAddress(given) : parseAddress(given);
}

async function needAlias(db: DirectoryDatabase, alias: MailAddress): Promise<AliasRow> {
  const row = await findAlias(db, alias);
  if (row) return row;
  await needDomain(db, alias.domain);
  refuseMissing(
    `there is no alias ${addressKey(alias)}: add it with: posthaste alias add ${addressKey(alias)} TARGET\u2026`,
  );
}

/**
 * Where a loop through this alias would begin. A catch-all stands for names that nobody has; one that leads to a whole
 * other domain also meets each alias there. Extensions matter only where an alias exists for one (`b+x`).
 */
export async function startsOf(
  db: DirectoryDatabase,
  alias: MailAddress,
  targets: readonly MailAddress[],
): Promise<Set<string>> {
  const starts = new Set<string>();
  if (alias.localpart !== '') starts.add(addressKey(alias));
  else starts.add(`${unknownLocalpart}@${alias.domain}`);
  for (const target of targets) {
    if (target.localpart === '') {
      for (const localpart of await aliasNames(db, target.domain, ''))
        starts.add(`${localpart || unknownLocalpart}@${alias.domain}`);
    } else if (alias.localpart !== '') {
      for (const localpart of await aliasNames(db, target.domain, `${target.localpart}+`)) {
        starts.add(`${alias.localpart}${localpart.slice(target.localpart.length)}@${alias.domain}`);
      }
    }
  }
  return starts;
}

async function aliasNames(db: DirectoryDatabase, domain: string, prefix: string): Promise<string[]> {
  const rows = await db
    .selectFrom('alias as a')
    .innerJoin('domain as d', 'd.id', 'a.domain_id')
    .select('a.localpart')
    .where('d.name', '=', domain)
    .where('d.tombstone', '=', 0)
    .where('a.active', '=', 1)
    .where('a.localpart', '>=', prefix)
    .where('a.localpart', '<', `${prefix}\u{10ffff}`)
    .limit(10_000)
    .execute();
  return rows.map((row) => row.localpart);
}
