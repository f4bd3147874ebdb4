// What an administrator should know of domains and mailboxes: more in a domain than its limits allow, forwards that lead
// to nobody, and passwords that have run out, so that their owners can neither read nor send.

import { setImmediate } from 'node:timers/promises';
import type { DirectoryDatabase } from './database.ts';
import { findExcesses } from './domain-limits.ts';
import type { DirectoryFinding } from './findings.ts';
import type { DirectoryLookups } from './lookups.ts';

/** Rows looked at without a pause: a few milliseconds. */
const pageLength = 200;
/** Numbers of mailboxes, of which hardly any matches. */
const idsPerPage = 5000;

export async function overLimits(db: DirectoryDatabase, maxFindings: number): Promise<DirectoryFinding[]> {
  const found: DirectoryFinding[] = [];
  for (let after = ''; found.length < maxFindings; await setImmediate()) {
    const page = await db
      .selectFrom('domain')
      .selectAll()
      .where('tombstone', '=', 0)
      .where('name', '>', after)
      .where((eb) => eb.or(limitNames.map((name) => eb(name, '>', 0))))
      .orderBy('name')
      .limit(pageLength)
      .execute();
    for (const domain of page) {
      for (const excess of await findExcesses(db, domain)) {
        const text = `${excess}: see: posthaste domain show ${domain.name}`;
        found.push({ kind: 'over-limit', object: domain.name, text });
      }
    }
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.name;
  }
  return found;
}

const limitNames = ['max_mailboxes', 'max_aliases', 'total_quota', 'max_quota'] as const;

/** Mail of a mailbox from which nothing stays, and whose forward nobody receives, comes back to its senders. */
export async function danglingForwards(
  db: DirectoryDatabase,
  lookups: DirectoryLookups,
  isKnown: (lookups: DirectoryLookups, localpart: string, domain: string) => boolean,
  maxFindings: number,
): Promise<DirectoryFinding[]> {
  const found: DirectoryFinding[] = [];
  let after = { mailbox_id: 0, position: -1 };
  for (;;) {
    const page = await forwardsAfter(db, after);
    for (const { shown, address, localpart, domain } of page) {
      const mailbox = lookups.mailboxByAddress(`${localpart}@${domain}`);
      const isOff = mailbox !== undefined && !mailbox.enabled;
      if (!isOff && isKnown(lookups, localpart, domain)) continue;
      const why = isOff ? 'is switched off' : 'does not exist';
      const text = `${shown} is forwarded to ${address}, which ${why}: posthaste mailbox set ${shown} --forward ADDRESS`;
      found.push({ kind: 'dangling-forward', object: shown, text });
    }
    const last = page.at(-1);
    if (last === undefined || found.length >= maxFindings) return found;
    after = last;
    await setImmediate();
  }
}

function forwardsAfter(db: DirectoryDatabase, after: { readonly mailbox_id: number; readonly position: number }) {
  return db
    .selectFrom('mailbox_forward as f')
    .innerJoin('domain as d', 'd.name', 'f.domain')
    .innerJoin('mailbox as m', 'm.id', 'f.mailbox_id')
    .select(['m.shown', 'f.address', 'f.localpart', 'f.domain', 'f.mailbox_id', 'f.position'])
    .where((row) => row(row.refTuple('f.mailbox_id', 'f.position'), '>', row.tuple(after.mailbox_id, after.position)))
    .where('d.tombstone', '=', 0)
    .where('d.kind', '!=', 'relay')
    .where('m.tombstone', '=', 0)
    .where('m.enabled', '=', 1)
    .orderBy('f.mailbox_id')
    .orderBy('f.position')
    .limit(pageLength)
    .execute();
}

/** `now` in milliseconds since 1970. */
export async function expiredPasswords(
  db: DirectoryDatabase,
  now: number,
  maxFindings: number,
): Promise<DirectoryFinding[]> {
  const found: DirectoryFinding[] = [];
  const last = await db
    .selectFrom('mailbox')
    .select((eb) => eb.fn.max('id').as('id'))
    .executeTakeFirst();
  // By numbers: to look for the next one that has expired would read millions at once where there is none.
  for (let after = 0; found.length < maxFindings && after < (last?.id ?? 0); after += idsPerPage) {
    await setImmediate();
    const page = await db
      .selectFrom('mailbox as m')
      .innerJoin('domain as d', 'd.id', 'm.domain_id')
      .select('m.shown')
      .where('m.id', '>', after)
      .where('m.id', '<=', after + idsPerPage)
      .where('m.tombstone', '=', 0)
      .where('m.enabled', '=', 1)
      .where('d.tombstone', '=', 0)
      .where('m.password_expires', '>', 0)
      .where('m.password_expires', '<=', now)
      .orderBy('m.id')
      .limit(maxFindings)
      .execute();
    for (const { shown } of page) {
      const text = `the password of ${shown} has expired: posthaste mailbox set ${shown} --password, or --password-expires never`;
      found.push({ kind: 'expired-password', object: shown, text });
    }
  }
  return found;
}
