// Where the directory of a configuration is, and how others reach it.

import { chmodSync, chownSync, existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExtensionRules } from '../../address/extension.ts';
import {
  type DirectoryPlace,
  type DirectoryServer,
  parseDirectoryPlace,
  readDirectoryServer,
} from '../../directory/server/server-settings.ts';
import type { ServerAddress, ServerSession } from '../../database/server/server-session.ts';
import { type Configuration, dataDirectoryOf } from '../../settings/configuration.ts';
import type { Settings } from '../../settings/settings.ts';
import { type DatabaseTarget, ServerTarget, SqliteTarget } from './database-target.ts';
import type { Driver } from './dialect.ts';
import { ExportRefused } from './export-files.ts';

export type ExportPlace =
  | { readonly driver: 'sqlite'; readonly file: string }
  | { readonly driver: 'mysql' | 'pgsql'; readonly server: DirectoryServer };

/** `driver`: what somebody has asked for; it must be the directory's own. Throws ExportRefused, DirectoryOpenError. */
export function findPlace(configuration: Configuration, driver: Driver | undefined): ExportPlace {
  const place = parseDirectoryPlace(configuration.settings.expanded('posthaste_directory'), configuration.directory);
  const own = driverOf(place);
  if (driver !== undefined && driver !== own) {
    throw new ExportRefused(
      `the directory is in ${own}, not in ${driver}: leave --driver out, or move the directory first (posthaste directory move)`,
    );
  }
  if (place.kind === 'server') return { driver: own as 'mysql' | 'pgsql', server: readDirectoryServer(place) };
  const file = join(dataDirectoryOf(configuration), 'directory.db');
  if (!existsSync(file)) throw new ExportRefused(`${file} does not exist: run "posthaste start" first`);
  return { driver: 'sqlite', file };
}

function driverOf(place: DirectoryPlace): Driver {
  return place.kind === 'sqlite' ? 'sqlite' : place.dialect === 'mysql' ? 'mysql' : 'pgsql';
}

/** recipient_delimiter and its exceptions, which the queries have in them. */
export function extensionRulesOf(settings: Settings): ExtensionRules {
  return {
    delimiters: settings.text('recipient_delimiter'),
    ownerRequestSpecial: settings.flag('owner_request_special'),
    doubleBounceSender: settings.text('double_bounce_sender'),
  };
}

/** As `hosts` of mysql_table(5) and pgsql_table(5) has them. */
export function hostsOf(addresses: readonly ServerAddress[], account: { user: string; password: string }): string[] {
  return addresses.map(({ dialect, socket, host, port, database }) => {
    if (dialect === 'mysql') return socket === undefined ? `inet:${host}:${port}` : `unix:${socket}`;
    if (socket === undefined) return `inet:${host}:${port}`;
    if (port === 5432) return `unix:${socket}`;
    // Only an URI tells Postfix a socket's port.
    const query = new URLSearchParams({ host: socket, port: String(port), ...account });
    return `postgresql:///${database}?${query.toString()}`;
  });
}

/** WAL and its index stand beside the file: a reader that may not make them needs them there (sqlite.org/wal.html#readonly). */
export function sqliteFiles(file: string): string[] {
  return ['', '-wal', '-shm'].map((suffix) => file + suffix).filter((one) => existsSync(one));
}

export function shareSqlite(file: string, gid: number): void {
  for (const one of sqliteFiles(file)) {
    chownSync(one, statSync(one).uid, gid);
    chmodSync(one, (statSync(one).mode & 0o700) | 0o040);
  }
}

/** Why members of a group cannot read the file: folders and files, each with what to do. */
export function unreadableBy(file: string, gid: number): string[] {
  const problems: string[] = [];
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const { mode, gid: own } = statSync(folder);
    if ((mode & 0o001) === 0 && !((mode & 0o010) !== 0 && own === gid)) problems.push(`chmod o+x ${folder}`);
    if (folder === dirname(folder)) break;
  }
  for (const one of sqliteFiles(file)) {
    const { mode, gid: own } = statSync(one);
    if ((mode & 0o004) === 0 && !((mode & 0o040) !== 0 && own === gid)) problems.push(`chgrp and chmod g+r ${one}`);
  }
  return problems;
}

/** As the directory's own account, whose the views are to be. Throws ServerUnavailable, ServerRefusal. */
export async function openTarget(place: ExportPlace, isReading = false): Promise<DatabaseTarget> {
  if (place.driver === 'sqlite') return new SqliteTarget(place.file, isReading);
  return await ServerTarget.open(place.server);
}

/** What the directory's own account may not do, where another is named. Throws ServerUnavailable, ServerRefusal. */
export async function asAdmin(
  target: ServerTarget,
  admin: DirectoryServer | undefined,
  work: (session: ServerSession) => Promise<void>,
): Promise<void> {
  if (admin === undefined) {
    await work(target.session);
    return;
  }
  const other = await ServerTarget.open(admin);
  try {
    await work(other.session);
  } finally {
    other.close();
  }
}
