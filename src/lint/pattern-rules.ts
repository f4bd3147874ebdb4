// The rules of pcre:, regexp: and cidr: tables as written (pcre_table(5), regexp_table(5), cidr_table(5)): enough to see
// which are malformed and which stand behind one that matches everything. No pattern is run.

import { readLogicalLines } from '../lib/logical-lines.ts';
import type { Place } from './rule.ts';
import type { RowProblem, TableContents } from './rows.ts';

export interface PatternRule extends Place {
  /** Without delimiters; for cidr the network. */
  readonly pattern: string;
  readonly flags: string;
  readonly isNegated: boolean;
  readonly value: string;
  /** How many if ... endif it stands in. */
  readonly depth: number;
}

export function readPatternRules(text: string, file: string, type: string): TableContents & { kind: 'patterns' } {
  const rules: PatternRule[] = [];
  const problems: RowProblem[] = [];
  let depth = 0;
  for (const logical of readLogicalLines(text)) {
    const { line } = logical;
    const content = logical.text.trim();
    const problem = (what: string): void => void problems.push({ file, line, text: what });
    if (/^endif\b/i.test(content)) {
      if (depth === 0) problem('endif without if');
      else depth--;
      continue;
    }
    const condition = /^if\s*(.*)$/is.exec(content)?.[1];
    const rule = type === 'cidr' ? splitNetwork(condition ?? content) : splitPattern(condition ?? content);
    if (typeof rule === 'string') problem(rule);
    else if (condition === undefined) {
      if (rule.value === '') problem(`"${rule.pattern}" has no result`);
      else rules.push({ ...rule, file, line, depth });
    }
    if (condition !== undefined) depth++;
  }
  if (depth > 0) problems.push({ file, line: 0, text: 'an if has no endif' });
  return { kind: 'patterns', rules, problems, file, source: text };
}

type Split = Pick<PatternRule, 'pattern' | 'flags' | 'isNegated' | 'value'>;

function splitPattern(text: string): Split | string {
  const isNegated = text.startsWith('!');
  const rest = isNegated ? text.slice(1).trimStart() : text;
  const delimiter = rest[0] ?? '';
  if (delimiter === '' || /[a-z0-9\s]/i.test(delimiter)) return `"${text.slice(0, 40)}" is no /pattern/ with a result`;
  let end = 1;
  while (end < rest.length && rest[end] !== delimiter) end += rest[end] === '\\' ? 2 : 1;
  if (end >= rest.length) return `the pattern "${rest.slice(0, 40)}" has no closing ${delimiter}`;
  const after = /^([a-z]*)\s*(.*)$/is.exec(rest.slice(end + 1));
  return { pattern: rest.slice(1, end), flags: after?.[1] ?? '', isNegated, value: (after?.[2] ?? '').trim() };
}

function splitNetwork(text: string): Split | string {
  const match = /^(!?)\s*(\S+)\s*(.*)$/s.exec(text);
  if (match === null) return 'no network';
  return { pattern: match[2] ?? '', flags: '', isNegated: match[1] === '!', value: (match[3] ?? '').trim() };
}
