// Sessions that are kept for the next message (Postfix's CONNECTION_CACHE_README): always for the destinations of
// smtp_connection_cache_destinations, and on demand while mail for a destination comes back to back. A kept session waits
// for smtp_connection_cache_time_limit, is used at most smtp_connection_reuse_count_limit times and for
// smtp_connection_reuse_time_limit, and is then ended with QUIT.
//
// A kept session is found under the server's name, address and port, and only by mail for which all that protects it would
// be the same (the caller's part): TLS policy, login. One that broke meanwhile is never handed out.
// Bounded: the oldest leaves when there are too many.

import type { Clock } from '../lib/clock.ts';

/** What is kept: a session after a message, ready for the next. */
export interface CachedSession {
  /** Messages so far. */
  readonly uses: number;
  /** When its connection was made (monotonic). */
  readonly openedAt: number;
  /** Not broken, and nothing was said in the meantime. */
  readonly isUsable: boolean;
  quit(): Promise<void>;
  close(): void;
}

export interface CacheRules {
  /** smtp_connection_cache_on_demand. */
  readonly onDemand: boolean;
  /** smtp_connection_cache_time_limit. */
  readonly idleMilliseconds: number;
  /** smtp_connection_reuse_count_limit; 0: no limit. */
  readonly reuseCount: number;
  /** smtp_connection_reuse_time_limit. */
  readonly reuseMilliseconds: number;
  /** smtp_connection_cache_destinations; asked for a host or domain without brackets and port, or `unix:/path`. */
  isAlwaysKept(destination: string): Promise<boolean> | boolean;
}

/** What a session is kept under. */
export interface Keep {
  readonly key: string;
  /** What begin() was told. */
  readonly demand: string;
  /** As smtp_connection_cache_destinations may name it: without brackets and port. */
  readonly destination: string;
}

interface Kept<Session> {
  readonly session: Session;
  readonly timer: NodeJS.Timeout;
}

/** How busy a destination is: what Postfix's queue manager tells its agents. */
interface Demand {
  busy: number;
  lastDone: number;
  isHigh: boolean;
}

/** As many as a transport has processes by default. */
const maxKept = 100;
/** Deliveries that follow each other within this time are back to back (qmgr(8) counts whole seconds). */
const backToBackMilliseconds = 2000;
/** Of destinations that are idle, at most so many are remembered. */
const maxDemands = 1000;

export class ConnectionCache<Session extends CachedSession> {
  readonly #rules: CacheRules;
  readonly #clock: Clock;
  /** In the order in which they were given; of one key the last comes first, as it is the likeliest to live. */
  readonly #kept = new Map<string, Kept<Session>[]>();
  readonly #demands = new Map<string, Demand>();
  #count = 0;
  #isClosed = false;
  readonly #quitting = new Set<Promise<void>>();

  constructor(rules: CacheRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  /** A delivery begins to what `name` says; the function says that it has ended. */
  begin(name: string): () => void {
    const now = this.#clock.monotonic();
    let demand = this.#demands.get(name);
    if (!demand) {
      if (this.#demands.size >= maxDemands) this.#forget(now);
      demand = { busy: 0, lastDone: Number.NEGATIVE_INFINITY, isHigh: false };
      this.#demands.set(name, demand);
    }
    const known = demand;
    known.busy++;
    const isBackToBack = now - known.lastDone < backToBackMilliseconds;
    if (isBackToBack) known.isHigh = true;
    else if (known.busy === 1) known.isHigh = false;
    return () => {
      known.busy--;
      known.lastDone = this.#clock.monotonic();
    };
  }

  has(key: string): boolean {
    return this.#kept.has(key);
  }

  /** The session that was kept last under this key, lives and is fit. */
  take(key: string, isFit: (session: Session) => boolean): Session | undefined {
    const list = this.#kept.get(key) ?? [];
    for (let index = list.length - 1; index >= 0; index--) {
      const kept = list[index];
      if (!kept || !isFit(kept.session)) continue;
      list.splice(index, 1);
      this.#removed(key, kept);
      if (kept.session.isUsable && !this.#isWornOut(kept.session)) return kept.session;
      this.#end(kept.session);
    }
    return undefined;
  }

  /** Keeps a session, or ends it where the rules say so. */
  async give({ key, demand, destination }: Keep, session: Session): Promise<void> {
    const isWanted =
      !this.#isClosed &&
      session.isUsable &&
      !this.#isWornOut(session) &&
      ((this.#rules.onDemand && this.#demands.get(demand)?.isHigh === true) || (await this.#isAlwaysKept(destination)));
    if (!isWanted || this.#isClosed || this.#rules.idleMilliseconds === 0) return this.#end(session);
    if (this.#count >= maxKept) this.#endOldest();
    const timer = setTimeout(() => this.#expire(key, kept), this.#rules.idleMilliseconds);
    timer.unref();
    const kept = { session, timer };
    const list = this.#kept.get(key);
    if (list) list.push(kept);
    else this.#kept.set(key, [kept]);
    this.#count++;
  }

  /** One of them was found dead: its fellows are of the same server. */
  drop(key: string): void {
    for (const kept of this.#kept.get(key)?.splice(0) ?? []) {
      this.#removed(key, kept);
      this.#end(kept.session);
    }
  }

  /** Ends all with QUIT; what is given later is ended at once. Resolves when the servers have answered or the time is over. */
  async close(graceMilliseconds = 1000): Promise<void> {
    this.#isClosed = true;
    const sessions = [...this.#kept.values()].flat().map(({ session }) => session);
    for (const key of this.#kept.keys()) this.drop(key);
    if (this.#quitting.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMilliseconds);
    });
    await Promise.race([Promise.all(this.#quitting), late]);
    clearTimeout(timer);
    for (const session of sessions) session.close();
  }

  get size(): number {
    return this.#count;
  }

  async #isAlwaysKept(destination: string): Promise<boolean> {
    try {
      return await this.#rules.isAlwaysKept(destination);
    } catch {
      // A table that does not answer: the mail is out, and the next one opens a connection of its own.
      return false;
    }
  }

  #isWornOut({ uses, openedAt }: Session): boolean {
    const { reuseCount, reuseMilliseconds } = this.#rules;
    // The first message is no reuse.
    if (reuseCount > 0 && uses - 1 >= reuseCount) return true;
    return this.#clock.monotonic() - openedAt >= reuseMilliseconds;
  }

  #expire(key: string, kept: Kept<Session>): void {
    const list = this.#kept.get(key) ?? [];
    const index = list.indexOf(kept);
    if (index < 0) return;
    list.splice(index, 1);
    this.#removed(key, kept);
    this.#end(kept.session);
  }

  #endOldest(): void {
    for (const [key, list] of this.#kept) {
      const kept = list.shift();
      if (!kept) continue;
      this.#removed(key, kept);
      this.#end(kept.session);
      return;
    }
  }

  #removed(key: string, kept: Kept<Session>): void {
    clearTimeout(kept.timer);
    this.#count--;
    if (this.#kept.get(key)?.length === 0) this.#kept.delete(key);
  }

  #end(session: Session): void {
    const quitting = session.quit().finally(() => this.#quitting.delete(quitting));
    this.#quitting.add(quitting);
  }

  #forget(now: number): void {
    for (const [key, demand] of this.#demands) {
      if (demand.busy === 0 && now - demand.lastDone >= backToBackMilliseconds) this.#demands.delete(key);
    }
  }
}
