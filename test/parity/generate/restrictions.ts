// Generated access control: restriction lists, and access tables with every form of key and action.

import type { Random } from '../../harness/random.ts';
import { addCidrTable, addTable, type Row, type TableFiles } from './tables.ts';
import { anyAddress, anyDomain, anyLocalpart, type World } from './world.ts';

/** Restrictions that may stand in any list without further conditions. */
const anywhere = [
  'reject_unauth_destination',
  'permit_auth_destination',
  'defer_unauth_destination',
  'reject_non_fqdn_sender',
  'reject_non_fqdn_recipient',
  'reject_unlisted_recipient',
  'reject_unlisted_sender',
  'permit_mynetworks',
  'permit_sasl_authenticated',
  'reject_non_fqdn_helo_hostname',
  'reject_invalid_helo_hostname',
  'reject_sender_login_mismatch',
  'reject_authenticated_sender_login_mismatch',
  'reject_unauthenticated_sender_login_mismatch',
  'reject_known_sender_login_mismatch',
  'warn_if_reject reject',
  'warn_if_reject reject_unlisted_recipient',
  'permit',
  'reject',
  'defer',
  'defer_if_permit',
  'defer_if_reject',
] as const;

const actions =
  'OK|OK|DUNNO|REJECT|REJECT|REJECT go away|550|554 5.7.9 no|450 4.2.2 later|521 closed|DEFER|DEFER wait|DEFER_IF_PERMIT|DEFER_IF_PERMIT maybe|DEFER_IF_REJECT|WARN look|INFO see|permit|reject|permit_mynetworks|reject_unauth_destination|200|strange_word|5.7.1 no code'.split(
    '|',
  );

export function addRestrictions(random: Random, world: World, files: TableFiles, main: Record<string, string>): void {
  for (const kind of ['client', 'helo', 'sender', 'recipient'] as const) {
    if (!random.chance(kind === 'recipient' ? 80 : 45)) continue;
    const list = Array.from({ length: random.between(1, 4) }, () => oneRestriction(random, world, files, kind));
    main[`smtpd_${kind}_restrictions`] = list.join(random.pick([', ', ' ']));
  }
  if (random.chance(25))
    main['smtpd_relay_restrictions'] = random.pick([
      'reject_unauth_destination',
      'permit_mynetworks, defer_unauth_destination',
      'permit_sasl_authenticated, reject_unauth_destination',
    ]);
  if (random.chance(15)) main['smtpd_reject_unlisted_recipient'] = 'no';
  if (random.chance(15)) main['smtpd_reject_unlisted_sender'] = 'yes';
  if (random.chance(10)) main['smtpd_relay_before_recipient_restrictions'] = 'no';
  if (random.chance(10)) main['access_map_reject_code'] = '555';
  if (random.chance(10)) main['relay_domains_reject_code'] = '551';
  if (random.chance(8)) main['soft_bounce'] = 'yes';
  if (random.chance(10)) main['allow_untrusted_routing'] = 'yes';
}

function oneRestriction(random: Random, world: World, files: TableFiles, list: string): string {
  if (!random.chance(45)) return random.pick(anywhere);
  const about =
    list === 'client' || list === 'helo'
      ? random.pick([list, 'sender', 'recipient'])
      : random.pick(['sender', 'recipient', 'client', 'helo']);
  const rows = Array.from(
    { length: random.between(1, 6) },
    (): Row => [accessKey(random, world, about), random.pick(actions)],
  );
  const tableName = `access${Object.keys(files.tables).length + Object.keys(files.served).length}`;
  // Networks; of a client's name, or of any other address, a cidr: table knows nothing.
  const table = random.chance(about === 'client' ? 30 : 3)
    ? addCidrTable(random, files, tableName, () => random.pick(actions))
    : addTable(random, files, { name: tableName, rows, refusesSubstitution: true });
  const name = about === 'helo' ? 'check_helo_access' : `check_${about}_access`;
  return table
    .split(/,? (?=[a-z]+:)/)
    .map((one) => `${name} ${one}`)
    .join(', ');
}

function accessKey(random: Random, world: World, about: string): string {
  if (about === 'client')
    return random.pick([
      '127.0.0.1',
      '127.0',
      '203.0.113',
      '203.0.113.5',
      'peer.test',
      'test',
      '.test',
      'unknown',
      '2001:db8',
    ]);
  if (about === 'helo') return random.pick(['client.test', 'test', '.test', 'bare', '[203.0.113.5]', 'other.test']);
  const domain = random.chance(50) ? anyDomain(random, world) : 'sender.test';
  return random.pick<() => string>([
    () => anyAddress(random, world),
    () => anyAddress(random, world),
    () => domain,
    () => domain,
    () => `.${domain}`,
    () => 'test',
    () => '.test',
    () => `${anyLocalpart(random, world)}@`,
    () => `${anyLocalpart(random, world)}@`,
    () => '<>',
    () => `@${domain}`,
  ])();
}
