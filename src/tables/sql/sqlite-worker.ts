// The thread in which sqlite: tables run their queries: a scan of a large table, or waiting for another program's
// lock, holds up only other lookups in sqlite: tables, never a session. Databases are opened for reading only.

import Database from 'better-sqlite3';
import { statSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { firstStatement, withStringFor } from './sqlite-strings.ts';

export interface SqliteQuestion {
  readonly id: number;
  readonly path: string;
  readonly sql: string;
  /** All columns, and their names as a row before the others. */
  readonly withNames: boolean;
  readonly busyMilliseconds: number;
}

export interface SqliteAnswer {
  readonly id: number;
  readonly rows?: readonly (readonly (string | null)[])[];
  readonly error?: string;
}

interface OpenDatabase {
  readonly database: Database.Database;
  /** Which file it is: another may be renamed over it. */
  readonly file: string;
}

const databases = new Map<string, OpenDatabase>();

parentPort?.on('message', (question: SqliteQuestion) => {
  parentPort?.postMessage(answer(question));
});

function answer({ id, path, sql, withNames, busyMilliseconds }: SqliteQuestion): SqliteAnswer {
  try {
    const statement = prepare(open(path, busyMilliseconds), firstStatement(sql));
    if (!statement.reader) return { id, rows: [] };
    if (withNames) return { id, rows: namedRows(statement) };
    // sqlite_table(5) uses the first column only. Integers beyond 2^53 keep their digits.
    const values = statement.pluck().safeIntegers().all();
    return { id, rows: values.map((value) => [textOf(value)]) };
  } catch (error) {
    return { id, error: (error as Error).message };
  }
}

function namedRows(statement: Database.Statement): (string | null)[][] {
  const rows = statement.raw().safeIntegers().all() as unknown[][];
  return [statement.columns().map(({ name }) => name), ...rows.map((row) => row.map(textOf))];
}

/** Each turn makes one double-quoted word a string. */
function prepare(database: Database.Database, sql: string): Database.Statement {
  for (let query = sql; ; ) {
    try {
      return database.prepare(query);
    } catch (error) {
      const changed = withStringFor((error as Error).message, query);
      if (changed === undefined) throw error;
      query = changed;
    }
  }
}

function open(path: string, busyMilliseconds: number): Database.Database {
  const { dev, ino } = statSync(path);
  const file = `${dev} ${ino}`;
  const known = databases.get(path);
  if (known?.file === file) return known.database;
  known?.database.close();
  databases.delete(path);
  const database = new Database(path, { readonly: true, fileMustExist: true, timeout: busyMilliseconds });
  databases.set(path, { database, file });
  return database;
}

/** As sqlite3_column_text() gives it; a value ends at a NUL, like Postfix's strings. */
function textOf(value: unknown): string | null {
  const text = wholeTextOf(value);
  const nul = text?.indexOf('\0') ?? -1;
  return nul === -1 ? text : (text?.slice(0, nul) ?? null);
}

function wholeTextOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return formatReal(value);
  return value instanceof Buffer ? value.toString() : null;
}

/** SQLite's %!.15g: fifteen digits, always with a decimal point. */
function formatReal(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'Inf' : '-Inf';
  const [mantissa = '0', exponentText = '0'] = value.toExponential(14).split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 15) return trimZeros(value.toFixed(14 - exponent));
  const sign = exponent < 0 ? '-' : '+';
  return `${trimZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function trimZeros(digits: string): string {
  return digits.includes('.') ? digits.replace(/0+$/, '').replace(/\.$/, '.0') : `${digits}.0`;
}
