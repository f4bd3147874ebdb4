// What the directory allows but an administrator should know: hosted domains that refuse mail to their postmaster, and
// alias targets and members and owners of lists that lead to nobody, so that mail is taken and then bounced.

import { setImmediate } from 'node:timers/promises';
import type { DirectoryDatabase } from './database.ts';
import { findPlaceFindings } from './place-findings.ts';
import { danglingForwards, expiredPasswords, overLimits } from './holdings-findings.ts';
import type { DirectoryLookups } from './lookups.ts';
import type { ListRole } from './schema.ts';
import { findVirtualAlias } from './virtual-alias.ts';

export interface DirectoryFinding {
  readonly kind:
    | 'no-postmaster'
    | 'dangling-target'
    | 'dangling-member'
    | 'dangling-forward'
    | 'over-limit'
    | 'expired-password'
    | 'transport-takes-mailboxes'
    | 'transport-to-nobody'
    | 'dangling-bcc';
  /** The domain, alias, list or mailbox. */
  readonly object: string;
  readonly text: string;
}

const maxFindings = 1000;
/** Domains or targets looked at without a pause: a few milliseconds. */
const pageLength = 200;

export async function findFindings(
  db: DirectoryDatabase,
  lookups: DirectoryLookups,
  now: number,
): Promise<DirectoryFinding[]> {
  const found: DirectoryFinding[] = [];
  for (const find of [
    () => withoutPostmaster(db, lookups),
    () => danglingTargets(db, lookups),
    () => danglingMembers(db, lookups),
    () => danglingForwards(db, lookups, isKnown, maxFindings),
    () => overLimits(db, maxFindings),
    () => expiredPasswords(db, now, maxFindings),
    () => findPlaceFindings(db, lookups, isKnown),
  ]) {
    // Millions of addresses are not looked at for what nobody is told.
    if (found.length < maxFindings) found.push(...(await find()));
  }
  return found.slice(0, maxFindings);
}

async function withoutPostmaster(db: DirectoryDatabase, lookups: DirectoryLookups): Promise<DirectoryFinding[]> {
  const found: DirectoryFinding[] = [];
  let after = '';
  for (;;) {
    const page = await domainsAfter(db, after);
    for (const { name } of page) {
      if (hasPostmaster(lookups, name)) continue;
      const text = `${name} refuses mail to postmaster (RFC 5321 §4.5.1): posthaste alias add postmaster@${name} TARGET`;
      found.push({ kind: 'no-postmaster', object: name, text });
    }
    const last = page.at(-1);
    if (!last || found.length >= maxFindings) return found;
    after = last.name;
    await setImmediate();
  }
}

function domainsAfter(db: DirectoryDatabase, after: string) {
  return db
    .selectFrom('domain')
    .select('name')
    .where('tombstone', '=', 0)
    .where((eb) => eb.or([eb('kind', 'not in', ['alias-domain', 'relay']), eb('takes_all', '=', 0)]))
    .where('name', '>', after)
    .orderBy('name')
    .limit(pageLength)
    .execute();
}

/** Itself or by a catch-all, whether the domain is switched on or not. */
function hasPostmaster(lookups: DirectoryLookups, name: string): boolean {
  const domain = lookups.domain(name);
  if (domain === undefined || (domain.catchAll !== 'plain' && !domain.isActive)) return true;
  // What a catch-all takes may have been decided.
  if (domain.catchAll !== 'plain') return findVirtualAlias(lookups, `postmaster@${name}`).kind === 'found';
  const aliases = ['postmaster', ''].some((localpart) => lookups.aliasAt(localpart, domain) !== undefined);
  const isListed = !domain.takesAll && lookups.places.relayRecipient(domain.id, 'postmaster');
  return aliases || isListed || lookups.mailboxAt('postmaster', domain) !== undefined;
}

async function danglingTargets(db: DirectoryDatabase, lookups: DirectoryLookups): Promise<DirectoryFinding[]> {
  const found: DirectoryFinding[] = [];
  let after = { alias_id: 0, position: -1 };
  for (;;) {
    const page = await targetsAfter(db, after);
    for (const { shown, address, localpart, domain } of page) {
      if (isKnown(lookups, localpart, domain)) continue;
      const text = `the alias ${shown} leads to ${address}, which does not exist: posthaste alias set ${shown} TARGET\u2026`;
      found.push({ kind: 'dangling-target', object: shown, text });
    }
    const last = page.at(-1);
    if (!last || found.length >= maxFindings) return found;
    after = last;
    // In a server mail is waiting: a page at a time.
    await setImmediate();
  }
}

function targetsAfter(db: DirectoryDatabase, after: { readonly alias_id: number; readonly position: number }) {
  return (
    db
      .selectFrom('alias_target as t')
      .innerJoin('domain as d', 'd.name', 't.domain')
      .innerJoin('alias as a', 'a.id', 't.alias_id')
      .select(['a.shown', 't.address', 't.localpart', 't.domain', 't.alias_id', 't.position'])
      // As one comparison: SQLite reads the table from its beginning to find the place by two that are joined by OR.
      .where((row) => row(row.refTuple('t.alias_id', 't.position'), '>', row.tuple(after.alias_id, after.position)))
      .where('d.tombstone', '=', 0)
      .where('a.active', '=', 1)
      .where('d.kind', '!=', 'relay')
      .where('t.localpart', '!=', '')
      .orderBy('t.alias_id')
      .orderBy('t.position')
      .limit(pageLength)
      .execute()
  );
}

async function danglingMembers(db: DirectoryDatabase, lookups: DirectoryLookups): Promise<DirectoryFinding[]> {
  const found: DirectoryFinding[] = [];
  let after: Omit<Awaited<ReturnType<typeof membersAfter>>[number], 'shown' | 'address'> | undefined;
  for (;;) {
    const page = await membersAfter(db, after);
    for (const { shown, role, address, localpart, domain } of page) {
      if (isKnown(lookups, localpart, domain)) continue;
      const mend = role === 'member' ? `members remove ${shown} ${address}` : `set ${shown} --owner ADDRESS`;
      const text = `the list ${shown} has the ${role} ${address}, which does not exist: posthaste list ${mend}`;
      found.push({ kind: 'dangling-member', object: shown, text });
    }
    after = page.at(-1);
    if (!after || found.length >= maxFindings) return found;
    await setImmediate();
  }
}

function membersAfter(
  db: DirectoryDatabase,
  after: { readonly list_id: number; readonly role: ListRole; readonly domain: string; readonly localpart: string } = {
    list_id: 0,
    role: 'member',
    domain: '',
    localpart: '',
  },
) {
  return db
    .selectFrom('list_person as p')
    .innerJoin('domain as d', 'd.name', 'p.domain')
    .innerJoin('list as l', 'l.id', 'p.list_id')
    .select(['l.shown', 'p.list_id', 'p.role', 'p.domain', 'p.localpart', 'p.address'])
    .where((row) =>
      row(
        row.refTuple('p.list_id', 'p.role', 'p.domain', 'p.localpart'),
        '>',
        row.tuple(after.list_id, after.role, after.domain, after.localpart),
      ),
    )
    .where('p.role', '!=', 'poster')
    .where('d.tombstone', '=', 0)
    .where('d.kind', '!=', 'relay')
    .orderBy('p.list_id')
    .orderBy('p.role')
    .orderBy('p.domain')
    .orderBy('p.localpart')
    .limit(pageLength)
    .execute();
}

/** As virtual_alias_maps would be asked, mailboxes included. */
export function isKnown(lookups: DirectoryLookups, localpart: string, domain: string): boolean {
  // Of a domain split over two hosts only the other one can say.
  const hosted = lookups.domain(domain);
  if (hosted !== undefined && hosted.unknownTo !== '') return true;
  const split = lookups.splitAt(localpart);
  const keys = [
    `${localpart}@${domain}`,
    ...(split === -1 ? [] : [`${localpart.slice(0, split)}@${domain}`]),
    `@${domain}`,
  ];
  return keys.some((key) => findVirtualAlias(lookups, key).kind === 'found');
}
