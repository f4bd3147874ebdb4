// virtual_alias_maps from the directory: how identity is implicit, so that a catch-all never swallows anybody.
//
// Postfix asks with user+ext@dom, user@dom, then @dom (virtual(5)). For an existing mailbox the key user@dom answers
// itself, so the search ends before @dom; user+ext@dom is not found, so the extension is kept by Postfix's own
// propagation. An alias domain answers user@target only for users that the target knows, and @target only where
// the target has a catch-all: unknown users stay unknown and are refused at RCPT. A disabled mailbox is not found;
// but where a catch-all would get its mail, the address still answers itself, and delivery refuses it. A mailbox that is
// forwarded answers its targets, with itself before them where a copy stays.
//
// Where a catch-all does not take everything (`catch-all set DOMAIN propose|refuse`, or names that were refused), @dom
// cannot answer, since that key does not say for whom. There the catch-all answers at the name itself: at user+ext@dom
// when neither it nor `user` is known, so that the search never comes to the keys behind; and for a refused name
// at none of its keys, so that it is unknown at RCPT. What is decided about is the name without its extension.
//
// Recipients of a relay domain that lists them are known as mailboxes are: no catch-all gets their mail.

import { quoteLocalpart, toInternal } from '../address/form.ts';
import { type LookupResult, notFound } from '../tables/table.ts';
import type { DirectoryLookups, HostedDomain, HostedLocal } from './lookups.ts';
import { fold, foldDomain } from './mail-address.ts';
import type { DomainKind } from './schema.ts';

export interface AliasView {
  /** Looks at rows whether they are switched on or not: a loop must not come into being by switching a domain on. */
  readonly isStructural?: boolean;
  /** Ends at mailboxes, also where they are forwarded. */
  readonly endsAtMailboxes?: boolean;
}

export function findVirtualAlias(lookups: DirectoryLookups, key: string, view: AliasView = {}): LookupResult {
  const structural = view.isStructural === true;
  const at = key.lastIndexOf('@');
  if (at < 0) return findBareName(lookups, fold(key));
  const localpart = fold(key.slice(0, at));
  const domain = foldDomain(key.slice(at + 1));
  const hosted = lookups.domain(domain);
  if (!hosted || !(hosted.isActive || structural)) return notFound;
  const decides = hosted.catchAll !== 'plain' && !structural;
  if (decides && localpart === '') return notFound;
  const local = lookups.localAt(localpart, hosted);
  if (local === undefined && localpart !== '') {
    if (isListedRecipient(lookups, hosted, localpart)) return itself(lookups, hosted, localpart);
    if (decides) return findCaught(lookups, hosted, localpart);
  }
  const isAnswered = answers(lookups, local, hosted, structural);
  if (hosted.target) return throughAliasDomain(hosted, hosted.target, localpart, isAnswered);
  if (!isAnswered || local === undefined) return notFound;
  if (local.kind === 'alias') {
    const value = lookups.targets(local.id).join(', ');
    return { kind: 'found', value, source: `directory:aliases row ${local.id}` };
  }
  if (local.kind === 'list' && local.part === 'owner') {
    const value = [...lookups.lists.persons(local.id, 'owner')].join(', ');
    return { kind: 'found', value, source: `directory:lists row ${local.id} (owners)` };
  }
  if (local.kind === 'mailbox' && local.isForwarded && (local.isEnabled || structural) && !view.endsAtMailboxes) {
    const value = lookups.forwards.targets(local.id, `${localpart}@${domain}`).join(', ');
    return { kind: 'found', value, source: `directory:mailboxes row ${local.id} (forward)` };
  }
  const table = local.kind === 'list' ? 'lists' : 'mailboxes';
  return { kind: 'found', value: `${localpart}@${domain}`, source: `directory:${table} row ${local.id}` };
}

function isListedRecipient(lookups: DirectoryLookups, hosted: HostedDomain, localpart: string): boolean {
  return !hosted.takesAll && lookups.places.relayRecipient(hosted.target?.id ?? hosted.id, localpart);
}

/** A listed recipient: at an alias domain its own address, else itself where a catch-all would get its mail. */
function itself(lookups: DirectoryLookups, hosted: HostedDomain, localpart: string): LookupResult {
  if (hosted.target === undefined && lookups.aliasAt('', hosted) === undefined) return notFound;
  const value = `${localpart}@${(hosted.target ?? hosted).name}`;
  return { kind: 'found', value, source: `directory:relay-recipients ${value}` };
}

/** What is said of names that nobody has. */
const decisions = {
  accepted: 'accepted',
  proposed: 'proposed',
  refused: 'the catch-all refuses it: posthaste catch-all accept',
  undecided: 'the catch-all takes accepted addresses only: posthaste catch-all accept',
} as const;

/** For a name that nobody has, where the catch-all does not take everything. */
function findCaught(lookups: DirectoryLookups, hosted: HostedDomain, localpart: string): LookupResult {
  // smtpd(8) asks with the address unquoted too (internal form), which is no other name.
  const whole = quoteLocalpart(toInternal(localpart));
  const bare = lookups.bareLocalpart(whole);
  // Another key is somebody's: quoted, or without the extension, which comes next.
  if (whole !== localpart && isSomebodys(lookups, hosted, whole)) return notFound;
  if (bare !== undefined && isSomebodys(lookups, hosted, bare)) return notFound;
  const catchAll = lookups.localAt('', hosted);
  if (catchAll?.kind !== 'alias') return notFound;
  const { id, name } = hosted.target ?? hosted;
  const state = lookups.places.caught(id, bare ?? whole);
  if (state === 'refused') return { kind: 'not-found', reason: decisions.refused };
  if (state !== 'accepted' && hosted.catchAll === 'refuse') return { kind: 'not-found', reason: decisions.undecided };
  if (hosted.target) {
    const source = `directory:domains row ${hosted.id} (alias domain)`;
    return { kind: 'found', value: `${whole}@${name}`, source };
  }
  const said = state === undefined ? '' : `, ${decisions[state]}`;
  const value = lookups.targets(catchAll.id).join(', ');
  return { kind: 'found', value, source: `directory:aliases row ${catchAll.id} (catch-all${said})` };
}

function isSomebodys(lookups: DirectoryLookups, hosted: HostedDomain, localpart: string): boolean {
  return lookups.localAt(localpart, hosted) !== undefined || isListedRecipient(lookups, hosted, localpart);
}

/** Does an address fall to its domain's catch-all? The domain and the name that is decided about. */
export function caughtName(
  lookups: DirectoryLookups,
  address: string,
): { readonly domainId: number; readonly localpart: string; readonly domain: HostedDomain } | undefined {
  const at = address.lastIndexOf('@');
  const domain = at <= 0 ? undefined : lookups.domain(address.slice(at + 1));
  if (domain === undefined || domain.catchAll === 'plain' || !domain.isActive) return undefined;
  const whole = quoteLocalpart(toInternal(fold(address.slice(0, at))));
  const localpart = lookups.bareLocalpart(whole) ?? whole;
  if ([whole, localpart].some((name) => isSomebodys(lookups, domain, name))) return undefined;
  if (lookups.aliasAt('', domain) === undefined) return undefined;
  return { domainId: domain.target?.id ?? domain.id, localpart, domain };
}

/** A mailbox that is disabled stands in the way of a catch-all, and of nothing else. */
function answers(
  lookups: DirectoryLookups,
  local: HostedLocal | undefined,
  hosted: HostedDomain,
  structural: boolean,
): boolean {
  if (local === undefined) return false;
  if (local.kind !== 'mailbox' || local.isEnabled || structural) return true;
  return lookups.aliasAt('', hosted) !== undefined;
}

function throughAliasDomain(
  hosted: HostedDomain,
  target: { readonly name: string; readonly kind: DomainKind },
  localpart: string,
  isAnswered: boolean,
): LookupResult {
  // A relay domain without a list of recipients takes every address, and so does one split over two hosts.
  const takesAll = (target.kind === 'relay' && hosted.takesAll) || hosted.unknownTo !== '';
  if (!isAnswered && !(localpart === '' && takesAll)) return notFound;
  const source = `directory:domains row ${hosted.id} (alias domain)`;
  return { kind: 'found', value: `${localpart}@${target.name}`, source };
}

/** `postmaster` without a domain, and at the host's own names (RFC 5321 §4.5.1, RFC 2142). */
function findBareName(lookups: DirectoryLookups, name: string): LookupResult {
  if (name !== 'postmaster' && name !== 'abuse' && name !== 'root') return notFound;
  const id = lookups.setting('administrator');
  const mailbox = id === undefined ? undefined : lookups.mailboxById(Number(id));
  if (!mailbox) return notFound;
  return { kind: 'found', value: mailbox.address, source: 'directory:settings administrator' };
}
