// Who reads the rules of a pcre:, regexp: or cidr: table. Loaded with the first of them (registry.ts): most
// installations have none, and what matches patterns is large.

import { CidrRulesBuilder } from './cidr-table.ts';
import { PatternRulesBuilder } from './pattern-rules.ts';
import { pcreDialect } from './pcre-table.ts';
import { regexpDialect } from './regexp-table.ts';
import type { RulesBuilder, RuleTableOptions, RuleWarning } from './rule-table.ts';

export interface BuiltRules extends Pick<RuleTableOptions, 'type' | 'name'> {
  readonly allowsSubstitution: boolean;
  readonly warn: RuleWarning;
}

export class RuleBuilders {
  /** Each loads its library with the first pattern. */
  readonly #dialects = { pcre: pcreDialect(), regexp: regexpDialect() };

  begin({ type, name, allowsSubstitution, warn }: BuiltRules): RulesBuilder {
    if (type === 'cidr') return new CidrRulesBuilder(warn);
    return new PatternRulesBuilder(this.#dialects[type], `${type}:${name}`, allowsSubstitution, warn);
  }
}
