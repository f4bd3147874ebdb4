// The environment variables that `environ:` tables show: as in Postfix, whose programs keep those that
// import_environment names and set those that it gives a value (postconf(5)).

import type { Settings } from './settings.ts';

export function keptEnvironment(settings: Settings): Readonly<Record<string, string | undefined>> {
  const kept: Record<string, string | undefined> = {};
  for (const element of settings.list('import_environment')) {
    const [, name = element, value] = /^([^=]*)=(.*)$/s.exec(element) ?? [];
    kept[name] = value ?? process.env[name];
  }
  return kept;
}
