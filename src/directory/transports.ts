// Where mail for an address, a domain of others', all domains below one or everything else goes instead of the usual way
// (transport(5)). A domain that we host has its own transport (domains.ts), an alias domain and a domain of aliases have
// none, and a list's address has the lists': an entry there would have no effect, or would contradict, and is refused.

import type { Change, Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { domainName, findDomain } from './domain-rows.ts';
import type { DirectoryLookups } from './lookups.ts';
import { type MailAddress, parseDomain } from './mail-address.ts';
import { refuse, refuseMissing, refuseTaken } from './refusal.ts';
import { parseTransport, parseTransportPlace, showTransportPlace } from './transport-places.ts';
import { findTransport } from './transport-table.ts';

export interface TransportInfo {
  /** `user@domain`, `domain`, `.parent` or `*`. */
  readonly place: string;
  /** `transport:nexthop`. */
  readonly transport: string;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** What transport(5)'s search finds for a place, and under which key. */
export interface TransportAnswer {
  readonly key: string;
  readonly transport: string;
  readonly source: string;
}

export interface TransportOptions {
  /** Allows `*` and `.parent` that take the mail of domains with mailboxes. */
  readonly takesMailboxes?: boolean;
}

interface TransportRow {
  readonly domain: string;
  readonly localpart: string;
  readonly transport: string;
  readonly created: number;
}

export class Transports {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;
  readonly #lookups: DirectoryLookups;

  constructor(db: DirectoryDatabase, changes: Changes, lookups: DirectoryLookups) {
    this.#db = db;
    this.#changes = changes;
    this.#lookups = lookups;
  }

  async add(place: string, transport: string, options: TransportOptions = {}): Promise<TransportInfo> {
    const parsed = parseTransportPlace(place);
    const value = parseTransport(transport);
    return await this.#changes.make(async (change) => {
      const known = await find(change.db, parsed);
      if (known !== undefined) {
        refuseTaken(
          `${parsed.shown} goes to ${known.transport} already: change it with: posthaste transport set ${parsed.shown} TRANSPORT:NEXTHOP`,
        );
      }
      await refuseIneffective(change, parsed);
      if (!options.takesMailboxes) await refuseTakingMailboxes(change.db, parsed);
      const { domain, localpart } = parsed;
      const row = { domain, localpart, transport: value, created: change.now };
      await change.db.insertInto('transport').values(row).execute();
      const after = describe(row);
      await change.event('transport.add', after.place, null, after);
      return after;
    });
  }

  async set(place: string, transport: string): Promise<TransportInfo> {
    const parsed = parseTransportPlace(place);
    const value = parseTransport(transport);
    return await this.#changes.make(async (change) => {
      const row = await need(change.db, parsed);
      await rowOf(change.db.updateTable('transport').set({ transport: value }), row).execute();
      const after = describe({ ...row, transport: value });
      await change.event('transport.set', after.place, describe(row), after);
      return after;
    });
  }

  async remove(place: string): Promise<void> {
    const parsed = parseTransportPlace(place);
    await this.#changes.make(async (change) => await removeRow(change, await need(change.db, parsed)));
  }

  /** The entry itself. */
  async show(place: string): Promise<TransportInfo | undefined> {
    const row = await find(this.#db, parseTransportPlace(place));
    return row && describe(row);
  }

  /** In the order of domains and names. `after` is the last one seen. */
  /** `domain`: its own, that of the names below it, and those of its addresses. */
  async list(
    query: { readonly domain?: string; readonly after?: string; readonly limit?: number } = {},
  ): Promise<TransportInfo[]> {
    let select = this.#db.selectFrom('transport').selectAll();
    if (query.domain !== undefined) {
      const domain = parseDomain(query.domain);
      select = select.where('domain', 'in', [domain, `.${domain}`]);
    }
    if (query.after !== undefined) {
      const { domain, localpart } = parseTransportPlace(query.after);
      select = select.where((eb) => eb(eb.refTuple('domain', 'localpart'), '>', eb.tuple(domain, localpart)));
    }
    const rows = await select
      .orderBy('domain')
      .orderBy('localpart')
      .limit(Math.min(query.limit ?? 100, 1001))
      .execute();
    return rows.map(describe);
  }

  /** As Postfix would search the table for an address or a domain; undefined: the usual way. */
  answer(place: string): TransportAnswer | undefined {
    const { localpart, domain } = parseTransportPlace(place);
    for (const key of searchKeys(this.#lookups, localpart, domain)) {
      const found = findTransport(this.#lookups, key);
      if (found.kind === 'found') return { key, transport: found.value, source: found.source ?? '' };
    }
    return undefined;
  }
}

/** transport(5), with parents written `.parent`. */
function* searchKeys(lookups: DirectoryLookups, localpart: string, domain: string): Generator<string> {
  if (localpart !== '') {
    yield `${localpart}@${domain}`;
    const bare = lookups.bareLocalpart(localpart);
    if (bare !== undefined) yield `${bare}@${domain}`;
  }
  yield domain;
  for (let dot = domain.indexOf('.', 1); dot !== -1; dot = domain.indexOf('.', dot + 1)) yield domain.slice(dot);
  if (domain !== '*') yield '*';
}

/** A domain that comes to be hosted has its transport in its own row. */
export async function refuseTransportEntry(db: DirectoryDatabase, domain: string): Promise<void> {
  const row = await find(db, { localpart: '', domain });
  if (row === undefined) return;
  refuse(
    `mail for ${domain} goes to ${row.transport} by an entry: remove that with: posthaste transport remove ${domain}, then give the domain its own transport`,
  );
}

/** Its addresses may be somebody else's by now. */
export async function removeTransportsOfDomain(change: Change, domain: string): Promise<void> {
  const rows = await change.db.selectFrom('transport').selectAll().where('domain', '=', domain).execute();
  for (const row of rows) await removeRow(change, row);
}

/** What an address has goes with it to its new name; refused where that has an entry of its own. */
export async function moveTransport(change: Change, from: MailAddress, to: MailAddress): Promise<void> {
  const row = await find(change.db, from);
  if (row === undefined) return;
  const taken = await find(change.db, to);
  if (taken !== undefined) {
    const place = showTransportPlace(taken);
    refuse(`mail for ${place} goes to ${taken.transport} by an entry already: posthaste transport remove ${place}`);
  }
  await removeRow(change, row);
  const moved = { ...row, domain: to.domain, localpart: to.localpart };
  await change.db.insertInto('transport').values(moved).execute();
  await change.event('transport.add', showTransportPlace(moved), null, describe(moved));
}

async function removeRow(change: Change, row: TransportRow): Promise<void> {
  await rowOf(change.db.deleteFrom('transport'), row).execute();
  await change.event('transport.remove', showTransportPlace(row), describe(row), null);
}

async function refuseIneffective(change: Change, { localpart, domain }: MailAddress): Promise<void> {
  const row = await findDomain(change.db, domain);
  if (row === undefined) return;
  const place = showTransportPlace({ localpart, domain });
  if (row.kind === 'alias-domain') {
    const target = await domainName(change.db, row.target_id);
    refuse(`${domain} is an alias domain of ${target}, so no mail goes there: name the address in ${target} instead`);
  }
  if (row.kind === 'alias') {
    refuse(
      `${domain} has aliases only, and a transport is chosen for where they lead: name that address or domain instead of ${place}`,
    );
  }
  if (localpart === '') {
    refuse(
      `${domain} is hosted here and has a transport of its own: posthaste domain set ${domain} --transport TRANSPORT:NEXTHOP`,
    );
  }
  const hosted = change.lookups.domain(domain);
  const list = hosted && change.lookups.lists.at(localpart, hosted);
  if (list !== undefined) refuse(`${place} belongs to a mailing list, whose mail goes to its members`);
}

/** Domains with mailboxes whose mail a general entry would take: the first few, and how many there are. */
export async function takenMailboxDomains(
  db: DirectoryDatabase,
  domain: string,
): Promise<{ readonly names: readonly string[]; readonly count: number }> {
  if (domain !== '*' && !domain.startsWith('.')) return { names: [], count: 0 };
  let select = db
    .selectFrom('domain')
    .where('tombstone', '=', 0)
    .where('kind', '=', 'mailbox')
    .where('transport', '=', '');
  // Names have no `%`; `_` would match too much, and is looked at again below.
  if (domain !== '*') select = select.where('name', 'like', `%${domain}`);
  const rows = await select.select('name').orderBy('name').execute();
  const names = rows.map(({ name }) => name).filter((name) => domain === '*' || name.endsWith(domain));
  return { names: names.slice(0, 3), count: names.length };
}

async function refuseTakingMailboxes(db: DirectoryDatabase, { domain, shown }: MailAddress): Promise<void> {
  const { names, count } = await takenMailboxDomains(db, domain);
  if (count === 0) return;
  const what = `${names.join(', ')}${count > names.length ? ` and ${count - names.length} more` : ''}`;
  refuse(
    `${shown} would take the mail of the mailboxes in ${what} too (transport(5)): give each its own with: posthaste domain set DOMAIN --transport : (the usual way), or add --force`,
  );
}

interface Narrowed {
  where(column: 'domain' | 'localpart', operator: '=', value: string): this;
}

function rowOf<Query extends Narrowed>(
  query: Query,
  { domain, localpart }: Pick<TransportRow, 'domain' | 'localpart'>,
): Query {
  return query.where('domain', '=', domain).where('localpart', '=', localpart);
}

async function find(
  db: DirectoryDatabase,
  place: Pick<MailAddress, 'domain' | 'localpart'>,
): Promise<TransportRow | undefined> {
  return await rowOf(db.selectFrom('transport').selectAll(), place).executeTakeFirst();
}

async function need(db: DirectoryDatabase, place: MailAddress): Promise<TransportRow> {
  const row = await find(db, place);
  if (row !== undefined) return row;
  refuseMissing(
    `there is no transport for ${place.shown}: add it with: posthaste transport add ${place.shown} TRANSPORT:NEXTHOP`,
  );
}

function describe(row: TransportRow): TransportInfo {
  return { place: showTransportPlace(row), transport: row.transport, created: row.created };
}
