// A browser's own word about itself in words for people: "Firefox on Linux". What is not known stays as it was told.

const browsers = [
  [/Edg\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\//, 'Firefox'],
  [/Chrom(?:e|ium)\//, 'Chrome'],
  [/Safari\//, 'Safari'],
] as const;
const systems = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Mac OS X/, 'macOS'],
  [/Windows/, 'Windows'],
  [/Linux|X11/, 'Linux'],
] as const;

export function programName(program: string): { readonly browser: string; readonly system: string | undefined } {
  const browser = browsers.find(([pattern]) => pattern.test(program))?.[1];
  const system = systems.find(([pattern]) => pattern.test(program))?.[1];
  return { browser: browser ?? program.slice(0, 80), system: browser === undefined ? undefined : system };
}
