// How many connections there may be: altogether, from one address, and of one user from one address (Dovecot's
// mail_max_userip_connections). A limit of 0 is none.

import type { ImapOptions } from './options.ts';

export class ConnectionLimits {
  readonly #options: ImapOptions;
  readonly #byAddress = new Map<string, number>();
  readonly #byUser = new Map<string, number>();
  #total = 0;

  constructor(options: ImapOptions) {
    this.#options = options;
  }

  /** False where the connection must be refused; otherwise it is counted until disconnected(). */
  connected(address: string): boolean {
    const { connectionLimit, clientConnectionLimit } = this.#options;
    if (connectionLimit > 0 && this.#total >= connectionLimit) return false;
    if (!increase(this.#byAddress, address, clientConnectionLimit)) return false;
    this.#total++;
    return true;
  }

  disconnected(address: string): void {
    this.#total--;
    decrease(this.#byAddress, address);
  }

  loggedIn(mailbox: number, address: string): boolean {
    return increase(this.#byUser, `${mailbox} ${address}`, this.#options.userConnectionLimit);
  }

  loggedOut(mailbox: number, address: string): void {
    decrease(this.#byUser, `${mailbox} ${address}`);
  }
}

function increase(counts: Map<string, number>, key: string, limit: number): boolean {
  const count = counts.get(key) ?? 0;
  if (limit > 0 && count >= limit) return false;
  counts.set(key, count + 1);
  return true;
}

function decrease(counts: Map<string, number>, key: string): void {
  const count = (counts.get(key) ?? 0) - 1;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
