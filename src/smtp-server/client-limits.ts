// How many connections and commands each client address may use, as Postfix's anvil(8) counts them: connections
// open now, and connections, messages, recipients, AUTH commands and new TLS sessions within anvil_rate_time_unit.
// A limit of 0 is none. An address is forgotten when it has no connection and its time unit is over; the number
// of addresses remembered is bounded, the oldest going first.

import type { Clock } from '../lib/clock.ts';

export type CountedEvent = 'connections' | 'messages' | 'recipients' | 'auth' | 'tlsSessions';

interface Counts {
  open: number;
  since: number;
  connections: number;
  messages: number;
  recipients: number;
  auth: number;
  tlsSessions: number;
}

const maxAddresses = 100_000;

export class ClientLimits {
  readonly #clock: Clock;
  readonly #unit: number;
  readonly #counts = new Map<string, Counts>();

  /** `unit` in milliseconds. One instance per service, as Postfix counts per service and client. */
  constructor(clock: Clock, unit: number) {
    this.#clock = clock;
    this.#unit = unit;
  }

  /** Counts a new connection; gives how many are open now and how many came within the time unit. */
  connected(address: string): { open: number; rate: number } {
    const counts = this.#countsOf(address);
    counts.open++;
    counts.connections++;
    return { open: counts.open, rate: counts.connections };
  }

  /** Connections that the address has now. */
  open(address: string): number {
    return this.#counts.get(address)?.open ?? 0;
  }

  disconnected(address: string): void {
    const counts = this.#counts.get(address);
    if (counts === undefined) return;
    counts.open--;
    if (counts.open <= 0 && this.#clock.monotonic() - counts.since >= this.#unit) this.#counts.delete(address);
  }

  /** How many there were within the time unit. */
  counted(address: string, event: CountedEvent): number {
    return this.#countsOf(address)[event];
  }

  /** Counts one more event; gives how many there were within the time unit. */
  count(address: string, event: CountedEvent): number {
    const counts = this.#countsOf(address);
    counts[event]++;
    return counts[event];
  }

  #countsOf(address: string): Counts {
    const now = this.#clock.monotonic();
    let counts = this.#counts.get(address);
    if (counts === undefined) {
      if (this.#counts.size >= maxAddresses) this.#forgetIdle(now);
      counts = { open: 0, since: now, connections: 0, messages: 0, recipients: 0, auth: 0, tlsSessions: 0 };
      this.#counts.set(address, counts);
    } else if (now - counts.since >= this.#unit) {
      counts.since = now;
      counts.connections = counts.messages = counts.recipients = counts.auth = counts.tlsSessions = 0;
    }
    return counts;
  }

  #forgetIdle(now: number): void {
    for (const [address, counts] of this.#counts) {
      if (counts.open <= 0 && now - counts.since >= this.#unit) this.#counts.delete(address);
    }
    for (const [address, counts] of this.#counts) {
      if (this.#counts.size < maxAddresses) return;
      if (counts.open <= 0) this.#counts.delete(address);
    }
  }
}
