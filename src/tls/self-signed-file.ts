// The certificate of a server that was given none: self-signed, made at the first start, kept in the data folder.

import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeSecretFile } from './secret-file.ts';
import { createSelfSigned } from './self-signed.ts';
import type { TlsLog } from './watched-files.ts';

export interface SelfSignedOptions {
  readonly dataDirectory: string;
  readonly hostname: string;
  readonly log: TlsLog;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The certificate and its key, in one file. */
export function selfSignedFile(dataDirectory: string): string {
  return join(dataDirectory, 'tls', 'self-signed.pem');
}

/** The file with its key, made where it is missing. */
export async function ensureSelfSigned({ dataDirectory, hostname, log, now }: SelfSignedOptions): Promise<string> {
  const file = selfSignedFile(dataDirectory);
  try {
    await stat(file);
    return file;
  } catch {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  }
  const { key, certificate } = await createSelfSigned(hostname, now);
  await writeSecretFile(file, key + certificate);
  log.info(`created a self-signed TLS certificate for ${hostname} in ${file}`);
  return file;
}
