// The certificate authorities that are believed: one file, a folder with hashed names as c_rehash(1) makes them, and those
// of the system.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { pemBlocks } from './pem.ts';

/** '' for unset. */
export interface AuthorityFiles {
  readonly caFile: string;
  readonly caPath: string;
}

/** Each one once. Throws where a file cannot be read or holds no certificate. */
export function readAuthorities({ caFile, caPath }: AuthorityFiles): string[] {
  const found = caFile === '' ? [] : [readCertificates(caFile)];
  if (caPath !== '') {
    for (const name of readdirSync(caPath)) {
      if (/^[0-9a-f]{8}\.\d+$/.test(name)) found.push(readCertificates(join(caPath, name)));
    }
  }
  return [...new Set(found)];
}

export function readCertificates(file: string): string {
  const text = pemBlocks(readFileSync(file, 'latin1'))
    .filter(({ label }) => label.endsWith('CERTIFICATE'))
    .map((block) => block.text)
    .join('');
  if (text === '') throw new Error(`${file}: no certificate in PEM form`);
  return text;
}

/** Each one once: files and folder of the system hold the same. */
export function systemAuthorities(): string[] {
  return [...new Set(getCACertificates('system'))];
}
