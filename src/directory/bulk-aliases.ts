// Aliases, many at once (bulk-changes.ts). A loop is looked for only from aliases with a target that is itself replaced:
// all others end where they lead.

import type { Change } from './change.ts';
import { parseTargets, startsOf } from './aliases.ts';
import {
  added,
  type BulkOutcome,
  compared,
  isOutcome,
  refusalOf,
  rowsPerStatement,
  SharedDomains,
} from './bulk-outcome.ts';
import { refuseLoops, replaceOnce } from './expansion.ts';
import { refuseListAddress } from './list-rows.ts';
import { addressKey, type MailAddress, parseAliasAddress } from './mail-address.ts';

export interface BulkAlias {
  /** `@domain` is the catch-all. */
  readonly address: string;
  readonly targets: readonly string[];
}

interface Parsed {
  readonly index: number;
  readonly alias: MailAddress;
  readonly targets: readonly MailAddress[];
}

export async function addAliases(change: Change, aliases: readonly BulkAlias[]): Promise<BulkOutcome[]> {
  const parsed = aliases.map(({ address, targets }, index) =>
    refusalOf((): Parsed => ({ index, alias: parseAliasAddress(address), targets: parseTargets(targets) })),
  );
  const names = new Set(parsed.flatMap((one) => (isOutcome(one) ? [] : [one.alias.domain])));
  const domains = await SharedDomains.read(change, names);
  const fresh = new Map<string, Parsed>();
  const outcomes = parsed.map((one): BulkOutcome => {
    if (isOutcome(one)) return one;
    const key = addressKey(one.alias);
    if (fresh.has(key)) return { kind: 'refused', reason: `${key} comes twice` };
    const outcome = refusalOf(() => look(change, domains, one));
    if (outcome.kind === 'added') fresh.set(key, one);
    return outcome;
  });
  const all = [...fresh.values()];
  for (let start = 0; start < all.length; start += rowsPerStatement) {
    await insert(change, domains, all.slice(start, start + rowsPerStatement), outcomes);
  }
  return outcomes;
}

/** `added` where it is new. */
function look(change: Change, domains: SharedDomains, { alias, targets }: Parsed): BulkOutcome {
  const row = domains.need(alias.domain);
  const hosted = domains.hosted(alias.domain);
  if (hosted === undefined) return added;
  const id = change.lookups.aliasAt(alias.localpart, hosted);
  if (id === undefined) {
    if (hosted.hasLists) refuseListAddress(change.lookups, row, alias.localpart);
    return added;
  }
  const there = change.lookups.targets(id);
  const isSame = there.length === targets.length && there.every((target, index) => target === targets[index]?.shown);
  return compared([isSame ? undefined : `targets ${there.slice(0, 3).join(', ')}${there.length > 3 ? ' …' : ''} here`]);
}

async function insert(
  change: Change,
  domains: SharedDomains,
  some: readonly Parsed[],
  outcomes: BulkOutcome[],
): Promise<void> {
  const values = some.map(({ alias: { domain, localpart, shown } }) => {
    return { domain_id: domains.need(domain).id, localpart, shown, created: change.now };
  });
  const rows = await change.db.insertInto('alias').values(values).returning(['id', 'domain_id', 'localpart']).execute();
  const idOf = new Map(rows.map(({ id, domain_id, localpart }) => [`${domain_id} ${localpart}`, id]));
  const ids = values.map(({ domain_id, localpart }) => idOf.get(`${domain_id} ${localpart}`) as number);
  await insertAllTargets(change, some, ids);
  const events = [];
  for (const [at, one] of some.entries()) {
    const loop = await loopOf(change, domains, one);
    if (loop === undefined) {
      const after = { address: one.alias.shown, targets: one.targets.map(({ shown }) => shown), created: change.now };
      events.push({ action: 'alias.add', object: one.alias.shown, before: null, after });
      continue;
    }
    outcomes[one.index] = loop;
    const id = ids[at] as number;
    await change.db.deleteFrom('alias_target').where('alias_id', '=', id).execute();
    await change.db.deleteFrom('alias').where('id', '=', id).execute();
  }
  await change.events(events);
}

async function insertAllTargets(change: Change, some: readonly Parsed[], ids: readonly number[]): Promise<void> {
  const rows = some.flatMap(({ targets }, at) =>
    targets.map(({ shown, domain, localpart }, position) => {
      return { alias_id: ids[at] as number, position, address: shown, domain, localpart };
    }),
  );
  for (let start = 0; start < rows.length; start += rowsPerStatement) {
    const part = rows.slice(start, start + rowsPerStatement);
    await change.db.insertInto('alias_target').values(part).execute();
  }
}

async function loopOf(
  change: Change,
  domains: SharedDomains,
  { alias, targets }: Parsed,
): Promise<BulkOutcome | undefined> {
  if (!targets.some((target) => isReplaced(change, domains, target))) return undefined;
  const starts = await startsOf(change.db, alias, targets);
  const outcome = refusalOf(() => {
    refuseLoops(change.lookups, starts);
    return added;
  });
  return outcome.kind === 'refused' ? outcome : undefined;
}

/** Whether mail to the target goes on from there. */
function isReplaced({ lookups }: Change, domains: SharedDomains, { localpart, domain }: MailAddress): boolean {
  const hosted = domains.hosted(domain);
  if (hosted === undefined) return false;
  if (localpart === '' || hosted.target !== undefined) return true;
  // A mailbox and nothing else, as nearly always: its row is asked for, not the domain's once more.
  const local = lookups.localAt(localpart, hosted);
  if (local?.kind === 'mailbox' && !local.isForwarded) return false;
  const next = replaceOnce(lookups, `${localpart}@${domain}`);
  return next !== undefined && !next.includes(`${localpart}@${domain}`);
}
