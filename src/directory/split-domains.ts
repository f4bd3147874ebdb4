// A domain split over two hosts: some of its addresses are here, and mail for every other one goes on to `unknown_to`
// (transport:nexthop). Through Postfix's own parameters, so that a real Postfix on the same tables does the same:
//
//   mailboxes        `@dom` is found, so that an address nobody has here is no unknown user (reject_unlisted_recipient)
//   transports       `dom` is unknown_to; `user@dom` of a mailbox is the domain's own way, `:` where that is the class's
//                    (transport(5): "do not change"), so that its mail stays; a mailbox that is switched off is refused
//   virtual-aliases  nothing new: who has an alias never gets that far. An alias domain passes every address on to it
//
// The class stays virtual-mailbox. Where the other host sends its unknown users back, mail goes round until
// hopcount_limit: it must refuse them. There cannot be a catch-all besides, which would take every address there is.

import { type LookupResult, notFound } from '../tables/table.ts';
import type { DirectoryDatabase } from './database.ts';
import type { DirectoryLookups, HostedDomain } from './lookups.ts';
import { refuse } from './refusal.ts';
import type { DomainKind } from './schema.ts';

/** They end here, whatever they are told: mail for the other host would be lost, or come round again. */
const endsHere = /^(?:local|virtual|mailstore|posthaste-list|error|retry|discard|bounce|defer|trace|verify)?:/;

/** Valid, '' for none. `kind` is what the domain is to be. */
export function checkUnknownTo(text: string, name: string, kind: DomainKind): string {
  const to = text.trim();
  if (to === '') return '';
  if (!/^[A-Za-z0-9_-]+:\S+$/.test(to)) {
    refuse(`"${to}" names no host for unknown users: write it as in smtp:[192.0.2.1] or lmtp:unix:/run/lmtp`);
  }
  if (to.length > 255) refuse(`"${to}" is longer than 255 characters`);
  if (endsHere.test(to)) refuse(`${to} is no way to another host: write it as in smtp:[192.0.2.1]`);
  if (kind === 'relay') refuse(`${name} is of class relay, all of whose mail goes on: give its --transport`);
  if (kind !== 'mailbox') {
    refuse(
      `addresses of class ${kind} have no transport (transport(5)): give ${name} --class mailbox, or --no-unknown-to`,
    );
  }
  return to;
}

export async function refuseCatchAllBeside(db: DirectoryDatabase, domain: { id: number; name: string }): Promise<void> {
  const catchAll = await db
    .selectFrom('alias')
    .select('id')
    .where('domain_id', '=', domain.id)
    .where('localpart', '=', '')
    .executeTakeFirst();
  if (catchAll === undefined) return;
  refuse(
    `${domain.name} has a catch-all, which takes every unknown user: remove it with: posthaste alias remove @${domain.name}`,
  );
}

/** The other way round. */
export function refuseCatchAllOfSplit(domain: { name: string; unknown_to: string }, localpart: string): void {
  if (localpart !== '' || domain.unknown_to === '') return;
  refuse(
    `unknown users of ${domain.name} go to ${domain.unknown_to}: end that with: posthaste domain set ${domain.name} --no-unknown-to`,
  );
}

/** virtual_mailbox_maps `@dom`. The path is nobody's, should transport_maps not know of the split. */
export function findRestOfSplit(lookups: DirectoryLookups, domain: string): LookupResult {
  const hosted = lookups.domain(domain);
  if (hosted === undefined || !isSplit(hosted)) return notFound;
  return { kind: 'found', value: `${hosted.name}/@/`, source: `${rowOf(hosted)} (unknown users)` };
}

/** transport_maps `user@dom`, where no list stands: what keeps the mail of those who are here. */
export function findLocalOfSplit(lookups: DirectoryLookups, localpart: string, hosted: HostedDomain): LookupResult {
  if (!isSplit(hosted)) return notFound;
  const mailbox = lookups.mailboxAt(localpart, hosted);
  if (mailbox === undefined) return notFound;
  const value = mailbox.isEnabled ? hosted.transport || ':' : 'error:5.1.1 User unknown';
  return { kind: 'found', value, source: `directory:mailboxes row ${mailbox.id}` };
}

/** transport_maps `dom`. */
export function transportOfDomain(hosted: HostedDomain): string {
  return isSplit(hosted) ? hosted.unknownTo : hosted.transport;
}

/** Of an alias domain the target is asked: it has no mailboxes itself. */
function isSplit({ kind, isActive, unknownTo }: HostedDomain): boolean {
  return kind === 'mailbox' && isActive && unknownTo !== '';
}

function rowOf(domain: HostedDomain): string {
  return `directory:domains row ${domain.id}`;
}
