// Tables with the same servers, user and database share their connections: a mail host's six `.cf` files usually name
// one server. The pools belong to one configuration's tables, and end with them.

import type { Clock } from '../../lib/clock.ts';
import type { ProgramLog } from '../../lib/log.ts';
import type { PoolHost } from './pool-host.ts';
import { ServerPool } from './server-pool.ts';
import type { SqlServer } from './sql-table.ts';
import type { ServerTableContext } from '../table-settings.ts';

export interface ServerLimits {
  readonly connectMilliseconds: number;
  readonly queryMilliseconds: number;
  readonly maxConnections: number;
  readonly maxWaiting: number;
}

/**
 * Postfix waits for a server without end. A session's client waits five minutes for the answer to RCPT (RFC 5321
 * §4.5.3.2.3), during which several tables may be asked. Eight connections keep a server of a few cores busy.
 */
export const usualServerLimits: ServerLimits = {
  connectMilliseconds: 5000,
  queryMilliseconds: 10_000,
  maxConnections: 8,
  maxWaiting: 2000,
};

/** What opens servers, for tables or for whoever asks them something else. */
export interface SqlServerContext {
  readonly log: ProgramLog;
  readonly clock: Clock;
  readonly limits: ServerLimits;
  /** By what they connect to and as whom. */
  readonly pools: Map<string, SqlServer>;
}

export type SqlTableContext = SqlServerContext & ServerTableContext;

interface SharedPoolOptions {
  readonly key: string;
  readonly name: string;
  readonly hosts: () => readonly PoolHost[];
  readonly idleMilliseconds: number;
  readonly retryMilliseconds: number;
}

/** The pool with this key, made where there is none. */
export function openSharedPool(context: SqlServerContext, options: SharedPoolOptions): SqlServer {
  const known = context.pools.get(options.key);
  if (known !== undefined) return known;
  const { name, idleMilliseconds, retryMilliseconds } = options;
  const { log, clock } = context;
  const limits = { ...context.limits, idleMilliseconds, retryMilliseconds };
  const pool = new ServerPool({ name, hosts: options.hosts(), limits, log, clock });
  context.pools.set(options.key, pool);
  return pool;
}
