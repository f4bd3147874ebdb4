// Who may log in: the backends of posthaste_auth_backends for our own servers, and the same answers for other programs
// over the Dovecot auth protocol. A reload replaces the backends; what is being asked of the old ones is answered first.

import type { BackendChain } from '../auth/backends/backend-chain.ts';
import { UnreadableFile } from '../auth/backends/config-file.ts';
import { DelayedAuthenticator } from '../auth/backends/delayed-authenticator.ts';
import { isDirectoryAlone, openBackends, readFieldTemplates } from '../auth/backends/open-backends.ts';
import { DovecotAuth } from '../auth/dovecot-auth.ts';
import { DirectoryAuthenticator } from '../auth/directory-authenticator.ts';
import { AuthClientConnection } from '../auth/dovecot-server/auth-client-connection.ts';
import { AuthListener } from '../auth/dovecot-server/auth-listener.ts';
import { AuthMasterConnection } from '../auth/dovecot-server/auth-master-connection.ts';
import { FinishedLogins } from '../auth/dovecot-server/finished-logins.ts';
import { usualFailureDelay } from '../auth/failure-delay.ts';
import { BuiltInSasl } from '../auth/built-in-sasl.ts';
import { DirectoryAccounts } from '../auth/directory-accounts.ts';
import { DirectorySecrets } from '../auth/directory-secrets.ts';
import { GatedSasl } from '../auth/gated-sasl.ts';
import type { LoginGate } from '../auth/login-gate.ts';
import type { SaslServer } from '../auth/sasl-server.ts';
import { scramHashes } from '../auth/scram-key-maker.ts';
import type { Authenticator } from '../auth/types.ts';
import type { Directory } from '../directory/directory.ts';
import type { Clock } from '../lib/clock.ts';
import { type Log, ProgramLog } from '../lib/log.ts';
import type { Settings } from '../settings/settings.ts';
import { readAuthEndpoints } from './auth-endpoints.ts';
import { listenError } from './listeners.ts';
import { openTokens, readMechanisms } from './sasl-settings.ts';

export interface LoginParts {
  readonly directory: Directory;
  readonly log: Log;
  readonly clock: Clock;
  /** Every attempt to log in passes it. */
  readonly gate: LoginGate;
}

interface BoundAuth {
  readonly label: string;
  readonly host: string;
  readonly port: number;
}

/** Longer than a backend may take to answer. */
const closeAfterMilliseconds = 30_000;

export class Logins {
  /** For commands that carry a name and a password of their own (IMAP's LOGIN). */
  readonly authenticator: Authenticator;
  readonly sasl: Pick<BuiltInSasl, 'mechanisms' | 'begin'>;
  /** For proxies, which log in elsewhere with the password that they were given. */
  readonly #passwordSasl: SaslServer;
  readonly #parts: LoginParts;
  readonly #settings: Settings;
  readonly #log: ProgramLog;
  readonly #listeners: AuthListener[] = [];
  readonly #directoryAlone: Authenticator;
  readonly #delayed: Authenticator;
  readonly #gate: LoginGate;
  readonly #dovecotServers = new Map<string, DovecotAuth>();
  #chain: BackendChain;
  /** Replaced by a reload, and perhaps still being asked. */
  readonly #closing = new Set<BackendChain>();
  #isDirectoryAlone: boolean;
  #lastConnection = 0;

  /** Throws SettingsError. */
  constructor(settings: Settings, parts: LoginParts) {
    const { directory, log, clock, gate } = parts;
    this.#parts = parts;
    this.#settings = settings;
    this.#log = new ProgramLog(log, `${settings.text('syslog_name')}/auth`);
    this.#gate = gate;
    const names = readMechanisms(settings);
    const known = { directory, clock, gate, scramHashes: scramHashes(names) };
    this.#directoryAlone = new DirectoryAuthenticator(known);
    this.#delayed = new DelayedAuthenticator(() => this.#chain, clock, gate);
    this.#chain = this.#openChain(settings);
    this.#isDirectoryAlone = isDirectoryAlone(settings);
    this.authenticator = {
      authenticate: (credentials) =>
        (this.#isDirectoryAlone ? this.#directoryAlone : this.#delayed).authenticate(credentials),
    };
    const accounts = new DirectoryAccounts(directory, clock);
    const tokens = openTokens(settings, accounts, clock);
    const mechanisms = { authenticator: this.authenticator, gate, tokens, hostname: settings.text('myhostname') };
    const all = new BuiltInSasl({ ...mechanisms, secrets: new DirectorySecrets(accounts) }, names);
    // Only the directory has the keys that SCRAM and CRAM-MD5 need: a client that is offered them takes them, and whoever
    // is known to another place alone could not log in.
    const withoutKeys = new BuiltInSasl(mechanisms, names);
    this.#passwordSasl = new BuiltInSasl(
      mechanisms,
      names.filter((name) => name === 'PLAIN' || name === 'LOGIN'),
    );
    const current = (): BuiltInSasl => (this.#isDirectoryAlone ? all : withoutKeys);
    this.sasl = { mechanisms: () => current().mechanisms(), begin: (request) => current().begin(request) };
  }

  #openChain(settings: Settings): BackendChain {
    const { directory, clock } = this.#parts;
    const failureDelay = { ...usualFailureDelay, firstMilliseconds: 0, maxMilliseconds: 0 };
    const authenticator = new DirectoryAuthenticator({ directory, clock, failureDelay });
    return openBackends(settings, { directory, authenticator, log: this.#log, clock });
  }

  /** Throws SettingsError, and then all stays as it was. */
  reload(settings: Settings): void {
    const previous = this.#chain;
    try {
      this.#chain = this.#openChain(settings);
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      this.#log.warning(`${error.message}; logins stay as they were at the start: posthaste_user may not read it`);
      return;
    }
    this.#isDirectoryAlone = isDirectoryAlone(settings);
    this.#closing.add(previous);
    setTimeout(() => this.#closePrevious(previous), closeAfterMilliseconds).unref();
  }

  #closePrevious(chain: BackendChain): void {
    this.#closing.delete(chain);
    chain.close();
  }

  /** One connection to each auth service of another program (smtpd_sasl_type = dovecot), whoever asks. */
  dovecotAuth(path: string): SaslServer {
    let server = this.#dovecotServers.get(path);
    if (server === undefined) {
      server = new DovecotAuth(path, this.#dovecotServers.size);
      this.#dovecotServers.set(path, server);
    }
    return new GatedSasl(this.#gate, server);
  }

  /** Opens the sockets of the auth protocol. */
  async listen(): Promise<BoundAuth[]> {
    const settings = this.#settings;
    const { clock } = this.#parts;
    const finished = new FinishedLogins(clock);
    const loginFields = readFieldTemplates(settings, 'posthaste_auth_login_fields');
    const accounts = {
      find: (...question: Parameters<BackendChain['find']>) => this.#chain.find(...question),
      names: () => this.#chain.names(),
    };
    const shared = { finished, loginFields, log: this.#log };
    const isProxy = loginFields.has('proxy') || loginFields.has('proxy_maybe');
    const clients = { ...shared, sasl: isProxy ? this.#passwordSasl : this.sasl };
    const masters = { ...shared, accounts };
    return [
      ...(await this.#listenFor('posthaste_auth_listen', 'auth', (log) => {
        return new AuthListener(log, (socket, onEnd) => {
          this.#lastConnection = (this.#lastConnection % 0x7fff_ffff) + 1;
          return new AuthClientConnection(socket, this.#lastConnection, clients, onEnd);
        });
      })),
      ...(await this.#listenFor('posthaste_auth_userdb_listen', 'auth-userdb', (log) => {
        return new AuthListener(log, (socket, onEnd) => new AuthMasterConnection(socket, masters, onEnd));
      })),
    ];
  }

  async #listenFor(
    parameter: 'posthaste_auth_listen' | 'posthaste_auth_userdb_listen',
    label: string,
    open: (log: ProgramLog) => AuthListener,
  ): Promise<BoundAuth[]> {
    const bound: BoundAuth[] = [];
    for (const endpoint of readAuthEndpoints(this.#settings, parameter)) {
      const { at } = endpoint;
      const place = 'path' in at ? { label, host: at.path, port: 0 } : { label, ...at };
      const listener = open(this.#log);
      try {
        const port = await listener.listen(endpoint);
        bound.push({ ...place, port });
      } catch (error) {
        throw listenError(place, error);
      }
      this.#listeners.push(listener);
      const isOpen = 'host' in at && !/^(127\.|::1$)/.test(at.host);
      if (isOpen) this.#log.warning(`${parameter}: whoever reaches ${at.host}:${at.port} can try passwords there`);
    }
    return bound;
  }

  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    for (const server of this.#dovecotServers.values()) server.close();
    for (const chain of [this.#chain, ...this.#closing]) chain.close();
  }
}
