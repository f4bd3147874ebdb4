// Those who administer: of the whole host, or of some domains. A host must not be left without anybody who can administer
// it by the network, so the last active host administrator is neither removed nor switched off nor made less (the command
// line on the machine itself needs none).

import type { AdminRole, AdminRow } from './administration-schema.ts';
import { removeKeysOf, removeOwned } from './owned-keys.ts';
import type { Change, Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { findDomain } from './domain-rows.ts';
import { maxPage, type Page } from './domains.ts';
import { fold, parseDomain } from './mail-address.ts';
import { refuse, refuseMissing, refuseTaken } from './refusal.ts';
import { removeWebhooksOf } from './webhooks.ts';

export interface AdministratorInfo {
  readonly login: string;
  readonly name: string;
  readonly role: AdminRole;
  /** Empty for a host administrator, whose are all. */
  readonly domains: readonly string[];
  readonly active: boolean;
  /** A password is set. */
  readonly hasPassword: boolean;
  readonly mustChange: boolean;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** What concerns logging in; it changes without anybody's doing. */
export interface AdministratorLogins {
  readonly lastLogin?: { readonly time: number; readonly address: string };
  /** Codes of an app are asked for. */
  readonly totp: boolean;
  readonly passkeys: number;
}

export interface NewAdministrator {
  readonly login: string;
  readonly name?: string;
  readonly role: AdminRole;
  readonly domains?: readonly string[];
  /** Absent: logs in by a token only. */
  readonly passwordHash?: string;
  readonly mustChange?: boolean;
  readonly active?: boolean;
}

export interface AdministratorSettings extends Partial<Omit<NewAdministrator, 'login'>> {
  /** As MailboxSettings has it. */
  readonly keepsKeys?: boolean;
}

export class Administrators {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  async add(added: NewAdministrator): Promise<AdministratorInfo> {
    const login = parseLogin(added.login);
    return await this.#changes.make(async (change) => {
      if (await findRow(change.db, login)) {
        refuseTaken(`there is an administrator ${login} already: change it with: posthaste admin set ${login}`);
      }
      const values = {
        login,
        name: checkName(added.name ?? ''),
        password: added.passwordHash ?? '',
        role: added.role,
        active: added.active === false ? 0 : 1,
        must_change: added.mustChange ? 1 : 0,
        created: change.now,
      };
      const { id } = await change.db.insertInto('admin').values(values).returning('id').executeTakeFirstOrThrow();
      await writeDomains(change, id, added.role, added.domains ?? []);
      const info = await describe(change.db, { ...values, id, last_login: 0, last_login_address: '' });
      await change.event('admin.add', login, null, info);
      return info;
    });
  }

  async show(login: string): Promise<AdministratorInfo | undefined> {
    const row = await findRow(this.#db, fold(login.trim()));
    return row && (await describe(this.#db, row));
  }

  async need(login: string): Promise<AdministratorInfo> {
    return await describe(this.#db, await needRow(this.#db, login));
  }

  async list(page: Page = {}): Promise<AdministratorInfo[]> {
    const rows = await this.#db
      .selectFrom('admin')
      .selectAll()
      .where('login', '>', page.after ?? '')
      .orderBy('login')
      .limit(Math.min(page.limit ?? 100, maxPage))
      .execute();
    return await Promise.all(rows.map((row) => describe(this.#db, row)));
  }

  /** By login, of those that are named. */
  async logins(of: readonly string[]): Promise<ReadonlyMap<string, AdministratorLogins>> {
    if (of.length === 0) return new Map();
    const rows = await this.#db.selectFrom('admin').selectAll().where('login', 'in', of).execute();
    const ids = rows.map(({ id }) => id);
    const codes = this.#db.selectFrom('totp').select('owner_id').where('owner_kind', '=', 'admin');
    const withCodes = await codes.where('confirmed', '=', 1).where('owner_id', 'in', ids).execute();
    const keys = this.#db.selectFrom('passkey').select('owner_id').where('owner_kind', '=', 'admin');
    const withKeys = await keys.where('owner_id', 'in', ids).execute();
    return new Map(
      rows.map(({ id, login, last_login: time, last_login_address: address }) => [
        login,
        {
          ...(time === 0 ? {} : { lastLogin: { time, address } }),
          totp: withCodes.some(({ owner_id }) => owner_id === id),
          passkeys: withKeys.filter(({ owner_id }) => owner_id === id).length,
        },
      ]),
    );
  }

  async set(login: string, settings: AdministratorSettings): Promise<AdministratorInfo> {
    return await this.#changes.make(async (change) => {
      const row = await needRow(change.db, login);
      const before = await describe(change.db, row);
      const next = {
        name: settings.name === undefined ? row.name : checkName(settings.name),
        password: settings.passwordHash ?? row.password,
        role: settings.role ?? row.role,
        active: settings.active === undefined ? row.active : Number(settings.active),
        must_change: settings.mustChange === undefined ? row.must_change : Number(settings.mustChange),
      };
      await change.db.updateTable('admin').set(next).where('id', '=', row.id).execute();
      if (settings.domains !== undefined || settings.role !== undefined) {
        await writeDomains(change, row.id, next.role, settings.domains ?? (next.role === 'host' ? [] : before.domains));
      }
      if (row.role === 'host' && row.active === 1) await refuseWithoutHost(change.db, row.login);
      // Whoever had the old password, or is switched off, is to be out.
      const isNewPassword = next.password !== row.password;
      if (isNewPassword || next.active === 0) {
        const owned = change.db.deleteFrom('web_session').where('owner_kind', '=', 'admin');
        await owned.where('owner_id', '=', row.id).execute();
      }
      if (isNewPassword && settings.keepsKeys !== true) await removeKeysOf(change, { kind: 'admin', id: row.id });
      const after = await describe(change.db, { ...row, ...next });
      await change.event('admin.set', row.login, before, {
        ...after,
        ...(isNewPassword ? { password: 'changed' } : {}),
      });
      return after;
    });
  }

  async remove(login: string): Promise<void> {
    await this.#changes.make(async (change) => {
      const row = await needRow(change.db, login);
      const before = await describe(change.db, row);
      await removeOwned(change, 'admin', row.id);
      await removeWebhooksOf(change, row.id);
      await change.db.deleteFrom('admin_domain').where('admin_id', '=', row.id).execute();
      await change.db.deleteFrom('admin').where('id', '=', row.id).execute();
      if (row.role === 'host' && row.active === 1) await refuseWithoutHost(change.db, row.login);
      await change.event('admin.remove', row.login, before, null);
    });
  }
}

export async function findRow(db: DirectoryDatabase, login: string): Promise<AdminRow | undefined> {
  return await db.selectFrom('admin').selectAll().where('login', '=', login).executeTakeFirst();
}

async function needRow(db: DirectoryDatabase, login: string): Promise<AdminRow> {
  const row = await findRow(db, fold(login.trim()));
  return row ?? refuseMissing(`there is no administrator ${fold(login.trim())}: see: posthaste admin list`);
}

async function describe(db: DirectoryDatabase, row: AdminRow): Promise<AdministratorInfo> {
  const domains = await db
    .selectFrom('admin_domain as a')
    .innerJoin('domain as d', 'd.id', 'a.domain_id')
    .select('d.name')
    .where('a.admin_id', '=', row.id)
    .where('d.tombstone', '=', 0)
    .orderBy('d.name')
    .execute();
  return {
    login: row.login,
    name: row.name,
    role: row.role,
    domains: domains.map(({ name }) => name),
    active: row.active === 1,
    hasPassword: row.password !== '',
    mustChange: row.must_change === 1,
    created: row.created,
  };
}

async function writeDomains(change: Change, id: number, role: AdminRole, domains: readonly string[]): Promise<void> {
  await change.db.deleteFrom('admin_domain').where('admin_id', '=', id).execute();
  if (role === 'host') {
    if (domains.length > 0) refuse('a host administrator has all domains: leave them out, or take the role domain');
    return;
  }
  for (const name of new Set(domains.map(parseDomain))) {
    const row = await findDomain(change.db, name);
    if (row === undefined) refuseMissing(`${name} is not hosted here: add it with: posthaste domain add ${name}`);
    if (row.kind === 'alias-domain') refuse(`${name} is an alias domain: name the domain that it leads to`);
    await change.db.insertInto('admin_domain').values({ admin_id: id, domain_id: row.id }).execute();
  }
}

async function refuseWithoutHost(db: DirectoryDatabase, login: string): Promise<void> {
  const left = await db
    .selectFrom('admin')
    .select('id')
    .where('role', '=', 'host')
    .where('active', '=', 1)
    .limit(1)
    .executeTakeFirst();
  if (left === undefined) refuse(`${login} is the last administrator of the host: add another one first`);
}

/** Folded; may be a mail address, need not be one. */
export function parseLogin(text: string): string {
  const login = fold(text.trim());
  if (!/^[a-z0-9][a-z0-9._@+-]{0,253}$/.test(login)) {
    refuse(
      `"${text.trim()}" cannot be an administrator's login: take the letters a to z, digits, ".", "_", "@", "+" and "-"`,
    );
  }
  return login;
}

function checkName(text: string): string {
  const name = text.trim();
  if (name.length > 255 || /[\u0000-\u001f\u007f]/.test(name)) refuse('a name is one line of at most 255 characters');
  return name;
}
