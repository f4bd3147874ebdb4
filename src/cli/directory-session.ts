// Opens the directory for one command: directly from its file, whether the server runs or not. The server reads the
// same file, so a change counts for the next message.

import { chownSync, existsSync, statSync } from 'node:fs';
import os from 'node:os';
import type { Directory } from '../directory/directory.ts';
import { directoryFile, openConfiguredDirectory } from '../directory/open-directory.ts';
import { systemClock } from '../lib/clock.ts';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import type { MasterService } from '../settings/services.ts';
import { Settings } from '../settings/settings.ts';
import { type CommandContext, CommandError } from './context.ts';
import { remoteDirectory } from './remote-directory.ts';

export interface DirectorySession {
  readonly directory: Directory;
  readonly settings: Settings;
  /** Of master.cf. */
  readonly services: readonly MasterService[];
  readonly dataDirectory: string;
  /** Another host's, by --host: its settings are not known. */
  readonly isElsewhere?: true;
}

/** What the host elsewhere has set is its own to know; it refuses by itself. */
const remoteDefaults = {
  mydestination: '',
  smtpd_sender_login_maps: 'directory:sender-logins',
};

/** `isReading`: leaves no trace, and works for a user who may only read the file. */
export async function withDirectory<T>(
  context: CommandContext,
  isReading: boolean,
  work: (session: DirectorySession) => Promise<T>,
): Promise<T> {
  if (context.session !== undefined) return await work(context.session);
  if (context.remote !== undefined) {
    const directory = remoteDirectory(context.remote);
    const settings = Settings.defaults(remoteDefaults);
    return await work({ directory, settings, dataDirectory: '', services: [], isElsewhere: true });
  }
  const configuration = await loadConfiguration(context.configDirectory);
  const { settings, services } = configuration;
  const dataDirectory = dataDirectoryOf(configuration);
  if (!existsSync(dataDirectory)) {
    throw new CommandError(`the data folder ${dataDirectory} does not exist: run "posthaste start" first`);
  }
  const file = directoryFile(settings, dataDirectory);
  const isNew = !existsSync(file);
  const directory = await openDirectory(context, isReading && !isNew, settings, dataDirectory);
  try {
    if (isNew) giveToOwner(file, dataDirectory);
    return await work({ directory, settings, services, dataDirectory });
  } finally {
    if (!isReading && !(await directory.settle())) context.warn(unsettled);
    directory.close();
  }
}

const unsettled = 'keys of the password could not be written now: they are made at the next login with PLAIN';

async function openDirectory(
  context: CommandContext,
  isReadonly: boolean,
  settings: Settings,
  dataDirectory: string,
): Promise<Directory> {
  const extensionRules = {
    delimiters: settings.text('recipient_delimiter'),
    ownerRequestSpecial: settings.flag('owner_request_special'),
    doubleBounceSender: settings.text('double_bounce_sender'),
  };
  return await openConfiguredDirectory(settings, dataDirectory, {
    readonly: isReadonly,
    clock: systemClock,
    actor: userName(),
    extensionRules,
    warn: (text) => context.warn(`posthaste: ${text}`),
  });
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
export function giveToOwner(file: string, dataDirectory: string): void {
  const owner = statSync(dataDirectory);
  if (process.getuid?.() !== 0 || owner.uid === 0) return;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(file + suffix)) chownSync(file + suffix, owner.uid, owner.gid);
  }
}
