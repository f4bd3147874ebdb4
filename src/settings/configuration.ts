// Loads a configuration folder: main.cf, posthaste.cf beside it (which wins), and master.cf. Nothing is written.
// What is wrong with the files is in `findings`; only a folder that cannot be read at all is an exception.

import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { checkConfiguration } from './check-configuration.ts';
import { parseMainCf } from './main-cf.ts';
import { parseMasterCf } from './master-cf.ts';
import type { Finding } from './origin.ts';
import type { MasterService } from './services.ts';
import { Settings } from './settings.ts';
import { SettingsError } from './settings-error.ts';

export interface Configuration {
  readonly directory: string;
  readonly settings: Settings;
  /** In the order of master.cf. */
  readonly services: readonly MasterService[];
  /** In the order of files and lines. A server must not start while one of severity error stands. */
  readonly findings: readonly Finding[];
}

/** Where things are kept: as given, or below the configuration folder. */
export function dataDirectoryOf({ settings, directory }: Configuration): string {
  return resolve(directory, settings.text('posthaste_data_directory'));
}

/** What files would hold, by their paths: to look at a change before it is made. */
export type ProposedTexts = Readonly<Record<string, string>>;

/** Throws SettingsError when there is no main.cf, or a file cannot be read. */
export async function loadConfiguration(directory: string, proposed: ProposedTexts = {}): Promise<Configuration> {
  const folder = resolve(directory);
  const mainFile = join(folder, 'main.cf');
  const mainText = proposed[mainFile] ?? (await readOptional(mainFile));
  if (mainText === undefined) {
    throw new SettingsError(
      `${mainFile} does not exist: name the folder with -c, or run \`posthaste start\` to make one`,
    );
  }
  const main = parseMainCf(mainText, mainFile);
  const ownFile = join(folder, 'posthaste.cf');
  const own = parseMainCf(proposed[ownFile] ?? (await readOptional(ownFile)) ?? '', ownFile);
  const masterFile = join(folder, 'master.cf');
  const masterText = await readOptional(masterFile);
  const master = parseMasterCf(masterText ?? '', masterFile);

  const settings = Settings.fromDefinitions([...main.definitions.values(), ...own.definitions.values()]).withOverrides({
    config_directory: folder,
  });
  const services = master.services.map((entry) => ({
    ...entry,
    settings: settings.withOverrides({ service_name: entry.name }).withOverrides(entry.overrides, {
      kind: 'file',
      file: entry.file,
      line: entry.line,
    }),
  }));
  const missing: Finding[] =
    masterText === undefined
      ? [{ severity: 'error', file: masterFile, line: 0, text: 'the file does not exist: no service would run' }]
      : [];
  const findings = [
    ...main.findings,
    ...own.findings,
    ...missing,
    ...master.findings,
    ...checkConfiguration(settings, services),
  ];
  return { directory: folder, settings, services, findings: findings.sort(byPlace) };
}

/** Undefined when the file does not exist. Bytes that are not UTF-8 are read as Latin-1, so that none is lost. */
async function readOptional(file: string): Promise<string | undefined> {
  try {
    const bytes = await readFile(file);
    const text = bytes.toString('utf8');
    return text.includes('\ufffd') ? bytes.toString('latin1') : text;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ENOTDIR') throw new SettingsError(`${dirname(file)} is no folder: name the folder with main.cf`);
    throw new SettingsError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

function byPlace(one: Finding, other: Finding): number {
  if (one.file !== other.file) return one.file < other.file ? -1 : 1;
  return one.line - other.line;
}
