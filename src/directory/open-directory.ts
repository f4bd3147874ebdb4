// Opens the directory where posthaste_directory says that it is: directory.db in the data folder, or a server, of which the
// data folder has a copy.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../settings/settings.ts';
import { Directory, type DirectoryOptions } from './directory.ts';
import type { ReplicaOptions } from './server/directory-replica.ts';
import { replicaFile } from './server/replica-path.ts';
import { type DirectoryPlace, parseDirectoryPlace, readDirectoryServer } from './server/server-settings.ts';

export function directoryPlace(settings: Settings): DirectoryPlace {
  return parseDirectoryPlace(settings.text('posthaste_directory'), settings.text('config_directory'));
}

/** The directory itself, or its copy. */
export function directoryFile(settings: Settings, dataDirectory: string): string {
  return directoryPlace(settings).kind === 'sqlite' ? join(dataDirectory, 'directory.db') : replicaFile(dataDirectory);
}

/** There is one, or there will be when it is opened. */
export function hasDirectory(settings: Settings, dataDirectory: string): boolean {
  return existsSync(
    directoryPlace(settings).kind === 'sqlite' ? directoryFile(settings, dataDirectory) : dataDirectory,
  );
}

/** Throws DirectoryOpenError. */
export async function openConfiguredDirectory(
  settings: Settings,
  dataDirectory: string,
  options: DirectoryOptions & Pick<ReplicaOptions, 'warn'>,
): Promise<Directory> {
  const place = directoryPlace(settings);
  const file = directoryFile(settings, dataDirectory);
  if (place.kind === 'sqlite') return await Directory.open(file, options);
  return await Directory.openOnServer(readDirectoryServer(place), file, options);
}
