// Connections to the servers of one set of tables, as mysql_table(5) and pgsql_table(5) describe `hosts`: the servers
// hold the same rows; one is chosen at random, UNIX-domain sockets before TCP, and asked until it fails; then another.
// Connections that nobody uses for a minute are closed.
//
// Everything is bounded: connections, the lookups that wait for one, the time to connect and to answer. A server that
// cannot be reached, or that says nothing, is left alone for a second, then two, four ... up to `retryMilliseconds`
// (Postfix: always 60 s, also after a restart that took a second); while all are left alone every lookup is a
// TemporaryError at once. A query that a server refuses is tried on the others, and says nothing against the server.
// A connection that ends between two lookups is replaced without telling anybody.
//
// Where a server takes several queries in one packet (mysql), lookups that wait at the same time go together: nearly all
// of the cost of a question is to wake the other side.

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
  type SqlAnswer,
  type Waiting,
} from './pool-host.ts';
import type { MakeQuery, SqlQuery, SqlRows, SqlServer } from './sql-table.ts';

export interface PoolOptions {
  /** The table's name, for messages. */
  readonly name: string;
  readonly hosts: readonly PoolHost[];
  readonly limits: PoolLimits;
  readonly log: ProgramLog;
  readonly clock: Clock;
}

const firstRetryMilliseconds = 1000;
const gatheringConnections = 3;
const gatherMilliseconds = 2;

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
        return await this.#ask(host, make);
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

  #ask(host: HostState, make: MakeQuery): Promise<SqlRows> {
    const { maxWaiting } = this.#options.limits;
    if (host.waiting.length >= maxWaiting) {
      throw new TemporaryError(`table ${this.#options.name}: ${maxWaiting} lookups wait for ${host.host.name} already`);
    }
    return new Promise((resolve, reject) => {
      host.waiting.push({ make, since: this.#options.clock.monotonic(), isAlone: false, resolve, reject });
      this.#plan(host);
    });
  }

  /** What is asked in this turn of the event loop is sent together: each packet wakes the server's thread and ours. */
  #plan(host: HostState): void {
    if (host.isPlanned) return;
    host.isPlanned = true;
    setImmediate(() => {
      host.isPlanned = false;
      this.#send(host);
    });
  }

  #send(host: HostState): void {
    while (host.waiting.length > 0 && !this.#gathers(host)) {
      const pooled = host.idle.pop();
      if (pooled === undefined) break;
      clearTimeout(pooled.idleTimer);
      void this.#run(pooled, this.#takeTogether(host));
    }
    if (host.waiting.length === 0) return;
    this.#openForWaiting(host);
    this.#limitWaiting(host);
    if (this.#gathers(host))
      host.gatherTimer ??= setTimeout(() => {
        host.gatherTimer = undefined;
        this.#send(host);
      }, gatherMilliseconds);
  }

  #takeTogether(host: HostState): readonly Waiting[] {
    // Shared among those that may be asked at once.
    const free = Math.max(1, gatheringConnections - busyConnections(host) + 1);
    const count = Math.min(host.host.maxTogether, Math.ceil(host.waiting.length / free));
    const alone = host.waiting.findIndex(({ isAlone }) => isAlone);
    return host.waiting.splice(0, alone === -1 ? count : Math.max(1, Math.min(count, alone)));
  }

  /** While three connections are asked, what comes waits for one of them and goes together; unless they are slow. */
  #gathers(host: HostState): boolean {
    if (host.host.maxTogether === 1 || busyConnections(host) < gatheringConnections) return false;
    const [oldest] = host.waiting;
    return oldest !== undefined && this.#options.clock.monotonic() - oldest.since < gatherMilliseconds;
  }

  async #run(pooled: Pooled, lookups: readonly Waiting[]): Promise<void> {
    const { host, connection } = pooled;
    const wasFresh = pooled.isFresh;
    pooled.isFresh = false;
    const startedAt = this.#options.clock.monotonic();
    const asked: Waiting[] = [];
    const queries: SqlQuery[] = [];
    for (const lookup of lookups) {
      try {
        queries.push(lookup.make(connection.mode));
        asked.push(lookup);
      } catch (error) {
        lookup.reject(error as Error);
      }
    }
    let answers: readonly SqlAnswer[] = [];
    try {
      if (queries.length > 0) answers = await this.#withinTime(connection.query(queries));
    } catch (error) {
      this.#end(pooled);
      this.#ended(host, asked, { error: error as Error, wasFresh, startedAt });
      this.#send(host);
      return;
    }
    if (queries.length > 0) {
      host.lastAnswerAt = this.#options.clock.monotonic();
      host.failures = 0;
    }
    this.#giveBack(pooled);
    asked.forEach((lookup, index) => this.#settle(host, lookup, answers[index]));
  }

  /** After a connection has ended without an answer. */
  #ended(
    host: HostState,
    asked: readonly Waiting[],
    { error, wasFresh, startedAt }: { error: Error; wasFresh: boolean; startedAt: number },
  ): void {
    const isSilent = error instanceof HostFailed;
    // Silence on one query, while others are answered, is that query's fault; on several, perhaps that of one of them.
    const isAnswering = host.lastAnswerAt >= startedAt && host.lastAnswerAt !== 0;
    const isDown = isSilent ? asked.length === 1 && !isAnswering : wasFresh;
    if (isDown) this.#markDown(host, error.message);
    if (isDown || (isSilent && asked.length === 1)) {
      for (const { reject } of asked) reject(error);
      return;
    }
    // Else one of them is slow; or the server had closed it meanwhile, or was started again.
    for (const lookup of asked) lookup.isAlone = isSilent;
    host.waiting.unshift(...asked);
  }

  #settle(host: HostState, { resolve, reject }: Waiting, answer: SqlAnswer | undefined): void {
    if (answer === undefined) {
      reject(new TemporaryError(`table ${this.#options.name}: no answer from ${host.host.name}`));
    } else if (answer instanceof Error) {
      if (answer instanceof RefusedQuery) this.#warn(`query failed on ${host.host.name}: ${answer.message}`);
      reject(answer);
    } else {
      resolve(answer);
    }
  }

  #withinTime<T>(answer: Promise<T>): Promise<T> {
    const { queryMilliseconds } = this.#options.limits;
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new HostFailed(`no answer within ${queryMilliseconds / 1000} s`));
      const timer = setTimeout(fail, queryMilliseconds);
      answer.finally(() => clearTimeout(timer)).then(resolve, reject);
    });
  }

  /** Nobody waits for a connection for longer than two queries may take. */
  #limitWaiting(host: HostState): void {
    const limit = this.#options.limits.queryMilliseconds * 2;
    if (host.waitTimer !== undefined) return;
    const waited = this.#options.clock.monotonic() - (host.waiting[0]?.since ?? 0);
    host.waitTimer = setTimeout(
      () => {
        host.waitTimer = undefined;
        const now = this.#options.clock.monotonic();
        const tooLate = host.waiting.filter(({ since }) => now - since >= limit);
        host.waiting.splice(0, tooLate.length);
        for (const { reject } of tooLate) {
          reject(new TemporaryError(`table ${this.#options.name}: no connection to ${host.host.name} came free`));
        }
        if (host.waiting.length > 0) this.#limitWaiting(host);
      },
      Math.max(1, limit - waited),
    ).unref();
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
    if (host.established > 0 && host.growAfter > this.#options.clock.monotonic()) return;
    while (
      !this.#gathers(host) &&
      host.waiting.length > host.count - host.established &&
      host.count < this.#options.limits.maxConnections
    ) {
      void this.#open(host);
    }
  }

  #giveBack(pooled: Pooled): void {
    const { host } = pooled;
    if (host.waiting.length > 0) {
      this.#plan(host);
    } else if (this.#isClosed) {
      this.#end(pooled);
      return;
    } else {
      // While it rests the server may end it.
      pooled.isFresh = false;
    }
    host.idle.push(pooled);
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
    for (const { reject } of host.waiting.splice(0)) reject(new HostFailed(why));
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

/** Those that are asked, and those that are being opened. */
function busyConnections(host: HostState): number {
  return host.count - host.idle.length;
}
