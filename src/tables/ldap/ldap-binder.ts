// Asks LDAP servers whether a password is right, by binding with it (RFC 4511 §4.2). A connection binds for one login at
// a time, and again for the next: the few that are open are used in turn, the servers in their order as in
// ldap-servers.ts. No search is ever made on these connections: they belong to whoever bound last.

import { TemporaryError } from '../../lib/temporary-error.ts';
import {
  type LdapConnection,
  LdapConnectionError,
  type LdapConnectionOptions,
  LdapResultError,
  LdapTimeoutError,
  openLdapConnection,
} from './ldap-connection.ts';
import type { LdapAddress } from './ldap-url.ts';

const maxConnections = 8;
/** Logins that wait for one of them. */
const maxWaiting = 500;
/** After no server could be reached. */
const pauseMilliseconds = 1000;

export class LdapBinder {
  readonly #servers: readonly LdapAddress[];
  readonly #options: LdapConnectionOptions;
  readonly #idle: LdapConnection[] = [];
  readonly #waiting: { readonly go: () => void }[] = [];
  /** Why no server could be reached a moment ago; who comes meanwhile does not wait for the same. */
  #failure: LdapConnectionError | undefined;
  #busy = 0;
  #isClosed = false;

  constructor(servers: readonly LdapAddress[], options: LdapConnectionOptions) {
    this.#servers = servers;
    this.#options = { ...options, bind: undefined };
  }

  /** Throws LdapResultError (49: the password is wrong), LdapConnectionError, TemporaryError. */
  async bind(dn: string, password: string): Promise<void> {
    // A server takes these for a client without a name, and lets it in (RFC 4513 §5.1).
    if (dn === '' || password === '') throw new LdapResultError(49, 'an empty name or password', []);
    await this.#turn();
    try {
      await this.#bindOn(dn, password);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#busy--;
      else next.go();
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  async #turn(): Promise<void> {
    if (this.#busy < maxConnections) {
      this.#busy++;
      return;
    }
    if (this.#waiting.length >= maxWaiting) {
      throw new TemporaryError(`${maxWaiting} logins wait for an LDAP server already`);
    }
    // Who waits for as long as an answer may take will not get one in time.
    await new Promise<void>((resolve, reject) => {
      const waiter = { go: () => resolve(clearTimeout(timer)) };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(new TemporaryError('no connection to an LDAP server came free'));
      }, this.#options.timeoutMilliseconds);
      this.#waiting.push(waiter);
    });
  }

  /** One that rested may have been closed by the server meanwhile: then on a new one. */
  async #bindOn(dn: string, password: string): Promise<void> {
    for (let rested = this.#take(); rested !== undefined; rested = this.#take()) {
      try {
        return await this.#ask(rested, dn, password);
      } catch (error) {
        const isLost = error instanceof LdapConnectionError && !(error instanceof LdapTimeoutError);
        if (!isLost) throw error;
      }
    }
    return await this.#ask(await this.#connect(), dn, password);
  }

  #take(): LdapConnection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.isOpen) return connection;
    }
    return undefined;
  }

  async #ask(connection: LdapConnection, dn: string, password: string): Promise<void> {
    try {
      await connection.bind(dn, password);
    } finally {
      if (this.#isClosed) connection.close();
      else if (connection.isOpen) this.#idle.push(connection);
    }
  }

  async #connect(): Promise<LdapConnection> {
    if (this.#failure !== undefined) throw this.#failure;
    const failures: string[] = [];
    for (const server of this.#servers) {
      try {
        return await openLdapConnection(server, this.#options);
      } catch (error) {
        failures.push(`${server.name}: ${(error as Error).message}`);
      }
    }
    this.#failure = new LdapConnectionError(failures.join('; '));
    setTimeout(() => {
      this.#failure = undefined;
    }, pauseMilliseconds).unref();
    throw this.#failure;
  }
}
