// What the directory allows of transports and copies, but an administrator should know: general entries that take the
// mail of mailboxes, routes for addresses that nobody has, copies for nobody.

import type { DirectoryDatabase } from './database.ts';
import type { DirectoryFinding } from './findings.ts';
import type { DirectoryLookups } from './lookups.ts';
import { showTransportPlace } from './transport-places.ts';
import { takenMailboxDomains } from './transports.ts';

type IsKnown = (lookups: DirectoryLookups, localpart: string, domain: string) => boolean;

/** Rows looked at in all: who has more has a program that writes them. */
const maxRows = 10_000;

export async function findPlaceFindings(
  db: DirectoryDatabase,
  lookups: DirectoryLookups,
  isKnown: IsKnown,
): Promise<DirectoryFinding[]> {
  const routes = await routesToNobody(db, lookups, isKnown);
  return [...(await takenMailboxes(db)), ...routes, ...(await copiesForNobody(db, lookups, isKnown))];
}

async function takenMailboxes(db: DirectoryDatabase): Promise<DirectoryFinding[]> {
  const found: DirectoryFinding[] = [];
  const general = await db
    .selectFrom('transport')
    .selectAll()
    .where((eb) => eb.or([eb('domain', '=', '*'), eb('domain', 'like', '.%')]))
    .limit(maxRows)
    .execute();
  for (const { domain, transport } of general) {
    const { names, count } = await takenMailboxDomains(db, domain);
    if (count === 0) continue;
    const more = count > names.length ? ` and ${count - names.length} more` : '';
    const text = `the transport ${domain} ${transport} takes the mail of the mailboxes in ${names.join(', ')}${more}: posthaste domain set ${names[0]} --transport : keeps it here`;
    found.push({ kind: 'transport-takes-mailboxes', object: domain, text });
  }
  return found;
}

async function routesToNobody(
  db: DirectoryDatabase,
  lookups: DirectoryLookups,
  isKnown: IsKnown,
): Promise<DirectoryFinding[]> {
  const rows = await db
    .selectFrom('transport as t')
    .innerJoin('domain as d', 'd.name', 't.domain')
    .select(['t.domain', 't.localpart', 't.transport'])
    .where('d.tombstone', '=', 0)
    .where('d.kind', '=', 'mailbox')
    .where('t.localpart', '!=', '')
    .limit(maxRows)
    .execute();
  return rows
    .filter(({ localpart, domain, transport }) => {
      return !/^(error|retry|discard):/.test(transport) && !isKnown(lookups, localpart, domain);
    })
    .map((row) => {
      const object = showTransportPlace(row);
      const text = `the transport ${object} ${row.transport} is never used: there is no such mailbox, so its mail is refused: posthaste mailbox add ${object}`;
      return { kind: 'transport-to-nobody', object, text };
    });
}

async function copiesForNobody(
  db: DirectoryDatabase,
  lookups: DirectoryLookups,
  isKnown: IsKnown,
): Promise<DirectoryFinding[]> {
  const rows = await db.selectFrom('bcc').selectAll().limit(maxRows).execute();
  return rows.flatMap(({ side, localpart, domain, address }) => {
    const at = address.lastIndexOf('@');
    const hosted = lookups.domain(address.slice(at + 1));
    if (hosted === undefined || hosted.kind === 'relay') return [];
    if (isKnown(lookups, address.slice(0, at).toLowerCase(), hosted.name)) return [];
    const object = `${localpart}@${domain}`;
    const text = `copies for the ${side} ${object} go to ${address}, which does not exist: posthaste bcc set --${side} ${object} ADDRESS`;
    return [{ kind: 'dangling-bcc' as const, object, text }];
  });
}
