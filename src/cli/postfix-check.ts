// postfix check: what Postfix's own looks at (master.cf is there, owners and permissions of the configuration and the
// data) and what our reading of the configuration finds: mistakes, settings without effect, tables that cannot be
// opened. `posthaste lint` says more. Warnings leave the exit status 0, as in Postfix; a mistake that would stop the
// start makes it 1.

import { constants, existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { openRouting } from '../access/open-routing.ts';
import { type Configuration, dataDirectoryOf } from '../settings/configuration.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { type CommandContext, CommandError } from './context.ts';
import { errorText, toolLog } from './tool.ts';
import { openDirectory } from './tool-tables.ts';

const tool = 'postfix';
const script = 'postfix/postfix-script';

export async function checkInstallation(context: CommandContext, configuration: Configuration): Promise<void> {
  const mistakes = tellFindings(context, configuration) + (await checkTables(context, configuration));
  await checkOwners(context, configuration);
  if (mistakes === 0) return;
  throw new CommandError(`fatal: Postfix integrity check failed! (${mistakes} to mend, above)`, 1, script);
}

function tellFindings(context: CommandContext, { findings }: Configuration): number {
  let mistakes = 0;
  for (const { severity, file, line, text } of findings) {
    if (severity === 'info') continue;
    if (severity === 'error') mistakes++;
    context.warn(`${tool}: ${severity}: ${line > 0 ? `${file}, line ${line}` : file}: ${text}`);
  }
  return mistakes;
}

/** Opens what routing and the restrictions of each smtpd service name. */
async function checkTables(context: CommandContext, configuration: Configuration): Promise<number> {
  const { settings, services } = configuration;
  const directory = await openDirectory({ settings, dataDirectory: dataDirectoryOf(configuration) }, true);
  try {
    const log = toolLog(tool, context);
    const routing = openRouting({ settings, log, isWatching: false, openers: directory.openers });
    try {
      for (const service of services) {
        if (service.type === 'inet' && service.command === 'smtpd') routing.policy(service.settings);
      }
      await routing.tables.ready();
    } finally {
      routing.close();
    }
    return 0;
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    context.warn(`${tool}: error: ${error.message}`);
    return 1;
  } finally {
    directory.close();
  }
}

/** Deeper folders of a configuration are somebody else's. */
const maxDepth = 4;
const maxEntries = 10_000;

async function checkOwners(context: CommandContext, configuration: Configuration): Promise<void> {
  const own = process.geteuid?.() ?? 0;
  for (const file of (await listTree(configuration.directory, maxDepth)).slice(0, maxEntries))
    await checkFile(context, file, (uid) => uid === 0 || uid === own);
  // The server's own user has the data; a folder that is only read has none.
  const data = dataDirectoryOf(configuration);
  if (existsSync(data)) await checkFile(context, data, () => true);
}

async function listTree(folder: string, depth: number): Promise<string[]> {
  const found = [folder];
  if (depth === 0) return found;
  for (const entry of await readFolder(folder)) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await listTree(file, depth - 1)));
    else found.push(file);
    if (found.length > maxEntries) break;
  }
  return found;
}

async function readFolder(folder: string): Promise<{ name: string; isDirectory(): boolean }[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    // One that may not be read is told of when it is looked at itself.
    return [];
  }
}

/** As postfix-script's find(1): who may write here decides where mail goes. */
async function checkFile(context: CommandContext, file: string, isOwner: (uid: number) => boolean): Promise<void> {
  try {
    const { mode, uid } = await stat(file);
    if (!isOwner(uid)) context.warn(`${script}: warning: not owned by root: ${file}`);
    // Sockets and devices are no part of a configuration.
    const isPlain = (mode & constants.S_IFMT) === constants.S_IFREG || (mode & constants.S_IFMT) === constants.S_IFDIR;
    if (isPlain && (mode & 0o022) !== 0) context.warn(`${script}: warning: group or other writable: ${file}`);
  } catch (error) {
    context.warn(`${script}: warning: ${file}: ${errorText(error)}`);
  }
}
