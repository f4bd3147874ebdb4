// The settings of a generated configuration: address classes, tables, and the parameters that bend the rules.

import type { Random } from '../../harness/random.ts';
import {
  aliasRows,
  bccRows,
  loginRows,
  mailboxRows,
  recipientRows,
  relayhostValue,
  relocatedRows,
  rewritingRows,
  senderRows,
  senderTransportValue,
  transportRows,
} from './rows.ts';
import { addTable, type Row, type TableFiles } from './tables.ts';
import type { World } from './world.ts';

/** Parameters with the values that are worth trying, each set in one configuration of `oneIn`. */
const bends: readonly (readonly [parameter: string, oneIn: number, values: readonly string[]])[] = [
  ['propagate_unmatched_extensions', 6, ['', 'canonical', 'virtual', 'canonical, virtual', 'include']],
  ['owner_request_special', 10, ['no']],
  ['append_dot_mydomain', 8, ['yes']],
  ['append_at_myorigin', 30, ['no']],
  ['swap_bangpath', 12, ['no']],
  ['allow_percent_hack', 12, ['no']],
  ['resolve_dequoted_address', 10, ['no']],
  ['resolve_null_domain', 12, ['yes']],
  ['resolve_numeric_domain', 12, ['yes']],
  ['allow_min_user', 10, ['yes']],
  ['show_user_unknown_table_name', 12, ['no']],
  ['unknown_local_recipient_reject_code', 15, ['450', '554']],
  ['unknown_virtual_alias_reject_code', 15, ['450', '551']],
  ['unknown_virtual_mailbox_reject_code', 15, ['450', '553']],
  ['unknown_relay_recipient_reject_code', 15, ['450', '556']],
  ['enable_original_recipient', 15, ['no']],
  ['parent_domain_matches_subdomains', 8, ['', 'transport_maps', 'relay_domains, transport_maps, smtpd_access_maps']],
  ['relayhost', 5, ['[hub.test]', 'hub.test:26', '[192.0.2.200]', 't2']],
  ['myorigin', 8, ['oracle.test', 'box.test', 'alias.test', 'localhost']],
  ['virtual_alias_expansion_limit', 15, ['2', '4']],
  ['virtual_alias_recursion_limit', 15, ['1', '2', '4']],
  ['virtual_alias_address_length_limit', 20, ['20']],
  ['empty_address_recipient', 15, ['postmaster', 'nobody@out.test']],
  ['default_transport', 12, ['t3', 't3:[by.default]', 'smtp:by.default']],
  ['local_transport', 12, ['t1', 'error:no local mail', 'local:localhost']],
  ['virtual_transport', 10, ['t2', 'lmtp:unix:/x', 'error:5.1.1 none']],
  ['relay_transport', 12, ['t2:[inner.test]', 'relay:inner.test']],
  ['strict_rfc821_envelopes', 15, ['yes']],
  ['smtputf8_enable', 12, ['no']],
  ['compatibility_level', 10, ['0', '2', '3.7']],
  ['double_bounce_sender', 25, ['ann']],
  ['smtpd_null_access_lookup_key', 25, ['nullsender']],
  ['empty_address_relayhost_maps_lookup_key', 25, ['nullsender']],
  ['mydestination', 20, ['', 'localhost']],
  ['proxy_interfaces', 20, ['192.0.2.1']],
];

export function addClasses(random: Random, world: World, files: TableFiles, main: Record<string, string>): void {
  const table = (name: string, rows: readonly Row[], refusesSubstitution = false): string =>
    addTable(random, files, { name, rows, refusesSubstitution });
  main['recipient_delimiter'] = world.delimiters;
  if (world.localDomains.includes('own.test')) main['mydestination'] = '$myhostname, localhost, own.test';
  main['virtual_alias_maps'] = table('virtual', aliasRows(random, world));
  main['virtual_alias_domains'] = domainList(random, world.aliasDomains, table, 'alias-domains');
  main['virtual_mailbox_domains'] = domainList(random, world.mailboxDomains, table, 'mailbox-domains');
  main['virtual_mailbox_maps'] = random.chance(8) ? 'static:x' : table('vmailbox', mailboxRows(random, world), true);
  main['relay_domains'] = domainList(random, world.relayDomains, table, 'relay-domains');
  if (random.chance(35))
    main['relay_recipient_maps'] = table('relay-recipients', recipientRows(random, world, ['relay.test']));
  main['local_recipient_maps'] = random.chance(50)
    ? ''
    : table('local-users', recipientRows(random, world, world.localDomains));
}

/** Literals or a table; sometimes with a negation, which decides by its place. */
function domainList(
  random: Random,
  domains: readonly string[],
  table: (name: string, rows: readonly Row[]) => string,
  name: string,
): string {
  if (domains.length === 0) return '';
  if (random.chance(25))
    return table(
      name,
      domains.map((domain): Row => [domain, 'x']),
    ).replaceAll(/pcre|regexp/g, 'texthash');
  if (random.chance(8)) return `!sub.${domains[0] ?? ''}, ${domains.join(', ')}`;
  return domains.join(random.pick([', ', ' ']));
}

export function addRoutes(random: Random, world: World, files: TableFiles, main: Record<string, string>): void {
  const maybe = (percent: number, parameter: string, rows: () => readonly Row[]): void => {
    if (!random.chance(percent)) return;
    main[parameter] = addTable(random, files, { name: parameter, rows: rows(), refusesSubstitution: true });
  };
  maybe(50, 'transport_maps', () => transportRows(random, world));
  maybe(12, 'relocated_maps', () => relocatedRows(random, world));
  maybe(15, 'sender_dependent_relayhost_maps', () => senderRows(random, world, () => relayhostValue(random)));
  maybe(12, 'sender_dependent_default_transport_maps', () =>
    senderRows(random, world, () => senderTransportValue(random)),
  );
  maybe(25, 'smtpd_sender_login_maps', () => loginRows(random, world));
}

export function addRewriting(random: Random, world: World, files: TableFiles, main: Record<string, string>): void {
  const maybe = (percent: number, parameter: string, rows: () => readonly Row[]): void => {
    if (random.chance(percent)) main[parameter] = addTable(random, files, { name: parameter, rows: rows() });
  };
  maybe(40, 'canonical_maps', () => rewritingRows(random, world));
  maybe(30, 'sender_canonical_maps', () => rewritingRows(random, world));
  maybe(30, 'recipient_canonical_maps', () => rewritingRows(random, world));
  maybe(25, 'sender_bcc_maps', () => bccRows(random, world));
  maybe(25, 'recipient_bcc_maps', () => bccRows(random, world));
  const bend = (percent: number, parameter: string, ...values: string[]): void => {
    if (random.chance(percent)) main[parameter] = random.pick(values);
  };
  bend(15, 'always_bcc', 'archive@far.example', 'bob', 'info@alias.test');
  bend(25, 'masquerade_domains', 'out.test', '!sub.out.test, out.test', 'box.test out.test', 'oracle.test');
  bend(15, 'masquerade_exceptions', 'root', 'ann, bob');
  bend(
    15,
    'masquerade_classes',
    'envelope_sender, envelope_recipient, header_sender',
    'header_recipient',
    'header_sender',
  );
  bend(15, 'canonical_classes', 'envelope_sender', 'envelope_recipient, header_recipient', 'header_sender');
  bend(10, 'sender_canonical_classes', 'envelope_sender', 'header_sender');
  bend(10, 'recipient_canonical_classes', 'envelope_recipient', 'header_recipient');
  bend(20, 'remote_header_rewrite_domain', 'domain.invalid');
  bend(
    15,
    'local_header_rewrite_clients',
    'permit_mynetworks',
    '',
    'permit_inet_interfaces, permit_sasl_authenticated',
  );
  bend(10, 'always_add_missing_headers', 'yes');
  bend(
    12,
    'receive_override_options',
    'no_address_mappings',
    'no_unknown_recipient_checks',
    'no_address_mappings, no_unknown_recipient_checks',
  );
}

export function addBends(random: Random, main: Record<string, string>): void {
  for (const [parameter, oneIn, values] of bends) {
    if (random.below(oneIn) === 0) main[parameter] = random.pick(values);
  }
}
