// Random restriction lists over a small vocabulary: few enough words that everything a stranger could say to make a
// difference can be said, so that whether a server relays is found out by trying all of it.

import type { Random } from '../harness/random.ts';
import { elsewhere } from './stranger-attempts.ts';

export interface GeneratedConfiguration {
  /** Parameters of one smtpd service: they can stand behind -o. */
  readonly service: Readonly<Record<string, string>>;
  /** `clients`, `helos` …: texts below /etc/postfix. */
  readonly tables: ReadonlyMap<string, string>;
}

const actions = [
  'OK',
  'OK',
  'RELAY',
  '1',
  'DUNNO',
  'REJECT',
  'DEFER',
  '550 no',
  'DISCARD',
  'permit',
  'reject',
  'WARN hm',
];

/** Keys of each table; what they match is said by some attempt. */
const keys = {
  senders: ['partner.example', `someone@${elsewhere}`, '<>', 'boss@', 'bad.example', elsewhere],
  helos: ['mail.partner.example', 'partner.example', elsewhere, '127.0.0.1'],
  recipients: [elsewhere, `victim@${elsewhere}`, 'postmaster@', 'customer.example', 'example.com', 'relayed.example'],
  clients: ['unknown', 'example', '192.0.2', '198.51.100.1'],
} as const;

const patterns = [
  '/^boss@/',
  '/@partner\\.example$/',
  '/./',
  '/^victim@/',
  '/example$/',
  '/^(post|web)master@/',
] as const;

export function generateConfiguration(random: Random): GeneratedConfiguration {
  const tables = new Map<string, string>();
  let next = 0;
  const table = (kind: keyof typeof keys): string => {
    const name = `${kind}${next++}`;
    const isPattern = kind !== 'clients' && random.chance(30);
    const picked = new Set(
      Array.from({ length: random.between(1, 3) }, () => random.pick<string>(isPattern ? patterns : keys[kind])),
    );
    tables.set(name, [...picked].map((key) => `${key}  ${random.pick(actions)}\n`).join(''));
    return `${isPattern ? 'pcre' : 'texthash'}:/etc/postfix/${name}`;
  };
  const checks = (): string =>
    random.pick([
      () => `check_sender_access ${table('senders')}`,
      () => `check_helo_access ${table('helos')}`,
      () => `check_recipient_access ${table('recipients')}`,
      () => `check_client_access ${table('clients')}`,
      () => 'permit_naked_ip_address',
      () => 'reject_non_fqdn_sender',
      () => 'reject_unlisted_recipient',
      () => 'reject_invalid_helo_hostname',
      () => 'permit_mynetworks',
      () => 'permit_sasl_authenticated',
      () => 'permit_auth_destination',
      () => 'reject_unknown_sender_domain',
      () => 'defer_if_reject',
      () => 'some_class',
    ])();
  const guard = (): string =>
    random.pick([
      'reject_unauth_destination',
      'reject_unauth_destination',
      'defer_unauth_destination',
      'reject',
      'warn_if_reject reject_unauth_destination',
      'defer_if_permit',
      '',
      'permit',
    ]);
  const list = (most: number, isGuarded: boolean): string =>
    [...Array.from({ length: random.between(0, most) }, checks), ...(isGuarded ? [guard()] : [])]
      .filter((word) => word !== '')
      .join(', ');
  const aClass = random.chance(50)
    ? `check_sender_access ${table('senders')}`
    : `check_recipient_access ${table('recipients')}, reject_non_fqdn_sender`;
  return {
    tables,
    service: {
      smtpd_restriction_classes: 'some_class',
      some_class: aClass,
      smtpd_helo_required: random.chance(30) ? 'yes' : 'no',
      smtpd_delay_reject: random.chance(80) ? 'yes' : 'no',
      smtpd_relay_before_recipient_restrictions: random.chance(70) ? 'yes' : 'no',
      smtpd_sender_restrictions: random.chance(40) ? list(2, random.chance(20)) : '',
      smtpd_helo_restrictions: random.chance(30) ? list(1, random.chance(30)) : '',
      smtpd_relay_restrictions: list(2, true),
      smtpd_recipient_restrictions: list(3, random.chance(60)),
      smtpd_data_restrictions: random.chance(15) ? random.pick(['reject_unauth_destination', 'defer_if_permit']) : '',
    },
  };
}

export interface Words {
  readonly name: string;
  /** '' is none at all. */
  readonly helos: readonly string[];
  readonly senders: readonly string[];
  readonly recipients: readonly string[];
}

/** Everything that a row or restriction of the vocabulary could look at. */
export const words = {
  names: ['[UNAVAILABLE]', `mail.${elsewhere}`],
  helos: [`mail.${elsewhere}`, 'mail.partner.example', '127.0.0.1', '198.51.100.77', ''],
  senders: [
    `someone@${elsewhere}`,
    '',
    'someone@partner.example',
    'boss@partner.example',
    `boss@${elsewhere}`,
    'someone@bad.example',
    `postmaster@${elsewhere}`,
    `victim@${elsewhere}`,
  ],
  recipients: [
    `victim@${elsewhere}`,
    `postmaster@${elsewhere}`,
    `boss@${elsewhere}`,
    'someone@customer.example',
    'someone@partner.example',
    'victim@far.invalid',
    `victim%${elsewhere}@example.com`,
  ],
} as const;
