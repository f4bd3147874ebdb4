// The directory as it was: every change is an event that holds the object after it, so the events up to a moment, one
// after the other, are the state at that moment. It is written into a file of its own, which is opened as any other.
// Passwords never stand in events: nobody can log in to the past.

import type { Clock } from '../lib/clock.ts';
import { type DirectoryDatabase, openDirectoryFiles } from './database.ts';
import type { Directory } from './directory.ts';
import type { DirectoryEvent } from './events.ts';
import { changedLimits, type DomainLimits, noLimits } from './domain-limits.ts';
import { type ForwardInfo, writeForward } from './forward-rows.ts';
import { type LoginRuleInfo, loginRuleColumns } from './login-rules.ts';
import { insertTargets, replacePosters } from './alias-rows.ts';
import { PastPlaces } from './as-of-places.ts';
import { addressKey, parseAddress, parseAliasAddress } from './mail-address.ts';
import { insertPersons, parsePersons } from './list-rows.ts';
import { changedRestraints, noRestraints, type RestraintInfo } from './restraints.ts';
import type { CatchAllMode, DomainClass, PostingRule } from './schema.ts';
import { parsePlace } from './sender-rights.ts';
import { type VacationInfo, writeVacation } from './vacations.ts';

/** After this event, after this revision, or at this time (milliseconds since 1970). */
export type Moment = { readonly event: number } | { readonly revision: number } | { readonly time: number };

interface PastDomain extends DomainLimits {
  readonly name: string;
  readonly class: DomainClass;
  readonly active: boolean;
  readonly transport: string;
  readonly maintenance?: string;
  readonly unknownTo?: string;
  readonly catchAllMode?: CatchAllMode;
  readonly recipients?: 'all' | 'listed';
}

interface PastAliasDomain {
  readonly name: string;
  readonly target: string;
  /** Absent in the event that adds it. */
  readonly active?: boolean;
}

interface PastMailbox extends RestraintInfo, LoginRuleInfo {
  readonly id: number;
  readonly address: string;
  readonly name: string;
  readonly quotaBytes: number;
  readonly enabled: boolean;
  readonly vacation?: VacationInfo;
  readonly forward?: ForwardInfo;
  readonly recoveryAddress?: string;
}

interface PastList {
  readonly address: string;
  readonly name: string;
  readonly post: PostingRule;
  readonly owners: readonly string[];
  readonly posters: readonly string[];
}

interface PastAlias {
  readonly address: string;
  readonly targets: readonly string[];
  /** Absent in events from before aliases had these. */
  readonly active?: boolean;
  readonly post?: PostingRule;
  readonly posters?: readonly string[];
}

interface PastSenderRight {
  readonly address: string;
  readonly login: string;
  readonly allowed: boolean;
}

interface Past {
  /** The last event that counts; 0 where none does. */
  event: number;
  revision: number;
  readonly domains: Map<string, PastDomain>;
  readonly aliasDomains: Map<string, PastAliasDomain>;
  readonly mailboxes: Map<string, PastMailbox>;
  readonly aliases: Map<string, PastAlias>;
  readonly settings: Map<string, { readonly value: string }>;
  readonly lists: Map<string, PastList>;
  readonly senderRights: Map<string, PastSenderRight>;
  /** Members of each list, by its key; in their shown form by their own. */
  readonly members: Map<string, Map<string, string>>;
  readonly places: PastPlaces;
}

const pageLength = 1000;

/**
 * Writes the directory as it was at `moment` to the new file `file`. Returns the last event before it and its revision;
 * 0 means that the directory was empty.
 */
export async function writeDirectoryAsOf(
  source: Directory,
  moment: Moment,
  file: string,
  clock: Clock,
): Promise<{ readonly event: number; readonly revision: number }> {
  const past = await replay(source, moment);
  const files = await openDirectoryFiles(file, false, clock);
  try {
    if (files.writer) await writePast(files.writer.db, past);
  } finally {
    files.reader.close();
    files.writer?.connection.close();
  }
  return { event: past.event, revision: past.revision };
}

async function replay(source: Directory, moment: Moment): Promise<Past> {
  const past: Past = {
    event: 0,
    revision: 0,
    domains: new Map(),
    aliasDomains: new Map(),
    mailboxes: new Map(),
    aliases: new Map(),
    settings: new Map(),
    lists: new Map(),
    senderRights: new Map(),
    members: new Map(),
    places: new PastPlaces(),
  };
  for (;;) {
    const page = await source.events({ after: past.event, limit: pageLength });
    for (const event of page) {
      if (isLater(event, moment)) return past;
      apply(past, event);
      past.event = event.id;
      past.revision = event.revision;
    }
    if (page.length === 0) return past;
  }
}

function isLater(event: DirectoryEvent, moment: Moment): boolean {
  if ('event' in moment) return event.id > moment.event;
  return 'revision' in moment ? event.revision > moment.revision : event.time > moment.time;
}

function apply(past: Past, event: DirectoryEvent): void {
  if (past.places.apply(event)) return;
  const { action, object, before, after } = event;
  const [kind = ''] = action.split('.');
  switch (kind) {
    case 'domain':
      return put(past.domains, object, after);
    case 'alias-domain':
      return put(past.aliasDomains, object, after);
    case 'alias':
      return put(past.aliases, addressKey(parseAliasAddress(object)), after);
    case 'sender-login': {
      const { login } = (after ?? before) as PastSenderRight;
      return put(past.senderRights, `${addressKey(parsePlace(object))} ${login}`, after);
    }
    case 'setting':
      return put(past.settings, object, after);
    case 'mailbox': {
      const key = addressKey(parseAddress(object));
      // The end of a removed mailbox is none of a later one at the same address.
      const isOther = after === null && past.mailboxes.get(key)?.id !== (before as PastMailbox | null)?.id;
      if (isOther) return;
      const now = after === null ? key : addressKey(parseAddress((after as PastMailbox).address));
      // It has got another address.
      if (now !== key) past.mailboxes.delete(key);
      return put(past.mailboxes, now, after);
    }
    case 'list': {
      const key = addressKey(parseAddress(object));
      // A list that is made again has none of the members of the one before.
      if (before === null || after === null) past.members.set(key, new Map());
      return put(past.lists, key, after);
    }
    // main.cf is no part of the directory. Nobody logs in to the past; that a revision undoes another says nothing that its own events do not.
    case 'app-password':
    case 'admin':
    case 'token':
    case 'second-factor':
    case 'webhook':
    case 'revision':
    case 'parameter':
      return;
    case 'list-member':
      return putMembers(past, object, before as PastMembers | null, after as PastMembers | null);
    default:
      throw new Error(`event ${action} of ${object}: nobody knows what it did`);
  }
}

interface PastMembers {
  readonly members: readonly string[];
}

function putMembers(past: Past, list: string, gone: PastMembers | null, added: PastMembers | null): void {
  const members = past.members.get(addressKey(parseAddress(list)));
  for (const address of gone?.members ?? []) members?.delete(addressKey(parseAddress(address)));
  for (const address of added?.members ?? []) members?.set(addressKey(parseAddress(address)), address);
}

function put<T>(objects: Map<string, T>, key: string, after: unknown): void {
  if (after === null) objects.delete(key);
  else objects.set(key, after as T);
}

async function writePast(db: DirectoryDatabase, past: Past): Promise<void> {
  const ids = new Map<string, number>();
  const insertDomain = async (name: string, values: { kind: DomainClass | 'alias-domain'; target_id: number | null }) =>
    await db
      .insertInto('domain')
      .values({ name, active: 1, transport: '', created: 0, ...values })
      .returning('id')
      .executeTakeFirstOrThrow();
  for (const domain of past.domains.values()) {
    const { name, class: kind, active, transport, maintenance = '', unknownTo = '' } = domain;
    const { catchAllMode = 'accept', recipients } = domain;
    const { id } = await insertDomain(name, { kind, target_id: null });
    ids.set(name, id);
    const limits = changedLimits(noLimits, domain);
    const places = { catch_all: catchAllMode, takes_all: recipients === 'listed' ? 0 : 1 };
    const values = { active: active ? 1 : 0, transport, maintenance, unknown_to: unknownTo, ...limits, ...places };
    await db.updateTable('domain').set(values).where('id', '=', id).execute();
  }
  for (const { name, target, active } of past.aliasDomains.values()) {
    const { id } = await insertDomain(name, { kind: 'alias-domain', target_id: ids.get(target) ?? null });
    if (active === false) await db.updateTable('domain').set({ active: 0 }).where('id', '=', id).execute();
  }
  await writeMailboxes(db, past, ids);
  await writeAliases(db, past, ids);
  await writeLists(db, past, ids);
  await past.places.write(db);
  for (const { address, login, allowed } of past.senderRights.values()) {
    const values = { ...parsePlace(address), login, allowed: allowed ? 1 : 0, created: 0 };
    await db.insertInto('sender_right').values(values).execute();
  }
  for (const [name, { value }] of past.settings) await db.insertInto('setting').values({ name, value }).execute();
}

async function writeMailboxes(db: DirectoryDatabase, past: Past, ids: ReadonlyMap<string, number>): Promise<void> {
  for (const { id, address, name, quotaBytes, enabled, vacation, forward, ...rest } of past.mailboxes.values()) {
    const { domain, localpart, shown } = parseAddress(address);
    const domainId = ids.get(domain);
    if (domainId === undefined) continue;
    const common = { domain_id: domainId, localpart, shown, name, quota: quotaBytes, enabled: enabled ? 1 : 0 };
    const recovery = { recovery_address: rest.recoveryAddress ?? '' };
    const rules = { ...changedRestraints(noRestraints, rest), ...loginRuleColumns(rest), ...recovery };
    await db
      .insertInto('mailbox')
      .values({ id, ...common, ...rules, password: '!', created: 0, removed_at: 0 })
      .execute();
    if (vacation !== undefined) await writeVacation(db, id, vacation);
    if (forward !== undefined) await writeForward(db, id, forward);
  }
}

async function writeAliases(db: DirectoryDatabase, past: Past, ids: ReadonlyMap<string, number>): Promise<void> {
  for (const { address, targets, active = true, post = 'anyone', posters = [] } of past.aliases.values()) {
    const { domain, localpart, shown } = parseAliasAddress(address);
    const domainId = ids.get(domain);
    if (domainId === undefined) continue;
    const values = { domain_id: domainId, localpart, shown, created: 0, active: Number(active), post };
    const { id } = await db.insertInto('alias').values(values).returning('id').executeTakeFirstOrThrow();
    await insertTargets(db, id, targets.map(parsePlace));
    await replacePosters(db, id, posters);
  }
}

async function writeLists(db: DirectoryDatabase, past: Past, ids: ReadonlyMap<string, number>): Promise<void> {
  for (const [key, { address, name, post, owners, posters }] of past.lists) {
    const { domain, localpart, shown } = parseAddress(address);
    const domainId = ids.get(domain);
    if (domainId === undefined) continue;
    const values = { domain_id: domainId, localpart, shown, name, post, created: 0 };
    const { id } = await db.insertInto('list').values(values).returning('id').executeTakeFirstOrThrow();
    await insertPersons(db, id, 'owner', parsePersons(owners, 'owner'));
    await insertPersons(db, id, 'poster', parsePersons(posters, 'poster'));
    await insertPersons(db, id, 'member', parsePersons([...(past.members.get(key)?.values() ?? [])], 'member'));
  }
}
