// Domains that we host, each with exactly one address class, and their removal with what depends on them.

import type { Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { removeDependents } from './dependents.ts';
import {
  changedLimits,
  countMailboxes,
  describeLimits,
  type DomainLimits,
  findExcesses,
  noLimits,
  sumQuotas,
} from './domain-limits.ts';
import { aliasDomainsOf, findDomain, needDomain, refuseTakenName } from './domain-rows.ts';
import { parseDomain, parseHostedDomain } from './mail-address.ts';
import { refuse } from './refusal.ts';
import { checkReason } from './restraints.ts';
import { removeRightsOfDomain } from './sender-rights.ts';
import { checkUnknownTo, refuseCatchAllBeside } from './split-domains.ts';
import type { DomainClass, DomainKind, DomainRow } from './schema.ts';

export interface DomainInfo extends DomainLimits {
  readonly name: string;
  readonly class: DomainClass;
  readonly active: boolean;
  /** `transport:nexthop`, or '' for the class's own. */
  readonly transport: string;
  /** Why its mail is put off for now. */
  readonly maintenance?: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly mailboxes: number;
  readonly aliases: number;
  readonly lists: number;
  readonly catchAll: boolean;
  /** False: mail to postmaster is refused, which RFC 5321 §4.5.1 forbids. True for relay domains. */
  readonly postmaster: boolean;
  readonly aliasDomains: readonly string[];
  /** `transport:nexthop` for the addresses that are not here. */
  readonly unknownTo?: string;
  /** Of its mailboxes together, where the domain has a total quota. */
  readonly assignedQuotaBytes?: number;
}

export interface DomainSettings extends DomainLimits {
  readonly class?: DomainClass;
  readonly active?: boolean;
  readonly transport?: string;
  /** '' ends it. */
  readonly maintenance?: string;
  /** '' ends it. */
  readonly unknownTo?: string;
}

export interface Page {
  /** The name of the last one seen. */
  readonly after?: string;
  readonly limit?: number;
}

export const maxPage = 1000;

export class Domains {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  async add(name: string, settings: DomainSettings = {}): Promise<DomainInfo> {
    const domain = parseHostedDomain(name);
    await this.#changes.make(async (change) => {
      await refuseTakenName(change.db, domain);
      const row = {
        name: domain,
        kind: settings.class ?? 'mailbox',
        target_id: null,
        active: settings.active === false ? 0 : 1,
        transport: checkTransport(settings.transport ?? ''),
        unknown_to: checkUnknownTo(settings.unknownTo ?? '', domain, settings.class ?? 'mailbox'),
        ...changedLimits(noLimits, settings),
        created: change.now,
      };
      await change.db.insertInto('domain').values(row).execute();
      await change.event('domain.add', domain, null, summary(row));
    });
    return await this.#need(domain);
  }

  async show(name: string): Promise<DomainInfo | undefined> {
    const row = await findDomain(this.#db, parseDomain(name));
    return row && row.kind !== 'alias-domain' ? await describe(this.#db, row) : undefined;
  }

  async list(page: Page = {}): Promise<DomainInfo[]> {
    const rows = await this.#db
      .selectFrom('domain')
      .selectAll()
      .where('tombstone', '=', 0)
      .where('kind', '!=', 'alias-domain')
      .where('name', '>', page.after ?? '')
      .orderBy('name')
      .limit(Math.min(page.limit ?? 100, maxPage))
      .execute();
    return await Promise.all(rows.map((row) => describe(this.#db, row)));
  }

  async set(name: string, settings: DomainSettings): Promise<DomainInfo> {
    const domain = parseDomain(name);
    await this.#changes.make(async (change) => {
      const row = await needDomain(change.db, domain);
      const kind = settings.class ?? row.kind;
      if (kind !== 'mailbox' && row.kind === 'mailbox') await refuseMailboxesAndLists(change.db, row, kind);
      const next = {
        kind,
        active: settings.active === undefined ? row.active : Number(settings.active),
        transport: settings.transport === undefined ? row.transport : checkTransport(settings.transport),
        maintenance: settings.maintenance === undefined ? row.maintenance : checkReason(settings.maintenance),
        unknown_to: checkUnknownTo(settings.unknownTo ?? row.unknown_to, domain, kind),
        ...changedLimits(row, settings),
      };
      if (next.unknown_to !== '') await refuseCatchAllBeside(change.db, row);
      await change.db.updateTable('domain').set(next).where('id', '=', row.id).execute();
      await change.event('domain.set', domain, summary(row), summary({ ...row, ...next }));
    });
    return await this.#need(domain);
  }

  /** What is there beyond its limits, a sentence each. */
  async excesses(name: string): Promise<string[]> {
    return await findExcesses(this.#db, await needDomain(this.#db, parseDomain(name)));
  }

  /** Refuses while anything depends on the domain, unless `recursive`; mailboxes stay recoverable. */
  async remove(name: string, options: { readonly recursive?: boolean } = {}): Promise<void> {
    const domain = parseDomain(name);
    await this.#changes.make(async (change) => {
      const row = await needDomain(change.db, domain);
      const dependents = await countDependents(change.db, row);
      if (dependents !== '' && !options.recursive) {
        refuse(
          `${domain} still has ${dependents}: remove them first, or add --recursive (mailboxes can be restored for some time)`,
        );
      }
      if (dependents !== '') await removeDependents(change, row);
      await removeRightsOfDomain(change, row.name);
      await change.db.updateTable('domain').set({ tombstone: row.id }).where('id', '=', row.id).execute();
      await change.event('domain.remove', domain, summary(row), null);
    });
  }

  async #need(domain: string): Promise<DomainInfo> {
    return await describe(this.#db, await needDomain(this.#db, domain));
  }
}

async function describe(db: DirectoryDatabase, row: DomainRow): Promise<DomainInfo> {
  const mailboxes = await countMailboxes(db, row.id);
  const aliases = db.selectFrom('alias').where('domain_id', '=', row.id);
  const count = await aliases.select((eb) => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
  const special = await aliases.select('localpart').where('localpart', 'in', ['', 'postmaster']).execute();
  const catchAll = special.some((alias) => alias.localpart === '');
  const aliasDomains = await aliasDomainsOf(db, row.id);
  return {
    name: row.name,
    class: row.kind as DomainClass,
    active: row.active === 1,
    transport: row.transport,
    ...(row.maintenance === '' ? {} : { maintenance: row.maintenance }),
    created: row.created,
    mailboxes,
    aliases: count.count,
    lists: await countLists(db, row.id),
    catchAll,
    postmaster: row.kind === 'relay' || special.length > 0 || (await hasPostmasterMailbox(db, row.id)),
    aliasDomains,
    ...(row.unknown_to === '' ? {} : { unknownTo: row.unknown_to }),
    ...describeLimits(row),
    ...(row.total_quota === 0 ? {} : { assignedQuotaBytes: (await sumQuotas(db, row.id)).sum }),
  };
}

async function hasPostmasterMailbox(db: DirectoryDatabase, domainId: number): Promise<boolean> {
  const row = await db
    .selectFrom('mailbox')
    .select('id')
    .where('domain_id', '=', domainId)
    .where('localpart', '=', 'postmaster')
    .where('tombstone', '=', 0)
    .executeTakeFirst();
  return row !== undefined;
}

async function countLists(db: DirectoryDatabase, domainId: number): Promise<number> {
  const { count } = await db
    .selectFrom('list')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('domain_id', '=', domainId)
    .executeTakeFirstOrThrow();
  return count;
}

async function refuseMailboxesAndLists(db: DirectoryDatabase, row: DomainRow, kind: DomainKind): Promise<void> {
  const mailboxes = await countMailboxes(db, row.id);
  const lists = await countLists(db, row.id);
  if (mailboxes + lists === 0) return;
  const what = mailboxes > 0 ? plural(mailboxes, 'mailbox') : plural(lists, 'list');
  refuse(`${row.name} has ${what}, which a domain of class ${kind} cannot have: remove them first`);
}

async function countDependents(db: DirectoryDatabase, row: DomainRow): Promise<string> {
  const info = await describe(db, row);
  const parts: string[] = [];
  if (info.mailboxes > 0) parts.push(plural(info.mailboxes, 'mailbox'));
  if (info.aliases > 0) parts.push(plural(info.aliases, 'alias'));
  if (info.lists > 0) parts.push(plural(info.lists, 'list'));
  if (info.aliasDomains.length > 0)
    parts.push(`${plural(info.aliasDomains.length, 'alias domain')} (${info.aliasDomains.slice(0, 5).join(', ')})`);
  return parts.length > 1 ? `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}` : (parts[0] ?? '');
}

function plural(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count} ${noun}${/[sx]$/.test(noun) ? 'es' : 's'}`;
}

/** `transport:nexthop` of transport(5): never white space, and a name before the colon. */
export function checkTransport(text: string): string {
  const transport = text.trim();
  if (transport !== '' && !/^[A-Za-z0-9_-]*:\S*$/.test(transport)) {
    refuse(`"${transport}" is not a transport: write it as in smtp:[192.0.2.1]:25 or lmtp:unix:/run/lmtp`);
  }
  return transport;
}

interface SummarisedDomain {
  readonly name: string;
  readonly kind: DomainKind;
  readonly active: number;
  readonly transport: string;
  readonly maintenance?: string;
  readonly unknown_to: string;
}

/** For events. */
export function summary(row: SummarisedDomain & Parameters<typeof describeLimits>[0]): object {
  const { name, kind, active, transport, maintenance = '', unknown_to: unknownTo } = row;
  const whole = { name, class: kind, active: active === 1, transport, ...(maintenance === '' ? {} : { maintenance }) };
  return { ...whole, ...(unknownTo === '' ? {} : { unknownTo }), ...describeLimits(row) };
}
