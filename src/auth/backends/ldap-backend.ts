// `ldap:FILE`: users in an LDAP directory, asked with Dovecot's own dovecot-ldap.conf.ext (its pages AuthDatabase.LDAP).
// Two ways: the server compares the password (`auth_bind = yes`), after a search for the entry (`pass_filter`) or at a
// DN made from the name (`auth_bind_userdn`); or the entry's password is read and compared here.
//
// NOTE: a bind with an empty password is "unauthenticated" and succeeds on many servers (RFC 4513 §5.1.2), and so does
// one with an empty DN: neither is ever asked.

import { TemporaryError } from '../../lib/temporary-error.ts';
import type { LdapBinder } from '../../tables/ldap/ldap-binder.ts';
import { LdapResultError } from '../../tables/ldap/ldap-connection.ts';
import { type LdapEntry, resultCodes } from '../../tables/ldap/ldap-messages.ts';
import { quoteDn, quoteFilter } from '../../tables/ldap/ldap-quoting.ts';
import type { LdapServers } from '../../tables/ldap/ldap-servers.ts';
import type { LdapScope } from '../../tables/ldap/ldap-url.ts';
import type { Credentials, LoginService } from '../types.ts';
import type { LdapAttributes } from './ldap-attributes.ts';
import { loginValues, normalLogin } from './login-values.ts';
import { admit, judge, readPassRow, type VerifyStored } from './pass-fields.ts';
import type { BackendAnswer, PasswordBackend, UserFields } from './types.ts';
import { expandTemplate, type VariableTemplate, type VariableValues } from './variables.ts';

interface Search {
  readonly filter: VariableTemplate;
  readonly attributes: LdapAttributes;
}

export interface LdapBackendOptions {
  readonly name: string;
  readonly servers: LdapServers;
  /** Absent: passwords are compared here. */
  readonly binder: LdapBinder | undefined;
  /** auth_bind_userdn. */
  readonly userDn: VariableTemplate | undefined;
  readonly base: VariableTemplate;
  readonly scope: LdapScope;
  readonly pass: Search;
  readonly user: Search;
  readonly iterate: Search;
  /** Whether the file says where accounts are: without, every login has one. */
  readonly knowsUsers: boolean;
  readonly defaultScheme: string;
  readonly verify: VerifyStored;
}

export class LdapBackend implements PasswordBackend {
  readonly name: string;
  readonly knowsUsers: boolean;
  readonly #options: LdapBackendOptions;

  constructor(options: LdapBackendOptions) {
    this.name = options.name;
    this.knowsUsers = options.knowsUsers;
    this.#options = options;
  }

  async check(credentials: Credentials): Promise<BackendAnswer> {
    const login = normalLogin(credentials.login);
    if (login === undefined || credentials.password === '') return { kind: 'unknown' };
    const { binder, userDn, pass, defaultScheme, verify } = this.#options;
    const values = loginValues(login, credentials);
    if (binder !== undefined && userDn !== undefined) {
      const isRight = await this.#bind(binder, expandTemplate(userDn, values, quoteDn), credentials.password);
      return isRight === true ? { kind: 'right', login, fields: new Map() } : isRight;
    }
    const entry = await this.#one(pass, values, 'pass_filter');
    if (entry === undefined) return { kind: 'unknown' };
    const fields = pass.attributes.fields(entry, values);
    if (binder === undefined) {
      return await judge(readPassRow(login, fields, defaultScheme), credentials, this.name, verify);
    }
    const isRight = await this.#bind(binder, entry.dn, credentials.password);
    if (isRight !== true) return isRight;
    const withoutPassword = fields.filter(([name]) => !name.startsWith('password'));
    return admit(readPassRow(login, withoutPassword, defaultScheme), credentials, this.name);
  }

  async find(user: string, service: LoginService): Promise<UserFields | undefined> {
    const login = normalLogin(user);
    if (login === undefined) return undefined;
    const values = loginValues(login, { login: user, service, remoteAddress: '' });
    const entry = await this.#one(this.#options.user, values, 'user_filter');
    return entry && new Map(this.#options.user.attributes.fields(entry, values));
  }

  async names(): Promise<readonly string[] | undefined> {
    const { iterate } = this.#options;
    const none: VariableValues = () => '';
    const entries = await this.#search(iterate, none);
    return entries.flatMap((entry) => new Map(iterate.attributes.fields(entry, none)).get('user') ?? []);
  }

  close(): void {
    this.#options.servers.close();
    this.#options.binder?.close();
  }

  async #bind(binder: LdapBinder, dn: string, password: string): Promise<true | BackendAnswer> {
    if (dn === '') return { kind: 'unknown' };
    try {
      await binder.bind(dn, password);
      return true;
    } catch (error) {
      const code = error instanceof LdapResultError ? error.code : undefined;
      if (code === resultCodes.invalidCredentials) return { kind: 'wrong', reason: 'password mismatch' };
      // The entry has no password to be compared with.
      if (code === resultCodes.inappropriateAuthentication) return { kind: 'wrong', reason: 'no password' };
      if (code === resultCodes.noSuchObject || code === resultCodes.invalidDnSyntax) return { kind: 'unknown' };
      throw this.#failure(error);
    }
  }

  async #one(search: Search, values: VariableValues, what: string): Promise<LdapEntry | undefined> {
    const entries = await this.#search(search, values);
    if (entries.length > 1) throw new TemporaryError(`${this.name}: ${what} matches several entries`);
    return entries[0];
  }

  async #search({ filter, attributes }: Search, values: VariableValues): Promise<readonly LdapEntry[]> {
    const base = expandTemplate(this.#options.base, values, quoteDn);
    try {
      return await this.#options.servers.search({
        base,
        scope: this.#options.scope,
        filter: expandTemplate(filter, values, quoteFilter),
        attributes: attributes.wanted,
      });
    } catch (error) {
      // Where the base depends on the name, a base that does not exist is a name that does not.
      const isNoBase = error instanceof LdapResultError && error.code === resultCodes.noSuchObject;
      if (isNoBase && this.#options.base.placeholders.length > 0) return [];
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): TemporaryError {
    return error instanceof TemporaryError ? error : new TemporaryError(`${this.name}: ${(error as Error).message}`);
  }
}
