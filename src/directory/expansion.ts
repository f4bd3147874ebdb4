// Expands an address inside the directory as Postfix's virtual(5) does, to answer two questions: would a change
// make a loop, and which mailboxes does an alias reach. Mail itself is expanded by routing/, over all tables.

import type { DirectoryLookups } from './lookups.ts';
import { fold } from './mail-address.ts';
import { refuse } from './refusal.ts';
import { type AliasView, findVirtualAlias } from './virtual-alias.ts';

/** Postfix's virtual_alias_recursion_limit: a longer chain is refused mail for ever. */
const maxDepth = 1000;
/** Beyond so many addresses a question is too large to answer for one change. */
const maxVisited = 100_000;

/** One replacement: the addresses that `address` becomes, itself among them where it stays; undefined: no row. */
export function replaceOnce(
  lookups: DirectoryLookups,
  address: string,
  view: AliasView = { isStructural: true },
): string[] | undefined {
  const at = address.lastIndexOf('@');
  if (at < 0) return undefined;
  const localpart = address.slice(0, at);
  const domain = address.slice(at + 1);
  const split = lookups.splitAt(localpart);
  const whole = findVirtualAlias(lookups, address, view);
  if (whole.kind === 'found') return results(whole.value, localpart, '');
  if (split !== -1) {
    const stripped = findVirtualAlias(lookups, `${localpart.slice(0, split)}@${domain}`, view);
    if (stripped.kind === 'found') return results(stripped.value, localpart, localpart.slice(split));
  }
  const rest = findVirtualAlias(lookups, `@${domain}`, view);
  return rest.kind === 'found' ? results(rest.value, localpart, '') : undefined;
}

function results(value: string, localpart: string, extension: string): string[] {
  if (value.startsWith('@')) return [fold(localpart + value)];
  return splitAddresses(value).map((address) => {
    const at = address.lastIndexOf('@');
    return fold(address.slice(0, at) + extension + address.slice(at));
  });
}

/** Splits a list at commas outside quotes. */
function splitAddresses(value: string): string[] {
  if (!value.includes('"')) return value.split(', ');
  return value.match(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g)?.map((address) => address.trim()) ?? [];
}

/** Refuses, naming the loop, when mail to one of `starts` would be replaced without end. */
export function refuseLoops(lookups: DirectoryLookups, starts: Iterable<string>): void {
  const state = { lookups, path: [] as string[], onPath: new Set<string>(), done: new Set<string>() };
  for (const start of starts) walk(state, fold(start));
}

interface Walk {
  readonly lookups: DirectoryLookups;
  readonly path: string[];
  readonly onPath: Set<string>;
  /** Explored, or stays itself: an address that expands to itself is expanded once only (virtual(5)). */
  readonly done: Set<string>;
}

function walk(state: Walk, address: string): void {
  if (state.done.has(address) || state.done.size > maxVisited) return;
  if (state.onPath.has(address)) {
    const loop = [...state.path.slice(state.path.indexOf(address)), address].map(showUnknown);
    refuse(
      `that would make a loop: ${loop.join(' \u2192 ')}; add the first address to its own targets, or end it elsewhere`,
    );
  }
  if (state.path.length >= maxDepth) refuse(`that would make a chain of more than ${maxDepth} aliases: shorten it`);
  const next = replaceOnce(state.lookups, address);
  if (!next) {
    state.done.add(address);
    return;
  }
  if (next.includes(address)) {
    // Kept, and expanded once only: no circle that passes here goes on without end, so the way begins anew.
    state.done.add(address);
    for (const target of next) if (target !== address) walk({ ...state, path: [], onPath: new Set() }, target);
    return;
  }
  state.path.push(address);
  state.onPath.add(address);
  for (const target of next) if (target !== address) walk(state, target);
  state.path.pop();
  state.onPath.delete(address);
  state.done.add(address);
}

/** Stands for "any address that nobody has": a name that no row can have. */
export const unknownLocalpart = '\u0001';

function showUnknown(address: string): string {
  return address.startsWith(unknownLocalpart) ? address.slice(unknownLocalpart.length) : address;
}

/** The mailboxes that an address reaches through aliases, not through forwards, at most `limit`, in order. */
export function reachedMailboxes(lookups: DirectoryLookups, address: string, limit: number): string[] {
  const found = new Set<string>();
  const seen = new Set<string>();
  const waiting = [fold(address)];
  for (let next = waiting.shift(); next !== undefined && seen.size < 10 * limit; next = waiting.shift()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const targets = replaceOnce(lookups, next, { isStructural: true, endsAtMailboxes: true });
    // Also where an alias takes its mail elsewhere: the address is its owner's.
    addMailbox(lookups, next, found);
    if (found.size >= limit) break;
    for (const target of targets ?? []) waiting.push(target);
  }
  return [...found];
}

function addMailbox(lookups: DirectoryLookups, address: string, found: Set<string>): void {
  const mailbox = lookups.mailboxByAddress(address);
  if (mailbox?.enabled) found.add(mailbox.address);
}
