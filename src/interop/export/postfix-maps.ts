// `posthaste export postfix-maps`: the views and the reader's account in the database, and every map file.

import { randomBytes } from 'node:crypto';
import type { Configuration } from '../../settings/configuration.ts';
import { accountHosts, type Grant, isAccountName, makeAccount } from './accounts.ts';
import { directoryViews } from './all-views.ts';
import { ServerTarget } from './database-target.ts';
import type { DirectoryServer } from '../../directory/server/server-settings.ts';
import { dialects, type Driver } from './dialect.ts';
import { type ExportedFile, ExportRefused, findGroup, readExisting, writeExport } from './export-files.ts';
import { readExports } from './export-record.ts';
import { type MapConnection, mapFiles, mapFileText, passwordIn } from './map-files.ts';
import {
  asAdmin,
  type ExportPlace,
  extensionRulesOf,
  findPlace,
  hostsOf,
  openTarget,
  shareSqlite,
  unreadableBy,
} from './place.ts';
import { postfixViews } from './views.ts';

export interface MapsOptions {
  readonly driver?: Driver;
  readonly destdir: string;
  /** The account that the files name. */
  readonly reader: string;
  readonly newPassword: boolean;
  /** Who may read the files: Postfix's group. */
  readonly group: string;
  /** Another account of the server's, with which accounts are made. */
  readonly admin?: DirectoryServer;
  /** What the head of each file says, beside our name. */
  readonly maker: string;
}

export interface MapsResult {
  readonly driver: Driver;
  readonly files: readonly string[];
  readonly changed: readonly string[];
  /** Lines that say what else somebody has to do. */
  readonly remarks: readonly string[];
}

/** Throws ExportRefused, DirectoryOpenError, ServerUnavailable, ServerRefusal. */
export async function exportPostfixMaps(configuration: Configuration, options: MapsOptions): Promise<MapsResult> {
  if (!isAccountName(options.reader)) {
    throw new ExportRefused(`"${options.reader}" is no name for an account: small letters, digits and "_"`);
  }
  const place = findPlace(configuration, options.driver);
  const password = readerPassword(configuration, options, place.driver) ?? randomBytes(24).toString('base64url');
  const files = mapTexts(configuration, place, options, password);
  const gid = findGroup(options.group);
  const target = await openTarget(place);
  try {
    await target.makeViews(directoryViews(target.dialect));
    if (target instanceof ServerTarget) await makeReader(target, place, options, password);
  } finally {
    target.close();
  }
  const changed = await writeExport(options.destdir, files, gid);
  if (place.driver === 'sqlite' && gid !== undefined) shareSqlite(place.file, gid);
  return {
    driver: place.driver,
    files: files.map(({ name }) => name),
    changed,
    remarks: remarks(place, gid, options.group),
  };
}

/** The files as they are to be. */
export function mapTexts(
  configuration: Configuration,
  place: ExportPlace,
  { reader, maker }: Pick<MapsOptions, 'reader' | 'maker'>,
  password: string,
): ExportedFile[] {
  const context = { dialect: dialects[place.driver], rules: extensionRulesOf(configuration.settings) };
  const connection = connectionOf(place, reader, password);
  return mapFiles(place.driver).map((file) => ({
    name: file.name,
    text: mapFileText(file, connection, context, maker),
    mode: 0o640,
  }));
}

function connectionOf(place: ExportPlace, user: string, password: string): MapConnection {
  if (place.driver === 'sqlite') return place;
  const { addresses } = place.server;
  const hosts = hostsOf(addresses, { user, password });
  return { driver: place.driver, hosts, database: addresses[0]?.database ?? '', user, password };
}

/**
 * The account is the server's, and several folders may name it: the export that was made last says its password, or the
 * others would be locked out by this one.
 */
function readerPassword(
  configuration: Configuration,
  { destdir, newPassword, reader }: MapsOptions,
  driver: Driver,
): string | undefined {
  if (newPassword) return undefined;
  const folders = readExports(configuration)
    .filter(({ kind, options }) => kind !== 'dovecot' && options['reader'] === reader)
    .map((entry) => entry.destdir);
  for (const folder of [...folders.toReversed(), destdir]) {
    const password = keptPassword(folder, driver);
    if (password !== undefined) return password;
  }
  return undefined;
}

/** What an earlier export has given the reader. */
export function keptPassword(destdir: string, driver: Driver): string | undefined {
  for (const { name } of mapFiles(driver)) {
    const password = passwordIn(readExisting(destdir, name) ?? '');
    if (password !== undefined) return password;
  }
  return undefined;
}

async function makeReader(
  target: ServerTarget,
  place: ExportPlace,
  { reader: name, admin }: MapsOptions,
  password: string,
): Promise<void> {
  if (place.driver === 'sqlite') return;
  const account = { name, password, hosts: accountHosts(place.server.addresses) };
  await asAdmin(target, admin, async (session) => await makeAccount(session, account, readerGrants(place.driver)));
}

function remarks(place: ExportPlace, gid: number | undefined, group: string): string[] {
  if (gid === undefined) {
    return [`the files are this user's alone: as root, chgrp ${group} them, so that Postfix can read them`];
  }
  if (place.driver !== 'sqlite') return [];
  return unreadableBy(place.file, gid).map((mend) => `Postfix cannot read ${place.file} yet: ${mend}`);
}

export function readerGrants(driver: Driver): Grant[] {
  return postfixViews(dialects[driver]).map(({ name }) => ({ right: 'SELECT', on: name }));
}
