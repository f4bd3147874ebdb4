// Rows of a directory's table have an effect only where main.cf asks for the table. What the first start writes asks for
// all of them; to the owner of an older main.cf the command that adds a row says which line is missing.

import { tableParameters } from '../directory/table-parameters.ts';
import type { MasterService } from '../settings/services.ts';
import type { Settings } from '../settings/settings.ts';
import type { CommandContext } from './context.ts';
import type { DirectorySession } from './directory-session.ts';

export function warnIfUnasked(
  context: CommandContext,
  session: DirectorySession,
  kind: keyof typeof tableParameters,
): void {
  const { settings, services, isElsewhere } = session;
  if (isElsewhere) return;
  const { table, parameter, words } = tableParameters[kind];
  const isAsked = [settings, ...services.map((service: MasterService) => service.settings)].some((one) =>
    asks(one, parameter, table),
  );
  if (isAsked) return;
  const value = (settings.raw(parameter) ?? '').trim();
  const line = `${parameter} = ${value === '' ? words : `${words}, ${value}`}`;
  context.warn(
    `nobody asks ${table}, so this has no effect yet: posthaste postconf -e "${line}", then posthaste reload`,
  );
}

/** An access table may stand in any list, or in a class. */
function asks(settings: Settings, parameter: string, table: string): boolean {
  const names = parameter.startsWith('smtpd_')
    ? [...restrictionLists, ...settings.list('smtpd_restriction_classes')]
    : [parameter];
  return names.some((name) => settings.expanded(name).includes(table));
}

const restrictionLists = ['client', 'helo', 'sender', 'relay', 'recipient', 'data', 'end_of_data'].map(
  (list) => `smtpd_${list}_restrictions`,
);
