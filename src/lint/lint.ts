// `posthaste lint`: asks every rule about a configuration folder, and puts what they report in the order of files and
// lines. Nothing is connected to; files are read and nothing is written.

import { LintContext, type LintOptions } from './context.ts';
import { proveServices, type RelayProof } from './relay/proof.ts';
import type { Hit, LintFinding, Rule } from './rule.ts';
import { ruleFamilies } from './rules.ts';

/** A table with a fault in each row shall not bury the rest. */
const maxFindingsPerRule = 100;

export interface LintResult {
  readonly directory: string;
  readonly findings: readonly LintFinding[];
  /** Rules that had more to say than is kept. */
  readonly cutRules: readonly string[];
  /** Whether strangers can have mail relayed, by service. */
  readonly relayProofs: readonly RelayProof[];
}

/** Throws SettingsError where the folder cannot be read. */
export async function lintConfiguration(directory: string, options: LintOptions = {}): Promise<LintResult> {
  const context = await LintContext.open(directory, options);
  const relayProofs = await proveServices(context);
  const findings: LintFinding[] = [];
  const cutRules: string[] = [];
  for (const rule of allRules()) {
    let count = 0;
    for (const hit of rule.check(context)) {
      if (++count > maxFindingsPerRule) {
        cutRules.push(rule.id);
        break;
      }
      findings.push(toFinding(rule, hit));
    }
  }
  return { directory: context.directory, findings: findings.sort(byPlace), cutRules, relayProofs };
}

export function allRules(): readonly Rule[] {
  return ruleFamilies.flatMap(([, rules]) => rules);
}

function toFinding(rule: Rule, hit: Hit): LintFinding {
  return {
    rule: rule.id,
    severity: hit.severity ?? rule.severity,
    file: hit.place.file,
    line: hit.place.line,
    text: hit.text,
    consequence: hit.consequence ?? rule.consequence,
    mend: hit.mend ?? rule.mend,
  };
}

function byPlace(one: LintFinding, other: LintFinding): number {
  if (one.file !== other.file) return one.file < other.file ? -1 : 1;
  return one.line - other.line;
}
