// An authenticator behind the login guard: what SMTP and IMAP ask in place of the one behind.

import { setTimeout as wait } from 'node:timers/promises';
import type { AuthResult, Authenticator, Credentials } from '../auth/types.ts';
import type { LoginGuard } from './login-guard.ts';

export class GuardedAuthenticator implements Authenticator {
  readonly #guard: LoginGuard;
  readonly #behind: Authenticator;

  constructor(guard: LoginGuard, behind: Authenticator) {
    this.#guard = guard;
    this.#behind = behind;
  }

  async authenticate(credentials: Credentials): Promise<AuthResult> {
    const { login, password, remoteAddress, service } = credentials;
    const ticket = await this.#guard.begin({ account: login, address: remoteAddress, protocol: service });
    if (ticket.kind === 'locked') {
      await wait(ticket.delayMilliseconds);
      return { kind: 'denied', reason: ticket.reason, retryAfterSeconds: ticket.retryAfterSeconds };
    }
    try {
      const result = await this.#behind.authenticate(credentials);
      if (result.kind === 'authenticated') ticket.succeeded(result.login);
      else await wait(ticket.failed(password));
      return result;
    } finally {
      ticket.abandoned();
    }
  }
}
