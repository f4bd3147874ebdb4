// How much a domain may hold: mailboxes, aliases, the quotas of its mailboxes together and of each. A limit is looked at
// when something is added or grows. One that is set below what is there already takes nothing away: it is told
// (`excesses`, and as a finding), and nothing more is taken until there is room again.

import type { DirectoryDatabase } from './database.ts';
import { refuse } from './refusal.ts';

/** As changes give it; absent stays, 0 is no limit. */
export interface DomainLimits {
  readonly maxMailboxes?: number;
  readonly maxAliases?: number;
  /** Octets of all its mailboxes' quotas together. */
  readonly totalQuotaBytes?: number;
  /** A new mailbox's where nothing else is said. */
  readonly defaultQuotaBytes?: number;
  /** Of one mailbox. */
  readonly maxQuotaBytes?: number;
}

interface LimitColumns {
  readonly max_mailboxes: number;
  readonly max_aliases: number;
  readonly total_quota: number;
  readonly default_quota: number;
  readonly max_quota: number;
}

export type LimitedDomain = LimitColumns & { readonly id: number; readonly name: string };

export const noLimits: LimitColumns = {
  max_mailboxes: 0,
  max_aliases: 0,
  total_quota: 0,
  default_quota: 0,
  max_quota: 0,
};

export function changedLimits(row: LimitColumns, changes: DomainLimits): LimitColumns {
  const next = {
    max_mailboxes: changedCount(row.max_mailboxes, changes.maxMailboxes),
    max_aliases: changedCount(row.max_aliases, changes.maxAliases),
    total_quota: changedSize(row.total_quota, changes.totalQuotaBytes),
    default_quota: changedSize(row.default_quota, changes.defaultQuotaBytes),
    max_quota: changedSize(row.max_quota, changes.maxQuotaBytes),
  };
  const { default_quota: usual, max_quota: most, total_quota: total } = next;
  if (most !== 0 && usual > most) {
    refuse(`the default quota ${bytes(usual)} is more than the maximum quota ${bytes(most)}: make one of them fit`);
  }
  if (total !== 0 && Math.max(usual, most) > total) {
    refuse(`the quota of one mailbox cannot be more than the total quota ${bytes(total)}: make one of them fit`);
  }
  return next;
}

/** As a domain is shown: only what is set. */
export function describeLimits(row: LimitColumns): DomainLimits {
  return {
    ...(row.max_mailboxes === 0 ? {} : { maxMailboxes: row.max_mailboxes }),
    ...(row.max_aliases === 0 ? {} : { maxAliases: row.max_aliases }),
    ...(row.total_quota === 0 ? {} : { totalQuotaBytes: row.total_quota }),
    ...(row.default_quota === 0 ? {} : { defaultQuotaBytes: row.default_quota }),
    ...(row.max_quota === 0 ? {} : { maxQuotaBytes: row.max_quota }),
  };
}

/** Refuses one more mailbox with this quota in the domain. The mailbox is not there yet. */
export async function refuseMailboxBeyondLimits(
  db: DirectoryDatabase,
  domain: LimitedDomain,
  quota: number,
): Promise<void> {
  if (domain.max_mailboxes !== 0) refuseOneMoreMailbox(domain, await countMailboxes(db, domain.id));
  await refuseQuotaBeyondLimits(db, domain, quota, undefined);
}

/** `present` is how many it has. */
export function refuseOneMoreMailbox({ name, max_mailboxes: most }: LimitedDomain, present: number): void {
  if (most === 0 || present < most) return;
  refuse(`${name} has its ${most} ${most === 1 ? 'mailbox' : 'mailboxes'}: ${raise(name, '--max-mailboxes')}`);
}

/** Refuses a quota that does not fit. `before` is what the mailbox has in this domain, undefined where it is new there. */
export async function refuseQuotaBeyondLimits(
  db: DirectoryDatabase,
  domain: LimitedDomain,
  quota: number,
  before: number | undefined,
): Promise<void> {
  if (quota === before) return;
  refuseLargeQuota(domain, quota);
  if (domain.total_quota === 0) return;
  // What gets smaller is always welcome, also where the sum is still too large.
  if (before !== undefined && before !== 0 && quota < before) return;
  const { sum } = await sumQuotas(db, domain.id);
  refuseQuotaBeyondTotal(domain, quota, sum - (before ?? 0));
}

/** Refuses a quota that no mailbox of the domain may have. */
export function refuseLargeQuota(domain: LimitedDomain, quota: number): void {
  const { name, max_quota: most, total_quota: total } = domain;
  if (most !== 0 && (quota === 0 || quota > most)) {
    const what = quota === 0 ? 'an unlimited mailbox' : `a quota of ${bytes(quota)}`;
    refuse(`${what} is more than ${name} allows one mailbox, ${bytes(most)}: give a smaller --quota`);
  }
  if (total !== 0 && quota === 0) {
    refuse(`${name} has a total quota of ${bytes(total)}: a mailbox in it needs a --quota of its own`);
  }
}

/** `others` is what the others have together. */
export function refuseQuotaBeyondTotal(
  { name, total_quota: total }: LimitedDomain,
  quota: number,
  others: number,
): void {
  if (total === 0 || others + quota <= total) return;
  const left = bytes(Math.max(0, total - others));
  refuse(
    `${name} has a total quota of ${bytes(total)}, of which ${left} is left: give a smaller --quota, or ${raise(name, '--total-quota')}`,
  );
}

export async function refuseAliasBeyondLimit(db: DirectoryDatabase, domain: LimitedDomain): Promise<void> {
  if (domain.max_aliases !== 0) refuseOneMoreAlias(domain, await countAliases(db, domain.id));
}

/** `present` is how many it has. */
export function refuseOneMoreAlias({ name, max_aliases: most }: LimitedDomain, present: number): void {
  if (most === 0 || present < most) return;
  refuse(`${name} has its ${most} ${most === 1 ? 'alias' : 'aliases'}: ${raise(name, '--max-aliases')}`);
}

/** What is there beyond the limits, a sentence each. */
export async function findExcesses(db: DirectoryDatabase, domain: LimitedDomain): Promise<string[]> {
  const found: string[] = [];
  const { id, name, max_mailboxes, max_aliases, total_quota, max_quota } = domain;
  const mailboxes = max_mailboxes === 0 ? 0 : await countMailboxes(db, id);
  if (mailboxes > max_mailboxes) found.push(`${name} has ${mailboxes} mailboxes, and its limit is ${max_mailboxes}`);
  const aliases = max_aliases === 0 ? 0 : await countAliases(db, id);
  if (aliases > max_aliases) found.push(`${name} has ${aliases} aliases, and its limit is ${max_aliases}`);
  if (total_quota !== 0) {
    const { sum, unlimited } = await sumQuotas(db, id);
    if (unlimited > 0) found.push(`${name} has a total quota, and ${unlimited} of its mailboxes have none`);
    if (sum > total_quota) {
      found.push(`the quotas in ${name} are ${bytes(sum)} together, and its total quota is ${bytes(total_quota)}`);
    }
  }
  const larger = max_quota === 0 ? 0 : await countLarger(db, id, max_quota);
  if (larger > 0) found.push(`${larger} of the mailboxes in ${name} have more quota than ${bytes(max_quota)}`);
  return found;
}

export async function sumQuotas(
  db: DirectoryDatabase,
  domainId: number,
): Promise<{ readonly sum: number; readonly unlimited: number }> {
  const row = await db
    .selectFrom('mailbox')
    .select((eb) => [
      eb.fn.sum<number | null>('quota').as('sum'),
      eb.fn.sum<number | null>(eb.case().when('quota', '=', 0).then(1).else(0).end()).as('unlimited'),
    ])
    .where('domain_id', '=', domainId)
    .where('tombstone', '=', 0)
    .executeTakeFirstOrThrow();
  return { sum: Number(row.sum ?? 0), unlimited: Number(row.unlimited ?? 0) };
}

export async function countMailboxes(db: DirectoryDatabase, domainId: number): Promise<number> {
  const { count } = await db
    .selectFrom('mailbox')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('domain_id', '=', domainId)
    .where('tombstone', '=', 0)
    .executeTakeFirstOrThrow();
  return Number(count);
}

async function countLarger(db: DirectoryDatabase, domainId: number, most: number): Promise<number> {
  const { count } = await db
    .selectFrom('mailbox')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('domain_id', '=', domainId)
    .where('tombstone', '=', 0)
    .where((eb) => eb.or([eb('quota', '=', 0), eb('quota', '>', most)]))
    .executeTakeFirstOrThrow();
  return Number(count);
}

export async function countAliases(db: DirectoryDatabase, domainId: number): Promise<number> {
  const { count } = await db
    .selectFrom('alias')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('domain_id', '=', domainId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

function raise(name: string, option: string): string {
  return `raise the limit with: posthaste domain set ${name} ${option}`;
}

function changedCount(current: number, value: number | undefined): number {
  if (value === undefined) return current;
  if (!Number.isSafeInteger(value) || value < 0 || value > 2 ** 31 - 1) refuse('a limit is a whole number, 0 for none');
  return value;
}

function changedSize(current: number, value: number | undefined): number {
  if (value === undefined) return current;
  if (!Number.isSafeInteger(value) || value < 0) refuse('a quota is a number of bytes, 0 for none');
  return value;
}

const units = ['', 'K', 'M', 'G', 'T'] as const;

/** As `--quota` takes it. */
function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)}${units[unit] ?? ''}`;
}
