// Aliases, many at once (bulk-changes.ts). A loop is looked for only from aliases with a target that is itself replaced:
// all others end where they lead.

import type { Change } from './change.ts';
import type { AliasInfo } from './alias-rows.ts';
import { parseTargets, startsOf } from './aliases.ts';
import {
  added,
  type BulkOutcome,
  compared,
  type InsertedRow,
  isOutcome,
  difference,
  presentRows,
  refusalOf,
  rowKey,
  rowsPerStatement,
  SharedDomains,
} from './bulk-outcome.ts';
import { BulkRoom, type BulkRules } from './bulk-room.ts';
import { refuseLoops, replaceOnce } from './expansion.ts';
import { insertRows } from './insert-rows.ts';
import { refuseListAddress } from './list-rows.ts';
import { addressKey, type MailAddress, parseAliasAddress } from './mail-address.ts';
import { refuse } from './refusal.ts';
import { refuseCatchAllOfSplit } from './split-domains.ts';
import type { AliasRow, DomainRow } from './schema.ts';

export interface BulkAlias {
  /** `@domain` is the catch-all. */
  readonly address: string;
  readonly targets: readonly string[];
  readonly active?: boolean;
}

interface Parsed {
  readonly index: number;
  readonly alias: MailAddress;
  readonly targets: readonly MailAddress[];
  readonly isActive: boolean;
}

type Placed = Parsed & { readonly row: DomainRow };

export async function addAliases(
  change: Change,
  aliases: readonly BulkAlias[],
  rules: BulkRules = {},
): Promise<BulkOutcome[]> {
  const parsed = aliases.map(({ address, targets, active }, index) =>
    refusalOf((): Parsed => {
      return { index, alias: parseAliasAddress(address), targets: parseTargets(targets), isActive: active !== false };
    }),
  );
  const names = new Set(parsed.flatMap((one) => (isOutcome(one) ? [] : [one.alias.domain])));
  const domains = await SharedDomains.read(change, names);
  const placed = parsed.map((one) =>
    isOutcome(one) ? one : refusalOf((): Placed => ({ ...one, row: domains.need(one.alias.domain) })),
  );
  const wanted = placed.flatMap((one) => (isOutcome(one) ? [] : [[one.row.id, one.alias.localpart] as const]));
  const present = await presentRows(wanted, (domainId, localparts) => readAliases(change, domainId, localparts));
  const rows = placed.flatMap((one) => (isOutcome(one) ? [] : [one.row]));
  const room = await BulkRoom.read(change, rows, rules);
  const fresh = new Map<string, Placed>();
  const outcomes = placed.map((one): BulkOutcome => {
    if (isOutcome(one)) return one;
    const key = rowKey(one.row.id, one.alias.localpart);
    if (fresh.has(key)) return { kind: 'refused', reason: `${addressKey(one.alias)} comes twice` };
    const there = present.get(key);
    if (there !== undefined) return compare(change, there, one);
    const outcome = refusalOf(() => {
      refuseTaken(change, domains, one);
      room.takeAlias(one.row);
      return added;
    });
    if (outcome.kind === 'added') fresh.set(key, one);
    return outcome;
  });
  const all = [...fresh.values()];
  for (let start = 0; start < all.length; start += rowsPerStatement) {
    await insert(change, domains, all.slice(start, start + rowsPerStatement), outcomes);
  }
  return outcomes;
}

function readAliases(change: Change, domainId: number, localparts: readonly string[]): Promise<AliasRow[]> {
  return change.db
    .selectFrom('alias')
    .selectAll()
    .where('domain_id', '=', domainId)
    .where('localpart', 'in', localparts)
    .execute();
}

function compare(change: Change, there: AliasRow, { targets, isActive }: Placed): BulkOutcome {
  const now = change.lookups.targets(there.id);
  const isSame = now.length === targets.length && now.every((target, index) => target === targets[index]?.shown);
  return compared([
    isSame ? undefined : `targets ${now.slice(0, 3).join(', ')}${now.length > 3 ? ' \u2026' : ''} here`,
    difference('active', there.active, Number(isActive)),
  ]);
}

/** A list is there already, or a mailbox that says itself where its mail goes. */
function refuseTaken(change: Change, domains: SharedDomains, { alias, row }: Placed): BulkOutcome {
  const hosted = domains.hosted(alias.domain);
  refuseCatchAllOfSplit(row, alias.localpart);
  if (hosted === undefined) return added;
  if (hosted.hasLists) refuseListAddress(change.lookups, row, alias.localpart);
  const local = alias.localpart === '' ? undefined : change.lookups.localAt(alias.localpart, hosted);
  if (local?.kind === 'mailbox' && local.isForwarded) refuse(`${addressKey(alias)} is a mailbox that is forwarded`);
  return added;
}

async function insert(
  change: Change,
  domains: SharedDomains,
  some: readonly Placed[],
  outcomes: BulkOutcome[],
  isSecond = false,
): Promise<void> {
  const values = some.map(({ row, isActive, alias: { localpart, shown } }) => {
    const said = { active: Number(isActive), post: 'anyone' as const };
    return { domain_id: row.id, localpart, shown, created: change.now, ...said };
  });
  const rows = await insertRows<InsertedRow>(change.db, 'alias', values, ['id', 'domain_id', 'localpart']);
  const idOf = new Map(rows.map(({ id, domain_id, localpart }) => [rowKey(domain_id, localpart), id]));
  const ids = values.map(({ domain_id, localpart }) => idOf.get(rowKey(domain_id, localpart)) as number);
  await insertAllTargets(change, some, ids);
  const events = [];
  const refused: Placed[] = [];
  for (const [at, one] of some.entries()) {
    const loop = await loopOf(change, domains, one);
    if (loop === undefined) {
      outcomes[one.index] = added;
      const after: AliasInfo = {
        address: one.alias.shown,
        targets: one.targets.map(({ shown }) => shown),
        active: one.isActive,
        post: 'anyone',
        posters: [],
        created: change.now,
      };
      events.push({ action: 'alias.add', object: one.alias.shown, before: null, after });
      continue;
    }
    outcomes[one.index] = loop;
    refused.push(one);
    const id = ids[at] as number;
    await change.db.deleteFrom('alias_target').where('alias_id', '=', id).execute();
    await change.db.deleteFrom('alias').where('id', '=', id).execute();
  }
  await change.events(events);
  if (isSecond) return;
  // One that only leads into a circle of two others was refused because both were there; one of them is gone now.
  for (const one of refused) await insert(change, domains, [one], outcomes, true);
}

async function insertAllTargets(change: Change, some: readonly Parsed[], ids: readonly number[]): Promise<void> {
  const rows = some.flatMap(({ targets }, at) =>
    targets.map(({ shown, domain, localpart }, position) => {
      return { alias_id: ids[at] as number, position, address: shown, domain, localpart };
    }),
  );
  for (let start = 0; start < rows.length; start += rowsPerStatement) {
    const part = rows.slice(start, start + rowsPerStatement);
    await insertRows(change.db, 'alias_target', part);
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
