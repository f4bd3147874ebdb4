// The environment variables that `environ:` tables and commands see: as in Postfix, those that import_environment and
// export_environment name, and set where they are given a value (postconf(5)).

import type { Settings } from './settings.ts';

export function keptEnvironment(
  settings: Settings,
  parameter: 'import_environment' | 'export_environment' = 'import_environment',
): Readonly<Record<string, string | undefined>> {
  const kept: Record<string, string | undefined> = {};
  for (const element of settings.list(parameter)) {
    const [, name = element, value] = /^([^=]*)=(.*)$/s.exec(element) ?? [];
    kept[name] = value ?? process.env[name];
  }
  return kept;
}
