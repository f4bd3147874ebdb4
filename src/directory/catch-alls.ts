// What becomes of names that nobody has, in domains with a catch-all. A domain's mode says what holds for names that
// nobody has decided on (schema.ts); a name that was accepted or refused keeps its decision in every mode. Names that
// came to be used are noted by caught-notes.ts; the decision counts at once (virtual-alias.ts). It is about the name without
// an extension: by Postfix's search order `user+ext` is asked for as `user` too, so one cannot be had without the other.

import type { Change, Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { findDomain, needDomain } from './domain-rows.ts';
import type { DirectoryLookups } from './lookups.ts';
import { addressKey, fold, type MailAddress, parseDomain, parseHostedAddress } from './mail-address.ts';
import { refuse, refuseMissing } from './refusal.ts';
import type { CatchAllMode, CaughtState, DomainRow } from './schema.ts';

export interface CaughtAddress {
  readonly address: string;
  readonly state: CaughtState;
  /** Who wrote first; '' for the null sender, and where nobody has. */
  readonly sender: string;
  /** Messages so far. */
  readonly messages: number;
  /** Milliseconds since 1970; 0: never. */
  readonly firstSeen: number;
  readonly lastSeen: number;
}

export interface CatchAllInfo {
  readonly domain: string;
  readonly mode: CatchAllMode;
  /** Empty: the domain has no catch-all, and the mode waits for one. */
  readonly targets: readonly string[];
  readonly proposed: number;
  readonly accepted: number;
  readonly refused: number;
}

export interface CaughtQuery {
  readonly domain?: string;
  readonly state?: CaughtState;
  /** The address of the last one seen. */
  readonly after?: string;
  readonly limit?: number;
}

interface CaughtRow {
  readonly localpart: string;
  readonly shown: string;
  readonly state: CaughtState;
  readonly sender: string;
  readonly first_seen: number;
  readonly last_seen: number;
  readonly messages: number;
}

export class CatchAlls {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;
  readonly #lookups: DirectoryLookups;

  constructor(db: DirectoryDatabase, changes: Changes, lookups: DirectoryLookups) {
    this.#db = db;
    this.#changes = changes;
    this.#lookups = lookups;
  }

  async show(name: string): Promise<CatchAllInfo> {
    const row = await needDomain(this.#db, parseDomain(name));
    const hosted = this.#lookups.domain(row.name);
    const alias = hosted && this.#lookups.aliasAt('', hosted);
    const counts = await this.#db
      .selectFrom('caught_address')
      .select(['state', (eb) => eb.fn.countAll<number>().as('count')])
      .where('domain_id', '=', row.id)
      .groupBy('state')
      .execute();
    const count = (state: CaughtState): number => Number(counts.find((one) => one.state === state)?.count ?? 0);
    return {
      domain: row.name,
      mode: row.catch_all,
      targets: alias === undefined ? [] : this.#lookups.targets(alias),
      proposed: count('proposed'),
      accepted: count('accepted'),
      refused: count('refused'),
    };
  }

  /** By domain and name. */
  async list(query: CaughtQuery = {}): Promise<CaughtAddress[]> {
    let select = this.#db
      .selectFrom('caught_address as c')
      .innerJoin('domain as d', 'd.id', 'c.domain_id')
      .selectAll('c')
      .where('d.tombstone', '=', 0);
    if (query.domain !== undefined) select = select.where('d.name', '=', parseDomain(query.domain));
    if (query.state !== undefined) select = select.where('c.state', '=', query.state);
    if (query.after !== undefined) {
      const at = query.after.lastIndexOf('@');
      const [domain, localpart] = [query.after.slice(at + 1), fold(query.after.slice(0, at))];
      // The first is what the index is entered by.
      select = select
        .where('d.name', '>=', domain)
        .where((eb) => eb.or([eb('d.name', '>', domain), eb('c.localpart', '>', localpart)]));
    }
    const rows = await select
      .orderBy('d.name')
      .orderBy('c.localpart')
      .limit(Math.min(query.limit ?? 100, 1001))
      .execute();
    return rows.map(describe);
  }

  async find(text: string): Promise<CaughtAddress | undefined> {
    const address = parseHostedAddress(text);
    const domain = await findDomain(this.#db, address.domain);
    const row = domain && (await find(this.#db, domain, address));
    return row && describe(row);
  }

  async accept(addresses: readonly string[]): Promise<CaughtAddress[]> {
    return await this.#decide(addresses, 'accepted');
  }

  /** From now on 550 at RCPT. */
  async refuse(addresses: readonly string[]): Promise<CaughtAddress[]> {
    return await this.#decide(addresses, 'refused');
  }

  async #decide(texts: readonly string[], state: 'accepted' | 'refused'): Promise<CaughtAddress[]> {
    const addresses = texts.map(parseHostedAddress);
    return await this.#changes.make(async (change) => {
      const decided: CaughtAddress[] = [];
      for (const address of addresses) {
        const domain = await needDomain(change.db, address.domain);
        refuseSomebodys(change.lookups, address);
        const row = await find(change.db, domain, address);
        const next = row ?? {
          localpart: address.localpart,
          shown: address.shown,
          sender: '',
          first_seen: 0,
          last_seen: 0,
          messages: 0,
        };
        const after = describe({ ...next, state });
        decided.push(after);
        if (row?.state === state) continue;
        if (row === undefined) {
          const values = { ...next, state, domain_id: domain.id };
          await change.db.insertInto('caught_address').values(values).execute();
        } else {
          const update = change.db.updateTable('caught_address').set({ state });
          await update.where('domain_id', '=', domain.id).where('localpart', '=', row.localpart).execute();
        }
        const action = state === 'accepted' ? 'catch-all.accept' : 'catch-all.refuse';
        await change.event(action, next.shown, row === undefined ? null : describe(row), after);
      }
      return decided;
    });
  }

  /** As if the addresses had never been seen. */
  async forget(texts: readonly string[]): Promise<void> {
    const addresses = texts.map(parseHostedAddress);
    await this.#changes.make(async (change) => {
      for (const address of addresses) {
        const domain = await needDomain(change.db, address.domain);
        const row = await find(change.db, domain, address);
        if (row === undefined) {
          refuseMissing(
            `${addressKey(address)} has not been seen or decided on: see: posthaste catch-all list --domain ${domain.name}`,
          );
        }
        await removeRow(change, domain, row);
      }
    });
  }
}

/** With the domain. What nobody decided was no change of the configuration, and leaves no event. */
export async function removeCaughtAddresses(change: Change, domain: DomainRow): Promise<void> {
  const rows = await change.db
    .selectFrom('caught_address')
    .selectAll()
    .where('domain_id', '=', domain.id)
    .where('state', '!=', 'proposed')
    .execute();
  for (const row of rows) await removeRow(change, domain, row);
  await change.db.deleteFrom('caught_address').where('domain_id', '=', domain.id).execute();
}

async function removeRow(change: Change, domain: DomainRow, row: CaughtRow): Promise<void> {
  await change.db
    .deleteFrom('caught_address')
    .where('domain_id', '=', domain.id)
    .where('localpart', '=', row.localpart)
    .execute();
  await change.event('catch-all.forget', row.shown, describe(row), null);
}

/** A catch-all never gets the mail of a name that somebody has, so nothing can be decided about it. */
function refuseSomebodys(lookups: DirectoryLookups, { localpart, domain, shown }: MailAddress): void {
  const bare = lookups.bareLocalpart(localpart);
  if (bare !== undefined) {
    refuse(`${shown} has an extension: decide about ${bare}@${domain}, and ${localpart} goes with it`);
  }
  const hosted = lookups.domain(domain);
  const local = hosted && lookups.localAt(localpart, hosted);
  if (local === undefined) return;
  const what = { alias: 'an alias', mailbox: 'a mailbox', list: 'a mailing list' }[local.kind];
  refuse(`${shown} is ${what}: the catch-all does not get its mail`);
}

async function find(db: DirectoryDatabase, domain: DomainRow, address: MailAddress): Promise<CaughtRow | undefined> {
  return await db
    .selectFrom('caught_address')
    .selectAll()
    .where('domain_id', '=', domain.id)
    .where('localpart', '=', address.localpart)
    .executeTakeFirst();
}

function describe(row: CaughtRow): CaughtAddress {
  return {
    address: row.shown,
    state: row.state,
    sender: row.sender,
    messages: row.messages,
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
  };
}
