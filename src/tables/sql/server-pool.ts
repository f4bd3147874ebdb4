// Connections to the servers of one set of tables, as mysql_table(5) and pgsql_table(5) describe `hosts`: the servers
// hold the same rows; one is chosen at random, UNIX-domain sockets before TCP, and asked until it fails; then another.
// Connections that nobody uses for a minute are closed.
//
// Everything is bounded: connections, the lookups that wait for one, the time to connect and to answer. A server that
// cannot be reached, or that says nothing, is left alone for a second, then two, four … up to `retryMilliseconds`
// (Postfix: always 60 s, also after a restart that took a second); while all are left alone every lookup is a
// TemporaryError at once. A query that a server refuses is tried on the others, and says nothing against the server.
// A connection that ends between two lookups is replaced without telling anybody.

import type { Clock } from '../../lib/clock.ts';
import type { ProgramLog } from '../../lib/log.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import {
  HostFailed,
  HostState,
  type Pooled,
  type PoolHost,
  type PoolLimits,
  RefusedQuery,
  type Waiter,
} from './pool-host.ts';
import type { MakeQuery, SqlRows, SqlServer } from './sql-table.ts';

export interface PoolOptions {
  /** The table's name, for messages. */
  readonly name: string;
  readonly hosts: readonly PoolHost[];
  readonly limits: PoolLimits;
  readonly log: ProgramLog;
  readonly clock: Clock;
}

const firstRetryMilliseconds = 1000;

export class ServerPool implements SqlServer {
  readonly #options: PoolOptions;
  readonly #hosts: readonly HostState[];
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#hosts = options.hosts.map((host) => new HostState(host));
  }

  async query(make: MakeQuery): Promise<SqlRows> {
    const tried = new Set<HostState>();
    let refusal = '';
    for (;;) {
      const host = this.#chooseHost(tried);
      if (host === undefined) throw new TemporaryError(`table ${this.#options.name}: ${refusal || this.#whyDown()}`);
      try {
        return await this.#queryHost(host, make);
      } catch (error) {
        if (error instanceof TemporaryError) throw error;
        refusal = `${host.host.name}: ${(error as Error).message}`;
        tried.add(host);
      }
    }
  }

  /** Closes what is idle; what is being asked is closed after its answer. A lookup may still come: it connects anew. */
  close(): void {
    this.#isClosed = true;
    for (const host of this.#hosts) for (const pooled of host.idle.splice(0)) this.#end(pooled);
  }

  async #queryHost(host: HostState, make: MakeQuery): Promise<SqlRows> {
    for (;;) {
      const pooled = await this.#take(host);
      const wasFresh = pooled.isFresh;
      pooled.isFresh = false;
      const startedAt = this.#options.clock.monotonic();
      try {
        const sql = make(pooled.connection.mode);
        const rows = await this.#withinTime(pooled.connection.query(sql));
        this.#answered(host, pooled);
        return rows;
      } catch (error) {
        if (error instanceof RefusedQuery || error instanceof TemporaryError) {
          this.#answered(host, pooled);
          if (error instanceof RefusedQuery) this.#warn(`query failed on ${host.host.name}: ${error.message}`);
          throw error;
        }
        this.#end(pooled);
        this.#openForWaiting(host);
        if (error instanceof HostFailed) {
          // Silence on one query, while others are answered, is that query's fault.
          if (host.lastAnswerAt < startedAt || host.lastAnswerAt === 0) this.#markDown(host, error.message);
          throw error;
        }
        // The server had closed it meanwhile, or was started again.
        if (wasFresh) {
          this.#markDown(host, (error as Error).message);
          throw error;
        }
      }
    }
  }

  #answered(host: HostState, pooled: Pooled): void {
    host.lastAnswerAt = this.#options.clock.monotonic();
    host.failures = 0;
    this.#giveBack(pooled);
  }

  async #withinTime(answer: Promise<SqlRows>): Promise<SqlRows> {
    const { queryMilliseconds } = this.#options.limits;
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_resolve, reject) => {
      const fail = (): void => reject(new HostFailed(`no answer within ${queryMilliseconds / 1000} s`));
      timer = setTimeout(fail, queryMilliseconds);
    });
    try {
      return await Promise.race([answer, silence]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** One that is connected before one that is not, sockets before TCP, and else by chance. */
  #chooseHost(tried: ReadonlySet<HostState>): HostState | undefined {
    const now = this.#options.clock.monotonic();
    const live = this.#hosts.filter((host) => !tried.has(host) && host.downUntil <= now);
    const connected = live.filter((host) => host.count > 0);
    const candidates = connected.length > 0 ? connected : live;
    const sockets = candidates.filter((host) => host.host.isSocket);
    const best = sockets.length > 0 ? sockets : candidates;
    return best[Math.floor(Math.random() * best.length)];
  }

  async #take(host: HostState): Promise<Pooled> {
    const idle = host.idle.pop();
    if (idle !== undefined) {
      clearTimeout(idle.idleTimer);
      return idle;
    }
    const { maxWaiting } = this.#options.limits;
    if (host.waiting.length >= maxWaiting) {
      throw new TemporaryError(`table ${this.#options.name}: ${maxWaiting} lookups wait for ${host.host.name} already`);
    }
    return await new Promise((give, refuse) => {
      const tooLate = (): void => {
        host.waiting.splice(host.waiting.indexOf(waiter), 1);
        refuse(new TemporaryError(`table ${this.#options.name}: no connection to ${host.host.name} came free`));
      };
      const timer = setTimeout(tooLate, this.#options.limits.queryMilliseconds * 2);
      const waiter: Waiter = {
        give: (pooled) => {
          clearTimeout(timer);
          give(pooled);
        },
        refuse: (error) => {
          clearTimeout(timer);
          refuse(error);
        },
      };
      host.waiting.push(waiter);
      this.#openForWaiting(host);
    });
  }

  async #open(host: HostState): Promise<void> {
    host.count++;
    const state: { pooled?: Pooled } = {};
    try {
      const connection = await host.host.connect(() => this.#idleEnded(state.pooled));
      state.pooled = { connection, host, isFresh: true, idleTimer: undefined };
      host.established++;
    } catch (error) {
      host.count--;
      this.#couldNotOpen(host, (error as Error).message);
      return;
    }
    this.#giveBack(state.pooled);
  }

  /** With connections left, or still being opened, "too many connections" is no reason to leave the server alone. */
  #couldNotOpen(host: HostState, why: string): void {
    // Nobody waits for a spare one: the next lookup finds out for itself.
    if (host.waiting.length === 0) return;
    if (host.count === 0) this.#markDown(host, why);
    else host.growAfter = this.#options.clock.monotonic() + firstRetryMilliseconds;
  }

  #openForWaiting(host: HostState): void {
    const opening = host.count - host.established;
    if (host.waiting.length <= opening || host.count >= this.#options.limits.maxConnections) return;
    if (host.established > 0 && host.growAfter > this.#options.clock.monotonic()) return;
    void this.#open(host);
  }

  #giveBack(pooled: Pooled): void {
    const waiter = pooled.host.waiting.shift();
    if (waiter !== undefined) {
      waiter.give(pooled);
      return;
    }
    if (this.#isClosed) {
      this.#end(pooled);
      return;
    }
    // While it rests the server may end it.
    pooled.isFresh = false;
    pooled.host.idle.push(pooled);
    pooled.idleTimer = setTimeout(() => this.#idleEnded(pooled), this.#options.limits.idleMilliseconds);
    pooled.idleTimer.unref();
  }

  #idleEnded(pooled: Pooled | undefined): void {
    const at = pooled?.host.idle.indexOf(pooled) ?? -1;
    // In use, its query fails by itself.
    if (pooled === undefined || at === -1) return;
    pooled.host.idle.splice(at, 1);
    this.#end(pooled);
  }

  #end(pooled: Pooled): void {
    clearTimeout(pooled.idleTimer);
    pooled.host.count--;
    pooled.host.established--;
    pooled.connection.close();
  }

  #markDown(host: HostState, why: string): void {
    const now = this.#options.clock.monotonic();
    host.lastError = why;
    if (host.downUntil <= now) {
      const pause = Math.min(firstRetryMilliseconds * 2 ** host.failures, this.#options.limits.retryMilliseconds);
      host.failures = Math.min(host.failures + 1, 20);
      host.downUntil = now + pause;
      this.#warn(`${host.host.name}: ${why}; left alone for ${pause / 1000} s`);
    }
    for (const waiter of host.waiting.splice(0)) waiter.refuse(new HostFailed(why));
    for (const pooled of host.idle.splice(0)) this.#end(pooled);
  }

  #whyDown(): string {
    const reasons = this.#hosts.map((host) => `${host.host.name}: ${host.lastError || 'not reached'}`);
    return `no server can be asked (${reasons.join('; ')})`;
  }

  #warn(text: string): void {
    this.#options.log.warning(`table ${this.#options.name}: ${text}`);
  }
}
