// transport_maps from the directory (transport(5)). Postfix asks with user+ext@domain, user@domain, domain, .parent
// ..., and *. At an address a mailing list's own transport comes first, then an entry for the address; at a domain that we
// host its own transport (`domain set --transport`), then an entry; of a domain whose unknown users go to another host,
// see split-domains.ts. An address and a domain cannot have both
// (transports.ts refuses that), so the order matters only for rows that others have written.

import { type LookupResult, notFound } from '../tables/table.ts';
import { listTransport } from './list-lookups.ts';
import type { DirectoryLookups } from './lookups.ts';
import { fold, foldDomain } from './mail-address.ts';
import { findLocalOfSplit, transportOfDomain } from './split-domains.ts';

export function findTransport(lookups: DirectoryLookups, key: string): LookupResult {
  const at = key.lastIndexOf('@');
  // transport(5) has no such key: a domain's is the domain alone.
  if (at === 0) return notFound;
  if (at !== -1) return ofAddress(lookups, fold(key.slice(0, at)), foldDomain(key.slice(at + 1)));
  const name = key === '*' || key.startsWith('.') ? key.toLowerCase() : foldDomain(key);
  const domain = lookups.domain(name);
  const value = domain === undefined ? '' : transportOfDomain(domain);
  if (domain === undefined || value === '') return entry(lookups, '', name);
  return { kind: 'found', value, source: `directory:domains row ${domain.id}` };
}

function ofAddress(lookups: DirectoryLookups, localpart: string, domain: string): LookupResult {
  const hosted = lookups.domain(domain);
  // Only domains with mailboxes have lists; of an alias domain the target is asked.
  const list =
    hosted?.kind === 'mailbox' && hosted.isActive && hosted.hasLists ? lookups.lists.at(localpart, hosted) : undefined;
  if (list?.part !== 'post') {
    const own = entry(lookups, localpart, domain);
    return own.kind === 'found' || hosted === undefined ? own : findLocalOfSplit(lookups, localpart, hosted);
  }
  return { kind: 'found', value: `${listTransport}:`, source: `directory:lists row ${list.id}` };
}

function entry(lookups: DirectoryLookups, localpart: string, domain: string): LookupResult {
  const value = lookups.places.transport(localpart, domain);
  if (value === undefined) return notFound;
  return {
    kind: 'found',
    value,
    source: `directory:transports ${localpart === '' ? domain : `${localpart}@${domain}`}`,
  };
}
