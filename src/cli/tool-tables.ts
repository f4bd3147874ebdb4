// Opens lookup tables for postmap and postalias: every type that the server has, by the settings of a configuration
// folder, or by Postfix's defaults where there is none. Needs no running server and writes nothing.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { openTables } from '../access/open-routing.ts';
import { hasDirectory, openConfiguredDirectory } from '../directory/open-directory.ts';
import { absentDirectoryOpener, directoryTableOpener } from '../directory/tables.ts';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { extensionRules } from '../routing/routing-settings.ts';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import { Settings } from '../settings/settings.ts';
import type { Tables } from '../tables/registry.ts';
import type { TableOpener } from '../tables/table.ts';

export interface ToolTables {
  readonly tables: Tables;
  close(): void;
}

/** The folder's main.cf; Postfix's defaults where nobody named a folder and the usual one has none. */
export async function loadToolSettings(directory: string, isNamed: boolean): Promise<ToolSettings> {
  if (!isNamed && !existsSync(path.join(directory, 'main.cf')))
    return { settings: Settings.defaults(), dataDirectory: undefined };
  const configuration = await loadConfiguration(directory);
  return { settings: configuration.settings, dataDirectory: dataDirectoryOf(configuration) };
}

export interface ToolSettings {
  readonly settings: Settings;
  readonly dataDirectory: string | undefined;
}

export interface OpenDirectory {
  readonly openers: Readonly<Record<string, TableOpener>>;
  close(): void;
}

/** The `directory:` tables, or what says why there are none. Without `isNeeded` the store stays closed. */
export async function openDirectory(
  { settings, dataDirectory }: ToolSettings,
  isNeeded: boolean,
): Promise<OpenDirectory> {
  if (!isNeeded || dataDirectory === undefined || !hasDirectory(settings, dataDirectory)) {
    const reason = `there is no directory in ${dataDirectory ?? 'use'}: run "posthaste start" first`;
    return { openers: { directory: absentDirectoryOpener(reason) }, close: () => undefined };
  }
  const directory = await openConfiguredDirectory(settings, dataDirectory, {
    readonly: true,
    warn: () => undefined,
    clock: systemClock,
    actor: 'postmap',
    extensionRules: extensionRules(settings),
  });
  return { openers: { directory: directoryTableOpener(directory) }, close: () => directory.close() };
}

/** `needsDirectory`: whether one of the tables is `directory:`. */
export async function openToolTables(loaded: ToolSettings, log: Log, needsDirectory: boolean): Promise<ToolTables> {
  const directory = await openDirectory(loaded, needsDirectory);
  const { settings } = loaded;
  const tables = openTables({ settings, log, isWatching: false, openers: directory.openers });
  return {
    tables,
    close: () => {
      tables.close();
      directory.close();
    },
  };
}
