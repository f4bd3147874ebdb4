// Who may log in: the backends of posthaste_auth_backends for our own servers, and the same answers for other programs
// over the Dovecot auth protocol. A reload replaces the backends; what is being asked of the old ones is answered first.

import type { BackendChain } from '../auth/backends/backend-chain.ts';
import { UnreadableFile } from '../auth/backends/config-file.ts';
import { DelayedAuthenticator } from '../auth/backends/delayed-authenticator.ts';
import { DovecotAuth } from '../auth/dovecot-auth.ts';
import { DirectoryAuthenticator } from '../auth/directory-authenticator.ts';
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
import type { AuthListeners, BoundAuth } from './login-backends.ts';
import { openTokens, readMechanisms } from './sasl-settings.ts';

export interface LoginParts {
  readonly directory: Directory;
  readonly log: Log;
  readonly clock: Clock;
  /** Every attempt to log in passes it. */
  readonly gate: LoginGate;
  /** What loadBackends gave for these settings. */
  readonly backends: LoginBackends | undefined;
}

type LoginBackends = typeof import('./login-backends.ts');

/** Longer than a backend may take to answer. */
const closeAfterMilliseconds = 30_000;

/** Nobody but the directory is asked: the usual case. */
function isDirectoryAlone(settings: Settings): boolean {
  const words = settings.list('posthaste_auth_backends');
  return words.length === 0 || (words.length === 1 && words[0] === 'directory');
}

/** Undefined where the directory is asked by our own servers alone. */
export async function loadBackends(settings: Settings): Promise<LoginBackends | undefined> {
  const isUsual = isDirectoryAlone(settings) && backendParameters.every((name) => settings.list(name).length === 0);
  return isUsual ? undefined : await import('./login-backends.ts');
}

/** Besides posthaste_auth_backends; whoever has set one is told of mistakes in it. */
const backendParameters = [
  'posthaste_auth_listen',
  'posthaste_auth_userdb_listen',
  'posthaste_auth_userdb_fields',
  'posthaste_auth_login_fields',
] as const;

export class Logins {
  /** For commands that carry a name and a password of their own (IMAP's LOGIN). */
  readonly authenticator: Authenticator;
  readonly sasl: Pick<BuiltInSasl, 'mechanisms' | 'begin'>;
  /** For proxies, which log in elsewhere with the password that they were given. */
  readonly #passwordSasl: SaslServer;
  readonly #parts: LoginParts;
  readonly #settings: Settings;
  readonly #log: ProgramLog;
  readonly #directoryAlone: Authenticator;
  readonly #delayed: Authenticator;
  readonly #gate: LoginGate;
  readonly #dovecotServers = new Map<string, DovecotAuth>();
  #backends: LoginBackends | undefined;
  #listeners: AuthListeners | undefined;
  /** Where backends are loaded. */
  #chain: BackendChain | undefined;
  /** Replaced by a reload, and perhaps still being asked. */
  readonly #closing = new Set<BackendChain>();
  #isDirectoryAlone: boolean;

  /** Throws SettingsError. */
  constructor(settings: Settings, parts: LoginParts) {
    const { directory, log, clock, gate, backends } = parts;
    this.#parts = parts;
    this.#backends = backends;
    this.#settings = settings;
    this.#log = new ProgramLog(log, `${settings.text('syslog_name')}/auth`);
    this.#gate = gate;
    const names = readMechanisms(settings);
    const known = { directory, clock, gate, scramHashes: scramHashes(names) };
    this.#directoryAlone = new DirectoryAuthenticator(known);
    this.#delayed = new DelayedAuthenticator(() => this.#asked(), clock, gate);
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

  #openChain(settings: Settings): BackendChain | undefined {
    const { directory, clock } = this.#parts;
    return this.#backends?.openChain(settings, { directory, clock, log: this.#log });
  }

  #asked(): BackendChain {
    if (this.#chain === undefined) throw new Error('no backend was loaded');
    return this.#chain;
  }

  /** `backends` is what loadBackends gave for them. Throws SettingsError, and then all stays as it was. */
  reload(settings: Settings, backends: LoginBackends | undefined): void {
    const previous = this.#chain;
    // Who listens stays until the server ends.
    this.#backends ??= backends;
    try {
      this.#chain = this.#openChain(settings);
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      this.#log.warning(`${error.message}; logins stay as they were at the start: posthaste_user may not read it`);
      return;
    }
    this.#isDirectoryAlone = isDirectoryAlone(settings);
    if (previous === undefined) return;
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

  /** Opens the sockets over which other programs ask. */
  async listen(): Promise<BoundAuth[]> {
    if (this.#backends === undefined) return [];
    const accounts = {
      find: (...question: Parameters<BackendChain['find']>) => this.#asked().find(...question),
      names: () => this.#asked().names(),
    };
    const { clock } = this.#parts;
    const parts = { sasl: this.sasl, passwordSasl: this.#passwordSasl, accounts, clock, log: this.#log };
    this.#listeners = new this.#backends.AuthListeners(this.#settings, parts);
    return await this.#listeners.listen();
  }

  async close(): Promise<void> {
    await this.#listeners?.close();
    for (const server of this.#dovecotServers.values()) server.close();
    for (const chain of [this.#chain, ...this.#closing]) chain?.close();
  }
}
