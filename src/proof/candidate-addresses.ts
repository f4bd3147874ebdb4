// Which addresses tell two configurations apart? Those that their tables and domain lists name, made whole, and those
// beside them: with an extension, in other case, unknown users, subdomains, bare users.

import { tableElements } from '../routing/open-maps.ts';
import type { Settings } from '../settings/settings.ts';
import type { TableRegistry } from '../tables/table.ts';
import { derivedKeys } from './derived-keys.ts';
import { OwnSide } from './table-side.ts';

/** What routing asks with the recipient. */
const parameters = [
  'mydestination',
  'virtual_alias_domains',
  'virtual_mailbox_domains',
  'relay_domains',
  'virtual_alias_maps',
  'virtual_mailbox_maps',
  'transport_maps',
  'relocated_maps',
  'local_recipient_maps',
  'relay_recipient_maps',
  'canonical_maps',
  'recipient_canonical_maps',
] as const;

export interface Candidates {
  readonly addresses: readonly string[];
  /** Keys and domains that the configurations name. */
  readonly keys: number;
  /** `parameter: type:name` whose keys could not be told. */
  readonly untold: readonly string[];
}

export interface ComparedConfiguration {
  readonly settings: Settings;
  readonly tables: TableRegistry;
}

/** Throws TemporaryError where a table's keys cannot be found out. */
export async function candidateAddresses(sides: readonly ComparedConfiguration[]): Promise<Candidates> {
  const keys = new Set<string>();
  const untold = new Set<string>();
  const localDomains = new Set<string>();
  const delimiters = new Set<string>();
  for (const { settings, tables } of sides) {
    localDomains.add(settings.text('myorigin'));
    for (const one of settings.text('recipient_delimiter')) delimiters.add(one);
    for (const parameter of parameters) {
      for (const element of tableElements(settings, parameter)) {
        const text = element.replace(/^!+/, '');
        if (!/^[a-z]\w*:/i.test(text)) {
          if (!text.startsWith('/')) keys.add(text);
          else untold.add(`${parameter}: ${text}`);
          continue;
        }
        const told = await new OwnSide([tables.open(text)]).keys();
        for (const key of told.keys) keys.add(key);
        for (const table of told.untold) untold.add(`${parameter}: ${table.name}`);
      }
    }
  }
  const own = [...keys];
  const all = [...own, ...derivedKeys(own, [...delimiters].join(''))];
  const addresses = new Set(all.flatMap((key) => addressesOf(key, [...localDomains])));
  return { addresses: [...addresses], keys: own.length, untold: [...untold] };
}

/** `@dom` and `dom` stand for users of theirs, a bare user for one of each local domain. */
function addressesOf(key: string, localDomains: readonly string[]): string[] {
  if (key === '*' || key.trim() === '') return [];
  const at = key.lastIndexOf('@');
  if (at === 0) return [`no-such-user-here${key}`];
  if (at > 0) return [key];
  if (key.startsWith('.')) return [`someone@sub${key}`];
  if (/[.\]]/.test(key)) return [`postmaster@${key}`, `no-such-user-here@${key}`, key];
  return [key, ...localDomains.map((domain) => `${key}@${domain}`)];
}
