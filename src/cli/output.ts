// How lists and objects are shown: a table or lines for people, a JSON line each for programs.

import { once } from 'node:events';
import type { CommandContext } from './context.ts';

export interface Column<Row> {
  readonly title: string;
  readonly isNumber?: boolean;
  text(row: Row): string;
}

/** Rows of a table whose columns are as wide as this many first rows need; later ones may stick out. */
const measuredRows = 1000;

/** Prints the pages of a list as they come, so that a long list starts at once and is never whole in memory. */
export async function printList<Row extends object>(
  context: CommandContext,
  columns: readonly Column<Row>[],
  pages: AsyncIterable<readonly Row[]>,
  emptyText: string,
): Promise<void> {
  let widths: number[] | undefined;
  for await (const page of pages) {
    if (context.json) for (const row of page) context.print(JSON.stringify(row));
    if (context.json || page.length === 0) continue;
    if (!widths) {
      widths = columns.map((column) => widest(column, page.slice(0, measuredRows)));
      context.print(formatLine(columns, widths, (column) => column.title));
    }
    for (const row of page) context.print(formatLine(columns, widths, (column) => column.text(row)));
  }
  if (!widths && !context.json) context.warn(emptyText);
}

function widest<Row>(column: Column<Row>, rows: readonly Row[]): number {
  return rows.reduce((width, row) => Math.max(width, column.text(row).length), column.title.length);
}

function formatLine<Row>(
  columns: readonly Column<Row>[],
  widths: readonly number[],
  text: (column: Column<Row>) => string,
): string {
  const cells = columns.map((column, index) => {
    const width = widths[index] ?? 0;
    return column.isNumber ? text(column).padStart(width) : text(column).padEnd(width);
  });
  return cells.join('  ').trimEnd();
}

/** Prints one object: `name: value` lines (the value goes on where there is no name), or the object as JSON. */
export function printObject(
  context: CommandContext,
  value: object,
  lines: readonly (readonly [string, string])[],
): void {
  if (context.json) {
    context.print(JSON.stringify(value));
    return;
  }
  const width = Math.max(...lines.map(([name]) => name.length));
  for (const [name, text] of lines) {
    context.print(`${(name === '' ? '' : `${name}:`).padEnd(width + 2)}${text}`.trimEnd());
  }
}

/** Waits while standard output is slower than we are: a list of a million lines must not stand in memory. */
export async function drained(): Promise<void> {
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
}

/** A line that may name a command to type. */
export function printAdvice(context: CommandContext, line: string): void {
  context.print(context.asTyped?.(line) ?? line);
}

/** What a change did: a sentence, or the object as JSON. */
export function printDone(context: CommandContext, sentence: string, value: object): void {
  if (context.json) context.print(JSON.stringify(value));
  else printAdvice(context, sentence);
}

/** Pages of a keyset-paged list until one is empty. */
export async function* pages<Row, Key>(
  read: (after: Key | undefined) => Promise<readonly Row[]>,
  keyOf: (row: Row) => Key,
): AsyncIterable<readonly Row[]> {
  let after: Key | undefined;
  for (;;) {
    const page = await read(after);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = keyOf(last);
  }
}

export function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

/** `2026-11-21 12:30` in local time. */
export function formatTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
