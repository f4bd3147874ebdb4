// The comparisons of `${{x} == {y} ? ...}` (postconf(5)): numeric when both sides are digits only, else by bytes;
// `==level` and its kin compare compatibility levels such as 3.6.

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

export function compareOperands(comparison: Comparison, left: string, right: string): boolean {
  const numeric = /^[0-9]+$/;
  if (numeric.test(left) && numeric.test(right)) {
    const one = left.replace(/^0+/, '');
    const other = right.replace(/^0+/, '');
    return holds(comparison, one.length - other.length || order(one, other));
  }
  return holds(comparison, order(left, right));
}

/** `major[.minor[.patch]]`; undefined when it has another form. */
export function parseLevel(text: string): readonly number[] | undefined {
  const match = /^([0-9]{1,9})(?:\.([0-9]{1,9}))?(?:\.([0-9]{1,9}))?$/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2] ?? 0), Number(match[3] ?? 0)];
}

export function compareLevels(comparison: Comparison, left: readonly number[], right: readonly number[]): boolean {
  const different = left.findIndex((number, at) => number !== right[at]);
  return holds(comparison, different < 0 ? 0 : (left[different] ?? 0) - (right[different] ?? 0));
}

function order(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function holds(comparison: Comparison, difference: number): boolean {
  switch (comparison) {
    case '==':
      return difference === 0;
    case '!=':
      return difference !== 0;
    case '<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    case '>':
      return difference > 0;
    case '>=':
      return difference >= 0;
  }
}
