// What a rule of `lint` is, and what it reports. A rule is a small declaration: what is wrong in general, what happens
// in consequence, how it is mended, and a check that yields the places where it is so.

import type { LintContext } from './context.ts';

/** error: mail is lost, refused, deferred or relayed against the intention; warning: likely so; hint: worth a look. */
export type Severity = 'error' | 'warning' | 'hint';

export interface Place {
  readonly file: string;
  /** From 1; 0 where the finding is about the file as a whole. */
  readonly line: number;
}

/** One place at which a rule is broken; what is not said here is taken from the rule. */
export interface Hit {
  readonly place: Place;
  /** One sentence about this place. */
  readonly text: string;
  readonly severity?: Severity;
  readonly consequence?: string;
  readonly mend?: string;
}

export interface Rule {
  readonly id: string;
  readonly severity: Severity;
  /** One sentence: what is wrong. */
  readonly title: string;
  /** What happens in consequence. */
  readonly consequence: string;
  readonly mend: string;
  check(context: LintContext): Iterable<Hit>;
}

export interface LintFinding {
  readonly rule: string;
  readonly severity: Severity;
  readonly file: string;
  readonly line: number;
  readonly text: string;
  readonly consequence: string;
  readonly mend: string;
}
