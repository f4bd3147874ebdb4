// The TLS files of a table that asks a server (mysql_table(5), ldap_table(5)): read when the table is opened.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TableError } from './table-error.ts';

export interface TlsFileNames {
  readonly caFile: string;
  readonly caFolder: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly ciphers: string;
  readonly verifyName: boolean;
}

export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly ciphers?: string;
  readonly verifyName: boolean;
}

/** Undefined where nothing asks for TLS. Throws TableError for a file that cannot be read. */
export function readTlsFiles(table: string, names: TlsFileNames): TlsFiles | undefined {
  const { caFile, caFolder, certificateFile, keyFile, ciphers, verifyName } = names;
  const isAsked = verifyName || [caFile, caFolder, certificateFile, keyFile, ciphers].some((name) => name !== '');
  if (!isAsked) return undefined;
  const read = (file: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      throw new TableError(`${table}: ${(error as Error).message}`);
    }
  };
  const ca = caFile !== '' ? read(caFile) : readFolder(table, caFolder, read);
  return {
    ...(ca === '' ? {} : { ca }),
    ...(certificateFile === '' ? {} : { cert: read(certificateFile) }),
    ...(certificateFile === '' && keyFile === '' ? {} : { key: read(keyFile === '' ? certificateFile : keyFile) }),
    ...(ciphers === '' ? {} : { ciphers }),
    verifyName,
  };
}

/** All certificates of the folder: Node has no lookup by hash name. */
function readFolder(table: string, folder: string, read: (file: string) => string): string {
  if (folder === '') return '';
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => /\.(pem|crt|\d+)$/.test(name));
  } catch (error) {
    throw new TableError(`${table}: ${(error as Error).message}`);
  }
  return names.map((name) => read(join(folder, name))).join('\n');
}
