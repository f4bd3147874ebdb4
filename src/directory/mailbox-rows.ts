// Rows of the mailbox table by address, living and removed.

import { keepQuery } from '../database/kept-query.ts';
import type { Change } from './change.ts';
import { contains } from './contains.ts';
import type { DirectoryDatabase } from './database.ts';
import { needDomain } from './domain-rows.ts';
import { type ForwardInfo, readForwards } from './forward-rows.ts';
import { describeLoginRules, type LoginRuleInfo } from './login-rules.ts';
import { refuseListAddress } from './list-rows.ts';
import type { DirectoryLookups } from './lookups.ts';
import { addressKey, type MailAddress } from './mail-address.ts';
import { refuse, refuseMissing, refuseTaken } from './refusal.ts';
import { describeRestraints, type RestraintInfo } from './restraints.ts';
import type { DomainRow, MailboxRow } from './schema.ts';
import { removeRightsOfLogin } from './sender-rights.ts';
import { readVacations, type VacationInfo } from './vacations.ts';

const dayMilliseconds = 86_400_000;
/** How long a removed mailbox can be restored, where the setting `recovery-days` says nothing. */
const defaultRecoveryDays = 30;

export interface MailboxInfo extends RestraintInfo, LoginRuleInfo {
  readonly id: number;
  readonly address: string;
  readonly name: string;
  /** 0 is unlimited. */
  readonly quotaBytes: number;
  readonly enabled: boolean;
  /** What it answers while its owner is away. */
  readonly vacation?: VacationInfo;
  readonly forward?: ForwardInfo;
  /** Where its owner gets a link when the password is forgotten. */
  readonly recoveryAddress?: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Set for a removed mailbox. */
  readonly removedAt?: number;
  /** Until when a removed mailbox can be restored. */
  readonly recoverableUntil?: number;
}

export async function removeMailboxRow(change: Change, row: MailboxRow): Promise<void> {
  await change.db
    .updateTable('mailbox')
    .set({ removed_at: change.now, tombstone: row.id })
    .where('id', '=', row.id)
    .execute();
  await change.event('mailbox.remove', row.shown, await describeWhole(change.db, row), null);
  const at = row.shown.lastIndexOf('@');
  await removeRightsOfLogin(change, `${row.localpart}${row.shown.slice(at)}`);
}

const mailboxAt = keepQuery((db: DirectoryDatabase, domain: string, localpart: string) =>
  db
    .selectFrom('mailbox as m')
    .innerJoin('domain as d', 'd.id', 'm.domain_id')
    .selectAll('m')
    .where('d.name', '=', domain)
    .where('d.tombstone', '=', 0)
    .where('m.localpart', '=', localpart)
    .where('m.tombstone', '=', 0),
);

export async function findMailbox(db: DirectoryDatabase, address: MailAddress): Promise<MailboxRow | undefined> {
  return (await mailboxAt(db, address.domain, address.localpart))[0];
}

/** The domain may have been removed and made anew since. */
export async function findRemoved(db: DirectoryDatabase, address: MailAddress): Promise<MailboxRow | undefined> {
  return await db
    .selectFrom('mailbox as m')
    .innerJoin('domain as d', 'd.id', 'm.domain_id')
    .selectAll('m')
    .where('d.name', '=', address.domain)
    .where('m.localpart', '=', address.localpart)
    .where('m.tombstone', '!=', 0)
    .orderBy('m.removed_at', 'desc')
    .orderBy('m.id', 'desc')
    .executeTakeFirst();
}

export async function needMailbox(db: DirectoryDatabase, address: MailAddress): Promise<MailboxRow> {
  const row = await findMailbox(db, address);
  if (row) return row;
  await needDomain(db, address.domain);
  const removed = await findRemoved(db, address);
  const shown = addressKey(address);
  if (removed) refuseMissing(`${shown} was removed: bring it back with: posthaste mailbox restore ${shown}`);
  refuseMissing(`there is no mailbox ${shown}: add it with: posthaste mailbox add ${shown}`);
}

export async function needMailboxDomain(db: DirectoryDatabase, name: string): Promise<DomainRow> {
  const domain = await needDomain(db, name);
  if (domain.kind !== 'mailbox') {
    refuse(
      `${name} is of class ${domain.kind} and cannot have mailboxes: change that with: posthaste domain set ${name} --class mailbox`,
    );
  }
  return domain;
}

/** Refuses an address that something else has, but an alias that keeps a copy. */
export function refuseTakenAddress(lookups: DirectoryLookups, domain: DomainRow, address: MailAddress): void {
  const hit = lookups.address(address.localpart, domain.name);
  const key = addressKey(address);
  if (hit?.mailboxId !== undefined) refuseTaken(`${key} exists already: change it with: posthaste mailbox set ${key}`);
  refuseListAddress(lookups, domain, address.localpart);
  if (hit?.aliasId === undefined) return;
  const targets = lookups.targets(hit.aliasId);
  if (targets.some((target) => target.toLowerCase() === key)) return;
  refuseTaken(
    `${key} is an alias for ${targets.slice(0, 3).join(', ')}: remove that first with: posthaste alias remove ${key}`,
  );
}

export async function recoveryMilliseconds(db: DirectoryDatabase): Promise<number> {
  const row = await db.selectFrom('setting').select('value').where('name', '=', 'recovery-days').executeTakeFirst();
  return Number(row?.value ?? defaultRecoveryDays) * dayMilliseconds;
}

/** As describeMailbox, with the vacation and the forward. */
export async function describeWhole(db: DirectoryDatabase, row: MailboxRow, recovery = 0): Promise<MailboxInfo> {
  const [whole] = await describeAll(db, [row], recovery);
  return whole ?? describeMailbox(row, recovery);
}

export async function describeAll(
  db: DirectoryDatabase,
  rows: readonly MailboxRow[],
  recovery = 0,
): Promise<MailboxInfo[]> {
  const vacations = await readVacations(db, rows);
  const forwards = await readForwards(db, rows);
  return rows.map((row) => {
    const vacation = vacations.get(row.id);
    const forward = forwards.get(row.id);
    return {
      ...describeMailbox(row, recovery),
      ...(vacation === undefined ? {} : { vacation }),
      ...(forward === undefined ? {} : { forward }),
    };
  });
}

export function describeMailbox(row: Omit<MailboxRow, 'vacation_until'>, recovery: number): MailboxInfo {
  const removed = row.removed_at > 0 ? { removedAt: row.removed_at, recoverableUntil: row.removed_at + recovery } : {};
  return {
    id: row.id,
    address: row.shown,
    name: row.name,
    quotaBytes: row.quota,
    enabled: row.enabled === 1,
    created: row.created,
    ...describeRestraints(row),
    ...describeLoginRules(row),
    ...(row.recovery_address === '' ? {} : { recoveryAddress: row.recovery_address }),
    ...removed,
  };
}

export interface MailboxRange {
  readonly domain: string | undefined;
  readonly afterDomain: string;
  readonly afterLocalpart: string;
  readonly limit: number;
  readonly search?: string | undefined;
}

/** Domains asked for at a time. */
const domainsPerStep = 50;

/**
 * Living mailboxes by domain and localpart. Domain by domain, each from its index: joined and ordered in one statement,
 * SQLite reads and sorts every mailbox there is to give one page.
 */
export async function listMailboxRows(db: DirectoryDatabase, range: MailboxRange): Promise<MailboxRow[]> {
  const rows: MailboxRow[] = [];
  let from = range.afterDomain;
  let isFirst = true;
  for (;;) {
    const domains = await domainsWithMailboxes(db, range.domain, from, isFirst);
    for (const { id, name } of domains) {
      const after = name === range.afterDomain ? range.afterLocalpart : '';
      rows.push(...(await mailboxesOf(db, id, after, range.limit - rows.length, range.search)));
      if (rows.length >= range.limit) return rows;
      from = name;
    }
    if (domains.length < domainsPerStep) return rows;
    isFirst = false;
  }
}

async function domainsWithMailboxes(
  db: DirectoryDatabase,
  only: string | undefined,
  from: string,
  isFirst: boolean,
): Promise<{ id: number; name: string }[]> {
  let select = db
    .selectFrom('domain as d')
    .select(['d.id', 'd.name'])
    .where('d.tombstone', '=', 0)
    .where('d.name', isFirst ? '>=' : '>', from)
    .where((eb) =>
      eb.exists(
        eb.selectFrom('mailbox as m').select('m.id').whereRef('m.domain_id', '=', 'd.id').where('m.tombstone', '=', 0),
      ),
    );
  if (only !== undefined) select = select.where('d.name', '=', only);
  return await select.orderBy('d.name').limit(domainsPerStep).execute();
}

async function mailboxesOf(
  db: DirectoryDatabase,
  domainId: number,
  after: string,
  limit: number,
  search: string | undefined,
): Promise<MailboxRow[]> {
  let select = db
    .selectFrom('mailbox')
    .selectAll()
    .where('domain_id', '=', domainId)
    .where('tombstone', '=', 0)
    .where('localpart', '>', after);
  if (search !== undefined) {
    const wanted = contains(search);
    select = select.where((eb) => eb.or([wanted('localpart'), wanted('name')]));
  }
  return await select.orderBy('localpart').limit(limit).execute();
}
