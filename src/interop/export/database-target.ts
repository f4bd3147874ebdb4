// The database in which other programs see the directory: its views are made, compared and granted here. On a server the
// session is the administrator's of this command; the embedded file is changed beside a running server, as any command does.

import { createHash } from 'node:crypto';
import { openServerSession } from '../../database/server/open-session.ts';
import { inServerTransaction, type ServerSession } from '../../database/server/server-session.ts';
import { openSqlite, type SqliteConnection } from '../../database/sqlite.ts';
import type { DirectoryServer } from '../../directory/server/server-settings.ts';
import { type Dialect, dialects } from './dialect.ts';
import type { View } from './views.ts';

export interface DatabaseTarget {
  readonly dialect: Dialect;
  /** Makes the views as they are to be; true where that changed something. */
  makeViews(views: readonly View[]): Promise<boolean>;
  /** Names of those that are missing or not as they are to be. */
  viewsAmiss(views: readonly View[]): Promise<string[]>;
  close(): void;
}

/** Its file's views are exactly their text. */
export class SqliteTarget implements DatabaseTarget {
  readonly dialect = dialects.sqlite;
  readonly #connection: SqliteConnection;
  /** Closed last: who can only read cannot take the WAL away, which a Postfix needs to find there. */
  readonly #keeper: SqliteConnection;

  /** `isReading`: nothing is changed. */
  constructor(file: string, isReading: boolean) {
    this.#connection = openSqlite(file, { busyTimeout: 10_000, ...(isReading ? { readonly: true } : {}) });
    this.#keeper = openSqlite(file, { busyTimeout: 10_000, readonly: true });
    this.#keeper.prepare('SELECT count(*) FROM sqlite_schema').get();
  }

  async makeViews(views: readonly View[]): Promise<boolean> {
    const work = this.#connection.transaction(() => {
      const before = this.#texts();
      const wanted = views.map((view) => [view.name, this.#text(view)] as const);
      const names = new Set(wanted.map(([name]) => name));
      const isSame = wanted.every(([name, text]) => before.get(name) === text);
      const rest = [...before.keys()].filter((name) => isOurViewName(name) && !names.has(name));
      if (isSame && rest.length === 0) return false;
      for (const name of [...rest, ...names]) this.#connection.exec(`DROP VIEW IF EXISTS ${name}`);
      for (const [, text] of wanted) this.#connection.exec(text);
      return true;
    });
    return work.immediate();
  }

  async viewsAmiss(views: readonly View[]): Promise<string[]> {
    const texts = this.#texts();
    return views.filter((view) => texts.get(view.name) !== this.#text(view)).map(({ name }) => name);
  }

  #texts(): Map<string, string> {
    const rows = this.#connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'view'").raw().all();
    return new Map(rows as [string, string][]);
  }

  #text({ name, select }: View): string {
    return `${this.dialect.createView(name)}\n${select}`;
  }

  close(): void {
    this.#connection.close();
    this.#keeper.close();
  }
}

/** Views of ours, of this version or an earlier one. */
export function isOurViewName(name: string): boolean {
  return /^(?:postfix|dovecot|postfixadmin)_/.test(name);
}

const definitionView = 'postfix_definition';

/**
 * A server keeps a view's text in words of its own. So one more view says what was asked for, as a digest, and a digest of
 * what the server made of it: both tell whether somebody has changed one since.
 */
export class ServerTarget implements DatabaseTarget {
  readonly dialect: Dialect;
  readonly session: ServerSession;

  constructor(session: ServerSession) {
    this.session = session;
    this.dialect = session.dialect === 'mysql' ? dialects.mysql : dialects.pgsql;
  }

  /** Throws ServerUnavailable, ServerRefusal. The first host that answers. */
  static async open({ addresses }: DirectoryServer): Promise<ServerTarget> {
    let failure: unknown;
    for (const address of addresses) {
      try {
        return new ServerTarget(await openServerSession(address));
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async makeViews(views: readonly View[]): Promise<boolean> {
    if ((await this.viewsAmiss(views)).length === 0) return false;
    const make = async (): Promise<void> => {
      const grants = this.dialect.driver === 'pgsql' ? await this.#grantsOn(views) : [];
      if (this.dialect.driver === 'pgsql') {
        for (const name of [definitionView, ...views.map((view) => view.name).toReversed()]) {
          await this.session.query(`DROP VIEW IF EXISTS ${name}`);
        }
      }
      for (const { name, select } of views) await this.session.query(`${this.dialect.createView(name)}\n${select}`);
      for (const grant of grants) await this.session.query(grant);
      const stored = await this.#storedDigest();
      const select = `SELECT '${digestOf(views)}' AS asked, '${stored}' AS stored`;
      await this.session.query(`${this.dialect.createView(definitionView)} ${select}`);
    };
    // MySQL commits each of them by itself; in PostgreSQL nobody sees a moment without them.
    if (this.dialect.driver === 'pgsql') await inServerTransaction(this.session, 'write', make);
    else await make();
    return true;
  }

  async viewsAmiss(views: readonly View[]): Promise<string[]> {
    const { rows } = await this.session.query(
      `SELECT table_name FROM information_schema.views WHERE table_schema = ${this.#schema}`,
    );
    const names = new Set(rows.map(([name]) => String(name)));
    const missing = [...views.map(({ name }) => name), definitionView].filter((name) => !names.has(name));
    if (missing.length > 0) return missing;
    const [row] = (await this.session.query(`SELECT asked, stored FROM ${definitionView}`)).rows;
    const isSame = row?.[0] === digestOf(views) && row[1] === (await this.#storedDigest());
    return isSame ? [] : [definitionView];
  }

  /** A view that is dropped loses them, and one program's export must not shut out the other. */
  async #grantsOn(views: readonly View[]): Promise<string[]> {
    const { rows } = await this.session.query(
      `SELECT c.relname, format('GRANT %s ON %I TO %I', a.privilege_type, c.relname, r.rolname)
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN aclexplode(c.relacl) a
       JOIN pg_roles r ON r.oid = a.grantee WHERE n.nspname = current_schema() AND a.grantee <> c.relowner`,
    );
    const names = new Set(views.map(({ name }) => name));
    return rows.filter(([name]) => names.has(String(name))).map(([, grant]) => String(grant));
  }

  get #schema(): string {
    return this.dialect.driver === 'mysql' ? 'database()' : 'current_schema()';
  }

  async #storedDigest(): Promise<string> {
    const { rows } = await this.session.query(
      `SELECT table_name, view_definition FROM information_schema.views
       WHERE table_schema = ${this.#schema} AND table_name <> '${definitionView}' ORDER BY table_name`,
    );
    const ours = rows.filter(([name]) => isOurViewName(String(name)));
    return createHash('sha256').update(JSON.stringify(ours)).digest('hex').slice(0, 32);
  }

  close(): void {
    this.session.close();
  }
}

function digestOf(views: readonly View[]): string {
  return createHash('sha256').update(JSON.stringify(views)).digest('hex').slice(0, 32);
}
