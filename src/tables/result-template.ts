// The result of a pcre: or regexp: rule: text with `$1`, `${1}` or `$(1)` for what a group of the pattern matched,
// and `$$` for a dollar sign (pcre_table(5), "Text substitution"). `$1x` asks for the group "1x", which is a mistake.

import type { Groups } from './patterns/matcher.ts';

export interface ResultTemplate {
  readonly parts: readonly (string | number)[];
  /** The largest group number; 0 where the result is the same for every match. */
  readonly maxGroup: number;
}

/** Throws RangeError with what is wrong. */
export function parseTemplate(text: string): ResultTemplate {
  const parts: (string | number)[] = [];
  let maxGroup = 0;
  let literal = '';
  for (let at = 0; at < text.length; ) {
    const dollar = text.indexOf('$', at);
    if (dollar === -1) {
      literal += text.slice(at);
      break;
    }
    literal += text.slice(at, dollar);
    if (text[dollar + 1] === '$') {
      literal += '$';
      at = dollar + 2;
      continue;
    }
    const { name, end } = readName(text, dollar + 1);
    const group = groupNumber(name);
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push(group);
    maxGroup = Math.max(maxGroup, group);
    at = end;
  }
  if (literal !== '') parts.push(literal);
  return { parts, maxGroup };
}

export function fillTemplate({ parts }: ResultTemplate, groups: Groups): string {
  let text = '';
  for (const part of parts) text += typeof part === 'string' ? part : (groups[part] ?? '');
  return text;
}

function groupNumber(name: string): number {
  if (name === '') throw new RangeError('empty macro name');
  if (!/^[0-9]+$/.test(name)) throw new RangeError(`non-numeric replacement index "${name}"`);
  if (Number(name) < 1) throw new RangeError(`out of range replacement index "${name}"`);
  return Number(name);
}

function readName(text: string, start: number): { readonly name: string; readonly end: number } {
  const open = text[start];
  if (open !== '(' && open !== '{') {
    const name = /^[0-9A-Za-z_]*/.exec(text.slice(start))?.[0] ?? '';
    return { name, end: start + name.length };
  }
  const close = open === '(' ? ')' : '}';
  let level = 1;
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === open) level++;
    else if (text[at] === close && --level === 0) return { name: text.slice(start + 1, at), end: at + 1 };
  }
  throw new RangeError(`truncated macro reference: "${text}"`);
}
