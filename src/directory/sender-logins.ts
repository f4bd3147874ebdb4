// smtpd_sender_login_maps from the directory: who receives an address may send as it. Nobody keeps a second list beside
// the mailboxes and aliases, so none can be forgotten.
//
//   a mailbox's address      its owner, also where an alias takes the mail elsewhere
//   an alias, also nested    every mailbox that it reaches
//   a list and its -request  the list's owners; members do not speak for it
//   an alias domain          whoever holds for the address of its target
//   user+anything            whoever holds for user (Postfix asks with user@ when user+anything@ is not found)
//   the catch-all            whoever it reaches, for addresses that nobody has, unless the policy says no
//
// Then grants add, and denials take away; what is said of an address beats what is said of its whole domain. A key is
// found where something is said of just that address; the more general keys follow in Postfix's order (SASL_README). An
// address whose every owner is denied is still found, with nobody as its owner: not found would leave it to the catch-all.

import { type LookupResult, notFound } from '../tables/table.ts';
import { reachedMailboxes } from './expansion.ts';
import type { DirectoryLookups, HostedAddress, SenderRightEntry } from './lookups.ts';
import { fold, foldDomain } from './mail-address.ts';

/** Mailboxes that may send as one address: more would be no protection. */
const maxSenderLogins = 100;

/** The setting: `no`, or anything else for yes. */
export const catchAllSetting = 'catch-all-may-send';

/** No login has blanks or parentheses in its name. */
const nobody = '(nobody)';

export interface SenderReason {
  readonly login: string;
  /** As `its own mailbox`, `alias sales@example.com leads there`. */
  readonly because: string;
}

export interface SenderAnswer {
  /** The key that answered, as `sales@example.com` or `@example.com`. */
  readonly key: string;
  readonly allowed: readonly SenderReason[];
  readonly denied: readonly SenderReason[];
  /** The row that the table names. */
  readonly source: string;
}

export function findSenderLogins(lookups: DirectoryLookups, key: string): LookupResult {
  const answer = senderAnswer(lookups, key);
  if (answer === undefined) return notFound;
  const logins = answer.allowed.map(({ login }) => login).slice(0, maxSenderLogins);
  return { kind: 'found', value: logins.length > 0 ? logins.join(', ') : nobody, source: answer.source };
}

/** What is said of one key; `@domain` is the rest of the domain. */
export function senderAnswer(lookups: DirectoryLookups, key: string): SenderAnswer | undefined {
  const at = key.lastIndexOf('@');
  if (at < 0) return undefined;
  const localpart = fold(key.slice(0, at));
  const domain = foldDomain(key.slice(at + 1));
  const hosted = lookups.domain(domain);
  if (hosted !== undefined && !hosted.isActive) return undefined;
  // What is said of the alias domain itself comes last, and holds.
  const rights = rightsAt(lookups, localpart, [...(hosted?.target ? [hosted.target.name] : []), domain]);
  const derived = derive(lookups, localpart, domain);
  const isSaid = derived.reasons.length > 0 || rights.some(({ isWhole }) => isWhole === (localpart === ''));
  if (!isSaid) return undefined;
  // Something is said of an address that nobody has: those who would hold without it hold still.
  const base = derived.reasons.length > 0 || localpart === '' ? derived : deriveFurther(lookups, localpart, domain);
  return { key: `${localpart}@${domain}`, source: base.source, ...withRights(base.reasons, rights) };
}

/** As Postfix asks: the address, without its extension, its domain. */
export function senderAnswerFor(lookups: DirectoryLookups, address: string): SenderAnswer | undefined {
  const at = address.lastIndexOf('@');
  const split = lookups.splitAt(address.slice(0, at));
  const keys = [
    address,
    ...(split === -1 ? [] : [`${address.slice(0, split)}${address.slice(at)}`]),
    address.slice(at),
  ];
  for (const key of keys) {
    const answer = senderAnswer(lookups, key);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function rightsAt(lookups: DirectoryLookups, localpart: string, domains: readonly string[]): SenderRightEntry[] {
  return domains.flatMap((domain) => lookups.senderRights(localpart, domain));
}

interface Derived {
  readonly reasons: readonly SenderReason[];
  readonly source: string;
}

function derive(lookups: DirectoryLookups, localpart: string, domain: string): Derived {
  const hit = lookups.address(localpart, domain);
  if (hit === undefined) return { reasons: [], source: 'directory:sender-logins' };
  const reasons = new Map<string, string>();
  const add = (login: string, because: string): void => {
    if (!reasons.has(login) && reasons.size < maxSenderLogins) reasons.set(login, because);
  };
  const { target, name } = hit.domain;
  const place = target?.name ?? name;
  const through = target === undefined ? '' : `, alias domain ${name} of ${target.name}`;
  // Also where an alias takes its mail elsewhere: the address is its owner's.
  if (hit.mailboxId !== undefined && hit.isEnabled) add(`${localpart}@${place}`, `its own mailbox${through}`);
  if (hit.aliasId !== undefined) addReached(lookups, hit, localpart, `${localpart}@${place}`, through, add);
  if (hit.aliasId !== undefined || reasons.size > 0) {
    const row = hit.aliasId === undefined ? `mailboxes row ${hit.mailboxId}` : `aliases row ${hit.aliasId}`;
    return { reasons: asReasons(reasons), source: `directory:${row}` };
  }
  const list = lookups.lists.at(localpart, hit.domain);
  if (list === undefined) return { reasons: [], source: 'directory:sender-logins' };
  for (const owner of lookups.lists.persons(list.id, 'owner')) {
    for (const login of reachedMailboxes(lookups, owner, maxSenderLogins)) add(login, `owner of the list${through}`);
  }
  return { reasons: asReasons(reasons), source: `directory:lists row ${list.id}` };
}

function addReached(
  lookups: DirectoryLookups,
  { aliasId }: HostedAddress,
  localpart: string,
  alias: string,
  through: string,
  add: (login: string, because: string) => void,
): void {
  const isCatchAll = localpart === '';
  if (isCatchAll && lookups.setting(catchAllSetting) === 'no') return;
  for (const target of lookups.targets(aliasId as number)) {
    const because = `${isCatchAll ? 'catch-all' : 'alias'} ${alias} leads there${through}`;
    for (const login of reachedMailboxes(lookups, target, maxSenderLogins)) add(login, because);
  }
}

function asReasons(reasons: ReadonlyMap<string, string>): SenderReason[] {
  return [...reasons].map(([login, because]) => ({ login, because }));
}

function deriveFurther(lookups: DirectoryLookups, localpart: string, domain: string): Derived {
  const split = lookups.splitAt(localpart);
  const bare = split === -1 ? undefined : derive(lookups, localpart.slice(0, split), domain);
  return bare !== undefined && bare.reasons.length > 0 ? bare : derive(lookups, '', domain);
}

const domainGrant = 'granted for the whole domain';

function withRights(
  derived: readonly SenderReason[],
  rights: readonly SenderRightEntry[],
): { readonly allowed: readonly SenderReason[]; readonly denied: readonly SenderReason[] } {
  const allowed = new Map(derived.map((one) => [one.login, one]));
  const denied = new Map<string, SenderReason>();
  // The whole domain first: what is said of the address has the last word.
  for (const { login, isWhole, isAllowed } of rights.toSorted((a, b) => Number(b.isWhole) - Number(a.isWhole))) {
    const what = isWhole ? ' for the whole domain' : '';
    if (isAllowed) {
      denied.delete(login);
      const there = allowed.get(login)?.because;
      if (there === undefined || there === domainGrant) allowed.set(login, { login, because: `granted${what}` });
    } else {
      allowed.delete(login);
      denied.set(login, { login, because: `denied${what}` });
    }
  }
  return { allowed: [...allowed.values()], denied: [...denied.values()] };
}
