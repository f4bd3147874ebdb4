// The tables of BCCs and of access rules, and the recipients of relay domains, as Postfix asks for them.
//
// sender-bcc, recipient-bcc   user+ext@domain, user@domain, @domain. An alias domain's addresses get the copies of its
//                             target's, where nothing is said of them themselves: nobody escapes by another name.
// client-access ... recipient-access   the keys of access(5), as they stand in the rules.
// relay-recipients            a domain that takes every recipient is found as @domain, else each recipient is.

import { type LookupResult, notFound } from '../tables/table.ts';
import type { DirectoryLookups } from './lookups.ts';
import { fold, foldDomain } from './mail-address.ts';
import type { AccessStage, BccSide } from './schema.ts';

export function findBcc(side: BccSide, lookups: DirectoryLookups, key: string): LookupResult {
  const at = key.lastIndexOf('@');
  if (at < 0 || !lookups.places.has(`${side}-bcc`)) return notFound;
  const localpart = fold(key.slice(0, at));
  const named = foldDomain(key.slice(at + 1));
  const target = lookups.domain(named)?.target?.name;
  for (const domain of target === undefined ? [named] : [named, target]) {
    const value = lookups.places.bcc(side, localpart, domain);
    if (value !== undefined) return { kind: 'found', value, source: `directory:${side}-bcc ${localpart}@${domain}` };
  }
  return notFound;
}

export function findAccess(stage: AccessStage, lookups: DirectoryLookups, key: string): LookupResult {
  const value = lookups.places.access(stage, foldPattern(key));
  return value === undefined
    ? notFound
    : { kind: 'found', value, source: `directory:${stage}-access ${foldPattern(key)}` };
}

/** Of an address the domain as its kept form; of anything else lower case. */
function foldPattern(key: string): string {
  const at = key.lastIndexOf('@');
  return at === -1 ? foldDomain(key) : `${fold(key.slice(0, at))}@${foldDomain(key.slice(at + 1))}`;
}

export function findRelayRecipient(lookups: DirectoryLookups, key: string): LookupResult {
  const at = key.lastIndexOf('@');
  if (at < 0) return notFound;
  const domain = lookups.domain(key.slice(at + 1));
  if (domain?.kind !== 'relay' || !domain.isActive) return notFound;
  if (at === 0) {
    return domain.takesAll ? { kind: 'found', value: 'OK', source: `directory:domains row ${domain.id}` } : notFound;
  }
  const localpart = fold(key.slice(0, at));
  if (domain.takesAll || !lookups.places.relayRecipient(domain.id, localpart)) return notFound;
  return { kind: 'found', value: 'OK', source: `directory:relay-recipients ${localpart}@${domain.name}` };
}
