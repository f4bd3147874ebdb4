// The file of --admin: another account on the directory's server, written as the file that posthaste_directory names.

import {
  parseDirectoryPlace,
  readDirectoryServer,
  type DirectoryServer,
} from '../../directory/server/server-settings.ts';
import type { Configuration } from '../../settings/configuration.ts';
import { ExportRefused } from './export-files.ts';

/** Throws ExportRefused, DirectoryOpenError. */
export function openServerFile(configuration: Configuration, file: string): DirectoryServer {
  const { settings, directory } = configuration;
  const place = parseDirectoryPlace(settings.expanded('posthaste_directory'), directory);
  if (place.kind === 'sqlite') throw new ExportRefused('--admin is for a directory on a server; this one is in a file');
  return readDirectoryServer({ ...place, file });
}
