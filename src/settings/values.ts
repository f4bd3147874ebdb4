// Turns expanded text into typed values as Postfix's conf readers do: whole numbers, `yes`/`no`, and times with
// a unit letter (postconf(5)).

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
