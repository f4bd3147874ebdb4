// Who asks: the owner of a token or a session, as each request needs it. Synchronous prepared statements like all
// lookups that somebody waits for (lookups.ts).

import type { SqliteConnection, Statement } from '../database/sqlite.ts';
import type { AdminRole, OwnerKind } from './administration-schema.ts';
import type { Owner } from './api-tokens.ts';
import { idleMilliseconds } from './web-sessions.ts';

export interface AdminIdentity {
  readonly id: number;
  readonly login: string;
  readonly role: AdminRole;
  readonly isActive: boolean;
  readonly mustChange: boolean;
  readonly passwordHash: string;
}

export interface TokenIdentity {
  readonly id: number;
  readonly owner: Owner;
  readonly scopes: readonly string[];
  /** 0: never. */
  readonly expires: number;
}

export interface SessionIdentity {
  readonly id: string;
  readonly owner: Owner;
  readonly seen: number;
}

const adminColumns = 'id, login, role, active, must_change, password';
type AdminColumns = [number, string, AdminRole, number, number, string];

export class Identities {
  readonly #ask: <T>(read: () => T) => T;
  readonly #token: Statement;
  readonly #session: Statement;
  readonly #admin: Statement;
  readonly #adminByLogin: Statement;
  readonly #domains: Statement;
  readonly #administers: Statement;
  readonly #anyHost: Statement;
  readonly #secret: Statement;

  constructor(connection: SqliteConnection, ask: <T>(read: () => T) => T) {
    this.#ask = ask;
    const ownerColumns = 'id, owner_kind, owner_id';
    this.#token = connection.prepare(`SELECT ${ownerColumns}, scopes, expires FROM api_token WHERE digest = ?`).raw();
    this.#session = connection
      .prepare(`SELECT ${ownerColumns}, seen FROM web_session WHERE digest = ? AND expires > ? AND seen > ?`)
      .raw();
    this.#admin = connection.prepare(`SELECT ${adminColumns} FROM admin WHERE id = ?`).raw();
    this.#adminByLogin = connection.prepare(`SELECT ${adminColumns} FROM admin WHERE login = ?`).raw();
    this.#domains = connection
      .prepare(
        'SELECT d.name FROM admin_domain a JOIN domain d ON d.id = a.domain_id WHERE a.admin_id = ? AND d.tombstone = 0 ORDER BY d.name',
      )
      .pluck();
    this.#administers = connection.prepare('SELECT 1 FROM admin_domain WHERE admin_id = ? AND domain_id = ?').pluck();
    this.#anyHost = connection.prepare("SELECT 1 FROM admin WHERE role = 'host' LIMIT 1").pluck();
    this.#secret = connection.prepare('SELECT value FROM secret WHERE name = ?').pluck();
  }

  token(digest: string): TokenIdentity | undefined {
    const row = this.#ask(() => this.#token.get(digest) as [number, OwnerKind, number, string, number] | undefined);
    if (row === undefined) return undefined;
    const [id, kind, owner, scopes, expires] = row;
    return { id, owner: { kind, id: owner }, scopes: scopes.split(' '), expires };
  }

  session(digest: string, now: number): SessionIdentity | undefined {
    const row = this.#ask(
      () => this.#session.get(digest, now, now - idleMilliseconds) as [string, OwnerKind, number, number] | undefined,
    );
    return row && { id: row[0], owner: { kind: row[1], id: row[2] }, seen: row[3] };
  }

  adminById(id: number): AdminIdentity | undefined {
    return toAdmin(this.#ask(() => this.#admin.get(id) as AdminColumns | undefined));
  }

  /** `login` folded. */
  adminByLogin(login: string): AdminIdentity | undefined {
    return toAdmin(this.#ask(() => this.#adminByLogin.get(login) as AdminColumns | undefined));
  }

  /** Of a domain administrator. */
  domainsOf(admin: number): string[] {
    return this.#ask(() => this.#domains.all(admin) as string[]);
  }

  administers(admin: number, domain: number): boolean {
    return this.#ask(() => this.#administers.get(admin, domain) !== undefined);
  }

  /** Somebody administers the host. */
  hasHost(): boolean {
    return this.#ask(() => this.#anyHost.get() !== undefined);
  }

  secret(name: string): string | undefined {
    return this.#ask(() => this.#secret.get(name) as string | undefined);
  }
}

function toAdmin(row: AdminColumns | undefined): AdminIdentity | undefined {
  if (row === undefined) return undefined;
  const [id, login, role, active, mustChange, passwordHash] = row;
  return { id, login, role, isActive: active === 1, mustChange: mustChange === 1, passwordHash };
}
