// virtual_alias_maps from the directory: how identity is implicit, so that a catch-all never swallows anybody.
//
// Postfix asks with user+ext@dom, user@dom, then @dom (virtual(5)). For an existing mailbox the key user@dom answers
// itself, so the search ends before @dom; user+ext@dom is not found, so the extension is kept by Postfix's own
// propagation. An alias domain answers user@target only for users that the target knows, and @target only where
// the target has a catch-all: unknown users stay unknown and are refused at RCPT. A disabled mailbox is not found;
// but where a catch-all would get its mail, the address still answers itself, and delivery refuses it.

import { type LookupResult, notFound } from '../tables/table.ts';
import type { DirectoryLookups, HostedAddress } from './lookups.ts';
import { fold, foldDomain } from './mail-address.ts';

/**
 * `structural` looks at rows whether they are switched on or not: a loop must not come into being by switching a
 * domain on.
 */
export function findVirtualAlias(lookups: DirectoryLookups, key: string, structural = false): LookupResult {
  const at = key.lastIndexOf('@');
  if (at < 0) return findBareName(lookups, fold(key));
  const localpart = fold(key.slice(0, at));
  const domain = foldDomain(key.slice(at + 1));
  const hit = lookups.address(localpart, domain);
  if (!hit || !(hit.domain.isActive || structural)) return notFound;
  if (hit.domain.kind === 'alias-domain') return throughAliasDomain(lookups, localpart, hit, structural);
  if (hit.aliasId !== undefined) {
    const value = lookups.targets(hit.aliasId).join(', ');
    return { kind: 'found', value, source: `directory:aliases row ${hit.aliasId}` };
  }
  if (hit.mailboxId === undefined || !answersItself(lookups, hit, structural)) return notFound;
  return { kind: 'found', value: `${localpart}@${domain}`, source: `directory:mailboxes row ${hit.mailboxId}` };
}

/** A disabled mailbox stands in the way of a catch-all, and of nothing else. */
function answersItself(lookups: DirectoryLookups, hit: HostedAddress, structural: boolean): boolean {
  return hit.isEnabled || structural || lookups.address('', hit.domain.name)?.aliasId !== undefined;
}

function throughAliasDomain(
  lookups: DirectoryLookups,
  localpart: string,
  hit: HostedAddress,
  structural: boolean,
): LookupResult {
  const { name, target } = hit.domain;
  if (!target) return notFound;
  // A relay domain without a list of recipients takes every address.
  const isKnown =
    hit.aliasId !== undefined ||
    (localpart === '' && target.kind === 'relay') ||
    (hit.mailboxId !== undefined && answersItself(lookups, hit, structural));
  if (!isKnown) return notFound;
  return { kind: 'found', value: `${localpart}@${target.name}`, source: `directory:domains ${name} (alias domain)` };
}

/** `postmaster` without a domain, and at the host's own names (RFC 5321 §4.5.1, RFC 2142). */
function findBareName(lookups: DirectoryLookups, name: string): LookupResult {
  if (name !== 'postmaster' && name !== 'abuse' && name !== 'root') return notFound;
  const id = lookups.setting('administrator');
  const mailbox = id === undefined ? undefined : lookups.mailboxById(Number(id));
  if (!mailbox) return notFound;
  return { kind: 'found', value: mailbox.address, source: 'directory:settings administrator' };
}
