// Domains that we host, each with exactly one address class, and their removal with what depends on them.

import type { Clock } from '../lib/clock.ts';
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
import { aliasDomainsOf, findDomain, needDomain, refuseTakenName, summary } from './domain-rows.ts';
import { countDomains, type DomainCounts, type DomainTrait, findDomains } from './domain-search.ts';
import { parseDomain, parseHostedDomain } from './mail-address.ts';
import { removeCaughtAddresses } from './catch-alls.ts';
import { removePlacesOfDomain } from './places.ts';
import { refuse } from './refusal.ts';
import { countRelayRecipients, removeRelayRecipients } from './relay-recipients.ts';
import { removedDomains, type RemovedDomain, restoreDomain, type RestoredDomain } from './removals.ts';
import { checkReason } from './restraints.ts';
import { removeRightsOfDomain } from './sender-rights.ts';
import { checkUnknownTo, refuseCatchAllBeside } from './split-domains.ts';
import type { CatchAllMode, DomainClass, DomainKind, DomainRow } from './schema.ts';
import { removeTags } from './tags.ts';
import { parseTransport } from './transport-places.ts';
import { refuseTransportEntry } from './transports.ts';

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
  /** What a catch-all does with names that nobody has decided on. */
  readonly catchAllMode: CatchAllMode;
  /** Of a relay domain: it takes mail for every address, or for listed recipients only. */
  readonly recipients?: RecipientsMode;
  /** False: mail to postmaster is refused, which RFC 5321 §4.5.1 forbids. True for relay domains that take all. */
  readonly postmaster: boolean;
  /** False: mail to abuse is refused (RFC 2142 §2). As `postmaster`. */
  readonly abuse: boolean;
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
  readonly catchAllMode?: CatchAllMode;
  /** Of a relay domain only. */
  readonly recipients?: RecipientsMode;
}

export type RecipientsMode = 'all' | 'listed';

export interface Page {
  /** The name of the last one seen. */
  readonly after?: string;
  readonly limit?: number;
}

export interface DomainQuery extends Page {
  /** Whose names contain this. */
  readonly search?: string;
  readonly class?: DomainClass;
  /** Only those of which this is so. */
  readonly having?: DomainTrait;
  /** Only these. */
  readonly names?: readonly string[];
}

/** The longest page of the API, and one more that tells whether there is another. */
export const maxPage = 1001;

export class Domains {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;
  readonly #clock: Clock;

  constructor(db: DirectoryDatabase, changes: Changes, clock: Clock) {
    this.#db = db;
    this.#changes = changes;
    this.#clock = clock;
  }

  async add(name: string, settings: DomainSettings = {}): Promise<DomainInfo> {
    const domain = parseHostedDomain(name);
    await this.#changes.make(async (change) => {
      await refuseTakenName(change.db, domain);
      await refuseTransportEntry(change.db, domain);
      const row = {
        name: domain,
        kind: settings.class ?? 'mailbox',
        target_id: null,
        active: settings.active === false ? 0 : 1,
        transport: checkTransport(settings.transport ?? ''),
        unknown_to: checkUnknownTo(settings.unknownTo ?? '', domain, settings.class ?? 'mailbox'),
        ...changedLimits(noLimits, settings),
        created: change.now,
        ...changedPlaces({ kind: settings.class ?? 'mailbox', catch_all: 'accept', takes_all: 1 }, settings),
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

  async list(page: DomainQuery = {}): Promise<DomainInfo[]> {
    const rows = await findDomains(this.#db, { ...page, limit: Math.min(page.limit ?? 100, maxPage) });
    return await Promise.all(rows.map((row) => describe(this.#db, row)));
  }

  /** How many there are, by class and state. */
  async counts(names?: readonly string[]): Promise<DomainCounts> {
    return await countDomains(this.#db, names);
  }

  async set(name: string, settings: DomainSettings): Promise<DomainInfo> {
    const domain = parseDomain(name);
    await this.#changes.make(async (change) => {
      const row = await needDomain(change.db, domain);
      const kind = settings.class ?? row.kind;
      if (kind !== 'mailbox' && row.kind === 'mailbox') await refuseMailboxesAndLists(change.db, row, kind);
      if (kind !== 'relay' && row.kind === 'relay') await refuseRelayRecipients(change.db, row);
      const next = {
        kind,
        active: settings.active === undefined ? row.active : Number(settings.active),
        transport: settings.transport === undefined ? row.transport : checkTransport(settings.transport),
        maintenance: settings.maintenance === undefined ? row.maintenance : checkReason(settings.maintenance),
        unknown_to: checkUnknownTo(settings.unknownTo ?? row.unknown_to, domain, kind),
        ...changedLimits(row, settings),
        ...changedPlaces({ ...row, kind }, settings),
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
      await removePlacesOfDomain(change, row.name);
      await removeRelayRecipients(change, row);
      await removeCaughtAddresses(change, row);
      await removeTags(change, 'domain', row.id, row.name);
      await change.db.updateTable('domain').set({ tombstone: row.id }).where('id', '=', row.id).execute();
      await change.event('domain.remove', domain, summary(row), null);
    });
  }

  /** Brings back the domain that was removed last under this name, with all that went with it. */
  async restore(name: string): Promise<RestoredDomain> {
    const domain = parseDomain(name);
    return await this.#changes.make(async (change) => await restoreDomain(change, domain));
  }

  /** Those that can be brought back, the last one first. */
  async removed(): Promise<RemovedDomain[]> {
    return await removedDomains(this.#db, this.#clock.now());
  }

  async #need(domain: string): Promise<DomainInfo> {
    return await describe(this.#db, await needDomain(this.#db, domain));
  }
}

async function describe(db: DirectoryDatabase, row: DomainRow): Promise<DomainInfo> {
  const mailboxes = await countMailboxes(db, row.id);
  const aliases = db.selectFrom('alias').where('domain_id', '=', row.id);
  const count = await aliases.select((eb) => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
  const known = aliases.where('active', '=', 1).where('localpart', 'in', ['', 'postmaster', 'abuse']);
  const special = await known.select('localpart').execute();
  const catchAll = special.some((alias) => alias.localpart === '');
  const isAlias = (name: string): boolean => catchAll || special.some(({ localpart }) => localpart === name);
  const takesAll = row.kind === 'relay' && row.takes_all === 1;
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
    catchAllMode: row.catch_all,
    ...(row.kind === 'relay' ? { recipients: row.takes_all === 1 ? ('all' as const) : ('listed' as const) } : {}),
    postmaster: takesAll || isAlias('postmaster') || (await hasOwn(db, row, 'postmaster')),
    abuse: takesAll || isAlias('abuse') || (await hasOwn(db, row, 'abuse')),
    aliasDomains,
    ...(row.unknown_to === '' ? {} : { unknownTo: row.unknown_to }),
    ...describeLimits(row),
    ...(row.total_quota === 0 ? {} : { assignedQuotaBytes: (await sumQuotas(db, row.id)).sum }),
  };
}

/** A mailbox, or in a relay domain a recipient. */
async function hasOwn(db: DirectoryDatabase, { id, kind }: DomainRow, localpart: string): Promise<boolean> {
  const mailbox = db.selectFrom('mailbox').select('created').where('tombstone', '=', 0).where('domain_id', '=', id);
  const recipient = db.selectFrom('relay_recipient').select('created').where('domain_id', '=', id);
  const row =
    kind === 'relay'
      ? await recipient.where('localpart', '=', localpart).executeTakeFirst()
      : await mailbox.where('localpart', '=', localpart).executeTakeFirst();
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

async function refuseRelayRecipients(db: DirectoryDatabase, row: DomainRow): Promise<void> {
  const count = await countRelayRecipients(db, row.id);
  if (count === 0) return;
  refuse(
    `${row.name} has ${plural(count, 'relay recipient')}, which only a domain of class relay has: remove them first`,
  );
}

/** The columns of this domain's catch-all and recipients. */
function changedPlaces(
  row: Pick<DomainRow, 'kind' | 'catch_all' | 'takes_all'>,
  { catchAllMode, recipients }: DomainSettings,
): Pick<DomainRow, 'catch_all' | 'takes_all'> {
  if (recipients !== undefined && row.kind !== 'relay') {
    refuse('only a relay domain has listed recipients: others have mailboxes and aliases');
  }
  const takesAll = recipients === undefined ? row.takes_all : Number(recipients === 'all');
  return { catch_all: catchAllMode ?? row.catch_all, takes_all: row.kind === 'relay' ? takesAll : 1 };
}

async function countDependents(db: DirectoryDatabase, row: DomainRow): Promise<string> {
  const info = await describe(db, row);
  const parts = countWords(info);
  const recipients = await countRelayRecipients(db, row.id);
  if (recipients > 0) parts.push(plural(recipients, 'relay recipient'));
  if (info.aliasDomains.length > 0)
    parts.push(`${plural(info.aliasDomains.length, 'alias domain')} (${info.aliasDomains.slice(0, 5).join(', ')})`);
  return parts.length > 1 ? `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}` : (parts[0] ?? '');
}

interface HeldCounts {
  readonly mailboxes: number;
  readonly aliases: number;
  readonly lists: number;
}

/** `2 mailboxes`, `1 alias`: what there is any of. */
export function countWords({ mailboxes, aliases, lists }: HeldCounts): string[] {
  const counts = [[mailboxes, 'mailbox'] as const, [aliases, 'alias'] as const, [lists, 'list'] as const];
  return counts.filter(([count]) => count > 0).map(([count, noun]) => plural(count, noun));
}

function plural(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count} ${noun}${/[sx]$/.test(noun) ? 'es' : 's'}`;
}

/** `transport:nexthop` of transport(5), or ''. */
export function checkTransport(text: string): string {
  return text.trim() === '' ? '' : parseTransport(text);
}
