// A service's restriction lists as words with their arguments (SMTPD_ACCESS_README), restriction classes put in, and the
// question that matters most: who gets past the relay control?

import type { LintContext } from './context.ts';
import { domainOfKey } from './address-search.ts';
import type { Place } from './rule.ts';
import type { MasterService } from '../settings/services.ts';
import type { Settings } from '../settings/settings.ts';
import { splitList } from '../lib/split-list.ts';
import { tableUse } from './table-uses.ts';
import { isRestriction, takesArgument } from './restriction-names.ts';

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

const tableKinds: Readonly<Record<ListName, string>> = {
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

export interface Leak {
  readonly entry: Entry;
  /** sure: rows are there that say OK; possible: nobody can see them. */
  readonly kind: 'sure' | 'possible';
  readonly text: string;
}

export interface RelayControl {
  /** Strangers’ mail for other domains is refused by this list. */
  readonly isGuarded: boolean;
  /** Ways to be permitted before the guard. */
  readonly leaks: readonly Leak[];
  /** The entry that lets everyone through before any guard. */
  readonly opener: Entry | undefined;
}

const guards = new Set([
  'reject_unauth_destination',
  'defer_unauth_destination',
  'reject',
  'defer',
  'check_relay_domains',
]);

export function relayControl(context: LintContext, list: RestrictionList): RelayControl {
  const leaks: Leak[] = [];
  for (const entry of list.entries) {
    if (entry.isWarning) continue;
    if (guards.has(entry.name)) return { isGuarded: true, leaks, opener: undefined };
    if (entry.name === 'permit') return { isGuarded: false, leaks, opener: entry };
    const leak = leakOf(context, entry);
    if (leak !== undefined) leaks.push(leak);
  }
  return { isGuarded: false, leaks, opener: undefined };
}

function leakOf(context: LintContext, entry: Entry): Leak | undefined {
  const { name, argument } = entry;
  if (name === 'check_policy_service') return { entry, kind: 'possible', text: 'a policy service may answer OK' };
  if (name === 'permit_tls_all_clientcerts') {
    return { entry, kind: 'sure', text: 'any certificate authority’s clients are permitted' };
  }
  const forged = /^check_(sender|helo|reverse_client_hostname|sender_(mx|ns|a)|helo_(mx|ns|a))_access$/.test(name);
  const isRecipient = /^check_recipient(_mx|_ns|_a)?_access$/.test(name);
  if (!forged && !isRecipient) return undefined;
  const use = tableUse(argument, { parameter: name, place: { file: '', line: 0 }, service: undefined });
  const contents = use === undefined ? undefined : context.contents(use);
  if (contents === undefined || contents.kind === 'failed') return undefined;
  if (contents.kind === 'static') return permits(contents.value) ? { entry, kind: 'sure', text: argument } : undefined;
  if (contents.kind === 'opaque') {
    return { entry, kind: 'possible', text: `${argument} may answer OK for an address of another domain` };
  }
  const rows =
    contents.kind === 'rows'
      ? contents.rows.map(({ folded, value, line }) => ({ key: folded, value, line }))
      : contents.rules.map(({ pattern, value, line }) => ({ key: pattern, value, line }));
  const row = rows.find(
    ({ key, value }) => permits(value) && (forged || contents.kind !== 'rows' || !isOwn(context, key)),
  );
  if (row === undefined) return undefined;
  const who = forged ? 'anyone who claims it' : 'anyone';
  return { entry, kind: 'sure', text: `line ${row.line} (${row.key} ${row.value}) lets ${who} relay` };
}

export function permits(value: string): boolean {
  return /^(ok|relay|permit|\d+)$/i.test(value.trim()) && !/^[45]\d\d$/.test(value.trim());
}

/** Mail for our own domains is no relaying. */
function isOwn(context: LintContext, key: string): boolean {
  const domain = domainOfKey(key);
  if (domain === '') return false;
  const lists = [...context.domainLists.values()];
  return lists.some(({ domains }) => domains.has(domain)) || lists.some(({ isOpen }) => isOpen);
}
