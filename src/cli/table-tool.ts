// The command line that postmap(1) and postalias(1) share: -q, -s, -d and the files to check.

import { resolve } from 'node:path';
import type { Settings } from '../settings/settings.ts';
import type { Table } from '../tables/table.ts';
import type { CommandContext } from './context.ts';
import type { MessageKeyOptions } from './message-keys.ts';
import { checkFile, type FileOptions, isIndexType } from './table-files.ts';
import { listRows, queryInput, queryKey, type TableQueries } from './table-queries.ts';
import { fatal, toolLog } from './tool.ts';
import { parseToolOptions, type ToolOptions, type ToolSyntax, usageError } from './tool-options.ts';
import { loadToolSettings, openToolTables, type ToolSettings } from './tool-tables.ts';

export interface TableTool {
  readonly syntax: ToolSyntax;
  readonly read: FileOptions['read'];
  readonly separator: string;
  show(value: string, table: Table): string;
  /** Rows that an index has beside those of the text. */
  signature(settings: Settings): FileOptions['signature'];
}

/** Types that can be opened but not made from a text. */
const otherTypes = new Set(
  'cidr directory environ fail inline internal ldap memcache mysql nis pcre pgsql pipemap randmap regexp socketmap sqlite static tcp unionmap unix'.split(
    ' ',
  ),
);

export async function runTableTool(tool: TableTool, context: CommandContext, args: readonly string[]): Promise<void> {
  const { syntax } = tool;
  const options = parseToolOptions(syntax, args);
  checkCombination(syntax, options);
  const named = options.value('c');
  const directory = named === undefined ? context.configDirectory : resolve(named);
  const loaded = await loadToolSettings(directory, named !== undefined || context.isConfigNamed === true);
  const defaultType = loaded.settings.text('default_database_type');
  const names = options.operands.map((operand) => (operand.includes(':') ? operand : `${defaultType}:${operand}`));
  const message = messageOptions(syntax.tool, context, options);
  const asks = options.has('q') || options.has('s');
  if (options.operands.length === 0 && !options.has('s')) throw usageError(syntax);
  if (asks) await answer(tool, context, loaded, names, options, message);
  else if (options.has('d') || options.has('i')) throw refuseChange(syntax.tool, names[0] ?? '', options.has('d'));
  else for (const name of names) await check(tool, context, loaded, name, options);
}

function checkCombination({ tool }: ToolSyntax, options: ToolOptions): void {
  const questions = options.values('q').length + options.values('d').length + (options.has('s') ? 1 : 0);
  if (questions > 1) throw fatal(tool, `specify only one of ${options.has('s') ? '-s or -q or -d' : '-s -q or -d'}`);
}

function messageOptions(tool: string, context: CommandContext, options: ToolOptions): MessageKeyOptions | undefined {
  const [headers, body, mime] = [options.has('h'), options.has('b'), options.has('m')];
  if (!headers && !body && !mime) return undefined;
  if (options.value('q') !== '-') throw fatal(tool, 'specify -b -h or -m only with "-q -"');
  if (headers || body) return { headers, body, mime };
  context.warn(`${tool}: warning: ignoring -m option without -b or -h`);
  return undefined;
}

async function answer(
  tool: TableTool,
  context: CommandContext,
  loaded: ToolSettings,
  names: readonly string[],
  options: ToolOptions,
  message: MessageKeyOptions | undefined,
): Promise<void> {
  const name = tool.syntax.tool;
  // Postfix reads the index of these and so says nothing of single lines of the text.
  const indexed = names.flatMap((one) => /^(?:proxy:)?(?:hash|btree|dbm|lmdb|cdb):([^]*)$/.exec(one)?.[1] ?? []);
  const log = toolLog(name, context, (text) => !indexed.some((file) => text.startsWith(`${resolve(file)}, line `)));
  const needsDirectory = names.some((one) => one.includes('directory:'));
  const opened = await openToolTables(loaded, log, needsDirectory);
  const queries: TableQueries = {
    tool: name,
    context,
    registry: opened.tables,
    names,
    separator: tool.separator,
    isFileContent: options.has('F'),
    show: (value, table) => tool.show(value, table),
  };
  try {
    const key = options.value('q');
    if (key === undefined) await listRows(queries);
    else if (key === '-') await queryInput(queries, context.input ?? process.stdin, message);
    else await queryKey(queries, key);
  } finally {
    opened.close();
  }
}

function refuseChange(tool: string, name: string, isRemoval: boolean): Error {
  const colon = name.indexOf(':');
  const [type, path] = [name.slice(0, colon), name.slice(colon + 1)];
  if (!isIndexType(type)) {
    const what = isRemoval ? 'delete operation is not supported' : 'entries cannot be added to this type of table';
    return fatal(tool, `table ${name}: ${what}`);
  }
  const what = isRemoval ? 'removed from' : 'added to';
  return fatal(tool, `entries cannot be ${what} an index: edit ${path}, Posthaste reads the text itself`);
}

async function check(
  tool: TableTool,
  context: CommandContext,
  { settings }: ToolSettings,
  name: string,
  options: ToolOptions,
): Promise<void> {
  const { syntax, read } = tool;
  const colon = name.indexOf(':');
  const type = name.slice(0, colon);
  if (type === 'proxy') throw fatal(syntax.tool, "can't create maps via the proxy service");
  if (!isIndexType(type)) {
    const why = otherTypes.has(type) ? ' does not support bulk-mode creation.' : '';
    throw fatal(syntax.tool, `unsupported dictionary type: ${type}${why}`);
  }
  await checkFile(
    {
      tool: syntax.tool,
      context,
      read,
      duplicates: options.has('r') ? 'replace' : options.has('w') ? 'ignore' : 'warn',
      foldsKeys: !options.has('f'),
      isFileContent: options.has('F'),
      addsNul: options.has('N') && !options.has('n'),
      keepsOwner: !options.has('o'),
      keepsMode: !options.has('p'),
      signature: tool.signature(settings),
    },
    type,
    name.slice(colon + 1),
  );
}
