// Expands `$name`, `${name}`, `$(name)`, `${name?text}`, `${name:text}`, `${name?{a}:{b}}`,
// `${{x} == {y} ? {a} : {b}}` and `$$` (postconf(5)), with the same corner cases as Postfix:
//  - the test of `?` and `:` looks at the value as written, before its own expansion;
//  - text without braces runs to the end of the reference, blanks included; braces keep inner blanks;
//  - a name that is not defined is empty;
//  - only the chosen branch is expanded, so that the other may refer back.
// Work is bounded: nesting to 100 as in Postfix; results to 1 MiB and reading to 16 MiB, which Postfix leaves open.

import { compareLevels, compareOperands, parseLevel } from './compare-operands.ts';

/** The value as written, or undefined for a name that is not defined. */
export type RawLookup = (name: string) => string | undefined;

/** Text that cannot be expanded; settings.ts adds the parameter and the place. */
export class ExpansionError extends Error {
  override name = 'ExpansionError';
}

const maxNesting = 100;
const maxResultLength = 1 << 20;
const maxWork = 1 << 24;

/** Throws ExpansionError only. */
export function expand(text: string, lookup: RawLookup): string {
  return text.includes('$') ? new Expansion(lookup).run(text) : text;
}

/** Names that the text refers to, those in conditions and in both branches too. Never throws. */
export function referencedNames(text: string): Set<string> {
  const names = new Set<string>();
  if (!text.includes('$')) return names;
  for (const match of text.matchAll(/\$\$|\$\(\s*(\w+)|\$\{\s*(\w+)|\$(\w+)/g)) {
    const name = match[1] ?? match[2] ?? match[3];
    if (name !== undefined) names.add(name);
  }
  return names;
}

interface Braced {
  readonly content: string;
  /** Position after the closing brace and the blanks that follow it. */
  readonly end: number;
}

class Expansion {
  readonly #lookup: RawLookup;
  #nesting = 0;
  #length = 0;
  #work = 0;

  constructor(lookup: RawLookup) {
    this.#lookup = lookup;
  }

  run(text: string): string {
    const parts: string[] = [];
    let at = 0;
    while (at < text.length) {
      const dollar = text.indexOf('$', at);
      if (dollar !== at) this.#append(parts, dollar < 0 ? text.slice(at) : text.slice(at, dollar));
      if (dollar < 0) break;
      if (text[dollar + 1] === '$') {
        this.#append(parts, '$');
        at = dollar + 2;
        continue;
      }
      const { content, end } = findReference(text, dollar + 1);
      if (content === '') throw new ExpansionError(`empty macro name: "${show(text)}"`);
      parts.push(this.#evaluate(content));
      at = end;
    }
    return parts.join('');
  }

  #append(parts: string[], literal: string): void {
    this.#length += literal.length;
    if (this.#length > maxResultLength) throw new ExpansionError('the value grows beyond 1 MiB when expanded');
    parts.push(literal);
  }

  /** What stands between `${` and `}`. */
  #evaluate(content: string): string {
    if (++this.#nesting > maxNesting) throw new ExpansionError(`unreasonable macro call nesting: "${show(content)}"`);
    this.#work += content.length;
    if (this.#work > maxWork) throw new ExpansionError('too many or too long references to other parameters');
    const start = skipBlanks(content, 0);
    const result = content[start] === '{' ? this.#comparison(content, start) : this.#named(content, start);
    this.#nesting--;
    return result;
  }

  #named(content: string, start: number): string {
    let end = start;
    while (isNameCharacter(content.charCodeAt(end))) end++;
    const name = content.slice(start, end);
    const next = skipBlanks(content, end);
    const operator = content[next];
    if (operator === undefined && name !== '') {
      const value = this.#lookup(name);
      return value === undefined || value === '' ? '' : this.run(value);
    }
    if (operator !== '?' && operator !== ':') {
      throw new ExpansionError(`attribute name syntax error at: "...${show(name)}>>>${show(content.slice(end))}"`);
    }
    return this.#choose(content, next, (this.#lookup(name) ?? '') !== '');
  }

  /** `{x} op {y}` and what may follow. */
  #comparison(content: string, start: number): string {
    const left = takeBraces(content, start);
    const operator = /^[<>!=?+\-*/~&|%]*[a-z]*/.exec(content.slice(left.end, left.end + 16))?.[0] ?? '';
    const rightStart = skipBlanks(content, left.end + operator.length);
    const isLevel = operator.endsWith('level');
    const comparison = (isLevel ? operator.slice(0, -'level'.length) : operator) as Parameters<
      typeof compareOperands
    >[0];
    if (!['==', '!=', '<', '<=', '>', '>='].includes(comparison)) {
      throw new ExpansionError(
        `"==", "!=", "<", "<=", ">=" or ">" expected at: "...${show(left.content)}}>>>${show(content.slice(left.end))}"`,
      );
    }
    if (content[rightStart] !== '{') {
      throw new ExpansionError(`"{expression}" expected at: "...${operator}>>>${show(content.slice(rightStart))}"`);
    }
    const right = takeBraces(content, rightStart);
    const leftValue = this.run(left.content);
    const rightValue = this.run(right.content);
    const holds = isLevel
      ? compareLevels(comparison, requireLevel(leftValue), requireLevel(rightValue))
      : compareOperands(comparison, leftValue, rightValue);
    const rest = content[right.end];
    if (rest === undefined) return holds ? 'true' : '';
    if (rest !== '?' && rest !== ':') {
      throw new ExpansionError(`"?" or ":" expected at: "...}>>>${show(content.slice(right.end))}"`);
    }
    return this.#choose(content, right.end, holds);
  }

  /** `?yes`, `?{yes}:no`, `:no` from `operator` on. */
  #choose(content: string, operator: number, holds: boolean): string {
    let result = '';
    let at = operator;
    if (content[at] === '?') {
      const branch = takeOperand(content, at + 1);
      if (holds) result = this.run(branch.content);
      if (branch.end >= content.length) return result;
      at = branch.end;
      if (content[at] !== ':') {
        throw new ExpansionError(`":" expected at: "...${show(branch.content)}}>>>${show(content.slice(at))}"`);
      }
    }
    const branch = takeOperand(content, at + 1);
    if (!holds) result = this.run(branch.content);
    if (branch.end < content.length) {
      throw new ExpansionError(
        `unexpected input at: "...${show(branch.content)}}>>>${show(content.slice(branch.end))}"`,
      );
    }
    return result;
  }
}

/** The reference after a `$` at `at - 1`: bracketed, or the longest run of letters, digits and `_`. */
function findReference(text: string, at: number): Braced {
  const open = text[at];
  if (open === '{' || open === '(') {
    const close = open === '{' ? '}' : ')';
    let depth = 1;
    for (let end = at + 1; end < text.length; end++) {
      if (text[end] === open) depth++;
      else if (text[end] === close && --depth === 0) return { content: text.slice(at + 1, end), end: end + 1 };
    }
    throw new ExpansionError(`truncated macro reference: "${show(text)}"`);
  }
  let end = at;
  while (isNameCharacter(text.charCodeAt(end))) end++;
  return { content: text.slice(at, end), end };
}

function takeOperand(content: string, at: number): Braced {
  const start = skipBlanks(content, at);
  return content[start] === '{' ? takeBraces(content, start) : { content: content.slice(at), end: content.length };
}

function takeBraces(content: string, open: number): Braced {
  let depth = 0;
  for (let at = open; at < content.length; at++) {
    if (content[at] === '{') depth++;
    else if (content[at] === '}' && --depth === 0) {
      return { content: content.slice(open + 1, at), end: skipBlanks(content, at + 1) };
    }
  }
  throw new ExpansionError(`unbalanced {} in attribute expression: "${show(content.slice(open))}"`);
}

function requireLevel(text: string): readonly number[] {
  const level = parseLevel(text);
  if (level === undefined) throw new ExpansionError(`malformed compatibility level syntax: "${show(text)}"`);
  return level;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\r' || text[at] === '\n') at++;
  return at;
}

function isNameCharacter(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122);
}

function show(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
