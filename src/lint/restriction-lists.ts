// A service's restriction lists as words with their arguments (SMTPD_ACCESS_README), restriction classes put in.

import type { LintContext } from './context.ts';
import type { Place } from './rule.ts';
import type { MasterService } from '../settings/services.ts';
import type { Settings } from '../settings/settings.ts';
import { splitList } from '../lib/split-list.ts';
import { tableUse } from './table-uses.ts';
import { isRestriction, takesArgument } from '../smtp/restriction-names.ts';

export interface Entry {
  /** Lower case; `check_x_access` for a bare table too. */
  readonly name: string;
  /** As written, with its argument. */
  readonly shown: string;
  readonly argument: string;
  readonly isWarning: boolean;
}

export type ListName = 'client' | 'helo' | 'sender' | 'relay' | 'recipient' | 'data' | 'end_of_data' | 'etrn';

export const listNames: readonly ListName[] = [
  'client',
  'helo',
  'sender',
  'relay',
  'recipient',
  'data',
  'end_of_data',
  'etrn',
];

export interface RestrictionList {
  readonly parameter: string;
  readonly place: Place;
  readonly entries: readonly Entry[];
}

/** main.cf's smtpd, or a service of its own settings. */
export interface Server {
  readonly name: string;
  readonly settings: Settings;
  readonly service: MasterService | undefined;
}

/** The smtpd services of master.cf; where there are none, main.cf as if there were one. */
export function smtpServers(context: LintContext): Server[] {
  const found = context.services
    .filter(({ command, type }) => command === 'smtpd' && (type === 'inet' || type === 'pass'))
    .map((service) => ({ name: service.name, settings: service.settings, service }));
  return found.length > 0 ? found : [{ name: 'smtp', settings: context.settings, service: undefined }];
}

export function restrictionList(context: LintContext, server: Server, list: ListName): RestrictionList {
  const parameter = `smtpd_${list}_restrictions`;
  const words = context.list(parameter, server.settings);
  return {
    parameter,
    place: context.placeOf(parameter, server.settings),
    entries: readEntries(context, server.settings, words, list, new Set()),
  };
}

/** What a table that stands alone means, by list. */
export const tableKinds: Readonly<Record<ListName, string>> = {
  client: 'check_client_access',
  helo: 'check_helo_access',
  sender: 'check_sender_access',
  relay: 'check_recipient_access',
  recipient: 'check_recipient_access',
  data: 'check_client_access',
  end_of_data: 'check_client_access',
  etrn: 'check_etrn_access',
};

function readEntries(
  context: LintContext,
  settings: Settings,
  words: readonly string[],
  list: ListName,
  inside: ReadonlySet<string>,
): Entry[] {
  const entries: Entry[] = [];
  let isWarning = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    const name = word.toLowerCase();
    if (name === 'warn_if_reject') {
      isWarning = true;
      continue;
    }
    const classes = context.list('smtpd_restriction_classes', settings);
    if (takesArgument(name)) {
      const argument = words[++at] ?? '';
      entries.push({ name, shown: `${word} ${argument}`.trim(), argument, isWarning });
    } else if (isTable(word)) {
      entries.push({ name: tableKinds[list], shown: word, argument: word, isWarning });
    } else if (classes.includes(word) && !inside.has(word) && !isRestriction(name)) {
      const members = splitList(context.text(word, settings));
      entries.push(...readEntries(context, settings, members, list, new Set([...inside, word])));
    } else entries.push({ name, shown: word, argument: '', isWarning });
    isWarning = false;
  }
  return entries;
}

function isTable(word: string): boolean {
  return (
    tableUse(word, { parameter: 'smtpd_restrictions_maps', place: { file: '', line: 0 }, service: undefined }) !==
    undefined
  );
}

/** `service submission, ` where the service has settings of its own. */
export function serverName({ service, name }: Server): string {
  return service === undefined || Object.keys(service.overrides).length === 0 ? '' : `service ${name}, `;
}
