// One server of a pool: how it is reached, its connections, the lookups that wait for one, and since when it fails.

import type { SqlMode } from './sql-quoting.ts';
import type { SqlRows } from './sql-table.ts';

export interface SqlConnection {
  readonly mode: SqlMode;
  /** Throws RefusedQuery where the server answers with an error and can be asked again; any other error ends the connection. */
  query(sql: string): Promise<SqlRows>;
  close(): void;
}

/** The server's own words on a query. */
export class RefusedQuery extends Error {
  override name = 'RefusedQuery';
}

export interface PoolHost {
  /** As written in `hosts`. */
  readonly name: string;
  readonly isSocket: boolean;
  /** Gives up by itself within the limits' time. `onEnd` is called when an idle connection ends. */
  connect(onEnd: () => void): Promise<SqlConnection>;
}

export interface PoolLimits {
  readonly maxConnections: number;
  readonly maxWaiting: number;
  readonly queryMilliseconds: number;
  readonly idleMilliseconds: number;
  readonly retryMilliseconds: number;
}

export interface Pooled {
  readonly connection: SqlConnection;
  readonly host: HostState;
  isFresh: boolean;
  idleTimer: NodeJS.Timeout | undefined;
}

export type Waiter = { readonly give: (pooled: Pooled) => void; readonly refuse: (error: Error) => void };

export class HostState {
  readonly host: PoolHost;
  readonly idle: Pooled[] = [];
  readonly waiting: Waiter[] = [];
  /** Connections that are open or being opened, and those that are open. */
  count = 0;
  established = 0;
  /** Monotonic time before which no further connection is tried beside those that are open. */
  growAfter = 0;
  failures = 0;
  /** Monotonic time until which it is left alone. */
  downUntil = 0;
  lastAnswerAt = 0;
  lastError = '';

  constructor(host: PoolHost) {
    this.host = host;
  }
}

/** This host cannot serve now; another may. */
export class HostFailed extends Error {
  override name = 'HostFailed';
}
