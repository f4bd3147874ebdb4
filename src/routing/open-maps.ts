// Opens the tables and match lists that parameters name. A mistake stops the start with one line that names the
// parameter and the table.

import { SettingsError } from '../settings/settings-error.ts';
import type { Settings } from '../settings/settings.ts';
import { MatchList, type MatchStyle } from '../tables/match-list.ts';
import { Maps } from '../tables/maps.ts';
import type { TableRegistry } from '../tables/table.ts';
import { TableError } from '../tables/table-error.ts';

type ListParameter = Parameters<Settings['list']>[0];

export interface OpenOptions {
  readonly settings: Settings;
  readonly registry: TableRegistry;
  readonly warn: (text: string) => void;
}

/**
 * Their results name programs, files, users or hosts: no text from a stranger's address may get into them (transport(5),
 * aliases(5), local(8) "SECURITY").
 */
const withoutSubstitution = new Set<ListParameter>([
  'alias_maps',
  'mailbox_transport_maps',
  'fallback_transport_maps',
  'transport_maps',
  'sender_dependent_relayhost_maps',
  'sender_dependent_default_transport_maps',
  'virtual_uid_maps',
  'virtual_gid_maps',
]);

export function openMaps(
  { settings, registry }: OpenOptions,
  parameter: ListParameter,
  { allowsSubstitution = !withoutSubstitution.has(parameter) } = {},
): Maps {
  const elements = tableElements(settings, parameter);
  return naming(
    parameter,
    settings,
    () =>
      new Maps(
        parameter,
        elements.map((element) => registry.open(element, { allowsSubstitution })),
      ),
  );
}

/** Postfix's default of alias_maps names NIS, which nobody has who did not say so. */
export function tableElements(settings: Settings, parameter: ListParameter): readonly string[] {
  const skipped = settings.origin('alias_maps').kind === 'default' ? 'nis:mail.aliases' : '';
  return settings.list(parameter).filter((element) => element !== skipped);
}

export function openMatchList(options: OpenOptions, parameter: ListParameter, style: MatchStyle): MatchList {
  const { settings, registry, warn } = options;
  const parentsMatch = parentsMatchFor(settings, parameter);
  const elements = settings.list(parameter);
  return naming(
    parameter,
    settings,
    () => new MatchList({ name: parameter, elements, style, parentsMatch, registry, warn }),
  );
}

/** Whether `parent_domain_matches_subdomains` lists this feature. */
export function parentsMatchFor(settings: Settings, feature: string): boolean {
  return settings.list('parent_domain_matches_subdomains').some((one) => one.toLowerCase() === feature);
}

/** Adds the parameter's name to a table's mistake. */
export function naming<Result>(parameter: string, settings: Settings, open: () => Result): Result {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof TableError)) throw error;
    throw new SettingsError(`${parameter}: ${error.message}`, parameter, settings.origin(parameter));
  }
}
