// How many mistakes a client may still make: smtpd_soft_error_limit, smtpd_hard_error_limit and
// smtpd_junk_command_limit. An accepted message forgives them all, as in Postfix.

import type { ServiceOptions } from './options.ts';

export class ErrorBudget {
  readonly #options: ServiceOptions;
  #errors = 0;
  #junk = 0;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  get isSpent(): boolean {
    return this.#errors >= this.#options.hardErrorLimit;
  }

  /** Milliseconds by which the next reply is to be late. */
  get delay(): number {
    return this.#errors >= this.#options.softErrorLimit ? this.#options.errorSleep : 0;
  }

  countError(): void {
    this.#errors++;
  }

  countJunk(): void {
    if (this.#junk++ > this.#options.junkCommandLimit) this.#errors++;
  }

  forgive(): void {
    this.#errors = 0;
    this.#junk = 0;
  }
}
