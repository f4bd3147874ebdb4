// The servers of an ldap: table: tried in the order of `server_host` until one connects; that connection serves all
// lookups until it ends (libldap does the same). Follows referrals where `chase_referrals` says so.

import type { ProgramLog } from '../../lib/log.ts';
import {
  type LdapConnection,
  LdapConnectionError,
  LdapResultError,
  LdapTimeoutError,
  openLdapConnection,
  type SearchAnswer,
} from './ldap-connection.ts';
import { type LdapEntry, type LdapSearch, resultCodes } from './ldap-messages.ts';
import type { LdapSettings } from './ldap-settings.ts';
import { type LdapUrl, parseLdapUrl } from './ldap-url.ts';

/** libldap's own limit (LDAP_DEF_REFHOPLIMIT). */
const maxHops = 5;
/** A continuation names a few servers with the same content; what names more means harm. */
const maxReferences = 100;

export class LdapServers {
  readonly #table: string;
  readonly #settings: LdapSettings;
  readonly #log: ProgramLog;
  #connection: Promise<LdapConnection> | undefined;

  constructor(table: string, settings: LdapSettings, log: ProgramLog) {
    this.#table = table;
    this.#settings = settings;
    this.#log = log;
  }

  /** A connection that has ended meanwhile is made again, once. Throws LdapResultError, LdapConnectionError. */
  async search(search: LdapSearch): Promise<readonly LdapEntry[]> {
    const first = await this.#connected();
    try {
      return await this.#searchOn(first, search);
    } catch (error) {
      const isLost = error instanceof LdapConnectionError && !(error instanceof LdapTimeoutError);
      if (!isLost || first.isOpen) throw error;
      return await this.#searchOn(await this.#connected(), search);
    }
  }

  close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.then(
      (open) => open.close(),
      () => undefined,
    );
  }

  /** Lookups that come while a connection is being made wait for that one, and hear of its failure. */
  async #connected(): Promise<LdapConnection> {
    const known = this.#connection;
    if (known !== undefined) {
      const connection = await known;
      if (connection.isOpen) return connection;
      if (this.#connection === known) this.#connection = undefined;
    }
    if (this.#connection === undefined) {
      const attempt = this.#connect();
      this.#connection = attempt;
      attempt.catch(() => {
        if (this.#connection === attempt) this.#connection = undefined;
      });
    }
    return await this.#connection;
  }

  async #connect(): Promise<LdapConnection> {
    const failures: string[] = [];
    for (const server of this.#settings.servers) {
      try {
        return await openLdapConnection(server, this.#settings.connection);
      } catch (error) {
        const failure = `${server.name}: ${(error as Error).message}`;
        failures.push(failure);
        this.#log.warning(`table ${this.#table}: ${failure}`);
        // A server that refuses the password is no reason to tell it to the next.
        if (error instanceof LdapResultError) break;
      }
    }
    throw new LdapConnectionError(failures.join('; '));
  }

  async #searchOn(connection: LdapConnection, search: LdapSearch): Promise<readonly LdapEntry[]> {
    return await this.#follow(search, 0, (wanted) => connection.search(wanted, this.#settings.limits));
  }

  async #follow(
    search: LdapSearch,
    hops: number,
    ask: (search: LdapSearch) => Promise<SearchAnswer>,
  ): Promise<readonly LdapEntry[]> {
    const { chaseReferrals } = this.#settings;
    let answer: SearchAnswer;
    try {
      answer = await ask(search);
    } catch (error) {
      const isReferral = error instanceof LdapResultError && error.code === resultCodes.referral;
      if (!isReferral || !chaseReferrals) throw error;
      return await this.#chase(error.referrals, search, search.scope, hops);
    }
    if (!chaseReferrals || answer.references.length === 0) return answer.entries;
    if (answer.references.length > maxReferences) throw new LdapConnectionError('too many references');
    const entries = [...answer.entries];
    // RFC 4511 §4.5.3: what continues a search of one level is the entry itself.
    const scope = search.scope === 'one' ? 'base' : search.scope;
    for (const urls of answer.references) entries.push(...(await this.#chase(urls, search, scope, hops)));
    return entries;
  }

  /** Asks the first of the servers that can be reached. As libldap without a rebind procedure: not bound. */
  async #chase(
    urls: readonly string[],
    search: LdapSearch,
    scope: LdapSearch['scope'],
    hops: number,
  ): Promise<readonly LdapEntry[]> {
    if (hops === maxHops) throw new LdapConnectionError(`more than ${maxHops} referrals one after another`);
    let failure = new LdapConnectionError('a referral names no server');
    for (const url of urls.map(parseLdapUrl).filter((parsed): parsed is LdapUrl => parsed?.address !== undefined)) {
      const { address, base, filter } = url;
      if (address === undefined) continue;
      let connection: LdapConnection | undefined;
      try {
        connection = await openLdapConnection(address, { ...this.#settings.connection, bind: undefined });
        const open = connection;
        const wanted = {
          ...search,
          base: base || search.base,
          scope: url.scope ?? scope,
          filter: filter ?? search.filter,
        };
        return await this.#follow(wanted, hops + 1, (one) => open.search(one, this.#settings.limits));
      } catch (error) {
        if (!(error instanceof LdapConnectionError)) throw error;
        failure = new LdapConnectionError(`${address.name}: ${error.message}`);
      } finally {
        connection?.close();
      }
    }
    throw failure;
  }
}
