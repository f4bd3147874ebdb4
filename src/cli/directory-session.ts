// Opens the directory for one command: directly from its file, whether the server runs or not. The server reads the
// same file, so a change counts for the next message.

import { chownSync, existsSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Directory } from '../directory/directory.ts';
import { systemClock } from '../lib/clock.ts';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import type { MasterService } from '../settings/services.ts';
import type { Settings } from '../settings/settings.ts';
import { type CommandContext, CommandError } from './context.ts';

export interface DirectorySession {
  readonly directory: Directory;
  readonly settings: Settings;
  /** Of master.cf. */
  readonly services: readonly MasterService[];
  readonly dataDirectory: string;
}

/** `isReading`: leaves no trace, and works for a user who may only read the file. */
export async function withDirectory<T>(
  context: CommandContext,
  isReading: boolean,
  work: (session: DirectorySession) => Promise<T>,
): Promise<T> {
  if (context.session !== undefined) return await work(context.session);
  const configuration = await loadConfiguration(context.configDirectory);
  const { settings, services } = configuration;
  const dataDirectory = dataDirectoryOf(configuration);
  if (!existsSync(dataDirectory)) {
    throw new CommandError(`the data folder ${dataDirectory} does not exist: run "posthaste start" first`);
  }
  const file = path.join(dataDirectory, 'directory.db');
  const isNew = !existsSync(file);
  const directory = await openDirectory(file, isReading && !isNew, settings);
  try {
    if (isNew) giveToOwner(file, dataDirectory);
    return await work({ directory, settings, services, dataDirectory });
  } finally {
    directory.close();
  }
}

async function openDirectory(file: string, isReadonly: boolean, settings: Settings): Promise<Directory> {
  const extensionRules = {
    delimiters: settings.text('recipient_delimiter'),
    ownerRequestSpecial: settings.flag('owner_request_special'),
    doubleBounceSender: settings.text('double_bounce_sender'),
  };
  try {
    return await Directory.open(file, { readonly: isReadonly, clock: systemClock, actor: userName(), extensionRules });
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === 'SQLITE_CANTOPEN' || code === 'SQLITE_READONLY') {
      throw new CommandError(`${file} cannot be opened: run this as root or as the user that owns it`);
    }
    throw error;
  }
}

/** Addresses of ours that lead to nobody may be added later, so they are only told. */
export function warnOfUnknown(context: CommandContext, directory: Directory, addresses: readonly string[]): void {
  for (const address of directory.unknownTargets(addresses)) {
    context.warn(
      `${address} does not exist yet; mail for it bounces until you add it with: posthaste mailbox add ${address}`,
    );
  }
}

function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}

/** A file that root makes before the first start must be the server's, or the server could not write it. */
function giveToOwner(file: string, dataDirectory: string): void {
  const owner = statSync(dataDirectory);
  if (process.getuid?.() !== 0 || owner.uid === 0) return;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(file + suffix)) chownSync(file + suffix, owner.uid, owner.gid);
  }
}
