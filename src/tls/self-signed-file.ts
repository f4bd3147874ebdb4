// The certificate of a server that was given none: self-signed, made at the first start, kept in the data folder.

import { constants } from 'node:fs';
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createSelfSigned } from './self-signed.ts';
import type { TlsLog } from './watched-files.ts';

export interface SelfSignedOptions {
  readonly dataDirectory: string;
  readonly hostname: string;
  readonly log: TlsLog;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The file with its key, made where it is missing. */
export async function ensureSelfSigned({ dataDirectory, hostname, log, now }: SelfSignedOptions): Promise<string> {
  const folder = join(dataDirectory, 'tls');
  const file = join(folder, 'self-signed.pem');
  try {
    await stat(file);
    return file;
  } catch {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const { key, certificate } = await createSelfSigned(hostname, now);
  await writeSecretFile(file, key + certificate);
  log.info(`created a self-signed TLS certificate for ${hostname} in ${file}`);
  return file;
}

/** Whole or not at all, and on disk when it is there: a crash must not leave half a key for the next start. */
export async function writeSecretFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.new`;
  const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  const folder = await open(join(file, '..'), constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
