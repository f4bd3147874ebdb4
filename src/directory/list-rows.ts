// Rows of the list table and of the people of a list.

import type { DirectoryDatabase } from './database.ts';
import { listNameOf, ownerLocalpart, requestLocalpart } from './list-lookups.ts';
import type { DirectoryLookups } from './lookups.ts';
import { addressKey, foldDomain, type MailAddress, parseAddress, parseDomain } from './mail-address.ts';
import { refuse, refuseTaken } from './refusal.ts';
import type { DomainRow, ListRole, ListRow, PostingRule } from './schema.ts';

export interface ListInfo {
  readonly address: string;
  /** What people call it; '' where nobody has said. */
  readonly name: string;
  readonly post: PostingRule;
  readonly owners: readonly string[];
  /** Who may write to it where `post` is `listed`: addresses, and `@domain`. */
  readonly posters: readonly string[];
  readonly members: number;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** Refuses a name that a list has taken, or one of its two other addresses. */
export function refuseListAddress(lookups: DirectoryLookups, domain: Pick<DomainRow, 'name'>, localpart: string): void {
  const hosted = lookups.domain(domain.name);
  const hit = hosted && lookups.lists.at(localpart, hosted);
  const list = hit && lookups.lists.byId(hit.id)?.address;
  if (list === undefined) return;
  const what = hit?.part === 'post' ? 'is a mailing list' : `belongs to the mailing list ${list}`;
  refuseTaken(`${localpart}@${domain.name} ${what}: remove that first with: posthaste list remove ${list}`);
}

/** Refuses a list for whose three addresses there is not room. */
export function refuseTakenListName(lookups: DirectoryLookups, list: MailAddress): void {
  const hosted = lookups.domain(list.domain);
  if (hosted === undefined) return;
  for (const localpart of [list.localpart, ownerLocalpart(list.localpart), requestLocalpart(list.localpart)]) {
    const key = `${localpart}@${list.domain}`;
    const hit = lookups.localAt(localpart, hosted);
    if (hit === undefined) continue;
    if (hit.kind === 'list' && localpart === list.localpart) {
      refuseTaken(`${key} is a mailing list already: change it with: posthaste list set ${key}`);
    }
    const kind = hit.kind === 'alias' ? 'an alias' : hit.kind === 'mailbox' ? 'a mailbox' : 'a mailing list';
    const needed = localpart === list.localpart ? '' : `, and every list needs its owner- and -request addresses`;
    refuseTaken(`${key} is ${kind}${needed}: remove that first with: posthaste ${hit.kind} remove ${key}`);
  }
}

/** A list's name stands in List-Id (RFC 2919 §2), so it is plain. */
export function checkListName({ localpart, shown }: MailAddress): void {
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(localpart)) {
    refuse(`"${shown}" cannot be a list's address: its name has letters, digits, ".", "-" and "_" only`);
  }
  const other = listNameOf(localpart);
  if (other !== undefined) refuse(`"${shown}" would be an address of the list ${other}: take another name`);
  // `owner-` and `-request` must stay localparts (RFC 5321 §4.5.3.1.1).
  if (localpart.length > 56) refuse(`"${shown}" is too long for a list: at most 56 octets before the "@"`);
}

export async function findList(db: DirectoryDatabase, list: MailAddress): Promise<ListRow | undefined> {
  return await db
    .selectFrom('list as l')
    .innerJoin('domain as d', 'd.id', 'l.domain_id')
    .selectAll('l')
    .where('d.name', '=', list.domain)
    .where('d.tombstone', '=', 0)
    .where('l.localpart', '=', list.localpart)
    .executeTakeFirst();
}

export async function describeList(db: DirectoryDatabase, row: ListRow): Promise<ListInfo> {
  const { count } = await db
    .selectFrom('list_person')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('list_id', '=', row.id)
    .where('role', '=', 'member')
    .executeTakeFirstOrThrow();
  const named = async (role: ListRole): Promise<string[]> => {
    const select = db.selectFrom('list_person').select('address').where('list_id', '=', row.id);
    const rows = await select.where('role', '=', role).orderBy('domain').orderBy('localpart').execute();
    return rows.map(({ address }) => address);
  };
  const { shown: address, name, post, created } = row;
  return { address, name, post, owners: await named('owner'), posters: await named('poster'), members: count, created };
}

/** Lists that have this address as a member or owner, the first 20. */
export async function listsWith(db: DirectoryDatabase, person: MailAddress): Promise<string[]> {
  const rows = await db
    .selectFrom('list_person as p')
    .innerJoin('list as l', 'l.id', 'p.list_id')
    .select('l.shown')
    .distinct()
    .where('p.domain', '=', person.domain)
    .where('p.localpart', '=', person.localpart)
    .where('p.role', '!=', 'poster')
    .orderBy('l.shown')
    .limit(20)
    .execute();
  return rows.map((row) => row.shown);
}

export async function insertPersons(
  db: DirectoryDatabase,
  list: number,
  role: ListRole,
  persons: readonly MailAddress[],
): Promise<void> {
  // SQLite takes 32,766 parameters a statement.
  for (let start = 0; start < persons.length; start += 1000) {
    const rows = persons.slice(start, start + 1000).map(({ domain, localpart, shown }) => {
      return { list_id: list, role, domain, localpart, address: shown };
    });
    await db.insertInto('list_person').values(rows).execute();
  }
}

/** Valid addresses without repetitions; a poster may be a whole `@domain`. */
export function parsePersons(texts: readonly string[], role: ListRole): MailAddress[] {
  const persons = new Map<string, MailAddress>();
  for (const text of texts.flatMap((one) => (one.includes('"') ? [one] : one.split(',')))) {
    const given = text.trim();
    if (given === '') continue;
    const person = role === 'poster' && given.startsWith('@') ? parseWholeDomain(given) : parseAddress(given);
    if (!persons.has(addressKey(person))) persons.set(addressKey(person), person);
  }
  return [...persons.values()];
}

function parseWholeDomain(text: string): MailAddress {
  const domain = parseDomain(foldDomain(text.slice(1)));
  return { localpart: '', domain, shown: `@${domain}` };
}
