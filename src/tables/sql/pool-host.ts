// One server of a pool: how it is reached, its connections, the lookups that wait for one, and since when it fails.

import type { SqlMode } from './sql-quoting.ts';
import type { TemporaryError } from '../../lib/temporary-error.ts';
import type { MakeQuery, SqlQuery, SqlRows } from './sql-table.ts';

/** RefusedQuery: the server answered with an error, and can be asked again. */
export type SqlAnswer = SqlRows | RefusedQuery | TemporaryError;

export interface SqlConnection {
  readonly mode: SqlMode;
  /** An answer for each, in order. Rejects where the connection is of no use any more. */
  query(queries: readonly SqlQuery[]): Promise<readonly SqlAnswer[]>;
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
  /** How many queries a connection takes at once. */
  readonly maxTogether: number;
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

/** A lookup that waits for a connection. */
export interface Waiting {
  readonly make: MakeQuery;
  readonly since: number;
  /** Once it was asked with others and no answer came: which of them is to blame shows alone. */
  isAlone: boolean;
  readonly resolve: (rows: SqlRows) => void;
  readonly reject: (error: Error) => void;
}

export class HostState {
  readonly host: PoolHost;
  readonly idle: Pooled[] = [];
  readonly waiting: Waiting[] = [];
  /** What waits is sent at the end of this turn. */
  isPlanned = false;
  gatherTimer: NodeJS.Timeout | undefined;
  waitTimer: NodeJS.Timeout | undefined;
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
