// Mailboxes, many at once (bulk-changes.ts).

import type { Change } from './change.ts';
import {
  added,
  type BulkOutcome,
  compared,
  difference,
  isOutcome,
  refusalOf,
  rowsPerStatement,
  SharedDomains,
} from './bulk-outcome.ts';
import { refuseListAddress } from './list-rows.ts';
import { addressKey, type MailAddress, parseHostedAddress } from './mail-address.ts';
import { describeMailbox } from './mailbox-rows.ts';
import { checkQuota } from './mailboxes.ts';
import { refuse } from './refusal.ts';
import { noRestraints } from './restraints.ts';
import type { MailboxRow } from './schema.ts';
import {
  changedVacation,
  vacationUntil,
  type VacationInfo,
  type VacationSettings,
  writeVacation,
} from './vacations.ts';

/** What is not given is as for a new mailbox, and is not compared with one that is there. */
export interface BulkMailbox {
  readonly address: string;
  readonly passwordHash: string;
  readonly name?: string;
  /** Bytes; 0 is unlimited. */
  readonly quotaBytes?: number;
  readonly enabled?: boolean;
  /** Milliseconds since 1970. */
  readonly created?: number;
  readonly protocols?: string;
  readonly passwordExpires?: number;
  readonly mustChange?: boolean;
  readonly vacation?: VacationSettings;
}

interface Parsed {
  readonly address: MailAddress;
  readonly given: BulkMailbox;
  readonly vacation: VacationInfo | undefined;
}

export async function addMailboxes(change: Change, mailboxes: readonly BulkMailbox[]): Promise<BulkOutcome[]> {
  const parsed = mailboxes.map((one) => refusalOf(() => parse(one)));
  const names = new Set(parsed.flatMap((one) => (isOutcome(one) ? [] : [one.address.domain])));
  const domains = await SharedDomains.read(change, names);
  const present = new Map<number, number>();
  const fresh = new Map<string, Parsed>();
  const outcomes = parsed.map((one, index): BulkOutcome => {
    if (isOutcome(one)) return one;
    const id = refusalOf(() => ({ id: presentId(change, domains, one.address) }));
    if (isOutcome(id)) return id;
    const key = addressKey(one.address);
    if (fresh.has(key)) return { kind: 'refused', reason: `${key} comes twice` };
    if (id.id === undefined) fresh.set(key, one);
    else present.set(index, id.id);
    return added;
  });
  await comparePresent(change, parsed, present, outcomes);
  await insert(change, domains, [...fresh.values()]);
  return outcomes;
}

function parse(given: BulkMailbox): Parsed {
  checkQuota(given.quotaBytes ?? 0);
  const vacation = given.vacation === undefined ? undefined : changedVacation(undefined, given.vacation);
  return { address: parseHostedAddress(given.address), given, vacation };
}

/** Refuses where no mailbox can be. */
function presentId(change: Change, domains: SharedDomains, address: MailAddress): number | undefined {
  const row = domains.need(address.domain);
  const hosted = domains.hosted(address.domain);
  if (row.kind !== 'mailbox') refuse(`${row.name} is of class ${row.kind} and cannot have mailboxes`);
  if (hosted === undefined) return undefined;
  const id = change.lookups.mailboxAt(address.localpart, hosted)?.id;
  if (id !== undefined) return id;
  if (hosted.hasLists) refuseListAddress(change.lookups, row, address.localpart);
  const alias = change.lookups.aliasAt(address.localpart, hosted);
  const targets = alias === undefined ? [] : change.lookups.targets(alias);
  if (alias === undefined || targets.some((target) => target.toLowerCase() === addressKey(address))) return undefined;
  refuse(`${addressKey(address)} is an alias for ${targets.slice(0, 3).join(', ')}`);
}

async function insert(change: Change, domains: SharedDomains, fresh: readonly Parsed[]): Promise<void> {
  for (let start = 0; start < fresh.length; start += rowsPerStatement) {
    const some = fresh.slice(start, start + rowsPerStatement);
    const rows = some.map((one) => newRow(change, domains.need(one.address.domain).id, one));
    const ids = await change.db
      .insertInto('mailbox')
      .values(rows)
      .returning(['id', 'domain_id', 'localpart'])
      .execute();
    const idOf = new Map(ids.map(({ id, domain_id, localpart }) => [`${domain_id} ${localpart}`, id]));
    const events = [];
    for (const [index, row] of rows.entries()) {
      const id = idOf.get(`${row.domain_id} ${row.localpart}`) as number;
      const vacation = some[index]?.vacation;
      if (vacation !== undefined) await writeVacation(change.db, id, vacation);
      const after = { ...describeMailbox({ id, ...row }, 0), ...(vacation && { vacation }) };
      events.push({ action: 'mailbox.add', object: row.shown, before: null, after });
    }
    await change.events(events);
  }
}

function newRow(change: Change, domainId: number, { address, given, vacation }: Parsed): Omit<MailboxRow, 'id'> {
  return {
    domain_id: domainId,
    localpart: address.localpart,
    shown: address.shown,
    name: given.name ?? '',
    password: given.passwordHash,
    quota: given.quotaBytes ?? 0,
    enabled: given.enabled === false ? 0 : 1,
    created: given.created ?? change.now,
    removed_at: 0,
    tombstone: 0,
    vacation_until: vacationUntil(vacation),
    ...noRestraints,
    protocols: given.protocols ?? '',
    forward: 'keep',
    must_change: given.mustChange === true ? 1 : 0,
    password_changed: 0,
    password_expires: given.passwordExpires ?? 0,
  };
}

async function comparePresent(
  change: Change,
  parsed: readonly (Parsed | BulkOutcome)[],
  present: ReadonlyMap<number, number>,
  outcomes: BulkOutcome[],
): Promise<void> {
  const all = [...present];
  for (let start = 0; start < all.length; start += rowsPerStatement) {
    const some = all.slice(start, start + rowsPerStatement);
    const ids = some.map(([, id]) => id);
    const rows = await change.db.selectFrom('mailbox').selectAll().where('id', 'in', ids).execute();
    const byId = new Map(rows.map((row) => [row.id, row]));
    for (const [index, id] of some) {
      outcomes[index] = compare(byId.get(id) as MailboxRow, (parsed[index] as Parsed).given);
    }
  }
}

function compare(there: MailboxRow, given: BulkMailbox): BulkOutcome {
  return compared([
    given.name === undefined ? undefined : difference('name', there.name, given.name),
    given.quotaBytes === undefined ? undefined : difference('quota', there.quota, given.quotaBytes),
    given.enabled === undefined ? undefined : difference('enabled', there.enabled, Number(given.enabled)),
    given.protocols === undefined ? undefined : difference('protocols', there.protocols, given.protocols),
    there.password === given.passwordHash ? undefined : 'another password',
  ]);
}
