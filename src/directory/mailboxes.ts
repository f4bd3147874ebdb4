// Mailboxes: accounts that own mail and have an address. A removed one keeps its id and its mail for a set time and can
// be restored; an id never names another mailbox. The installation's first mailbox becomes the administrator's:
// postmaster, abuse and root reach it (RFC 5321 §4.5.1, RFC 2142), so that no fresh host is deaf to complaints.

import { deleteLoginSecrets, deleteScramKeys } from './app-passwords.ts';
import type { Change, Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { refuseMailboxBeyondLimits, refuseQuotaBeyondLimits } from './domain-limits.ts';
import { needDomain } from './domain-rows.ts';
import { refuseLoops } from './expansion.ts';
import { writeForward } from './forward-rows.ts';
import { changeForward, type ForwardSettings, refuseBadForward } from './forwards.ts';
import { type LastLoginInfo, withLastLogins } from './last-logins.ts';
import { changedLoginRules, type LoginRuleSettings, noLoginRules } from './login-rules.ts';
import { addressKey, fold, type MailAddress, parseAddress, parseDomain, parseHostedAddress } from './mail-address.ts';
import { findAlias, insertAlias } from './alias-rows.ts';
import {
  describeAll,
  describeMailbox,
  describeWhole,
  findRemoved,
  listMailboxRows,
  type MailboxInfo,
  needMailbox,
  needMailboxDomain,
  recoveryMilliseconds,
  refuseTakenAddress,
  removeMailboxRow,
  findMailbox,
} from './mailbox-rows.ts';
import type { DirectoryLookups } from './lookups.ts';
import { DirectoryRefusedError, refuse, refuseMissing } from './refusal.ts';
import { changedRestraints, type MailboxRestraints } from './restraints.ts';
import type { DomainRow, MailboxRow } from './schema.ts';
import { removeTags } from './tags.ts';
import { renameMailbox, type RenamedMailbox, type RenameOptions } from './mailbox-rename.ts';
import { removeKeysOf, removeOwned } from './owned-keys.ts';
import { checkRecoveryAddress, voidRecovery } from './recovery.ts';
import { restoreRightsOf } from './removals.ts';
import { type References, referencesTo } from './references.ts';
import { changedVacation, type VacationSettings, writeVacation } from './vacations.ts';

export interface NewMailbox extends LoginRuleSettings {
  readonly address: string;
  readonly passwordHash: string;
  readonly name?: string;
  /** Absent: the domain's default. */
  readonly quotaBytes?: number;
  readonly enabled?: boolean;
}

export interface MailboxSettings extends MailboxRestraints, LoginRuleSettings {
  readonly passwordHash?: string;
  /** The owner has changed the password, knowing the one before; otherwise tokens and passkeys go with it. */
  readonly keepsKeys?: boolean;
  readonly name?: string;
  readonly quotaBytes?: number;
  readonly enabled?: boolean;
  /** What is given changes, the rest stays; null ends the vacation. */
  readonly vacation?: VacationSettings | null;
  /** As `vacation`. */
  readonly forward?: ForwardSettings | null;
  /** '' takes it away. */
  readonly recoveryAddress?: string;
}

/** With what is no part of the configuration. */
export type ListedMailbox = MailboxInfo & { readonly lastLogin?: LastLoginInfo };

export interface MailboxQuery {
  readonly domain?: string;
  /** Of one domain: those whose address or owner's name contains this. */
  readonly search?: string;
  /** The address of the last one seen, as listed; for removed ones its id. */
  readonly after?: string;
  readonly limit?: number;
  readonly removed?: boolean;
  /** Of removed ones: not those before. */
  readonly removedSince?: number;
}

export class Mailboxes {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;
  readonly #lookups: DirectoryLookups;

  constructor(db: DirectoryDatabase, changes: Changes, lookups: DirectoryLookups) {
    this.#db = db;
    this.#changes = changes;
    this.#lookups = lookups;
  }

  /** `becameAdministrator`: postmaster, abuse and root reach it from now on. */
  async add(mailbox: NewMailbox): Promise<MailboxInfo & { readonly becameAdministrator: boolean }> {
    const address = parseHostedAddress(mailbox.address);
    if (mailbox.quotaBytes !== undefined) checkQuota(mailbox.quotaBytes);
    return await this.#changes.make(async (change) => {
      const domain = await needMailboxDomain(change.db, address.domain);
      refuseTakenAddress(change.lookups, domain, address);
      const quota = mailbox.quotaBytes ?? domain.default_quota;
      await refuseMailboxBeyondLimits(change.db, domain, quota);
      const values = {
        domain_id: domain.id,
        localpart: address.localpart,
        shown: address.shown,
        name: mailbox.name ?? '',
        password: mailbox.passwordHash,
        quota,
        enabled: mailbox.enabled === false ? 0 : 1,
        ...changedLoginRules(noLoginRules, mailbox, true, change.now),
        created: change.now,
        removed_at: 0,
      };
      const row = await change.db.insertInto('mailbox').values(values).returningAll().executeTakeFirstOrThrow();
      const info = describeMailbox(row, 0);
      await change.event('mailbox.add', address.shown, null, info);
      const becameAdministrator = await appointAdministrator(change, domain, row.id, address);
      return { ...info, becameAdministrator };
    });
  }

  async show(address: string): Promise<ListedMailbox | undefined> {
    const row = await findMailbox(this.#db, parseAddress(address));
    return row && (await this.#describe(row));
  }

  /** As `show`; refuses with what to type where there is none. */
  async need(address: string): Promise<ListedMailbox> {
    return await this.#describe(await needMailbox(this.#db, parseAddress(address)));
  }

  async #describe(row: MailboxRow): Promise<ListedMailbox> {
    const info = await describeWhole(this.#db, row);
    return (await withLastLogins(this.#db, [info]))[0] ?? info;
  }

  /** Refuses where `add` would refuse the address, or the quota. */
  async checkNew(address: string, quotaBytes?: number): Promise<void> {
    const key = parseHostedAddress(address);
    const domain = await needMailboxDomain(this.#db, key.domain);
    refuseTakenAddress(this.#lookups, domain, key);
    await refuseMailboxBeyondLimits(this.#db, domain, quotaBytes ?? domain.default_quota);
  }

  async list(query: MailboxQuery = {}): Promise<ListedMailbox[]> {
    const limit = Math.min(query.limit ?? 100, 1001);
    if (query.removed) return await this.#listRemoved(query, limit);
    const [afterLocalpart, afterDomain] = splitAfter(query.after);
    const domain = query.domain === undefined ? undefined : parseDomain(query.domain);
    const rows = await listMailboxRows(this.#db, {
      domain,
      afterDomain,
      afterLocalpart,
      limit,
      search: query.search,
    });
    return await withLastLogins(this.#db, await describeAll(this.#db, rows));
  }

  async #listRemoved(query: MailboxQuery, limit: number): Promise<MailboxInfo[]> {
    let select = this.#db
      .selectFrom('mailbox as m')
      .innerJoin('domain as d', 'd.id', 'm.domain_id')
      .selectAll('m')
      .where('m.tombstone', '!=', 0)
      .where('m.id', '>', Number(query.after ?? 0))
      .where('m.removed_at', '>=', query.removedSince ?? 0);
    if (query.domain !== undefined) select = select.where('d.name', '=', parseDomain(query.domain));
    const recovery = await recoveryMilliseconds(this.#db);
    return (await select.orderBy('m.id').limit(limit).execute()).map((row) => describeMailbox(row, recovery));
  }

  async set(address: string, settings: MailboxSettings): Promise<MailboxInfo> {
    const key = parseAddress(address);
    if (settings.quotaBytes !== undefined) checkQuota(settings.quotaBytes);
    return await this.#changes.make(async (change) => {
      const row = await needMailbox(change.db, key);
      const next = {
        password: settings.passwordHash ?? row.password,
        name: settings.name ?? row.name,
        quota: settings.quotaBytes ?? row.quota,
        enabled: settings.enabled === undefined ? row.enabled : Number(settings.enabled),
        ...changedRestraints(row, settings),
        ...changedLoginRules(row, settings, isOther(settings.passwordHash, row.password), change.now),
        recovery_address: changedRecovery(change, row, settings.recoveryAddress),
      };
      await refuseQuotaBeyondLimits(change.db, await needDomain(change.db, key.domain), next.quota, row.quota);
      const before = await describeWhole(change.db, row);
      await change.db.updateTable('mailbox').set(next).where('id', '=', row.id).execute();
      if (next.password !== row.password) {
        await deleteScramKeys(change.db, row.id);
        if (settings.keepsKeys !== true) await removeKeysOf(change, { kind: 'mailbox', id: row.id });
      }
      // Whoever had the old password, or is switched off, is to be out.
      if (next.password !== row.password || next.enabled === 0) await removeSessions(change.db, row.id);
      if (next.recovery_address !== row.recovery_address) await voidRecovery(change.db, row.id);
      if (settings.vacation !== undefined) {
        await writeVacation(change.db, row.id, changedVacation(before.vacation, settings.vacation));
      }
      if (settings.forward !== undefined) {
        await changeForward(change, { id: row.id, address: key }, before.forward, settings.forward);
      }
      const after = await describeWhole(change.db, await needMailbox(change.db, key));
      const password = next.password === row.password ? {} : { password: 'changed' };
      await change.event('mailbox.set', row.shown, before, { ...after, ...password });
      return after;
    });
  }

  /** `references` still name the address; mail to it would bounce. */
  async remove(address: string): Promise<{ readonly references: References; readonly recoverableUntil: number }> {
    const key = parseAddress(address);
    return await this.#changes.make(async (change) => {
      const row = await needMailbox(change.db, key);
      await removeMailboxRow(change, row);
      // Its mail may now fall to a catch-all whose targets lead back here.
      refuseLoops(change.lookups, [addressKey(key)]);
      const recoverableUntil = change.now + (await recoveryMilliseconds(change.db));
      return { references: await referencesTo(change.db, key), recoverableUntil };
    });
  }

  /** What names the address of a mailbox: aliases, lists, forwards, rights to send. */
  async references(address: string): Promise<References> {
    return await referencesTo(this.#db, parseAddress(address));
  }

  /** Gives it another address, and moves it to another domain where that has one. */
  async rename(address: string, to: string, options: RenameOptions = {}): Promise<RenamedMailbox> {
    const [from, next] = [parseAddress(address), parseHostedAddress(to)];
    return await this.#changes.make(async (change) => await renameMailbox(change, from, next, options));
  }

  /** Brings the mailbox that was removed last under this address back, with its id and its mail. `since`: none that was removed before. */
  async restore(address: string, since = 0): Promise<MailboxInfo> {
    const key = parseAddress(address);
    return await this.#changes.make(async (change) => {
      const domain = await needMailboxDomain(change.db, key.domain);
      const row = await findRemoved(change.db, key);
      if (row === undefined || row.removed_at < since)
        refuseMissing(`no removed mailbox ${addressKey(key)}: see: posthaste mailbox list --removed`);
      if (row.removed_at <= change.now - (await recoveryMilliseconds(change.db))) {
        refuse(`${addressKey(key)} was removed too long ago: its mail is being deleted`);
      }
      refuseTakenAddress(change.lookups, domain, key);
      await refuseMailboxBeyondLimits(change.db, domain, row.quota);
      const next = { domain_id: domain.id, removed_at: 0, tombstone: 0 };
      await change.db.updateTable('mailbox').set(next).where('id', '=', row.id).execute();
      await dropBadForward(change, row.id, key);
      const info = await describeWhole(change.db, await needMailbox(change.db, key));
      await change.event('mailbox.restore', row.shown, null, info);
      await restoreRightsOf(change, row.shown, row.id);
      return info;
    });
  }

  /** Removed mailboxes whose time is over: their mail is to be deleted, then `purge` forgets them. */
  async purgeable(now: number, limit = 100): Promise<MailboxInfo[]> {
    const recovery = await recoveryMilliseconds(this.#db);
    const rows = await this.#db
      .selectFrom('mailbox')
      .selectAll()
      .where('removed_at', '>', 0)
      .where('removed_at', '<=', now - recovery)
      .orderBy('removed_at')
      .limit(limit)
      .execute();
    return rows.map((row) => describeMailbox(row, recovery));
  }

  async purge(id: number): Promise<void> {
    await this.#changes.make(async (change) => {
      const row = await change.db
        .selectFrom('mailbox')
        .selectAll()
        .where('id', '=', id)
        .where('tombstone', '!=', 0)
        .executeTakeFirst();
      if (!row) refuse(`mailbox ${id} is not a removed one`);
      const before = await describeWhole(change.db, row);
      await change.db.deleteFrom('vacation').where('mailbox_id', '=', id).execute();
      await change.db.deleteFrom('mailbox_forward').where('mailbox_id', '=', id).execute();
      await change.db.deleteFrom('last_login').where('mailbox_id', '=', id).execute();
      await removeTags(change, 'mailbox', id, `${row.localpart}${row.shown.slice(row.shown.lastIndexOf('@'))}`);
      await deleteLoginSecrets(change.db, id);
      await removeOwned(change, 'mailbox', id);
      await voidRecovery(change.db, id);
      await change.db.deleteFrom('mailbox').where('id', '=', id).execute();
      await change.event('mailbox.purge', row.shown, before, null);
    });
  }
}

/** One that would go round in a circle by now: the mailbox comes back without it. */
async function dropBadForward(change: Change, id: number, address: MailAddress): Promise<void> {
  const { forward } = await describeWhole(change.db, await needMailbox(change.db, address));
  if (forward === undefined) return;
  try {
    refuseBadForward(change, { id, address }, forward);
  } catch (error) {
    if (!(error instanceof DirectoryRefusedError)) throw error;
    await writeForward(change.db, id, undefined);
  }
}

async function appointAdministrator(
  change: Change,
  domain: DomainRow,
  id: number,
  address: MailAddress,
): Promise<boolean> {
  const current = change.lookups.setting('administrator');
  if (current !== undefined && change.lookups.mailboxById(Number(current))) return false;
  await change.db.deleteFrom('setting').where('name', '=', 'administrator').execute();
  await change.db
    .insertInto('setting')
    .values({ name: 'administrator', value: String(id) })
    .execute();
  await change.event('setting.set', 'administrator', current === undefined ? null : { value: current }, {
    value: String(id),
  });
  for (const localpart of ['postmaster', 'abuse', 'root']) {
    const hit = change.lookups.address(localpart, domain.name);
    if (hit?.aliasId !== undefined || hit?.mailboxId !== undefined) continue;
    const alias = { localpart, domain: domain.name, shown: `${localpart}@${domain.name}` };
    // One that is off is the administrator's wish.
    if ((await findAlias(change.db, alias)) !== undefined) continue;
    await insertAlias(change, domain, alias, [address]);
  }
  return true;
}

function changedRecovery(change: Change, row: MailboxRow, given: string | undefined): string {
  if (given === undefined) return row.recovery_address;
  return checkRecoveryAddress(given, (one) => change.lookups.mailboxByAddress(one)?.id === row.id);
}

async function removeSessions(db: DirectoryDatabase, mailbox: number): Promise<void> {
  await db.deleteFrom('web_session').where('owner_kind', '=', 'mailbox').where('owner_id', '=', mailbox).execute();
}

function isOther(hash: string | undefined, current: string): boolean {
  return hash !== undefined && hash !== current;
}

export function checkQuota(bytes: number): void {
  if (!Number.isSafeInteger(bytes) || bytes < 0) refuse('a quota is a number of bytes, 0 for unlimited');
}

function splitAfter(after: string | undefined): [string, string] {
  const at = after?.lastIndexOf('@') ?? -1;
  return after === undefined || at < 0 ? ['', ''] : [fold(after.slice(0, at)), after.slice(at + 1)];
}
