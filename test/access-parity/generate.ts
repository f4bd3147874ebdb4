// Makes a configuration and its conversations from a seed: the same seed, the same ones, on every machine.

import { Random } from '../harness/random.ts';
import { makeClasses, makeList } from './lists.ts';
import { classes, clients, heloNames, recipients, senders } from './names.ts';

/**
 * A line that the client says, with one reply. `*TLS` begins TLS; `*MESSAGE` is a message and its final dot, where the
 * reply before it was 354; `*CUT` is a connection anew.
 */
export type Conversation = readonly string[];

export interface AccessGroup {
  readonly seed: number;
  readonly main: Readonly<Record<string, string>>;
  readonly conversations: readonly Conversation[];
}

const stages = ['client', 'helo', 'sender', 'recipient', 'data', 'end_of_data', 'etrn'] as const;

export function generateAccessGroup(seed: number, count: number, policyPort: number): AccessGroup {
  const random = new Random(seed);
  const main: Record<string, string> = { ...classes, ...makeClasses(random, policyPort) };
  for (const stage of stages) {
    if (random.chance(stage === 'recipient' ? 85 : 45)) {
      main[`smtpd_${stage}_restrictions`] = makeList(random, random.between(1, 4), policyPort);
    }
  }
  main['smtpd_relay_restrictions'] = random.pick([
    'permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination',
    'permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination',
    'reject_unauth_destination',
    `${makeList(random, 2, policyPort)}, reject_unauth_destination`,
  ]);
  for (const [name, values, percent] of bends) if (random.chance(percent)) main[name] = random.pick(values);
  return { seed, main, conversations: Array.from({ length: count }, () => converse(random)) };
}

/** Parameters that change what restrictions do, their values, and how often one is set. */
const bends: readonly (readonly [string, readonly string[], number])[] = [
  ['smtpd_delay_reject', ['no'], 30],
  ['smtpd_relay_before_recipient_restrictions', ['no'], 15],
  ['smtpd_reject_unlisted_recipient', ['no'], 20],
  ['smtpd_reject_unlisted_sender', ['yes'], 20],
  ['smtpd_helo_required', ['yes'], 15],
  ['smtpd_log_access_permit_actions', ['static:all', 'permit_mynetworks, OK, permit', 'check_client_access'], 25],
  ['smtpd_null_access_lookup_key', ['ann@good.test'], 5],
  ['soft_bounce', ['yes'], 8],
  ['allow_untrusted_routing', ['yes'], 10],
  ['show_user_unknown_table_name', ['no'], 10],
  ['access_map_reject_code', ['555', '450'], 12],
  ['access_map_defer_code', ['451'], 10],
  ['reject_code', ['557'], 10],
  ['defer_code', ['459'], 10],
  ['unknown_client_reject_code', ['550', '450'], 20],
  ['unknown_hostname_reject_code', ['550'], 20],
  ['unknown_address_reject_code', ['550'], 25],
  ['unknown_address_tempfail_action', ['defer'], 20],
  ['unknown_helo_hostname_tempfail_action', ['defer'], 20],
  ['reject_tempfail_action', ['defer'], 8],
  ['non_fqdn_reject_code', ['554'], 10],
  ['invalid_hostname_reject_code', ['554'], 10],
  ['maps_rbl_reject_code', ['550', '450'], 15],
  ['maps_rbl_domains', ['bl.test', 'wl.test, bl.test'], 40],
  ['multi_recipient_bounce_reject_code', ['553'], 10],
  ['plaintext_reject_code', ['530'], 15],
  ['relay_domains_reject_code', ['551'], 12],
  ['unknown_local_recipient_reject_code', ['450'], 8],
  ['unknown_virtual_mailbox_reject_code', ['551'], 8],
  ['permit_mx_backup_networks', ['203.0.113.0/24', '198.51.100.0/24'], 40],
  ['parent_domain_matches_subdomains', ['relay_domains', ''], 15],
  [
    'default_rbl_reply',
    ['$rbl_code listed $rbl_what at $rbl_domain${rbl_reason?: $rbl_reason} $client $sender $recipient'],
    20,
  ],
  [
    'rbl_reply_maps',
    ['inline:{{bl.test=521 4.7.1 gone $$client_name},{rhs.test=$$rbl_code $$rbl_class $$rbl_txt}}'],
    25,
  ],
  ['smtpd_reject_footer', ['\\c. Ask $server_name', 'For help: $client_address $recipient'], 15],
  ['smtpd_reject_footer_maps', ['regexp:{{/^554/ footer for $$0}}', 'inline:{{x=y}}'], 10],
  [
    'smtpd_sender_login_maps',
    ['inline:{{ann@good.test=ann},{ann@example.test=ann bob},{bad.test=bob}}', 'static:ann'],
    60,
  ],
  ['smtpd_policy_service_default_action', ['DUNNO', '421 4.7.1 no policy'], 10],
  ['smtpd_discard_ehlo_keywords', ['dsn, etrn', 'silent-discard, chunking'], 10],
  ['disable_vrfy_command', ['yes'], 10],
  ['mynetworks', ['10.0.0.0/8, 203.0.113.5, [2001:db8::]/32', '!10.1.2.3, 10.0.0.0/8', 'good.test'], 100],
  ['strict_rfc821_envelopes', ['yes'], 10],
];

function converse(random: Random): Conversation {
  const lines: string[] = [];
  const hello = random.pick(['EHLO', 'EHLO', 'HELO']);
  if (random.chance(20)) lines.push('EHLO driver.test', '*TLS');
  const login = random.chance(15) ? ` LOGIN=${random.pick(['ann', 'bob', 'Ann'])}` : '';
  if (random.chance(92))
    lines.push(`XCLIENT ${random.pick(clients)}${login}${random.chance(15) ? ' PROTO=ESMTP' : ''}`);
  if (random.chance(92)) lines.push(`${hello} ${random.pick(heloNames)}`);
  if (login === '' && random.chance(15)) {
    lines.push(`AUTH PLAIN ${Buffer.from(`\0${random.pick(['ann', 'bob'])}\0secret`).toString('base64')}`);
  }
  if (random.chance(6)) lines.push(`VRFY ${random.pick(recipients).slice(1, -1) || 'x'}`);
  if (random.chance(6))
    lines.push(`ETRN ${random.pick(['relay.test', 'good.test', 'x', '[1.2.3.4]', '#q', '@relay.test'])}`);
  for (let count = random.chance(25) ? 2 : 1; count > 0; count--) lines.push(...transaction(random), 'RSET');
  return lines;
}

function transaction(random: Random): string[] {
  const count = random.chance(60) ? 1 : random.between(2, 4);
  return [
    `MAIL FROM:${random.pick(senders)}${random.chance(10) ? ' SIZE=1000' : ''}`,
    ...Array.from({ length: count }, () => `RCPT TO:${random.pick(recipients)}`),
    ...(random.chance(4) ? ['VRFY ann@example.test'] : []),
    'DATA',
    '*MESSAGE',
  ];
}
