// Generated restriction lists: every restriction of Postfix 3.7 that asks no client certificate and starts no delivery,
// with tables whose keys are of the conversations' names and whose results are every action of access(5).

import type { Random } from '../harness/random.ts';

/** Those that are one word; without permit_inet_interfaces, which Postfix asks about who has connected, not about whom XCLIENT names. */
const words =
  'permit|reject|defer|defer_if_permit|defer_if_reject|permit_mynetworks|permit_sasl_authenticated|permit_auth_destination|permit_mx_backup|permit_naked_ip_address|reject_unauth_destination|defer_unauth_destination|check_relay_domains|reject_unlisted_recipient|reject_unlisted_sender|check_recipient_maps|reject_non_fqdn_sender|reject_non_fqdn_recipient|reject_non_fqdn_helo_hostname|reject_non_fqdn_hostname|reject_invalid_helo_hostname|reject_invalid_hostname|reject_unknown_helo_hostname|reject_unknown_hostname|reject_unknown_sender_domain|reject_unknown_address|reject_unknown_recipient_domain|reject_unknown_client_hostname|reject_unknown_client|reject_unknown_reverse_client_hostname|reject_unauth_pipelining|reject_multi_recipient_bounce|reject_plaintext_session|reject_sender_login_mismatch|reject_authenticated_sender_login_mismatch|reject_unauthenticated_sender_login_mismatch|reject_known_sender_login_mismatch|reject_maps_rbl'.split(
    '|',
  );

const dnsLists: readonly (readonly [word: string, zones: readonly string[]])[] = [
  ['reject_rbl_client', ['bl.test', 'bl.test=127.0.0.2', 'bl.test=127.0.0.[2..4;9]', 'bl.test=127.0.0.[3;5]']],
  ['reject_rhsbl_client', ['rhs.test', 'rhs.test=127.0.0.3']],
  ['reject_rhsbl_reverse_client', ['rhs.test']],
  ['reject_rhsbl_helo', ['rhs.test', 'rhs.test=127.0.0.[4..6]']],
  ['reject_rhsbl_sender', ['rhs.test']],
  ['reject_rhsbl_recipient', ['rhs.test', 'rhs.test=127.0.0.4']],
  ['permit_dnswl_client', ['wl.test', 'wl.test=127.0.0.[1;5]']],
  ['permit_rhswl_client', ['wl.test']],
];

const hostKeys =
  'client.good.test|good.test|.good.test|bad.test|.bad.test|test|.test|unknown|203.0.113.5|203.0.113|203.0|198.51.100.66|192.0.2|192|10|2001:db8::6|2001:db8|six.test|rev.bad.test|inside.test'.split(
    '|',
  );
const heloKeys =
  'client.good.test|good.test|bad.test|.test|bare|[203.0.113.5]|203.0.113.5|unknown.test|mx.access.test|[ipv6:2001:db8::6]'.split(
    '|',
  );
const senderKeys =
  'a@good.test|ann@good.test|good.test|.good.test|bad.test|b@bad.test|b+ext@bad.test|b@|ann@|test|.test|<>|unknown.test|example.test|ann@example.test|[203.0.113.5]|bare@mx.access.test|"two words"@good.test'.split(
    '|',
  );
const recipientKeys =
  'ann@example.test|ann+x@example.test|example.test|.test|test|bob@|ann@|nobody@example.test|list.test|relay.test|sub.relay.test|.relay.test|good.test|w@good.test|postmaster@example.test|root@mx.access.test|mx.access.test|[127.0.0.1]'.split(
    '|',
  );
const serverKeys =
  'mx1.good.test|.good.test|good.test|evil.test|mx.evil.test|ns.evil.test|ns1.good.test|203.0.113.11|203.0.113|198.51.100.25|198.51|2001:db8::25|bad.test|203.0.113.77|127.0.0.1|aonly.test'.split(
    '|',
  );

/** By restriction: what its table's keys are of. */
const tables: Readonly<Record<string, readonly string[]>> = {
  check_client_access: hostKeys,
  check_reverse_client_hostname_access: hostKeys,
  check_helo_access: heloKeys,
  check_sender_access: senderKeys,
  check_recipient_access: recipientKeys,
  check_sasl_access: ['ann', 'bob', 'ann@example.test'],
  ...Object.fromEntries(
    ['client', 'reverse_client_hostname', 'helo', 'sender', 'recipient'].flatMap((about) =>
      ['a', 'mx', 'ns'].map((type) => [`check_${about}_${type}_access`, serverKeys]),
    ),
  ),
};

const actions =
  'OK|OK|RELAY|4711|DUNNO|REJECT|REJECT|REJECT go away|REJECT 5.7.9 go away|REJECT 4.1.1 odd|550|550 no|554 5.7.9 no|450 4.2.2 later|521 closed|421 4.7.0 bye|DEFER|DEFER wait|DEFER 4.7.9 wait|DEFER_IF_PERMIT|DEFER_IF_PERMIT maybe|DEFER_IF_REJECT|DEFER_IF_REJECT 4.1.8 unless|WARN look|WARN|INFO see|HOLD|HOLD for me|DISCARD|DISCARD away|PREPEND X-P: y|PREPEND nonsense|REDIRECT r@example.test|REDIRECT nowhere|BCC b@example.test|BCC nobody|permit|reject|defer|permit_mynetworks|reject_unauth_destination|strange_word|5.7.1 no code|200|299 ok|600 six|first|second|warn_if_reject reject|reject_unlisted_recipient|reject_unknown_sender_domain, reject|reject_non_fqdn_helo_hostname permit_mynetworks|defer_if_permit, permit|ok|Reject mixed|rejected|REJECT  two  blanks |DUNNO whatever|OK whatever'.split(
    '|',
  );

/** Restrictions that Postfix takes in a list of any kind, one after the other. */
export function makeList(random: Random, length: number, policyPort: number): string {
  return Array.from({ length }, () => makeOne(random, policyPort)).join(random.pick([', ', ' ']));
}

function makeOne(random: Random, policyPort: number): string {
  const prefix = random.chance(10) ? 'warn_if_reject ' : '';
  const kind = random.below(100);
  if (kind < 48) return `${prefix}${random.pick(words)}`;
  if (kind < 60) {
    const [word, zones] = random.pick(dnsLists);
    return `${prefix}${word} ${random.pick(zones)}`;
  }
  if (kind < 65) return `${prefix}check_policy_service inet:127.0.0.1:${policyPort}`;
  if (kind < 70) return `${prefix}${random.pick(['first', 'second'])}`;
  const [name, keys] = random.pick(Object.entries(tables));
  return `${prefix}${name} ${makeTable(random, keys)}`;
}

function makeTable(random: Random, keys: readonly string[]): string {
  const chosen = new Map<string, string>();
  for (let count = random.between(2, 7); count > 0; count--) chosen.set(random.pick(keys), random.pick(actions));
  const rows = [...chosen].map(([key, action]) => `{${key}=${action}}`);
  if (random.chance(6)) return 'fail:1';
  if (random.chance(8)) return `static:{${random.pick(actions)}}`;
  return `inline:{${rows.join(',')}}`;
}

/** Two restriction classes; the second may name the first. */
export function makeClasses(random: Random, policyPort: number): Record<string, string> {
  const second = makeList(random, random.between(1, 2), policyPort).replaceAll('second', 'first');
  return {
    smtpd_restriction_classes: 'first, second',
    first: makeList(random, random.between(1, 3), policyPort).replaceAll(
      /\b(?:first|second)\b/g,
      'reject_unlisted_sender',
    ),
    second,
  };
}
