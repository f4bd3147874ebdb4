// The places besides the directory where passwords are checked, and the sockets over which other programs ask (the
// Dovecot auth protocol). Loaded where the configuration names any (logins.ts).

import type { BackendChain } from '../auth/backends/backend-chain.ts';
import { openBackends, readFieldTemplates } from '../auth/backends/open-backends.ts';
import type { BuiltInSasl } from '../auth/built-in-sasl.ts';
import { DirectoryAuthenticator } from '../auth/directory-authenticator.ts';
import { AuthClientConnection } from '../auth/dovecot-server/auth-client-connection.ts';
import { AuthListener } from '../auth/dovecot-server/auth-listener.ts';
import { AuthMasterConnection } from '../auth/dovecot-server/auth-master-connection.ts';
import { FinishedLogins } from '../auth/dovecot-server/finished-logins.ts';
import { usualFailureDelay } from '../auth/failure-delay.ts';
import type { SaslServer } from '../auth/sasl-server.ts';
import type { Directory } from '../directory/directory.ts';
import type { Clock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import type { Settings } from '../settings/settings.ts';
import { readAuthEndpoints } from './auth-endpoints.ts';
import { listenError } from './listeners.ts';

export interface BoundAuth {
  readonly label: string;
  readonly host: string;
  readonly port: number;
}

interface ChainParts {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly log: ProgramLog;
}

interface ListenParts {
  readonly sasl: Pick<BuiltInSasl, 'mechanisms' | 'begin'>;
  /** For proxies, which log in elsewhere with the password that they were given. */
  readonly passwordSasl: SaslServer;
  readonly accounts: Pick<BackendChain, 'find' | 'names'>;
  readonly clock: Clock;
  readonly log: ProgramLog;
}

/** Throws SettingsError. */
export function openChain(settings: Settings, { directory, clock, log }: ChainParts): BackendChain {
  const failureDelay = { ...usualFailureDelay, firstMilliseconds: 0, maxMilliseconds: 0 };
  const authenticator = new DirectoryAuthenticator({ directory, clock, failureDelay });
  return openBackends(settings, { directory, authenticator, log, clock });
}

/** Opens the sockets of the auth protocol. */
export class AuthListeners {
  readonly #settings: Settings;
  readonly #parts: ListenParts;
  readonly #listeners: AuthListener[] = [];
  #lastConnection = 0;

  constructor(settings: Settings, parts: ListenParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  async listen(): Promise<BoundAuth[]> {
    const { sasl, passwordSasl, accounts, clock, log } = this.#parts;
    const finished = new FinishedLogins(clock);
    const loginFields = readFieldTemplates(this.#settings, 'posthaste_auth_login_fields');
    const shared = { finished, loginFields, log };
    const isProxy = loginFields.has('proxy') || loginFields.has('proxy_maybe');
    const clients = { ...shared, sasl: isProxy ? passwordSasl : sasl };
    const masters = { ...shared, accounts };
    return [
      ...(await this.#listenFor('posthaste_auth_listen', 'auth', () => {
        return new AuthListener(log, (socket, onEnd) => {
          this.#lastConnection = (this.#lastConnection % 0x7fff_ffff) + 1;
          return new AuthClientConnection(socket, this.#lastConnection, clients, onEnd);
        });
      })),
      ...(await this.#listenFor('posthaste_auth_userdb_listen', 'auth-userdb', () => {
        return new AuthListener(log, (socket, onEnd) => new AuthMasterConnection(socket, masters, onEnd));
      })),
    ];
  }

  async #listenFor(
    parameter: 'posthaste_auth_listen' | 'posthaste_auth_userdb_listen',
    label: string,
    open: () => AuthListener,
  ): Promise<BoundAuth[]> {
    const bound: BoundAuth[] = [];
    for (const endpoint of readAuthEndpoints(this.#settings, parameter)) {
      const { at } = endpoint;
      const place = 'path' in at ? { label, host: at.path, port: 0 } : { label, ...at };
      const listener = open();
      try {
        const port = await listener.listen(endpoint);
        bound.push({ ...place, port });
      } catch (error) {
        throw listenError({ ...place, service: parameter }, error);
      }
      this.#listeners.push(listener);
      const isOpen = 'host' in at && !/^(127\.|::1$)/.test(at.host);
      if (isOpen) {
        this.#parts.log.warning(`${parameter}: whoever reaches ${at.host}:${at.port} can try passwords there`);
      }
    }
    return bound;
  }

  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }
}
