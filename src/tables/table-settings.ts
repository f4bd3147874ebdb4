// The settings of a table that asks a server: `mysql:/etc/postfix/users.cf` names a file of `name = value` lines in
// main.cf's syntax; `mysql:users`, the older form, names a prefix, and the settings stand in main.cf as
// `users_hosts`, `users_query` ... (mysql_table(5), pgsql_table(5), sqlite_table(5), ldap_table(5)).
// In a file nothing is expanded: a `$` is a `$`. What stands in main.cf is expanded as everything there.
//
// What stops a Postfix daemon (a bad number, a missing name) is a TableError and stops the start. A file that
// cannot be read leaves Postfix's daemons running, with every lookup in the table a temporary error.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readLogicalLines } from '../lib/logical-lines.ts';
import type { ProgramLog } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { Table, TableRegistry } from './table.ts';
import { TableError } from './table-error.ts';

/** What opens a table that asks a server. */
export interface ServerTableContext {
  readonly log: ProgramLog;
  /** Other tables, which the `domain` restriction may name. */
  readonly registry: TableRegistry;
  /** A parameter's expanded value in main.cf; undefined where it is not set. */
  readonly parameter: (name: string) => string | undefined;
}

export class TableSettings {
  /** `type:name`, as in messages. */
  readonly table: string;
  readonly #find: (name: string) => string | undefined;

  constructor(table: string, find: (name: string) => string | undefined) {
    this.table = table;
    this.#find = find;
  }

  /** Undefined where it is not set; set to nothing is ''. */
  optional(name: string): string | undefined {
    return this.#find(name);
  }

  text(name: string, preset = ''): string {
    return this.#find(name) ?? preset;
  }

  /** Must be set, to something. */
  required(name: string): string {
    const text = this.text(name);
    if (text === '') throw new TableError(`${this.table}: the parameter ${name} is not set`);
    return text;
  }

  integer(name: string, preset: number, min = 0): number {
    const text = this.#find(name);
    if (text === undefined) return preset;
    const value = /^\s*[+-]?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= 0x7fffffff) return value;
    throw new TableError(`${this.table}: bad numerical configuration: ${name} = ${text}`);
  }

  /** A time in seconds unless a letter says otherwise. */
  seconds(name: string, preset: number): number {
    const text = this.#find(name);
    if (text === undefined) return preset;
    const match = /^\s*(\d{1,9})\s*([smhdw]?)\s*$/i.exec(text);
    const factor = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }[match?.[2]?.toLowerCase() || 's'];
    if (match?.[1] !== undefined && factor !== undefined) return Number(match[1]) * factor;
    throw new TableError(`${this.table}: bad time: ${name} = ${text}`);
  }

  flag(name: string, preset: boolean): boolean {
    const text = this.#find(name)?.toLowerCase();
    if (text === undefined) return preset;
    if (text === 'yes' || text === 'no') return text === 'yes';
    throw new TableError(`${this.table}: bad boolean configuration: ${name} = ${text}`);
  }
}

/** Reads a table's settings and makes the table; with an unreadable file, one that cannot answer. Throws TableError. */
export function openWithSettings(
  type: string,
  name: string,
  context: ServerTableContext,
  make: (settings: TableSettings) => Table,
): Table {
  const table = `${type}:${name}`;
  if (!name.startsWith('/') && !name.startsWith('.')) {
    return make(new TableSettings(table, (parameter) => context.parameter(`${name}_${parameter}`)));
  }
  let text: string;
  try {
    text = readFileSync(resolve(name), 'utf8');
  } catch (error) {
    return openUnusableTable(table, `open ${name}: ${(error as Error).message}`, context.log);
  }
  const settings = parseTableFile(text, name);
  return make(new TableSettings(table, (parameter) => settings.get(parameter)));
}

/** Cannot answer any key (Postfix's surrogate): what is wrong is logged once, and said with every lookup. */
export function openUnusableTable(table: string, reason: string, log: ProgramLog): Table {
  log.warning(`table ${table} is unavailable: ${reason}`);
  const refuse = (): Promise<never> => Promise.reject(new TemporaryError(`table ${table} is unavailable: ${reason}`));
  return { name: table, kind: 'fixed', lookup: refuse };
}

/** The last of two definitions holds. */
export function parseTableFile(text: string, file: string): Map<string, string> {
  const settings = new Map<string, string>();
  for (const { text: content, line } of readLogicalLines(text)) {
    // The line itself stays out of the message: it may be a password.
    const match = /^([^\s=]+)[ \t]*=(.*)$/s.exec(content);
    if (match === null) throw new TableError(`${file}, line ${line}: expected "name = value"`);
    settings.set(match[1] ?? '', (match[2] ?? '').replace(/^[ \t\r\n\v\f]+|[ \t\r\n\v\f]+$/g, ''));
  }
  return settings;
}
