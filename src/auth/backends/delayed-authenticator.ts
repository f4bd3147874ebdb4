// The chain of backends as the servers ask it: a denial is answered late, and later with each further one. The delay
// counts from the question, so that the answer's time does not tell whether a hash was computed, that is, whether
// the name is known to somebody.

import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.ts';
import { FailureDelay, type FailureDelayOptions } from '../failure-delay.ts';
import type { AuthResult, Authenticator, Credentials } from '../types.ts';
import type { BackendChain } from './backend-chain.ts';

export class DelayedAuthenticator implements Authenticator {
  readonly #chain: () => Pick<BackendChain, 'check'>;
  readonly #clock: Clock;
  readonly #delay: FailureDelay;

  constructor(chain: () => Pick<BackendChain, 'check'>, clock: Clock, options: FailureDelayOptions) {
    this.#chain = chain;
    this.#clock = clock;
    this.#delay = new FailureDelay(clock, options);
  }

  async authenticate(credentials: Credentials): Promise<AuthResult> {
    const { login, remoteAddress } = credentials;
    const name = login.slice(0, 320).toLowerCase();
    const since = this.#clock.monotonic();
    const { result } = await this.#chain().check(credentials);
    if (result.kind === 'authenticated') {
      this.#delay.succeeded(remoteAddress, name);
      return result;
    }
    const passed = this.#clock.monotonic() - since;
    await wait(Math.max(0, this.#delay.failed(remoteAddress, name) - passed));
    return result;
  }
}
