// The patterns by which postconf(1) chooses services of master.cf: `name/type`, `name/type/field`, where `*` alone
// stands for anything and trailing parts that are missing are `*`.

export type ServicePattern = readonly string[];

/** Undefined where there are too few or too many parts, or a `*` that is not alone. */
export function parseServicePattern(text: string, min: number, max: number): ServicePattern | undefined {
  if (text.startsWith('/')) return undefined;
  const parts = text.split('/').filter((part) => part !== '');
  if (parts.length < min || parts.length > max) return undefined;
  if (parts.some((part) => part !== '*' && part.includes('*'))) return undefined;
  return [...parts, ...Array.from({ length: max - parts.length }, () => '*')];
}

export function matchesService(pattern: ServicePattern, [name, type]: readonly [name: string, type: string]): boolean {
  if (name === '') return false;
  const [wantedName = '*', wantedType = '*'] = pattern;
  return (wantedName === '*' || wantedName === name) && (wantedType === '*' || wantedType === type);
}
