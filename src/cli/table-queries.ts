// The questions of `postmap -q` and `-s`, `postalias -q` and `-s`: single keys without the partial keys that a parameter
// would also try. Output, order and exit status are those of postmap(1).

import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { splitList } from '../lib/split-list.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { Table, TableRegistry } from '../tables/table.ts';
import type { CommandContext } from './context.ts';
import { type MessageKeyOptions, messageKeys } from './message-keys.ts';
import { errorText, fatal, silentNo } from './tool.ts';

export interface TableQueries {
  readonly tool: string;
  readonly context: CommandContext;
  readonly registry: TableRegistry;
  /** `type:name` each. */
  readonly names: readonly string[];
  /** Between key and value: a tab, postalias has a colon before it. */
  readonly separator: string;
  /** -F: values stand for the content of files. */
  readonly isFileContent: boolean;
  /** How a value is shown. */
  show(value: string, table: Table): string;
}

/** `-q KEY`: the first table's answer. */
export async function queryKey(queries: TableQueries, key: string): Promise<void> {
  for (const name of queries.names) {
    const table = queries.registry.open(name);
    const value = await ask(queries, table, key);
    if (value === undefined) continue;
    const { context } = queries;
    context.print(context.json ? JSON.stringify({ key, value, table: table.name }) : value);
    return;
  }
  throw silentNo(queries.tool);
}

/** `-q -`: a key each line, or those of a message. */
export async function queryInput(
  queries: TableQueries,
  input: NodeJS.ReadableStream,
  message: MessageKeyOptions | undefined,
): Promise<void> {
  const lines = createInterface({ input, crlfDelay: Infinity });
  let isFound = false;
  for await (const key of message ? messageKeys(lines, message) : lines) {
    for (const name of queries.names) {
      const value = await ask(queries, queries.registry.open(name), key);
      if (value === undefined) continue;
      printRow(queries, key, value, name);
      isFound = true;
      break;
    }
  }
  lines.close();
  if (!isFound) throw silentNo(queries.tool);
}

/** `-s`: all rows of the first table; further ones are ignored, as by Postfix. */
export async function listRows(queries: TableQueries): Promise<void> {
  const { tool, registry } = queries;
  const [name] = queries.names;
  if (name === undefined) throw silentNo(tool);
  if (name.startsWith('proxy:')) throw fatal(tool, "can't sequence maps via the proxy service");
  const table = registry.open(name);
  if (table.entries === undefined) throw fatal(tool, `table ${table.name}: sequence operation is not supported`);
  for await (const { key, value } of table.entries()) {
    printRow(queries, key, await present(queries, table, key, value), name);
  }
}

function printRow({ context, separator }: TableQueries, key: string, value: string, table: string): void {
  context.print(context.json ? JSON.stringify({ key, value, table }) : `${key}${separator}${value}`);
}

async function ask(queries: TableQueries, table: Table, key: string): Promise<string | undefined> {
  const result = await lookup(queries.tool, table, key);
  return result === undefined ? undefined : present(queries, table, key, result);
}

async function lookup(tool: string, table: Table, key: string): Promise<string | undefined> {
  try {
    const result = await table.lookup(key);
    return result.kind === 'found' ? result.value : undefined;
  } catch (error) {
    if (!(error instanceof TemporaryError)) throw error;
    throw fatal(tool, `table ${table.name}: query error: ${error.message}`);
  }
}

async function present(queries: TableQueries, table: Table, key: string, value: string): Promise<string> {
  const { tool, context } = queries;
  if (value === '') {
    context.warn(`${tool}: warning: table ${table.name}: key ${key}: empty string result is not allowed`);
    context.warn(`${tool}: warning: table ${table.name} should return NO RESULT in case of NOT FOUND`);
  }
  if (!queries.isFileContent) return queries.show(value, table);
  return fileContent(tool, table, key, value);
}

/** The text of a table with -F names files; tables without a text hold the files' content in base64. */
async function fileContent(tool: string, table: Table, key: string, value: string): Promise<string> {
  if (/^(?:texthash|hash|btree|dbm|lmdb|cdb):/.test(table.name)) return (await readFiles(tool, value)).toString('utf8');
  const isBase64 = /^[A-Za-z0-9+/\s]*={0,2}$/.test(value);
  if (!isBase64) throw fatal(tool, `table ${table.name}: key ${key}: malformed BASE64 value: ${value.slice(0, 30)}`);
  return Buffer.from(value, 'base64').toString('utf8');
}

/** The files one after the other, with a line end between them. */
export async function readFiles(tool: string, names: string): Promise<Buffer> {
  const contents: string[] = [];
  for (const name of splitList(names)) {
    try {
      contents.push(await readFile(name, 'latin1'));
    } catch (error) {
      throw fatal(tool, `open ${name}: ${errorText(error)}`);
    }
  }
  return Buffer.from(contents.join('\n'), 'latin1');
}
