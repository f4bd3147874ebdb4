// What has been exported, for `posthaste drive check`: a small file in the data folder, without secrets.

import { existsSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Configuration, dataDirectoryOf } from '../../settings/configuration.ts';

export interface ExportEntry {
  readonly kind: 'postfix-maps' | 'postfix' | 'dovecot';
  readonly destdir: string;
  /** The options of the command, as it takes them. */
  readonly options: Readonly<Record<string, string>>;
}

function recordFile(configuration: Configuration): string {
  return join(dataDirectoryOf(configuration), 'exports.json');
}

export function readExports(configuration: Configuration): readonly ExportEntry[] {
  const file = recordFile(configuration);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ExportEntry[]) : [];
}

/** One entry for each kind and folder. */
export async function noteExport(configuration: Configuration, entry: ExportEntry): Promise<void> {
  const others = readExports(configuration).filter(
    ({ kind, destdir }) => kind !== entry.kind || destdir !== entry.destdir,
  );
  const file = recordFile(configuration);
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify([...others, entry], null, 2)}\n`, { mode: 0o640 });
  await rename(temporary, file);
}
