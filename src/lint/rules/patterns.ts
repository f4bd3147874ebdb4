// Rules about pcre:, regexp: and cidr: tables, where the order of rules counts and only whole keys are asked for.

import type { LintContext } from '../context.ts';
import type { PatternRule } from '../pattern-rules.ts';
import type { Hit, Rule } from '../rule.ts';
import { cut } from '../show.ts';
import { parseNetwork } from '../../tables/networks.ts';
import { PatternRulesBuilder } from '../../tables/pattern-rules.ts';
import { pcreDialect } from '../../tables/pcre-table.ts';
import { regexpDialect } from '../../tables/regexp-table.ts';
import { isInline, readRuleLines } from '../../tables/rule-lines.ts';
import { readable } from './tables.ts';

export const patternRules: readonly Rule[] = [
  {
    id: 'pattern-shadowed',
    severity: 'warning',
    title: 'A rule stands behind one that matches everything, or the same.',
    consequence: 'The first match wins: the later rule is dead.',
    mend: 'Put the general rule last.',
    check: shadowed,
  },
  {
    id: 'pattern-matches-no-address',
    severity: 'error',
    title: 'A pattern that only a part of an address would match.',
    consequence:
      'Patterns are asked only with the whole address, never with `@domain` or the bare user: the rule is dead.',
    mend: 'Match the whole address, as /^.*@example\\.com$/ or /@example\\.com$/.',
    *check(context) {
      for (const { rule, parameter } of addressPatterns(context)) {
        const { pattern } = rule;
        const isDomainOnly = pattern.startsWith('^@') || /^\^[a-z0-9-]+(\\\.[a-z0-9-]+)+\$$/i.test(pattern);
        if (isDomainOnly) yield { place: rule, text: `${parameter}: /${cut(pattern)}/` };
      }
    },
  },
  {
    id: 'pattern-takes-all',
    severity: 'warning',
    title: 'A pattern among the aliases that matches every address.',
    consequence:
      'Every recipient of every message is redirected, those of other domains and those that the rule itself gives included.',
    mend: 'Match the domain: /@example\\.com$/.',
    *check(context) {
      for (const { rule, parameter } of addressPatterns(context)) {
        if (/^virtual_alias_maps$|canonical_maps$/.test(parameter) && matchesAll(rule)) {
          yield { place: rule, text: `${parameter}: /${cut(rule.pattern)}/ ${cut(rule.value)}` };
        }
      }
    },
  },
  {
    id: 'substitution-refused',
    severity: 'error',
    title: 'A rule with $1 in a table where Postfix refuses substitution.',
    consequence: 'The rule is skipped with a warning: text from a stranger must not choose a path, owner or transport.',
    mend: 'Write the result out, or use a table with keys.',
    *check(context) {
      const refusing =
        /^(transport_maps|alias_maps|virtual_(mailbox|uid|gid)_maps|mailbox_(transport|command)_maps|fallback_transport_maps|sender_dependent_\w+_maps)$/;
      for (const { use, contents } of readable(context)) {
        if (contents.kind !== 'patterns' || !refusing.test(use.parameter)) continue;
        for (const rule of contents.rules) {
          if (/(^|[^$])(\$\$)*\$[{(]?\d/.test(rule.value))
            yield { place: rule, text: `${use.parameter}: ${cut(rule.value)}` };
        }
      }
    },
  },
  {
    id: 'substitution-malformed',
    severity: 'error',
    title: 'A $1 that runs on into letters.',
    consequence: 'It is read as the name $1xyz, which does not exist: the rule is skipped with a warning.',
    mend: 'Write ${1}xyz.',
    *check(context) {
      for (const { use, contents } of readable(context)) {
        if (contents.kind !== 'patterns') continue;
        for (const rule of contents.rules) {
          const run = /(?<!\$)(?:\$\$)*\$\d+[A-Za-z_]\w*/.exec(rule.value);
          if (run !== null) yield { place: rule, text: `${use.parameter}: ${cut(run[0])}` };
        }
      }
    },
  },
  {
    id: 'pattern-flag-i',
    severity: 'hint',
    title: 'The flag i, which turns ignoring of case off: patterns ignore it already.',
    consequence: 'The pattern matches only in the letters as they are written.',
    mend: 'Leave the flag out.',
    *check(context) {
      for (const { use, contents } of readable(context)) {
        if (contents.kind !== 'patterns' || use.type === 'cidr') continue;
        for (const rule of contents.rules) {
          if (rule.flags.includes('i'))
            yield { place: rule, text: `${use.parameter}: /${cut(rule.pattern)}/${rule.flags}` };
        }
      }
    },
  },
  {
    id: 'pattern-unusable',
    severity: 'error',
    title: 'A pattern that does not compile, or a result that asks for a group that it does not have.',
    consequence: 'The rule is skipped with a warning in the log: it is as if it were not there.',
    mend: 'Correct the pattern; try it with: posthaste postmap -q KEY pcre:FILE.',
    check: unusable,
  },
  {
    id: 'cidr-network',
    severity: 'error',
    title: 'A cidr: rule whose network cannot be one.',
    consequence: 'The rule is skipped with a warning.',
    mend: 'Write the network’s own address, as 192.168.1.0/24.',
    *check(context) {
      for (const { use, contents } of readable(context)) {
        if (contents.kind !== 'patterns' || use.type !== 'cidr') continue;
        for (const rule of contents.rules) {
          const problem = networkProblem(rule.pattern);
          if (problem !== undefined) yield { place: rule, text: problem };
        }
      }
    },
  },
];

const skipped = ': skipping this rule';

/** As the server reads them. Rows that cannot be read and results that run on have rules of their own. */
function* unusable(context: LintContext): Generator<Hit> {
  for (const { use, contents } of readable(context)) {
    if (contents.kind !== 'patterns' || use.type === 'cidr' || isInline(use.name)) continue;
    const told = new Set(contents.problems.map(({ line }) => line));
    const hits: Hit[] = [];
    const warn = (line: number, text: string): void => {
      if (!text.endsWith(skipped) || text.includes('bad replacement syntax') || told.has(line)) return;
      hits.push({ place: { file: contents.file, line }, text: `${use.text}: ${text.slice(0, -skipped.length)}` });
    };
    const dialect = use.type === 'regexp' ? regexpDialect() : pcreDialect();
    // Whether the table takes $1 at all is a rule of its own.
    const builder = new PatternRulesBuilder(dialect, use.text, true, warn);
    for (const row of readRuleLines(Buffer.from(contents.source), () => undefined)) builder.add(row);
    yield* hits;
  }
}

function* shadowed(context: LintContext): Generator<Hit> {
  for (const { use, contents } of readable(context)) {
    if (contents.kind !== 'patterns') continue;
    let all: PatternRule | undefined;
    const seen = new Map<string, PatternRule>();
    for (const rule of contents.rules) {
      if (rule.depth > 0) continue;
      const key = `${rule.isNegated ? '!' : ''}${rule.pattern}/${rule.flags}`;
      const earlier = all ?? seen.get(key);
      // DUNNO in an access table lets the search end here, which is what a rule for all may be for.
      if (earlier !== undefined) {
        yield { place: rule, text: `${use.parameter}: ${cut(rule.pattern)} stands behind line ${earlier.line}` };
      }
      seen.set(key, rule);
      if (
        use.type === 'cidr'
          ? /^(0\.0\.0\.0|::)\/0$/.test(rule.pattern) && isSameFamily(contents.rules)
          : matchesAll(rule)
      )
        all ??= rule;
    }
  }
}

/** IPv6 rules behind 0.0.0.0/0 are alive. */
function isSameFamily(rules: readonly PatternRule[]): boolean {
  return new Set(rules.map(({ pattern }) => pattern.includes(':'))).size === 1;
}

function matchesAll({ pattern, isNegated }: PatternRule): boolean {
  return !isNegated && /^(\^?\(?\.[*+]?\)?\$?|\^|\$|)$/.test(pattern);
}

function* addressPatterns(context: LintContext): Generator<{ rule: PatternRule; parameter: string }> {
  const parameters =
    /^(virtual_(alias|mailbox)_maps|(sender_|recipient_)?canonical_maps|relocated_maps|smtpd_sender_login_maps)$/;
  for (const { use, contents } of readable(context)) {
    if (contents.kind !== 'patterns' || use.type === 'cidr' || !parameters.test(use.parameter)) continue;
    for (const rule of contents.rules) yield { rule, parameter: use.parameter };
  }
}

function networkProblem(text: string): string | undefined {
  try {
    return parseNetwork(text) === undefined ? `"${cut(text)}" is no network` : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
