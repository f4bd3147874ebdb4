// Mailboxes, many at once (bulk-changes.ts).

import type { Change } from './change.ts';
import {
  added,
  type BulkOutcome,
  compared,
  difference,
  type InsertedRow,
  isOutcome,
  presentRows,
  refusalOf,
  rowKey,
  rowsPerStatement,
  SharedDomains,
} from './bulk-outcome.ts';
import { BulkRoom, type BulkRules } from './bulk-room.ts';
import { type ForwardInfo, parseForwards, readForwards, writeForward } from './forward-rows.ts';
import { refuseBadForward } from './forwards.ts';
import { insertRows } from './insert-rows.ts';
import { refuseListAddress } from './list-rows.ts';
import { changedLoginRules, type LoginRuleSettings, noLoginRules } from './login-rules.ts';
import { addressKey, type MailAddress, parseHostedAddress } from './mail-address.ts';
import { describeMailbox } from './mailbox-rows.ts';
import { checkQuota } from './mailboxes.ts';
import { refuse } from './refusal.ts';
import { noRestraints } from './restraints.ts';
import type { DomainRow, MailboxRow } from './schema.ts';
import {
  changedVacation,
  vacationUntil,
  type VacationInfo,
  type VacationSettings,
  writeVacation,
} from './vacations.ts';

/** What is not given is as for a new mailbox, and is not compared with one that is there. */
export interface BulkMailbox extends LoginRuleSettings {
  readonly address: string;
  /** Absent: nobody can log in to a new one. */
  readonly passwordHash?: string;
  /** In place of `passwordHash`, for a new one alone: one that is there keeps its own, and is not compared. */
  readonly madePasswordHash?: string;
  readonly name?: string;
  /** Bytes; 0 is unlimited. */
  readonly quotaBytes?: number;
  readonly enabled?: boolean;
  /** Milliseconds since 1970. */
  readonly created?: number;
  readonly vacation?: VacationSettings;
  /** One that would go round in a circle is left out, and told. */
  readonly forward?: ForwardInfo;
}

interface Parsed {
  readonly address: MailAddress;
  readonly index: number;
  readonly given: BulkMailbox;
  readonly vacation: VacationInfo | undefined;
  readonly forward: readonly MailAddress[];
}

type Placed = Parsed & { readonly domainId: number; readonly row: DomainRow };

export async function addMailboxes(
  change: Change,
  mailboxes: readonly BulkMailbox[],
  rules: BulkRules = {},
): Promise<BulkOutcome[]> {
  const parsed = mailboxes.map((one, index) => refusalOf(() => parse(one, index)));
  const names = new Set(parsed.flatMap((one) => (isOutcome(one) ? [] : [one.address.domain])));
  const domains = await SharedDomains.read(change, names);
  const looked = parsed.map((one) => (isOutcome(one) ? one : refusalOf(() => place(domains, one))));
  const wanted = looked.flatMap((one) => (isOutcome(one) ? [] : [[one.domainId, one.address.localpart] as const]));
  const present = await presentRows(wanted, (domainId, localparts) => readMailboxes(change, domainId, localparts));
  const forwards = await readForwards(change.db, [...present.values()]);
  const rows = looked.flatMap((one) => (isOutcome(one) ? [] : [one.row]));
  const room = await BulkRoom.read(change, rows, rules);
  const fresh = new Map<string, Placed>();
  const outcomes = looked.map((one): BulkOutcome => {
    if (isOutcome(one)) return one;
    const key = rowKey(one.domainId, one.address.localpart);
    if (fresh.has(key)) return { kind: 'refused', reason: `${addressKey(one.address)} comes twice` };
    const there = present.get(key);
    if (there !== undefined) return compare(there, forwards.get(there.id), one);
    const refused = refusalOf(() => {
      refuseTaken(change, domains, one);
      room.takeMailbox(one.row, quotaOf(one));
      return added;
    });
    if (refused.kind === 'added') fresh.set(key, one);
    return refused;
  });
  await insert(change, [...fresh.values()], outcomes);
  return outcomes;
}

/** Refuses where no mailbox can be. */
function place(domains: SharedDomains, one: Parsed): Placed {
  const row = domains.need(one.address.domain);
  const { id: domainId, name, kind } = row;
  if (kind !== 'mailbox') refuse(`${name} is of class ${kind} and cannot have mailboxes`);
  return { ...one, domainId, row };
}

/** As for one that is added by itself: the domain's default. */
function quotaOf({ given, row }: Placed): number {
  return given.quotaBytes ?? row.default_quota;
}

function readMailboxes(change: Change, domainId: number, localparts: readonly string[]): Promise<MailboxRow[]> {
  return change.db
    .selectFrom('mailbox')
    .selectAll()
    .where('domain_id', '=', domainId)
    .where('tombstone', '=', 0)
    .where('localpart', 'in', localparts)
    .execute();
}

function parse(given: BulkMailbox, index: number): Parsed {
  checkQuota(given.quotaBytes ?? 0);
  const vacation = given.vacation === undefined ? undefined : changedVacation(undefined, given.vacation);
  const forward = given.forward === undefined ? [] : parseForwards(given.forward.to);
  return { index, address: parseHostedAddress(given.address), given, vacation, forward };
}

/** A list or an alias is there already. */
function refuseTaken(change: Change, domains: SharedDomains, { address }: Parsed): BulkOutcome {
  const hosted = domains.hosted(address.domain);
  if (hosted === undefined) return added;
  if (hosted.hasLists) refuseListAddress(change.lookups, hosted, address.localpart);
  const alias = change.lookups.aliasAt(address.localpart, hosted);
  const targets = alias === undefined ? [] : change.lookups.targets(alias);
  if (alias === undefined || targets.some((target) => target.toLowerCase() === addressKey(address))) return added;
  refuse(`${addressKey(address)} is an alias for ${targets.slice(0, 3).join(', ')}`);
}

async function insert(change: Change, fresh: readonly Placed[], outcomes: BulkOutcome[]): Promise<void> {
  for (let start = 0; start < fresh.length; start += rowsPerStatement) {
    const some = fresh.slice(start, start + rowsPerStatement);
    const rows = some.map((one) => newRow(change, one));
    const found = await insertRows<InsertedRow>(change.db, 'mailbox', rows, ['id', 'domain_id', 'localpart']);
    const idOf = new Map(found.map(({ id, domain_id, localpart }) => [rowKey(domain_id, localpart), id]));
    const ids = rows.map(({ domain_id, localpart }) => idOf.get(rowKey(domain_id, localpart)) as number);
    await insertForwards(change, some, ids);
    const events = [];
    for (const [at, row] of rows.entries()) {
      const [id, one] = [ids[at] as number, some[at] as Parsed];
      if (one.vacation !== undefined) await writeVacation(change.db, id, one.vacation);
      const forward = await checkedForward(change, id, one, outcomes);
      const after = { ...describeMailbox({ id, ...row }, 0), ...(one.vacation && { vacation: one.vacation }) };
      events.push({
        action: 'mailbox.add',
        object: row.shown,
        before: null,
        after: { ...after, ...(forward && { forward }) },
      });
    }
    await change.events(events);
  }
}

async function insertForwards(change: Change, some: readonly Parsed[], ids: readonly number[]): Promise<void> {
  const rows = some.flatMap(({ forward }, at) =>
    forward.map(({ shown, domain, localpart }, position) => {
      return { mailbox_id: ids[at] as number, position, address: shown, domain, localpart };
    }),
  );
  for (let start = 0; start < rows.length; start += rowsPerStatement) {
    await insertRows(change.db, 'mailbox_forward', rows.slice(start, start + rowsPerStatement));
  }
}

/** As it stands; undefined where there is none, or none that can be. */
async function checkedForward(
  change: Change,
  id: number,
  { index, address, given, forward }: Parsed,
  outcomes: BulkOutcome[],
): Promise<ForwardInfo | undefined> {
  if (given.forward === undefined) return undefined;
  const info = { mode: given.forward.mode, to: forward.map(({ shown }) => shown) };
  const outcome = refusalOf(() => {
    refuseBadForward(change, { id, address }, info);
    return added;
  });
  if (outcome.kind !== 'refused') return info;
  await writeForward(change.db, id, undefined);
  outcomes[index] = { kind: 'added', without: `its forward to ${info.to.join(', ')}`, reason: outcome.reason };
  return undefined;
}

function newRow(change: Change, one: Placed): Omit<MailboxRow, 'id'> {
  const { domainId, address, given, vacation } = one;
  return {
    domain_id: domainId,
    localpart: address.localpart,
    shown: address.shown,
    name: plainName(given.name ?? ''),
    password: given.passwordHash ?? given.madePasswordHash ?? '!',
    quota: quotaOf(one),
    enabled: given.enabled === false ? 0 : 1,
    created: given.created ?? change.now,
    removed_at: 0,
    tombstone: 0,
    vacation_until: vacationUntil(vacation),
    ...noRestraints,
    // When the password was chosen is not known.
    ...changedLoginRules(noLoginRules, given, false, change.now),
    forward: given.forward?.mode ?? 'keep',
    recovery_address: '',
  };
}

function passwordDifference(there: string, given: string | undefined): string | undefined {
  if (given === undefined || given === there) return undefined;
  return there === '!' ? 'no password here' : 'another password';
}

function compare(there: MailboxRow, forwarded: ForwardInfo | undefined, { given, forward }: Parsed): BulkOutcome {
  const { protocols } = given;
  const shown = (info: ForwardInfo | undefined): string =>
    info === undefined ? '' : `${info.mode} ${info.to.join(', ')}`;
  const to = given.forward && { mode: given.forward.mode, to: forward.map((target) => target.shown) };
  return compared([
    given.name === undefined ? undefined : difference('name', there.name, plainName(given.name)),
    given.quotaBytes === undefined ? undefined : difference('quota', there.quota, given.quotaBytes),
    given.enabled === undefined ? undefined : difference('enabled', there.enabled, Number(given.enabled)),
    protocols === undefined ? undefined : difference('protocols', there.protocols, protocols.join(' ')),
    to === undefined ? undefined : difference('forward', shown(forwarded), shown(to)),
    passwordDifference(there.password, given.passwordHash),
  ]);
}

/** Of one line, as long as the column; other systems keep anything. */
function plainName(name: string): string {
  return Array.from(name.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim())
    .slice(0, 255)
    .join('');
}
