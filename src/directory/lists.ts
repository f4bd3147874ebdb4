// Mailing lists: an address whose mail goes to its members, from `owner-NAME`, so that what cannot be delivered comes
// back to the owners and not to the author. Their names are kept apart from mailboxes and aliases; lists stand in
// domains of class mailbox, since the transport of an address in an alias domain cannot be chosen (transport(5)).

import { isDeepStrictEqual } from 'node:util';
import type { ExpressionBuilder } from 'kysely';
import type { Change, Changes } from './change.ts';
import { contains } from './contains.ts';
import type { DirectoryDatabase } from './database.ts';
import { needDomain } from './domain-rows.ts';
import { refuseLoops } from './expansion.ts';
import { leadsToList } from './list-loops.ts';
import {
  checkListName,
  describeList,
  findList,
  insertPersons,
  type ListInfo,
  parsePersons,
  refuseTakenListName,
} from './list-rows.ts';
import { ownerLocalpart } from './list-lookups.ts';
import type { DirectoryLookups } from './lookups.ts';
import { addressKey, fold, type MailAddress, parseAddress, parseDomain, parseHostedAddress } from './mail-address.ts';
import { refuse, refuseMissing } from './refusal.ts';
import type { DirectorySchema, ListRole, ListRow, PostingRule } from './schema.ts';
import { removeTags } from './tags.ts';
import { restoreList } from './removals.ts';

export interface NewList {
  readonly address: string;
  readonly owners: readonly string[];
  readonly name?: string;
  readonly post?: PostingRule;
  readonly posters?: readonly string[];
  readonly members?: readonly string[];
}

export interface ListSettings {
  readonly name?: string;
  readonly post?: PostingRule;
  /** They replace what was there. */
  readonly owners?: readonly string[];
  readonly posters?: readonly string[];
}

export interface ListQuery {
  readonly domain?: string;
  /** Those whose address or name contains this. */
  readonly search?: string;
  /** The address of the last one seen, as listed. */
  readonly after?: string;
  readonly limit?: number;
}

/** One post makes so many queue rows in one transaction. */
const maxMembers = 50_000;
const maxOwners = 50;
const maxPosters = 10_000;
const maxNameCharacters = 255;

export class Lists {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  async add(list: NewList): Promise<ListInfo> {
    const address = parseHostedAddress(list.address);
    checkListName(address);
    const owners = parseOwners(list.owners);
    const members = parsePersons(list.members ?? [], 'member');
    return await this.#changes.make(async (change) => {
      const domain = await needDomain(change.db, address.domain);
      if (domain.kind !== 'mailbox') {
        refuse(
          `${domain.name} is of class ${domain.kind} and cannot have lists: change that with: posthaste domain set ${domain.name} --class mailbox`,
        );
      }
      refuseTakenListName(change.lookups, address);
      const values = {
        domain_id: domain.id,
        localpart: address.localpart,
        shown: address.shown,
        name: checkName(list.name ?? ''),
        post: list.post ?? 'members',
        created: change.now,
      };
      const { id } = await change.db.insertInto('list').values(values).returning('id').executeTakeFirstOrThrow();
      refuseLeadingBack(change.lookups, owners, addressKey(address));
      await insertPersons(change.db, id, 'owner', owners);
      await insertPersons(change.db, id, 'poster', parsePosters(list.posters ?? []));
      const row = { ...values, id };
      const without = await describeList(change.db, row);
      await change.event('list.add', address.shown, null, without);
      if (members.length > 0) await addMembers(change, row, members);
      refuseLoops(change.lookups, [ownerAddress(address)]);
      return await describeList(change.db, row);
    });
  }

  async show(address: string): Promise<ListInfo | undefined> {
    const row = await findList(this.#db, parseAddress(address));
    return row && (await describeList(this.#db, row));
  }

  /** As `show`; refuses with what to type where there is none. */
  async need(address: string): Promise<ListInfo> {
    return await describeList(this.#db, await needList(this.#db, parseAddress(address)));
  }

  async list(query: ListQuery = {}): Promise<ListInfo[]> {
    const at = query.after?.lastIndexOf('@') ?? -1;
    const afterDomain = query.after === undefined ? '' : query.after.slice(at + 1);
    const afterLocalpart = query.after === undefined ? '' : fold(query.after.slice(0, Math.max(at, 0)));
    let select = this.#db
      .selectFrom('list as l')
      .innerJoin('domain as d', 'd.id', 'l.domain_id')
      .selectAll('l')
      .where('d.tombstone', '=', 0)
      .where('d.name', '>=', afterDomain)
      .where((eb) => eb.or([eb('d.name', '>', afterDomain), eb('l.localpart', '>', afterLocalpart)]));
    if (query.domain !== undefined) select = select.where('d.name', '=', parseDomain(query.domain));
    if (query.search !== undefined) {
      const wanted = contains(query.search);
      select = select.where((eb) => eb.or([wanted('l.shown'), wanted('l.name')]));
    }
    const rows = await select
      .orderBy('d.name')
      .orderBy('l.localpart')
      .limit(Math.min(query.limit ?? 100, 1001))
      .execute();
    return await Promise.all(rows.map((row) => describeList(this.#db, row)));
  }

  async set(address: string, settings: ListSettings): Promise<ListInfo> {
    const key = parseAddress(address);
    return await this.#changes.make(async (change) => {
      const row = await needList(change.db, key);
      const before = await describeList(change.db, row);
      const next = {
        name: settings.name === undefined ? row.name : checkName(settings.name),
        post: settings.post ?? row.post,
      };
      await change.db.updateTable('list').set(next).where('id', '=', row.id).execute();
      if (settings.owners !== undefined) {
        const owners = parseOwners(settings.owners);
        refuseLeadingBack(change.lookups, owners, addressKey(key));
        await replace(change, row, 'owner', owners);
      }
      if (settings.posters !== undefined) await replace(change, row, 'poster', parsePosters(settings.posters));
      refuseLoops(change.lookups, [ownerAddress(key)]);
      const after = await describeList(change.db, { ...row, ...next });
      if (!isDeepStrictEqual(before, after)) await change.event('list.set', row.shown, before, after);
      return after;
    });
  }

  async remove(address: string): Promise<void> {
    const key = parseAddress(address);
    await this.#changes.make(async (change) => {
      await removeListRow(change, await needList(change.db, key));
      // Its mail may now fall to a catch-all whose targets lead back here.
      refuseLoops(change.lookups, [addressKey(key)]);
    });
  }

  /** Brings back the list that was removed last under this address, with its members. */
  async restore(address: string, since = 0): Promise<ListInfo> {
    const key = parseAddress(address);
    await this.#changes.make(async (change) => await restoreList(change, key, since));
    return await this.need(address);
  }

  /** Returns how many were no members before. */
  async addMembers(address: string, members: readonly string[]): Promise<number> {
    const key = parseAddress(address);
    const parsed = parsePersons(members, 'member');
    return await this.#changes.make(async (change) => addMembers(change, await needList(change.db, key), parsed));
  }

  /** Refuses where one of them is no member. */
  async removeMembers(address: string, members: readonly string[]): Promise<void> {
    const key = parseAddress(address);
    const parsed = parsePersons(members, 'member');
    await this.#changes.make(async (change) => {
      const row = await needList(change.db, key);
      const gone: string[] = [];
      for (const member of parsed) {
        const found = await change.db
          .selectFrom('list_person')
          .select('address')
          .where(isPerson(row.id, member))
          .executeTakeFirst();
        if (found === undefined) refuseMissing(`${member.shown} is no member of ${row.shown}`);
        await change.db.deleteFrom('list_person').where(isPerson(row.id, member)).execute();
        gone.push(found.address);
      }
      await change.event('list-member.remove', row.shown, { members: gone }, null);
    });
  }

  /** A page of members, by domain and name; `after` is the last one seen. */
  async members(address: string, after: string | undefined, limit = 1000): Promise<string[]> {
    const row = await needList(this.#db, parseAddress(address));
    const last = after === undefined ? undefined : parseAddress(after);
    let select = this.#db
      .selectFrom('list_person')
      .select('address')
      .where('list_id', '=', row.id)
      .where('role', '=', 'member');
    if (last !== undefined) {
      select = select.where((eb) => eb(eb.refTuple('domain', 'localpart'), '>', eb.tuple(last.domain, last.localpart)));
    }
    const rows = await select.orderBy('domain').orderBy('localpart').limit(limit).execute();
    return rows.map((person) => person.address);
  }
}

function isPerson(list: number, { domain, localpart }: MailAddress) {
  return (eb: ExpressionBuilder<DirectorySchema, 'list_person'>) =>
    eb.and({ list_id: list, role: 'member', domain, localpart });
}

export async function removeListRow(change: Change, row: ListRow): Promise<void> {
  const before = await describeList(change.db, row);
  await removeTags(change, 'list', row.id, `${row.localpart}${row.shown.slice(row.shown.lastIndexOf('@'))}`);
  const members = [...change.lookups.lists.persons(row.id, 'member')];
  // So that it can be brought back.
  if (members.length > 0) await change.event('list-member.remove', row.shown, { members }, null);
  await change.db.deleteFrom('list_person').where('list_id', '=', row.id).execute();
  await change.db.deleteFrom('list').where('id', '=', row.id).execute();
  await change.event('list.remove', row.shown, before, null);
}

async function addMembers(change: Change, row: ListRow, members: readonly MailAddress[]): Promise<number> {
  const list = change.lookups.lists.byId(row.id)?.address ?? '';
  const present = new Set<string>();
  for (const member of change.lookups.lists.persons(row.id, 'member')) present.add(addressKey(parseAddress(member)));
  const added = members.filter((member) => !present.has(addressKey(member)));
  if (present.size + added.length > maxMembers) refuse(`${row.shown} would have more than ${maxMembers} members`);
  refuseLeadingBack(change.lookups, added, list);
  await insertPersons(change.db, row.id, 'member', added);
  const shown = added.map((member) => member.shown);
  if (added.length > 0) await change.event('list-member.add', row.shown, null, { members: shown });
  return added.length;
}

function refuseLeadingBack(lookups: DirectoryLookups, people: readonly MailAddress[], list: string): void {
  const back = people.find((person) => leadsToList(lookups, addressKey(person), list));
  if (back !== undefined) refuse(`${back.shown} leads back to ${list}: its mail would go round in a circle`);
}

async function replace(change: Change, row: ListRow, role: ListRole, persons: readonly MailAddress[]): Promise<void> {
  await change.db.deleteFrom('list_person').where('list_id', '=', row.id).where('role', '=', role).execute();
  await insertPersons(change.db, row.id, role, persons);
}

function ownerAddress({ localpart, domain }: MailAddress): string {
  return `${ownerLocalpart(localpart)}@${domain}`;
}

function parseOwners(texts: readonly string[]): MailAddress[] {
  const owners = parsePersons(texts, 'owner');
  if (owners.length === 0) refuse('a list needs an owner, who gets what cannot be delivered: give --owner ADDRESS');
  if (owners.length > maxOwners) refuse(`a list has at most ${maxOwners} owners`);
  return owners;
}

function parsePosters(texts: readonly string[]): MailAddress[] {
  const posters = parsePersons(texts, 'poster');
  if (posters.length > maxPosters) refuse(`a list has at most ${maxPosters} posters: name whole domains as @domain`);
  return posters;
}

function checkName(text: string): string {
  const name = text.trim();
  if (/[\u0000-\u001f\u007f]/.test(name)) refuse("a list's name is one line of text");
  if (name.length > maxNameCharacters) refuse(`a list's name has at most ${maxNameCharacters} characters`);
  return name;
}

async function needList(db: DirectoryDatabase, list: MailAddress): Promise<ListRow> {
  const row = await findList(db, list);
  if (row) return row;
  await needDomain(db, list.domain);
  refuseMissing(
    `there is no list ${addressKey(list)}: add it with: posthaste list add ${addressKey(list)} --owner ADDRESS`,
  );
}
