// The table types that ask a server or a database: what they need in common, and their openers by type.

import { type Clock, systemClock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import { openLdapTable } from './ldap/ldap-table.ts';
import { openMemcacheTable } from './sockets/memcache-table.ts';
import { openSocketmapTable } from './sockets/socketmap-table.ts';
import { openTcpTable } from './sockets/tcp-table.ts';
import { openMysqlTable } from './sql/mysql-table.ts';
import { openPgsqlTable } from './sql/pgsql-table.ts';
import { type ServerLimits, type SqlTableContext, usualServerLimits } from './sql/shared-pools.ts';
import { openSqliteTable } from './sql/sqlite-table.ts';
import type { TableOpener, TableRegistry } from './table.ts';

export interface ServerTablesOptions {
  readonly log: ProgramLog;
  /** A parameter's expanded value in main.cf, for tables whose settings stand there; undefined where it is not set. */
  readonly parameter?: ((name: string) => string | undefined) | undefined;
  readonly clock?: Clock | undefined;
  readonly limits?: ServerLimits | undefined;
}

/** Openers that share connections among the tables that they open. */
export function serverTableOpeners({
  log,
  parameter,
  clock,
  limits,
}: ServerTablesOptions): Record<string, TableOpener> {
  const pools = new Map();
  const contextOf = (registry: TableRegistry): SqlTableContext => ({
    log,
    registry,
    parameter: parameter ?? (() => undefined),
    clock: clock ?? systemClock,
    limits: limits ?? usualServerLimits,
    pools,
  });
  return {
    mysql: (name, registry) => openMysqlTable(name, contextOf(registry)),
    pgsql: (name, registry) => openPgsqlTable(name, contextOf(registry)),
    sqlite: (name, registry) => openSqliteTable(name, contextOf(registry)),
    ldap: (name, registry) => openLdapTable(name, contextOf(registry)),
    memcache: (name, registry) => openMemcacheTable(name, contextOf(registry)),
    tcp: (name) => openTcpTable(name, { clock: clock ?? systemClock }),
    socketmap: (name) => openSocketmapTable(name, { clock: clock ?? systemClock }),
  };
}
