// The host's name in main.cf, or in posthaste.cf where that has it: changed as `posthaste postconf -e` does, so that comments
// and order stay, and only where what comes of it could be used by the next start.

import { join } from 'node:path';
import { isHostname } from '../address/domain.ts';
import { type Configuration, loadConfiguration } from '../settings/configuration.ts';
import { editMainCfFile } from '../settings/edit-main-cf.ts';
import { fail } from './problem.ts';

const parameter = 'myhostname';
const notAllowed = new Set(['EACCES', 'EPERM', 'EROFS']);

export interface HostName {
  /** As the files have it. */
  readonly hostname: string;
  /** Somebody has chosen it: it stands in a file. */
  readonly isSet: boolean;
}

export async function readHostName(configDirectory: string): Promise<HostName> {
  const { settings } = await loadConfiguration(configDirectory);
  return { hostname: settings.text(parameter), isSet: settings.isSet(parameter) };
}

/** Throws ProblemError, SettingsError. */
export async function writeHostName(configDirectory: string, hostname: string): Promise<void> {
  if (!isHostname(hostname) || !/^[A-Za-z0-9.-]+$/.test(hostname) || !hostname.includes('.')) {
    fail(422, 'invalid-field', 'a host name is written as mail.example.com: letters, digits, "-" and dots', {
      field: 'hostname',
    });
  }
  const configuration = await loadConfiguration(configDirectory);
  refuseMistakes(configuration);
  configuration.settings.withOverrides({ [parameter]: hostname }).check(parameter);
  const origin = configuration.settings.origin(parameter);
  const file = origin.kind === 'file' ? origin.file : join(configuration.directory, 'main.cf');
  try {
    await editMainCfFile(file, { kind: 'set', values: new Map([[parameter, hostname]]) });
  } catch (error) {
    if (!notAllowed.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    fail(409, 'not-writable', `the server may not write ${file}`, {
      mend: `as root, type: posthaste postconf -e '${parameter} = ${hostname}' && posthaste reload`,
    });
  }
}

/** With a mistake in the files nothing new would be taken over. */
function refuseMistakes({ findings }: Configuration): void {
  const mistake = findings.find(({ severity }) => severity === 'error');
  if (mistake === undefined) return;
  fail(409, 'mistake', `${mistake.file}:${mistake.line}: ${mistake.text}`, { mend: 'mend that line first' });
}
