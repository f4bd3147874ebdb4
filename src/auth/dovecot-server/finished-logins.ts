// Logins that have succeeded and whose master may still ask for them (REQUEST, with the number and the cookie that only
// the client's connection was told): for a minute each, and only so many.

import type { Clock } from '../../lib/clock.ts';
import type { LoginService } from '../types.ts';

export interface FinishedLogin {
  readonly login: string;
  readonly service: LoginService;
}

const lifeMilliseconds = 60_000;
const maxEntries = 10_000;

export class FinishedLogins {
  readonly #clock: Clock;
  readonly #entries = new Map<string, FinishedLogin & { readonly until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(cookie: string, clientPid: string, id: string, login: FinishedLogin): void {
    this.#entries.set(`${cookie} ${clientPid} ${id}`, { ...login, until: this.#clock.monotonic() + lifeMilliseconds });
    for (const [name, { until }] of this.#entries) {
      if (this.#entries.size <= maxEntries && until > this.#clock.monotonic()) break;
      this.#entries.delete(name);
    }
  }

  /** Once. */
  take(cookie: string, clientPid: string, id: string): FinishedLogin | undefined {
    const name = `${cookie} ${clientPid} ${id}`;
    const found = this.#entries.get(name);
    this.#entries.delete(name);
    return found !== undefined && found.until > this.#clock.monotonic() ? found : undefined;
  }
}
