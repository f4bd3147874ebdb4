// What local aliasing needs from main.cf, read once.

import { type ExtensionRules } from '../address/extension.ts';
import { expand, referencedNames } from '../settings/expand.ts';
import type { Maps } from '../tables/maps.ts';
import type { Table } from '../tables/table.ts';
import { openAccountsByUid } from '../tables/unix-table.ts';
import { openMaps, type OpenOptions } from './open-maps.ts';
import { extensionRules } from './routing-settings.ts';

export interface LocalSettings {
  readonly aliases: Maps;
  readonly accounts: Table;
  /** The account's line of passwd(5). Throws TemporaryError. */
  readonly accountOfUid: (uid: number) => Promise<string | undefined>;
  readonly extensions: ExtensionRules;
  readonly expandsOwner: boolean;
  readonly resetsOwner: boolean;
  /** Words of propagate_unmatched_extensions. */
  readonly propagated: readonly string[];
  /** Where `|command` and `/file` may stand: alias, forward, include. */
  readonly commandSources: readonly string[];
  readonly fileSources: readonly string[];
  readonly forwardPaths: readonly string[];
  readonly forwardFilter: string;
  /** require_home_directory. */
  readonly requiresHome: boolean;
  readonly freezesDelivered: boolean;
  readonly mailboxCommands: Maps;
  readonly mailboxTransports: Maps;
  readonly mailboxTransport: string;
  readonly fallbackTransports: Maps;
  readonly fallbackTransport: string;
  readonly luserRelay: string;
}

/** Throws SettingsError for a table that cannot be opened. */
export function readLocalSettings(open: OpenOptions): LocalSettings {
  const { settings, registry } = open;
  return {
    aliases: openMaps(open, 'alias_maps'),
    accounts: registry.open('unix:passwd.byname'),
    accountOfUid: openAccountsByUid(),
    extensions: extensionRules(settings),
    expandsOwner: settings.flag('expand_owner_alias'),
    resetsOwner: settings.flag('reset_owner_alias'),
    propagated: settings.list('propagate_unmatched_extensions'),
    commandSources: settings.list('allow_mail_to_commands'),
    fileSources: settings.list('allow_mail_to_files'),
    forwardPaths: settings
      .text('forward_path')
      .split(/[\s,]+/)
      .filter((path) => path !== ''),
    forwardFilter: settings.text('forward_expansion_filter'),
    requiresHome: settings.flag('require_home_directory'),
    freezesDelivered: settings.flag('frozen_delivered_to'),
    mailboxCommands: openMaps(open, 'mailbox_command_maps', { allowsSubstitution: false }),
    mailboxTransports: openMaps(open, 'mailbox_transport_maps'),
    mailboxTransport: settings.text('mailbox_transport'),
    fallbackTransports: openMaps(open, 'fallback_transport_maps'),
    fallbackTransport: settings.text('fallback_transport'),
    luserRelay: settings.text('luser_relay'),
  };
}

export type LocalMacros = Readonly<Record<string, string | undefined>>;

/** `$user`, `$home` ... in forward_path and luser_relay; undefined where one of them has no value and must have. */
export function expandMacros(text: string, macros: LocalMacros, isStrict: boolean): string | undefined {
  const unset = [...referencedNames(text)].some((name) => macros[name] === undefined && !text.includes(`{${name}?`));
  if (isStrict && unset) return undefined;
  // Values are a stranger's: a `$` in them is a character like others.
  return expand(text, (name) => macros[name]?.replaceAll('$', '$$$$'));
}
