// The chain of backends as the servers ask it: every attempt passes the gate. The delay of a denial counts from the
// question, so that the answer's time does not tell whether a hash was computed, that is, whether the name is known to
// somebody.

import type { Clock } from '../../lib/clock.ts';
import { type LoginGate, passGate } from '../login-gate.ts';
import type { AuthResult, Authenticator, Credentials } from '../types.ts';
import type { BackendChain } from './backend-chain.ts';

export class DelayedAuthenticator implements Authenticator {
  readonly #chain: () => Pick<BackendChain, 'check'>;
  readonly #clock: Clock;
  readonly #gate: LoginGate;

  constructor(chain: () => Pick<BackendChain, 'check'>, clock: Clock, gate: LoginGate) {
    this.#chain = chain;
    this.#clock = clock;
    this.#gate = gate;
  }

  async authenticate(credentials: Credentials): Promise<AuthResult> {
    const { login, password, service: protocol, remoteAddress: address, mechanism = 'PLAIN' } = credentials;
    const attempt = { account: login.slice(0, 320), address, protocol, mechanism };
    const check = async (): Promise<AuthResult> => (await this.#chain().check(credentials)).result;
    const since = this.#clock.monotonic();
    return await passGate(this.#gate, attempt, check, password, () => this.#clock.monotonic() - since);
  }
}
