// Rules about lookup tables as files (DATABASE_README): whether they can be opened, and rows that no lookup finds.

import type { LintContext } from '../context.ts';
import type { Row } from '../rows.ts';
import type { Hit, Rule } from '../rule.ts';
import { cut } from '../show.ts';
import { indexedTypes, knownTypes, type TableUse } from '../table-uses.ts';
import { keyProblem } from '../key-forms.ts';

export const tableRules: readonly Rule[] = [
  {
    id: 'table-missing',
    severity: 'error',
    title: 'A table cannot be opened.',
    consequence: 'Every lookup that needs it is a temporary error: 451 4.3.0, and no mail gets through.',
    mend: 'Make the file, correct the path, or remove the table from the parameter.',
    check: missingTables,
  },
  {
    id: 'table-type-unknown',
    severity: 'error',
    title: 'A table of a type that does not exist.',
    consequence: 'Postfix refuses the configuration: unsupported dictionary type.',
    mend: 'Correct the type; `postconf -m` lists those that Postfix has.',
    *check(context) {
      for (const { type, text, parameter, place } of context.tables) {
        if (!knownTypes.has(type)) yield { place, text: `${parameter}: ${cut(text)}` };
      }
    },
  },
  {
    id: 'index-stale',
    severity: 'warning',
    title: 'A table’s text is newer than its index.',
    consequence: 'Postfix goes on answering from the index: the edit has no effect.',
    mend: 'Run postmap FILE (postalias or newaliases for alias_maps).',
    *check(context) {
      for (const { use, source, index } of indexes(context)) {
        // Rounded: some file systems keep whole seconds.
        if (index !== undefined && Math.floor(source.mtimeMs / 1000) > Math.floor(index.mtimeMs / 1000)) {
          yield { place: { file: context.files.locate(use.name), line: 0 }, text: `${use.text} (${use.parameter})` };
        }
      }
    },
  },
  {
    id: 'index-missing',
    severity: 'warning',
    title: 'A table has no index, though others in this configuration have.',
    consequence: 'Postfix cannot open it: every lookup that needs it is a temporary error.',
    mend: 'Run postmap FILE (postalias or newaliases for alias_maps).',
    *check(context) {
      const all = [...indexes(context)];
      // A checkout of the texts alone has none: there they are made when it is installed.
      if (context.files.root !== '/' && !all.some(({ index }) => index !== undefined)) return;
      for (const { use, index } of all) {
        if (index === undefined) yield { place: use.place, text: `${use.text} (${use.parameter})` };
      }
    },
  },
  {
    id: 'proxy-not-listed',
    severity: 'error',
    title: 'A proxy: table that proxy_read_maps does not list.',
    consequence: 'proxymap(8) refuses it: every lookup is a temporary error.',
    mend: 'Add $PARAMETER to proxy_read_maps, or leave proxy_read_maps at its default.',
    *check(context) {
      const readable = new Set([...context.list('proxy_read_maps'), ...context.list('proxy_write_maps')]);
      for (const { isProxied, text, parameter, place } of context.tables) {
        if (isProxied && !readable.has(text)) yield { place, text: `${parameter}: ${cut(text)}` };
      }
    },
  },
  {
    id: 'duplicate-key',
    severity: 'warning',
    title: 'A key stands in a table twice; the order of rows means nothing there.',
    consequence: 'The first row holds and postmap(1) warns; the later one is dead.',
    mend: 'Keep one row; several values go into one row, separated by commas, where the table takes several.',
    check: duplicateKeys,
  },
  {
    id: 'key-in-earlier-table',
    severity: 'hint',
    title: 'A key that an earlier table of the same parameter has with another value.',
    consequence: 'The earlier table wins: this row is never found.',
    mend: 'Keep one of the rows, unless the earlier table is there to overrule this one.',
    check: overruledRows,
  },
  {
    id: 'row-malformed',
    severity: 'warning',
    title: 'A row that cannot be read.',
    consequence: 'It is ignored with a warning in the log.',
    mend: 'Write a key, blanks and a value, from the first column on.',
    *check(context) {
      for (const { use, contents } of readable(context)) {
        for (const { text, file, line } of contents.problems)
          yield { place: { file, line }, text: `${use.text}: ${text}` };
      }
    },
  },
  {
    id: 'row-in-continuation',
    severity: 'warning',
    title: 'An indented row: it continues the one before.',
    consequence: 'Its key and value become further values of the row before, and it is never found itself.',
    mend: 'Let the row begin at its first column.',
    check: indentedRows,
  },
  {
    id: 'comment-in-row',
    severity: 'warning',
    title: 'A comment stands behind a row’s value; tables have comments only on lines of their own.',
    consequence: 'The `#` and every word behind it are values: recipients, in a table of aliases.',
    mend: 'Put the comment on a line of its own.',
    *check(context) {
      for (const { contents } of readable(context)) {
        if (contents.kind !== 'rows') continue;
        for (const row of contents.rows) {
          const comment = /\s#(\s.*|[A-Za-z].*)?$/s.exec(row.value);
          if (comment !== null)
            yield { place: row, text: `${row.key}: "${cut(comment[0].trim())}" is part of the value` };
        }
      }
    },
  },
  {
    id: 'key-cannot-match',
    severity: 'error',
    title: 'A key in a form that this table is never asked with.',
    consequence: 'The row is dead: what it should catch goes another way.',
    mend: 'Write the key as the table’s manual page has it (virtual(5), transport(5), access(5), aliases(5)).',
    *check(context) {
      for (const { use, contents } of readable(context)) {
        if (contents.kind !== 'rows' || use.type === 'cidr') continue;
        for (const row of contents.rows) {
          const problem = keyProblem(context, use, row);
          if (problem !== undefined) yield { place: row, text: `${use.parameter}: ${cut(row.key)} ${problem}` };
        }
      }
    },
  },
  {
    id: 'alias-format',
    severity: 'warning',
    title: 'A table in the form of the other kind: `key: value` is for alias_maps, `key value` for all others.',
    consequence: 'With a colon the key is `name:`, which nobody asks for; without one postalias(1) reads nothing.',
    mend: 'Write the rows in the form of the parameter.',
    check: aliasFormats,
  },
];

interface Readable {
  readonly use: TableUse;
  readonly contents: Exclude<ReturnType<LintContext['contents']>, { kind: 'static' | 'opaque' | 'failed' }>;
}

/** Tables whose text is there, each once. */
export function* readable(context: LintContext): Generator<Readable> {
  const told = new Set<string>();
  for (const use of context.tables) {
    const contents = context.contents(use);
    const key = `${use.type}:${use.name}`;
    if (told.has(key) || (contents.kind !== 'rows' && contents.kind !== 'patterns')) continue;
    told.add(key);
    yield { use, contents };
  }
}

/** A default's table, of a configuration that is not in its place: what this machine has there is another's. */
function isElsewhere(context: LintContext, use: TableUse): boolean {
  return !context.isSet(use.parameter) && use.service === undefined && context.files.root !== '/';
}

function* missingTables(context: LintContext): Generator<Hit> {
  for (const use of context.tables) {
    if (isElsewhere(context, use)) continue;
    const contents = context.contents(use);
    if (contents.kind === 'failed') {
      yield { place: use.place, text: `${use.parameter}: ${use.text}: ${contents.reason}` };
    } else if (/^(mysql|pgsql|sqlite|ldap|memcache)$/.test(use.type) && use.name.startsWith('/')) {
      const read = context.files.read(use.name);
      if (read.kind === 'failed') yield { place: use.place, text: `${use.parameter}: ${use.text}: ${read.reason}` };
    }
  }
}

function* indexes(context: LintContext) {
  const told = new Set<string>();
  for (const use of context.tables) {
    const extensions = indexedTypes[use.type];
    if (extensions === undefined || told.has(`${use.type}:${use.name}`) || isElsewhere(context, use)) continue;
    told.add(`${use.type}:${use.name}`);
    const source = context.files.stat(use.name);
    if (source !== undefined) yield { use, source, index: context.files.stat(`${use.name}${extensions[0] ?? ''}`) };
  }
}

function* duplicateKeys(context: LintContext): Generator<Hit> {
  for (const { use, contents } of readable(context)) {
    if (contents.kind !== 'rows') continue;
    const first = new Map<string, Row>();
    for (const row of contents.rows) {
      const earlier = first.get(row.folded);
      if (earlier === undefined) first.set(row.folded, row);
      else {
        yield {
          place: row,
          text: `${row.key} stands on line ${earlier.line} already${earlier.value === row.value ? '' : `, as ${cut(earlier.value)}`}`,
          ...(use.type === 'texthash'
            ? {
                severity: 'error' as const,
                consequence: 'A texthash: table with a duplicate answers every lookup with an error.',
              }
            : {}),
        };
      }
    }
  }
}

function* overruledRows(context: LintContext): Generator<Hit> {
  const parameters = new Set(context.tables.filter(({ service }) => service === undefined).map((use) => use.parameter));
  for (const parameter of parameters) {
    if (!parameter.endsWith('_maps') || parameter === 'smtpd_sender_login_maps') continue;
    const uses = context.tablesOf(parameter).filter(({ members }) => members.length === 0);
    const first = new Map<string, Row>();
    for (const use of uses.length > 1 ? uses : []) {
      const contents = context.contents(use);
      if (contents.kind !== 'rows') continue;
      for (const row of contents.rows) {
        const earlier = first.get(row.folded);
        if (earlier === undefined) first.set(row.folded, row);
        else if (earlier.file !== row.file && earlier.value !== row.value) {
          yield {
            place: row,
            text: `${parameter}: ${row.key} is ${cut(earlier.value)} in ${earlier.file}:${earlier.line}`,
          };
        }
      }
    }
  }
}

function* indentedRows(context: LintContext): Generator<Hit> {
  for (const { contents } of readable(context)) {
    if (contents.kind !== 'rows' || contents.source === '') continue;
    let lines: string[] | undefined;
    for (const row of contents.rows) {
      if (row.lastLine === row.line) continue;
      lines ??= contents.source.split('\n');
      for (let line = row.line + 1; line <= row.lastLine; line++) {
        const before = lines[line - 2] ?? '';
        const isRow = /^\s+[^\s,@]*@[^\s,@]+[ \t]+[^\s,]/.test(lines[line - 1] ?? '');
        if (isRow && !/,\s*$/.test(before)) {
          yield {
            place: { file: row.file, line },
            text: `"${cut((lines[line - 1] ?? '').trim())}" continues ${row.key}`,
          };
        }
      }
    }
  }
}

function* aliasFormats(context: LintContext): Generator<Hit> {
  for (const { use, contents } of readable(context)) {
    if (contents.kind !== 'rows') continue;
    const isAlias = use.parameter.startsWith('alias_');
    if (!isAlias) {
      const row = contents.rows.find(({ key }) => /^[^/]+:$/.test(key));
      if (row !== undefined) yield { place: row, text: `${use.parameter}: "${row.key}" has a colon` };
      continue;
    }
    const lines = contents.source.split('\n');
    const row = contents.rows.find(({ line }) => !/^\s*("[^"]*"|[^\s:]+)\s*:/.test(lines[line - 1] ?? ''));
    if (row !== undefined) yield { place: row, text: `${use.parameter}: "${row.key}" has no colon` };
  }
}
