// LIST's patterns (RFC 3501 §6.3.8): `*` matches anything, `%` anything but the separator. The time is bounded by
// the product of the lengths, whatever the pattern.

const separator = '/';
/** Longer patterns match nothing that exists. */
const maxPatternLength = 1000;

export function matchesPattern(pattern: string, name: string): boolean {
  if (pattern.length > maxPatternLength) return false;
  if (pattern.toUpperCase() === 'INBOX') return name === 'INBOX';
  // reached[i]: the pattern so far can end before name[i].
  let reached = new Uint8Array(name.length + 1);
  reached[0] = 1;
  for (const character of toCodeUnits(pattern)) {
    const next = new Uint8Array(name.length + 1);
    if (character === '*' || character === '%') {
      for (let index = 0; index <= name.length; index++) {
        const fromBefore = index > 0 && next[index - 1] === 1 && (character === '*' || name[index - 1] !== separator);
        next[index] = reached[index] === 1 || fromBefore ? 1 : 0;
      }
    } else {
      for (let index = 0; index < name.length; index++) {
        if (reached[index] === 1 && name[index] === character) next[index + 1] = 1;
      }
    }
    reached = next;
  }
  return reached[name.length] === 1;
}

/** Neighbouring wildcards are one: `**` and `*%` are `*`. */
function toCodeUnits(pattern: string): string[] {
  return pattern
    .replaceAll(/[*%]*\*[*%]*/g, '*')
    .replaceAll(/%+/g, '%')
    .split('');
}
