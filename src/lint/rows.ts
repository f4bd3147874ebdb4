// The rows of a table whose text is there: key, value and line, duplicates included, as postmap(1) and postalias(1)
// read them. Tables that only a server or an index knows are opaque: nothing is said about their rows.

import { readLogicalLines } from '../lib/logical-lines.ts';
import { splitList } from '../lib/split-list.ts';
import type { MachineFiles } from './machine-files.ts';
import type { PatternRule } from './pattern-rules.ts';
import { readPatternRules } from './pattern-rules.ts';
import type { Place } from './rule.ts';
import { indexedTypes, patternTypes, type TableUse } from './table-uses.ts';

export interface Row extends Place {
  /** As written, quotes included. */
  readonly key: string;
  /** Folded, as it is looked up. */
  readonly folded: string;
  readonly value: string;
  /** The physical lines that make it, where there is more than one. */
  readonly lastLine: number;
}

export interface RowProblem extends Place {
  readonly text: string;
}

export type TableContents =
  | {
      readonly kind: 'rows';
      readonly rows: readonly Row[];
      readonly problems: readonly RowProblem[];
      readonly file: string;
      readonly source: string;
    }
  | {
      readonly kind: 'patterns';
      readonly rules: readonly PatternRule[];
      readonly problems: readonly RowProblem[];
      readonly file: string;
      readonly source: string;
    }
  | { readonly kind: 'static'; readonly value: string }
  | { readonly kind: 'opaque' }
  | { readonly kind: 'failed'; readonly file: string; readonly reason: string };

export function readTable(use: TableUse, files: MachineFiles): TableContents {
  const { type, name, place } = use;
  if (type === 'static') return { kind: 'static', value: name };
  if (type === 'inline') return readInline(name, place);
  const isText = type === 'texthash' || type in indexedTypes;
  const isInlinePattern = patternTypes.has(type) && name.startsWith('{');
  if (isInlinePattern) return { kind: 'opaque' };
  if (!isText && !patternTypes.has(type)) return { kind: 'opaque' };
  const read = files.read(name);
  if (read.kind === 'failed') {
    const indexes = indexedTypes[type] ?? [];
    // Only the index is there, as in chroots and on machines that get it copied.
    if (indexes.some((extension) => files.stat(name + extension) !== undefined)) return { kind: 'opaque' };
    return { kind: 'failed', file: read.path, reason: read.reason };
  }
  if (patternTypes.has(type)) return readPatternRules(read.text, read.path, type);
  return readRows(read.text, read.path, use.parameter.startsWith('alias_'));
}

function readInline(name: string, place: Place): TableContents {
  const inner = /^\{(.*)\}$/s.exec(name)?.[1] ?? '';
  const rows = splitList(inner).flatMap((element) => {
    const text = element.replace(/^\{\s*(.*?)\s*\}$/s, '$1');
    const equals = text.indexOf('=');
    if (equals <= 0) return [];
    const key = text.slice(0, equals).trim();
    return [{ ...place, key, folded: key.toLowerCase(), value: text.slice(equals + 1).trim(), lastLine: place.line }];
  });
  return { kind: 'rows', rows, problems: [], file: place.file, source: '' };
}

export function readRows(text: string, file: string, isAliasFormat: boolean): TableContents & { kind: 'rows' } {
  const rows: Row[] = [];
  const problems: RowProblem[] = [];
  for (const logical of readLogicalLines(text)) {
    const { line, lastLine } = logical;
    if (/^\s/.test(logical.text)) {
      problems.push({ file, line, text: 'the first row starts with white space' });
      continue;
    }
    const end = keyEnd(logical.text, isAliasFormat);
    if (end === -1) {
      problems.push({ file, line, text: 'a quote is not closed' });
      continue;
    }
    const rest = logical.text.slice(end).replace(isAliasFormat ? /^[\s:]+/ : /^\s+/, '');
    const value = rest.trim();
    const key = isAliasFormat ? logical.text.slice(0, end).replace(/["\\]/g, '') : logical.text.slice(0, end);
    if (key === '' || value === '') {
      problems.push({ file, line, text: `"${key}" has no value` });
      continue;
    }
    rows.push({ file, line, lastLine, key, folded: key.toLowerCase(), value });
  }
  return { kind: 'rows', rows, problems, file, source: text };
}

/** The first blank (or colon) outside quotes; -1 where a quote stays open. */
function keyEnd(text: string, endsAtColon: boolean): number {
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '\\') at++;
    else if (character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (/\s/.test(character) || (endsAtColon && character === ':'))) return at;
  }
  return isQuoted ? -1 : text.length;
}
