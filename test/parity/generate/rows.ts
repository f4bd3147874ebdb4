// The rows of generated tables, parameter by parameter: every form of key that Postfix looks up, and every form of
// result.

import type { Random } from '../../harness/random.ts';
import { anyAddress, anyDomain, anyLocalpart, anyUser, type World } from './world.ts';
import type { Row } from './tables.ts';

function many<Result>(random: Random, from: number, to: number, make: () => Result): Result[] {
  return Array.from({ length: random.between(from, to) }, make);
}

/** `user@dom`, `user+ext@dom`, `user`, `@dom`: what address tables are asked. */
function addressKey(random: Random, world: World, domains: readonly string[]): string {
  const domain = random.pick(domains);
  if (random.chance(15)) return `@${domain}`;
  if (random.chance(12)) return anyLocalpart(random, world);
  const address = `${anyLocalpart(random, world)}@${domain}`;
  return random.chance(8) ? `"two words"@${domain}` : random.chance(10) ? address.toUpperCase() : address;
}

export function aliasRows(random: Random, world: World): Row[] {
  const domains = [
    ...world.aliasDomains,
    ...world.aliasDomains,
    ...world.mailboxDomains,
    ...world.localDomains,
    ...world.otherDomains,
  ];
  return many(random, 3, 18, (): Row => {
    const key = addressKey(random, world, domains);
    const targets = many(random, 1, random.chance(75) ? 1 : 4, () => aliasTarget(random, world, key));
    return [key, targets.join(random.pick([', ', ',', ' ']))];
  });
}

function aliasTarget(random: Random, world: World, key: string): string {
  return random.pick<() => string>([
    () => anyAddress(random, world),
    () => anyAddress(random, world),
    () => anyAddress(random, world),
    () => `${anyUser(random)}@${random.pick(world.mailboxDomains)}`,
    () => `${anyUser(random)}@out.test`,
    () => anyLocalpart(random, world),
    () => `@${anyDomain(random, world)}`,
    () => (key.includes('@') && !key.startsWith('@') ? key : anyAddress(random, world)),
    () => `"two words"@${anyDomain(random, world)}`,
    () => `${anyUser(random)}%far.example@${anyDomain(random, world)}`,
    () => `${anyUser(random)}@[192.0.2.7]`,
    () => `${anyUser(random)}@${anyDomain(random, world)}.`,
  ])();
}

export function mailboxRows(random: Random, world: World): Row[] {
  return many(random, 2, 10, (): Row => {
    const key = addressKey(random, world, world.mailboxDomains);
    return [
      key,
      `${key
        .replace(/^@/, 'all@')
        .replaceAll(/[^\w@.+-]/g, '_')
        .toLowerCase()}${random.pick(['', '/'])}`,
    ];
  });
}

export function recipientRows(random: Random, world: World, domains: readonly string[]): Row[] {
  return many(random, 1, 8, (): Row => [addressKey(random, world, domains), 'x']);
}

export function transportRows(random: Random, world: World): Row[] {
  return many(random, 1, 10, (): Row => {
    const domain = anyDomain(random, world);
    const key = random.pick<() => string>([
      () => domain,
      () => domain,
      () => `.${domain}`,
      () => `.${domain.slice(domain.indexOf('.') + 1)}`,
      () => anyAddress(random, world),
      () => anyAddress(random, world),
      () => '*',
      () => `@${domain}`,
    ])();
    return [key, transportValue(random)];
  });
}

function transportValue(random: Random): string {
  return random.pick([
    ':',
    ':[hop.test]',
    ':hop.test:2525',
    't1:',
    't1:',
    't2:[192.0.2.9]:26',
    't3:hop.test',
    'smtp:[out.hop]',
    'lmtp:unix:/var/run/x',
    'autoreply:someone',
    'error:',
    'error:no mail here',
    'error:5.7.1 not allowed',
    'retry:',
    'retry:4.4.7 come back',
    'discard:gone',
    'local:',
    'virtual:',
  ]);
}

export function relocatedRows(random: Random, world: World): Row[] {
  return many(
    random,
    1,
    4,
    (): Row => [
      addressKey(random, world, [...world.mailboxDomains, ...world.localDomains, ...world.otherDomains]),
      random.pick(['new@far.example', '+49 30 1234', 'other@out.test, or by phone']),
    ],
  );
}

export function senderRows(random: Random, world: World, value: () => string): Row[] {
  return many(
    random,
    1,
    5,
    (): Row => [
      random.chance(15)
        ? '<>'
        : addressKey(random, world, [...world.otherDomains, ...world.localDomains, 'sender.test']),
      value(),
    ],
  );
}

export function relayhostValue(random: Random): string {
  return random.pick(['[smart.test]', '[smart.test]:587', 'smart.test', 'DUNNO', 'dunno', '192.0.2.25']);
}

export function senderTransportValue(random: Random): string {
  return random.pick(['t1:', 't2:[by.sender]', 'smtp:[by.sender]:587', 'DUNNO', 'error:5.7.2 not from you']);
}

/** One address each, for canonical and BCC tables. */
export function rewritingRows(random: Random, world: World): Row[] {
  const domains = [...world.otherDomains, ...world.mailboxDomains, ...world.localDomains, 'sender.test'];
  return many(
    random,
    1,
    6,
    (): Row => [
      addressKey(random, world, domains),
      random.pick<() => string>([
        () => anyAddress(random, world),
        () => anyAddress(random, world),
        () => anyLocalpart(random, world),
        () => `@${anyDomain(random, world)}`,
        () => 'canon@far.example',
        () => '"can on"@far.example',
      ])(),
    ],
  );
}

export function bccRows(random: Random, world: World): Row[] {
  const domains = [...world.otherDomains, ...world.mailboxDomains, ...world.aliasDomains, 'sender.test'];
  return many(
    random,
    1,
    4,
    (): Row => [
      addressKey(random, world, domains),
      random.pick<() => string>([
        () => anyAddress(random, world),
        () => 'archive@far.example',
        () => anyUser(random),
      ])(),
    ],
  );
}

export function loginRows(random: Random, world: World): Row[] {
  return many(
    random,
    1,
    5,
    (): Row => [
      addressKey(random, world, [...world.mailboxDomains, 'sender.test']),
      random.pick(['ann', 'bob', 'ann, bob', 'ann@box.test', 'ANN bob@box.test']),
    ],
  );
}
