// Brings back what was removed, from the events of its removal: a domain with all that went with it, an alias, a list
// with its members, and what was said of a mailbox's login. A removal is one revision, so what belongs together is found
// together. Nothing that has come in between is replaced: what cannot come back is named, and why. After the time for
// which removed mailboxes are kept nothing comes back, since the mail would not.

import { sql } from 'kysely';
import { type AliasInfo, findAlias, insertAlias } from './alias-rows.ts';
import type { Change } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { findDomain, needDomain, summary } from './domain-rows.ts';
import type { DirectoryEvent } from './events.ts';
import { refuseLoops, unknownLocalpart } from './expansion.ts';
import { insertPersons, type ListInfo, parsePersons, refuseTakenListName } from './list-rows.ts';
import { addressKey, type MailAddress, parseAddress, parseAliasAddress } from './mail-address.ts';
import { describeWhole, type MailboxInfo, recoveryMilliseconds } from './mailbox-rows.ts';
import { placeRestorers, restoreTags } from './place-removals.ts';
import { DirectoryRefusedError, refuse } from './refusal.ts';
import { refuseCatchAllOfSplit } from './split-domains.ts';
import { refuseTransportEntry } from './transports.ts';
import { restoreRight, type SenderRight } from './sender-rights.ts';

type PastEvent = Pick<DirectoryEvent, 'id' | 'time' | 'action' | 'object' | 'before' | 'after' | 'revision'>;

export interface RestoredDomain {
  readonly name: string;
  readonly mailboxes: number;
  readonly aliases: number;
  readonly lists: number;
  readonly aliasDomains: number;
  readonly senderRights: number;
  /** Transports, BCCs, recipients, decisions of the catch-all. */
  readonly places: number;
  readonly tags: number;
  /** A sentence each. */
  readonly lost: readonly string[];
}

export interface RemovedDomain {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly removedAt: number;
  readonly recoverableUntil: number;
}

/** Those that can come back, the last one first, at most 1000. */
export async function removedDomains(db: DirectoryDatabase, now: number): Promise<RemovedDomain[]> {
  const recovery = await recoveryMilliseconds(db);
  const rows = await db
    .selectFrom('event')
    .select(['object', 'time'])
    .where('action', '=', 'domain.remove')
    .where('time', '>', now - recovery)
    .orderBy('id', 'desc')
    .limit(1000)
    .execute();
  const found = new Map<string, RemovedDomain>();
  for (const { object: name, time: removedAt } of rows) {
    if (found.has(name) || (await findDomain(db, name)) !== undefined) continue;
    found.set(name, { name, removedAt, recoverableUntil: removedAt + recovery });
  }
  return [...found.values()];
}

/** The domain that was removed last under this name, with what went with it. */
export async function restoreDomain(change: Change, name: string): Promise<RestoredDomain> {
  if (await findDomain(change.db, name)) {
    refuse(`${name} is hosted: its removed mailboxes come back one by one: posthaste mailbox list --removed`);
  }
  const removal = await lastRemoval(change.db, 'domain.remove', name);
  await refuseTooOld(change, removal, `domain ${name}`);
  const events = await eventsOf(change.db, removal.revision);
  await raiseDomain(change, name, 'domain.restore');
  const lost: string[] = [];
  const counts = { mailboxes: 0, aliases: 0, lists: 0, aliasDomains: 0, senderRights: 0, places: 0, tags: 0 };
  for (const { kind, action, restore } of [...restorers, ...placeRestorers]) {
    for (const event of events) {
      if (event.action !== action) continue;
      try {
        const back = await restore(change, event, events);
        if (back) counts[kind]++;
        else lost.push(`${event.object} has been forgotten`);
      } catch (error) {
        if (!(error instanceof DirectoryRefusedError)) throw error;
        lost.push(`${event.object} stays away: ${error.message}`);
      }
    }
  }
  const starts = events.filter(({ action }) => action === 'alias.remove').map(({ object }) => object);
  refuseLoops(
    change.lookups,
    starts.filter((address) => !address.startsWith('@')),
  );
  return { name, ...counts, lost };
}

export interface Restorer {
  readonly kind: 'mailboxes' | 'aliases' | 'lists' | 'aliasDomains' | 'senderRights' | 'places' | 'tags';
  readonly action: string;
  /** False: it is gone for good. Refuses where something else has its place. */
  readonly restore: (change: Change, event: PastEvent, events: readonly PastEvent[]) => Promise<boolean>;
}

/** In this order: a list or an alias needs its domain, a right needs nothing. */
const restorers: readonly Restorer[] = [
  {
    kind: 'aliasDomains',
    action: 'alias-domain.remove',
    restore: (change, { object }) => raiseDomain(change, object, 'alias-domain.restore'),
  },
  { kind: 'mailboxes', action: 'mailbox.remove', restore: raiseMailbox },
  { kind: 'aliases', action: 'alias.remove', restore: raiseAlias },
  { kind: 'lists', action: 'list.remove', restore: raiseList },
  { kind: 'senderRights', action: 'sender-login.remove', restore: raiseRight },
];

/** `address` may be `@domain`. `since`: nothing that was removed before. */
export async function restoreAlias(change: Change, address: MailAddress, since = 0): Promise<AliasInfo> {
  const key = addressKey(address);
  await needDomain(change.db, address.domain);
  const removal = await lastRemoval(change.db, 'alias.remove', address.shown, since);
  await refuseTooOld(change, removal, `alias ${key}`);
  await raiseAlias(change, removal);
  await raiseTags(change, removal, `alias ${key}`);
  refuseLoops(change.lookups, [address.localpart === '' ? `${unknownLocalpart}${key}` : key]);
  return removal.before as AliasInfo;
}

export async function restoreList(change: Change, address: MailAddress, since = 0): Promise<void> {
  await needDomain(change.db, address.domain);
  const removal = await lastRemoval(change.db, 'list.remove', address.shown, since);
  await refuseTooOld(change, removal, `list ${addressKey(address)}`);
  await raiseList(change, removal, await eventsOf(change.db, removal.revision));
  await raiseTags(change, removal, `list ${addressKey(address)}`);
}

export async function restoreAliasDomain(change: Change, name: string): Promise<void> {
  const removal = await lastRemoval(change.db, 'alias-domain.remove', name);
  await refuseTooOld(change, removal, `alias domain ${name}`);
  await raiseDomain(change, name, 'alias-domain.restore');
  for (const event of await eventsOf(change.db, removal.revision)) {
    const right = event.before as SenderRight;
    if (event.action === 'sender-login.remove' && right.address.endsWith(`@${name}`)) await restoreRight(change, right);
  }
}

async function raiseTags(change: Change, { revision }: PastEvent, tagged: string): Promise<void> {
  for (const event of await eventsOf(change.db, revision)) {
    if (event.action === 'tag.set' && event.object === tagged) await restoreTags(change, event);
  }
}

/** What was said of a login when its mailbox was removed. */
export async function restoreRightsOf(change: Change, shown: string, mailbox: number): Promise<void> {
  const removal = (await removals(change.db, 'mailbox.remove', shown)).find(
    ({ before }) => (before as MailboxInfo).id === mailbox,
  );
  if (removal === undefined) return;
  const login = addressKey(parseAddress(shown));
  for (const event of await eventsOf(change.db, removal.revision)) {
    const right = event.before as SenderRight;
    if (event.action === 'sender-login.remove' && right.login === login) await restoreRight(change, right);
  }
}

async function raiseDomain(change: Change, name: string, action: string): Promise<boolean> {
  if (await findDomain(change.db, name)) refuse(`${name} is hosted by now`);
  await refuseTransportEntry(change.db, name);
  // Of those of one name only one lived at a time: the last one made was removed last.
  const row = await change.db
    .selectFrom('domain')
    .selectAll()
    .where('name', '=', name)
    .orderBy('id', 'desc')
    .executeTakeFirst();
  if (row === undefined) return false;
  await change.db.updateTable('domain').set({ tombstone: 0 }).where('id', '=', row.id).execute();
  if (row.kind !== 'alias-domain') {
    await change.event(action, name, null, summary(row));
    return true;
  }
  const target = await change.db
    .selectFrom('domain')
    .select(['name', 'tombstone'])
    .where('id', '=', row.target_id)
    .executeTakeFirst();
  if (target?.tombstone !== 0) refuse(`its target is no longer hosted`);
  await change.event(action, name, null, { name, target: target.name, active: row.active === 1 });
  return true;
}

async function raiseMailbox(change: Change, { before }: PastEvent): Promise<boolean> {
  const { id } = before as MailboxInfo;
  const row = await change.db
    .selectFrom('mailbox')
    .selectAll()
    .where('id', '=', id)
    .where('tombstone', '!=', 0)
    .executeTakeFirst();
  if (row === undefined) return false;
  const next = { removed_at: 0, tombstone: 0 };
  await change.db.updateTable('mailbox').set(next).where('id', '=', id).execute();
  await change.event('mailbox.restore', row.shown, null, await describeWhole(change.db, { ...row, ...next }));
  return true;
}

async function raiseAlias(change: Change, { object, before }: PastEvent): Promise<boolean> {
  const alias = parseAliasAddress(object);
  if (await findAlias(change.db, alias)) refuse(`there is an alias of this name by now`);
  const hosted = change.lookups.domain(alias.domain);
  const local = hosted && change.lookups.localAt(alias.localpart, hosted);
  if (local?.kind === 'list') refuse(`there is a list of this name by now`);
  if (local?.kind === 'mailbox' && local.isForwarded) refuse(`the mailbox of this name is forwarded by now`);
  const domain = await needDomain(change.db, alias.domain);
  refuseCatchAllOfSplit(domain, alias.localpart);
  const { targets, ...settings } = before as AliasInfo;
  const parsed = targets.map((target) => (target.startsWith('@') ? parseAliasAddress(target) : parseAddress(target)));
  await insertAlias(change, domain, alias, parsed, settings);
  return true;
}

async function raiseList(
  change: Change,
  { object, before }: PastEvent,
  events: readonly PastEvent[],
): Promise<boolean> {
  const address = parseAddress(object);
  refuseTakenListName(change.lookups, address);
  const { name, post, owners, posters, created } = before as ListInfo;
  const domain = await needDomain(change.db, address.domain);
  const values = { domain_id: domain.id, localpart: address.localpart, shown: address.shown, name, post, created };
  const { id } = await change.db.insertInto('list').values(values).returning('id').executeTakeFirstOrThrow();
  const members = events
    .filter(({ action, object: of }) => action === 'list-member.remove' && of === object)
    .flatMap((event) => (event.before as { readonly members: readonly string[] }).members);
  await insertPersons(change.db, id, 'owner', parsePersons(owners, 'owner'));
  await insertPersons(change.db, id, 'poster', parsePersons(posters, 'poster'));
  await insertPersons(change.db, id, 'member', parsePersons(members, 'member'));
  await change.event('list.add', address.shown, null, { ...(before as ListInfo), members: 0 });
  if (members.length > 0) await change.event('list-member.add', address.shown, null, { members });
  return true;
}

async function raiseRight(change: Change, { before }: PastEvent): Promise<boolean> {
  await restoreRight(change, before as SenderRight);
  return true;
}

async function lastRemoval(db: DirectoryDatabase, action: string, object: string, since = 0): Promise<PastEvent> {
  const [removal] = await removals(db, action, object);
  if (removal !== undefined && removal.time >= since) return removal;
  const [kind] = action.split('.');
  refuse(`no removed ${kind} ${object}: nothing of this name was removed`);
}

/** The last one first, some of them. */
async function removals(db: DirectoryDatabase, action: string, object: string): Promise<PastEvent[]> {
  const all = db.selectFrom('event').selectAll().where('action', '=', action).orderBy('id', 'desc').limit(100);
  const exact = await all.where('object', '=', object).execute();
  // As it was written when it was added, which need not be how it is asked for.
  const folded = sql<string>`lower(object)`;
  const rows = exact.length > 0 ? exact : await all.where(folded, '=', object.toLowerCase()).execute();
  return rows.map(toPastEvent);
}

async function eventsOf(db: DirectoryDatabase, revision: number): Promise<PastEvent[]> {
  const rows = await db.selectFrom('event').selectAll().where('revision', '=', revision).orderBy('id').execute();
  return rows.map(toPastEvent);
}

async function refuseTooOld(change: Change, { time }: PastEvent, what: string): Promise<void> {
  if (time > change.now - (await recoveryMilliseconds(change.db))) return;
  refuse(`the ${what} was removed too long ago: add it anew`);
}

function toPastEvent(
  row: Omit<PastEvent, 'before' | 'after'> & { before: string | null; after: string | null },
): PastEvent {
  const parse = (text: string | null): unknown => JSON.parse(text ?? 'null');
  return { ...row, before: parse(row.before), after: parse(row.after) };
}
