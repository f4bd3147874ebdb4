// What `postmap FILE` and `postalias FILE` do: check the text with Postfix's warnings. The server reads the text itself,
// so hash, btree, dbm, lmdb and texthash need no index and get none; a cdb is written, since other programs read it.

import { existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CdbWriter } from '../tables/cdb-writer.ts';
import type { SourceItem, SourceWords } from '../tables/map-source.ts';
import { type CommandContext, CommandError } from './context.ts';
import { readFiles } from './table-queries.ts';
import { errorText, fatal } from './tool.ts';

export interface FileOptions {
  readonly tool: string;
  readonly context: CommandContext;
  readonly read: (bytes: Buffer, words: SourceWords) => Iterable<SourceItem>;
  /** -r, -w: a key that comes again is no cause for a warning; with -r its last row counts. */
  readonly duplicates: 'warn' | 'ignore' | 'replace';
  /** -f turns it off. */
  readonly foldsKeys: boolean;
  /** -F: values are names of files, whose content is stored in base64. */
  readonly isFileContent: boolean;
  /** -N: keys and values with the NUL that ends a string in C. */
  readonly addsNul: boolean;
  /** -o turns it off: as root, the index gets the source's owner. */
  readonly keepsOwner: boolean;
  /** -p turns it off: the index is no more readable than its source. */
  readonly keepsMode: boolean;
  /** Rows that an index has beside those of the text. */
  readonly signature: readonly (readonly [string, string])[];
}

type IndexType = 'hash' | 'btree' | 'dbm' | 'sdbm' | 'lmdb' | 'cdb' | 'texthash';

/** What stands before `duplicate entry`, and what the index is called. */
const indexes: Readonly<Record<IndexType, { readonly suffix: string; duplicateOf(path: string): string }>> = {
  hash: { suffix: '.db', duplicateOf: (path) => `${path}.db` },
  btree: { suffix: '.db', duplicateOf: (path) => `${path}.db` },
  dbm: { suffix: '.pag', duplicateOf: (path) => `${path}.dir` },
  sdbm: { suffix: '.pag', duplicateOf: (path) => `${path}.dir` },
  lmdb: { suffix: '.lmdb', duplicateOf: (path) => `lmdb:${path}` },
  cdb: { suffix: '.cdb', duplicateOf: (path) => path },
  texthash: { suffix: '', duplicateOf: (path) => path },
};

export function isIndexType(type: string): type is IndexType {
  return type in indexes;
}

/** Throws CommandError where the file cannot be read or used. */
export async function checkFile(options: FileOptions, type: IndexType, path: string): Promise<void> {
  const { tool, context } = options;
  const source = await openSource(tool, path);
  try {
    const bytes = await readAll(tool, path, source);
    const writer = type === 'cdb' ? new CdbWriter() : undefined;
    const encode = (text: string): Buffer => Buffer.from(options.addsNul ? `${text}\0` : text, 'utf8');
    const rows = await gatherRows(options, type, path, bytes, (key, value) => writer?.add(encode(key), encode(value)));
    if (writer === undefined) {
      context.print(`${tool}: ${describe(type, path, rows)}`);
      return;
    }
    for (const [key, value] of options.signature) writer.add(encode(key), encode(value));
    await finishCdb(options, path, source, writer);
  } finally {
    await source.close();
  }
}

async function openSource(tool: string, path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw fatal(tool, `open ${path}: ${errorText(error)}`);
  }
}

async function readAll(tool: string, path: string, source: FileHandle): Promise<Buffer> {
  try {
    return await source.readFile();
  } catch (error) {
    throw fatal(tool, `read ${path}: ${errorText(error)}`);
  }
}

/** One line that says why there is nothing more to do. */
function describe(type: IndexType, path: string, rows: number): string {
  const { suffix } = indexes[type];
  const start = `${path}: ${rows} ${rows === 1 ? 'entry' : 'entries'}; no index is needed, Posthaste reads the text itself`;
  if (suffix === '' || !existsSync(`${path}${suffix}`)) return start;
  return `${start} (${path}${suffix} is left as it was)`;
}

/** Gives the rows of an index to `add`, in the order of the text; returns how many there are. */
async function gatherRows(
  options: FileOptions,
  type: IndexType,
  path: string,
  bytes: Buffer,
  add: (key: string, value: string) => void,
): Promise<number> {
  const { tool, context, foldsKeys, duplicates } = options;
  const keys = new Set<string>();
  // Only with -r may a later line change an earlier row.
  const replaced = new Map<string, string>();
  for (const item of options.read(bytes, { path, ignoring: type === 'texthash' })) {
    if (item.kind === 'warning') {
      context.warn(`${tool}: warning: ${item.text}`);
      continue;
    }
    const key = foldsKeys ? item.key.toLowerCase() : item.key;
    if (duplicates !== 'replace' && keys.has(key)) {
      if (duplicates === 'warn') warnOfDuplicate(options, type, path, item.line, item.key, key);
      continue;
    }
    keys.add(key);
    const value = options.isFileContent ? await base64Content(tool, item.value) : item.value;
    if (duplicates === 'replace') replaced.set(key, value);
    else add(key, value);
  }
  for (const [key, value] of replaced) add(key, value);
  return keys.size;
}

function warnOfDuplicate(
  { tool, context }: FileOptions,
  type: IndexType,
  path: string,
  line: number,
  written: string,
  key: string,
): void {
  // Postfix's servers cannot use a texthash with a key that comes twice: every lookup fails.
  if (type === 'texthash')
    throw new CommandError(
      `fatal: ${path}, line ${line}: duplicate entry: "${written}": the table cannot be used`,
      1,
      tool,
    );
  context.warn(`${tool}: warning: ${indexes[type].duplicateOf(path)}: duplicate entry: "${key}"`);
}

async function base64Content(tool: string, names: string): Promise<string> {
  return (await readFiles(tool, names)).toString('base64');
}

async function finishCdb(options: FileOptions, path: string, source: FileHandle, writer: CdbWriter): Promise<void> {
  const { tool, keepsMode, keepsOwner } = options;
  const { mode, uid, gid } = await source.stat();
  const isForeign = process.getuid?.() === 0 && (uid !== 0 || gid !== 0);
  try {
    await writer.finish(`${path}.cdb`, {
      // As umask 022 has it, and never more than the source lets group and others do.
      mode: keepsMode ? 0o600 | (mode & 0o044) : 0o644,
      ...(keepsOwner && isForeign ? { owner: { uid, gid } } : {}),
    });
  } catch (error) {
    throw fatal(tool, `open database ${path}.cdb: ${errorText(error)}`);
  }
}
