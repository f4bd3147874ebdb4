// TLS sessions to resume: the next handshake with the same server under the same policy costs one round trip and no
// signature (RFC 8446 §2.2, RFC 5077). In memory and of this process only, where Postfix keeps a file
// (smtp_tls_session_cache_database): a restart begins anew.

import type { Clock } from '../lib/clock.ts';

export interface KeptSession {
  readonly session: Buffer;
  /** What the server showed when the session began (DER): a resumed one shows nothing. */
  readonly certificate: Buffer | undefined;
}

/** The oldest go first; a session is 1 to 5 KiB. */
const maxSessions = 2000;

export class TlsSessions {
  readonly #clock: Clock;
  readonly #lifetime: number;
  readonly #byName = new Map<string, KeptSession & { readonly until: number }>();

  constructor(clock: Clock, lifetimeMilliseconds: number) {
    this.#clock = clock;
    this.#lifetime = lifetimeMilliseconds;
  }

  /** Given out once: a ticket that is used twice lets listeners see that both are one client (RFC 8446 appendix C.4). */
  take(name: string): KeptSession | undefined {
    const known = this.#byName.get(name);
    this.#byName.delete(name);
    return known && known.until > this.#clock.monotonic() ? known : undefined;
  }

  keep(name: string, { session, certificate }: KeptSession): void {
    if (this.#lifetime <= 0) return;
    this.#byName.delete(name);
    const [oldest] = this.#byName.keys();
    if (this.#byName.size >= maxSessions && oldest !== undefined) this.#byName.delete(oldest);
    this.#byName.set(name, { session, certificate, until: this.#clock.monotonic() + this.#lifetime });
  }
}
