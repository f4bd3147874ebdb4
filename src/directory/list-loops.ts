// Does mail to an address come back to where it started, by way of a list? A list sends a new message to each member, so
// no expansion of aliases sees its end: such a circle would go on until hopcount_limit, with every member written to
// each time round.

import { replaceOnce } from './expansion.ts';
import type { DirectoryLookups } from './lookups.ts';
import { fold } from './mail-address.ts';

/** Addresses looked through for a way back. */
const maxVisited = 1000;

/** Whether mail to `start` reaches `list`, through aliases, forwards and the members of other lists. */
export function leadsToList(lookups: DirectoryLookups, start: string, list: string): boolean {
  return walk(lookups, start, ({ address }) => lookups.lists.byAddress(address)?.address === list);
}

/** Whether mail to `start` reaches `goal` through the members of a list. */
export function leadsBackByList(lookups: DirectoryLookups, start: string, goal: string): boolean {
  return walk(lookups, start, ({ address, isByList }) => isByList && address === goal);
}

interface Step {
  readonly address: string;
  /** A list stands between. */
  readonly isByList: boolean;
}

function walk(lookups: DirectoryLookups, start: string, isGoal: (step: Step) => boolean): boolean {
  const waiting: Step[] = [{ address: fold(start), isByList: false }];
  const seen = new Set<string>();
  for (let next = waiting.pop(); next !== undefined && seen.size < maxVisited; next = waiting.pop()) {
    const { address, isByList } = next;
    const key = `${isByList ? 'list ' : ''}${address}`;
    if (seen.has(key)) continue;
    seen.add(key);
    if (isGoal(next)) return true;
    const through = lookups.lists.byAddress(address);
    if (through !== undefined) {
      for (const member of lookups.lists.persons(through.id, 'member')) {
        waiting.push({ address: fold(member), isByList: true });
        if (waiting.length > maxVisited) break;
      }
    }
    for (const target of replaceOnce(lookups, address) ?? []) waiting.push({ address: target, isByList });
  }
  return false;
}
