// What routing needs from main.cf, read once: rules of address forms, limits, tables and lists.

import { networkInterfaces } from 'node:os';
import type { ExtensionRules } from '../address/extension.ts';
import type { StandardFormRules } from '../address/standard-form.ts';
import type { Settings } from '../settings/settings.ts';
import type { Maps } from '../tables/maps.ts';
import type { MatchList } from '../tables/match-list.ts';
import { openMaps, openMatchList, type OpenOptions, parentsMatchFor } from './open-maps.ts';

export interface RoutingSettings {
  readonly standardForm: StandardFormRules;
  readonly extensions: ExtensionRules;
  readonly myhostname: string;
  /** remote_header_rewrite_domain: '' leaves the headers of strangers alone. */
  readonly remoteRewriteDomain: string;
  /** header_address_token_limit. */
  readonly headerTokenLimit: number;
  readonly emptyRecipient: string;
  readonly resolveDequoted: boolean;
  readonly resolveNullDomain: boolean;
  readonly resolveNumericDomain: boolean;
  readonly allowMinUser: boolean;
  readonly showTableName: boolean;
  /** Folded, without brackets. */
  readonly ownAddresses: ReadonlySet<string>;
  readonly destinations: MatchList;
  readonly aliasDomains: MatchList;
  readonly mailboxDomains: MatchList;
  readonly relayDomains: MatchList;
  readonly virtualAliases: Maps;
  readonly virtualMailboxes: Maps;
  readonly relocated: Maps;
  readonly transports: Maps;
  readonly transportParentsMatch: boolean;
  readonly senderRelayhosts: Maps;
  readonly senderDefaultTransports: Maps;
  readonly nullRelayhostKey: string;
  readonly nullTransportKey: string;
  readonly relayhost: string;
  /** `transport[:nexthop]`. */
  readonly localTransport: string;
  readonly virtualTransport: string;
  readonly relayTransport: string;
  readonly defaultTransport: string;
  readonly propagatesVirtual: boolean;
  readonly expansionLimit: number;
  readonly recursionLimit: number;
  readonly addressLengthLimit: number;
}

/** Throws SettingsError for a table or list that cannot be opened. */
export function readRoutingSettings(options: OpenOptions): RoutingSettings {
  const { settings } = options;
  return {
    standardForm: standardFormRules(settings),
    extensions: extensionRules(settings),
    ...lists(options),
    ...transports(options),
    myhostname: settings.text('myhostname'),
    remoteRewriteDomain: settings.text('remote_header_rewrite_domain'),
    headerTokenLimit: settings.integer('header_address_token_limit'),
    emptyRecipient: settings.text('empty_address_recipient'),
    resolveDequoted: settings.flag('resolve_dequoted_address'),
    resolveNullDomain: settings.flag('resolve_null_domain'),
    resolveNumericDomain: settings.flag('resolve_numeric_domain'),
    allowMinUser: settings.flag('allow_min_user'),
    showTableName: settings.flag('show_user_unknown_table_name'),
    ownAddresses: ownAddresses(settings),
    propagatesVirtual: settings.list('propagate_unmatched_extensions').includes('virtual'),
    expansionLimit: settings.integer('virtual_alias_expansion_limit'),
    recursionLimit: settings.integer('virtual_alias_recursion_limit'),
    addressLengthLimit: settings.integer('virtual_alias_address_length_limit'),
  };
}

export function standardFormRules(settings: Settings): StandardFormRules {
  return {
    appendAtMyorigin: settings.flag('append_at_myorigin'),
    myorigin: settings.text('myorigin'),
    appendDotMydomain: settings.flag('append_dot_mydomain'),
    mydomain: settings.text('mydomain'),
    swapBangpath: settings.flag('swap_bangpath'),
    allowPercentHack: settings.flag('allow_percent_hack'),
  };
}

export function extensionRules(settings: Settings): ExtensionRules {
  return {
    delimiters: settings.text('recipient_delimiter'),
    ownerRequestSpecial: settings.flag('owner_request_special'),
    doubleBounceSender: settings.text('double_bounce_sender'),
  };
}

function lists(options: OpenOptions) {
  return {
    destinations: openMatchList(options, 'mydestination', 'exact'),
    aliasDomains: openMatchList(options, 'virtual_alias_domains', 'exact'),
    mailboxDomains: openMatchList(options, 'virtual_mailbox_domains', 'exact'),
    relayDomains: openMatchList(options, 'relay_domains', 'domain'),
    virtualAliases: openMaps(options, 'virtual_alias_maps'),
    virtualMailboxes: openMaps(options, 'virtual_mailbox_maps'),
    relocated: openMaps(options, 'relocated_maps'),
  };
}

function transports(options: OpenOptions) {
  const { settings } = options;
  return {
    transports: openMaps(options, 'transport_maps'),
    transportParentsMatch: parentsMatchFor(settings, 'transport_maps'),
    senderRelayhosts: openMaps(options, 'sender_dependent_relayhost_maps'),
    senderDefaultTransports: openMaps(options, 'sender_dependent_default_transport_maps'),
    nullRelayhostKey: settings.text('empty_address_relayhost_maps_lookup_key'),
    nullTransportKey: settings.text('empty_address_default_transport_maps_lookup_key'),
    relayhost: settings.text('relayhost'),
    localTransport: settings.text('local_transport'),
    virtualTransport: settings.text('virtual_transport'),
    relayTransport: settings.text('relay_transport'),
    defaultTransport: settings.text('default_transport'),
  };
}

/** Addresses whose literals (`user@[192.0.2.1]`) are this machine: inet_interfaces and proxy_interfaces. */
export function ownAddresses(settings: Settings): ReadonlySet<string> {
  const interfaces = settings.list('inet_interfaces').map((one) => one.toLowerCase());
  const protocols = settings.list('inet_protocols').map((one) => one.toLowerCase());
  const own = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((one) => protocols.includes('all') || protocols.includes(one.family.toLowerCase()))
    .filter((one) => interfaces.includes('all') || (interfaces.includes('loopback-only') && one.internal))
    .map((one) => one.address);
  const proxies = settings.list('proxy_interfaces');
  return new Set([...own, ...interfaces, ...proxies].map((one) => one.toLowerCase().replace(/^\[(.*)\]$/, '$1')));
}
