// Turns expanded text into typed values as Postfix's conf readers do: whole numbers, `yes`/`no`, times with a
// unit letter, and lists split at commas and blanks where `{ … }` keeps its blanks (postconf(5)).

const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;

export type TimeUnit = keyof typeof unitSeconds;

/** Undefined when the text is neither yes nor no, in any case of letters. */
export function parseFlag(text: string): boolean | undefined {
  const folded = text.toLowerCase();
  if (folded === 'yes') return true;
  return folded === 'no' ? false : undefined;
}

/** Undefined for anything but decimal digits with an optional sign, and beyond what a number holds exactly. */
export function parseInteger(text: string): number | undefined {
  if (!/^[+-]?[0-9]{1,19}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Seconds; a number without a letter has the parameter's own unit. */
export function parseTime(text: string, defaultUnit: TimeUnit): number | undefined {
  const match = /^([0-9]{1,15})([smhdw]?)$/.exec(text);
  if (match === null) return undefined;
  const seconds = Number(match[1]) * unitSeconds[(match[2] || defaultUnit) as TimeUnit];
  return Number.isSafeInteger(seconds) ? seconds : undefined;
}

const separators = ', \t\r\n';

/** Elements in order; an element keeps its braces: `inline:{a=b, c=d}` and `{ x y }` are one each. */
export function parseList(text: string): string[] {
  const elements: string[] = [];
  let depth = 0;
  let start = -1;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (depth === 0 && separators.includes(character)) {
      if (start >= 0) elements.push(text.slice(start, at));
      start = -1;
      continue;
    }
    if (start < 0) start = at;
    if (character === '{') depth++;
    else if (character === '}' && depth > 0) depth--;
  }
  if (start >= 0) elements.push(text.slice(start));
  return elements;
}
