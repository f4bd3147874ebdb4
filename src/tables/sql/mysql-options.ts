// The options that MySQL's client library reads for Postfix from my.cnf, or from `option_file`: the groups [client],
// [client-server], [client-mariadb] and `option_group` (mysql_table(5)). Only what a connection needs is looked at
// by the caller; an unset `option_file` with `option_group =` (empty) reads nothing.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { ProgramLog } from '../../lib/log.ts';

const defaultFiles = ['/etc/my.cnf', '/etc/mysql/my.cnf'];
// As MySQL's own programs do; a file that includes itself ends here.
const maxIncludes = 10;

/** Names with `-` for `_`; the last value of a name holds. */
export function readMysqlOptions(file: string, group: string, log: ProgramLog): Map<string, string> {
  const options = new Map<string, string>();
  if (file === '' && group === '') return options;
  const groups = new Set(['client', 'client-server', 'client-mariadb', group]);
  for (const path of file === '' ? defaultFiles : [file]) {
    readFile(path, groups, options, 0, file === '' ? undefined : log);
  }
  return options;
}

function readFile(
  path: string,
  groups: ReadonlySet<string>,
  options: Map<string, string>,
  depth: number,
  log?: ProgramLog,
): void {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    log?.warning(`option_file ${path}: ${(error as Error).message}`);
    return;
  }
  let isOurs = false;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const include = /^!include(dir)?\s+(.+)$/.exec(line);
    if (include?.[2] !== undefined && depth < maxIncludes) {
      const target = resolve(dirname(path), include[2]);
      const files = include[1] === undefined ? [target] : listFolder(target);
      for (const one of files) readFile(one, groups, options, depth + 1, log);
      continue;
    }
    const heading = /^\[([^\]]*)\]/.exec(line);
    if (heading !== null) isOurs = groups.has((heading[1] ?? '').trim());
    else if (isOurs) setOption(line, options);
  }
}

function listFolder(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.cnf'));
    return names.toSorted().map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function setOption(line: string, options: Map<string, string>): void {
  const equals = line.indexOf('=');
  const name = (equals === -1 ? line : line.slice(0, equals)).trim().replaceAll('_', '-').toLowerCase();
  const value = equals === -1 ? '1' : line.slice(equals + 1).trim();
  const unquoted = /^(["'])(.*)\1/.exec(value)?.[2] ?? value.replace(/\s#.*$/, '');
  options.set(name, unquoted.trim());
}
