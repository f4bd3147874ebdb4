// The rules of pcre: and regexp: tables (pcre_table(5), regexp_table(5)):
//
//   /pattern/flags result      the result, when the pattern matches
//   !/pattern/flags result     the result, when it does not
//   if /pattern/flags ... endif  the rules in between count only when the pattern matches (`if !/.../`: does not)
//
// The first rule that holds decides, DUNNO is a result like any other, and so is the empty text. The delimiter is
// whatever stands first. A rule that cannot be used is left out; an `if` that is left out leaves its `endif` to the
// `if` around it. Only regexp: knows `/a/!/b/ result`: a matches and b does not.

import { TemporaryError } from '../lib/temporary-error.ts';
import { type Groups, type Matcher, MatchLimitError, noGroups, PatternError, Subject } from './patterns/matcher.ts';
import { fillTemplate, parseTemplate, type ResultTemplate } from './result-template.ts';
import type { RuleLine } from './rule-lines.ts';
import type { RuleMatch, Rules, RulesBuilder, RuleWarning } from './rule-table.ts';

export interface PatternSource {
  readonly isNegated: boolean;
  /** One character a byte. */
  readonly text: string;
  readonly flags: string;
}

export interface PatternDialect {
  readonly type: 'pcre' | 'regexp';
  /** Letters that may follow a pattern. */
  readonly flags: string;
  /** `/a/!/b/` is understood. */
  readonly hasSecondPattern: boolean;
  /** `needsGroups`: the result names some. Throws PatternError. */
  compile(source: PatternSource, needsGroups: boolean, warn: (text: string) => void): Matcher;
}

interface Condition {
  readonly isNegated: boolean;
  readonly matcher: Matcher;
}

interface MatchRule {
  readonly op: 'match';
  readonly line: number;
  readonly conditions: readonly Condition[];
  readonly result: ResultTemplate;
}

interface IfRule {
  readonly op: 'if';
  readonly line: number;
  readonly condition: Condition;
  /** Index of its `endif`; past the end where there is none. */
  end: number;
}

type Rule = MatchRule | IfRule | { readonly op: 'endif'; readonly line: number };

const blanks = /^[ \t\r\f\v\n]*/;

export class PatternRulesBuilder implements RulesBuilder {
  readonly #dialect: PatternDialect;
  readonly #tableName: string;
  readonly #allowsSubstitution: boolean;
  readonly #warn: RuleWarning;
  readonly #rules: Rule[] = [];
  readonly #open: IfRule[] = [];

  constructor(dialect: PatternDialect, tableName: string, allowsSubstitution: boolean, warn: RuleWarning) {
    this.#dialect = dialect;
    this.#tableName = tableName;
    this.#allowsSubstitution = allowsSubstitution;
    this.#warn = warn;
  }

  add({ text, line }: RuleLine): void {
    try {
      if (!/^[0-9A-Za-z]/.test(text)) this.#addMatch(text, line);
      else if (/^if(?![0-9A-Za-z])/i.test(text)) this.#addIf(text.slice(2), line);
      else if (/^endif(?![0-9A-Za-z])/i.test(text)) this.#addEndif(text.slice(5), line);
      else this.#warn(line, 'ignoring unrecognized request');
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      this.#warn(line, `${error.message}: skipping this rule`);
    }
  }

  finish(): Rules {
    for (const { line } of this.#open.toReversed()) this.#warn(line, 'IF has no matching ENDIF');
    return new PatternRules(this.#tableName, this.#rules);
  }

  #addMatch(text: string, line: number): void {
    const first = this.#readPattern(text);
    const second =
      this.#dialect.hasSecondPattern && first.rest.startsWith('!') ? this.#readPattern(first.rest) : undefined;
    const resultText = (second ?? first).rest.replace(blanks, '');
    if (resultText === '') this.#warn(line, 'no replacement text: using empty string');
    const result = readResult(resultText);
    if (result.maxGroup > 0 && first.source.isNegated) {
      throw new PatternError('$number found in negative match replacement text');
    }
    if (result.maxGroup > 0 && !this.#allowsSubstitution) {
      throw new PatternError('regular expression substitution is not allowed');
    }
    const matcher = this.#compile(first.source, result.maxGroup > 0, line);
    if (result.maxGroup > matcher.groupCount) {
      throw new PatternError(`out of range replacement index "${result.maxGroup}"`);
    }
    const conditions = [{ isNegated: first.source.isNegated, matcher }];
    if (second !== undefined) {
      const other = this.#compile(second.source, false, line);
      conditions.push({ isNegated: second.source.isNegated, matcher: other });
    }
    this.#rules.push({ op: 'match', line, conditions, result });
  }

  #addIf(text: string, line: number): void {
    const { source, rest } = this.#readPattern(text.replace(blanks, ''));
    const extra = rest.replace(blanks, '');
    if (extra !== '') {
      this.#warn(line, `ignoring extra text after IF statement: "${extra}"`);
      this.#warn(line, 'do not prepend whitespace to statements between IF and ENDIF');
    }
    const condition = { isNegated: source.isNegated, matcher: this.#compile(source, false, line) };
    const rule: IfRule = { op: 'if', line, condition, end: Number.MAX_SAFE_INTEGER };
    this.#rules.push(rule);
    this.#open.push(rule);
  }

  #addEndif(text: string, line: number): void {
    const opening = this.#open.pop();
    if (opening === undefined) {
      this.#warn(line, 'ignoring ENDIF without matching IF');
      return;
    }
    if (text.replace(blanks, '') !== '') this.#warn(line, 'ignoring extra text after ENDIF');
    opening.end = this.#rules.length;
    this.#rules.push({ op: 'endif', line });
  }

  #compile(source: PatternSource, needsGroups: boolean, line: number): Matcher {
    return this.#dialect.compile(source, needsGroups, (text) => this.#warn(line, text));
  }

  /** The pattern that `text` begins with, and what follows its flags. */
  #readPattern(text: string): { readonly source: PatternSource; readonly rest: string } {
    const start = /^[! \t\r\f\v\n]*/.exec(text)?.[0] ?? '';
    const delimiter = text[start.length];
    if (delimiter === undefined) throw new PatternError('no regexp');
    let end = start.length + 1;
    while (end < text.length && text[end] !== delimiter) end += text[end] === '\\' ? 2 : 1;
    if (end >= text.length) throw new PatternError(`no closing regexp delimiter "${delimiter}"`);
    const { flags: known, hasSecondPattern } = this.#dialect;
    const flagsEnd = hasSecondPattern ? /[ \t\r\f\v\n!]|$/ : /[ \t\r\f\v\n]|$/;
    const after = text.slice(end + 1);
    const flags = after.slice(0, after.search(flagsEnd));
    for (const flag of flags) {
      if (!known.includes(flag)) throw new PatternError(`unknown regexp option "${flag}"`);
    }
    const isNegated = start.split('!').length % 2 === 0;
    return {
      source: { isNegated, text: text.slice(start.length + 1, end), flags },
      rest: after.slice(flags.length),
    };
  }
}

/** Whether this letter stands there an odd number of times: each toggles. */
export function isToggled(flags: string, letter: string): boolean {
  return flags.split(letter).length % 2 === 0;
}

function readResult(text: string): ResultTemplate {
  try {
    return parseTemplate(text);
  } catch (error) {
    throw new PatternError(`${(error as Error).message}: bad replacement syntax`);
  }
}

class PatternRules implements Rules {
  readonly #tableName: string;
  readonly #rules: readonly Rule[];

  constructor(tableName: string, rules: readonly Rule[]) {
    this.#tableName = tableName;
    this.#rules = rules;
  }

  find(key: string): RuleMatch | undefined {
    const subject = new Subject(key);
    for (let index = 0; index < this.#rules.length; index++) {
      const rule = this.#rules[index] as Rule;
      if (rule.op === 'endif') continue;
      if (rule.op === 'if') {
        if (this.#holds(rule, [rule.condition], 0, subject) === undefined) index = rule.end;
        continue;
      }
      const groups = this.#holds(rule, rule.conditions, rule.result.maxGroup, subject);
      if (groups !== undefined) return { value: fillTemplate(rule.result, groups), line: rule.line };
    }
    return undefined;
  }

  /** The groups of the first condition, when all conditions hold. */
  #holds(rule: Rule, conditions: readonly Condition[], wanted: number, key: Subject): Groups | undefined {
    let groups: Groups = noGroups;
    try {
      for (const [index, { matcher, isNegated }] of conditions.entries()) {
        const found = matcher.match(key, index === 0 ? wanted : 0);
        if ((found !== undefined) === isNegated) return undefined;
        if (index === 0 && found !== undefined) groups = found;
      }
    } catch (error) {
      // NOTE: Postfix takes this for "no match", so that a stranger's key can slip past a rule that would reject it.
      if (!(error instanceof MatchLimitError)) throw error;
      throw new TemporaryError(`${this.#tableName}, line ${rule.line}: ${error.message}`);
    }
    return groups;
  }
}
