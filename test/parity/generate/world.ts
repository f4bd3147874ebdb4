// The names of one generated configuration: domains of every class, users, and addresses made of them, plain and
// nasty. Few names and many ways to write them, so that rows and addresses meet.

import type { Random } from '../../harness/random.ts';

const users = [
  'ann',
  'bob',
  'info',
  'sales',
  'list',
  'Root',
  'a.b',
  'postmaster',
  'owner-list',
  'list-request',
] as const;
const extensions = ['x', 'foo', 'x+y', 'a-b', '', 'X'] as const;

export interface World {
  /** The characters of recipient_delimiter. */
  readonly delimiters: string;
  readonly localDomains: readonly string[];
  readonly aliasDomains: readonly string[];
  readonly mailboxDomains: readonly string[];
  readonly relayDomains: readonly string[];
  readonly otherDomains: readonly string[];
}

export function makeWorld(random: Random): World {
  return {
    delimiters: random.pick(['', '+', '+', '+', '-', '+-', '-+', '.', '+=']),
    localDomains: ['mx.oracle.test', 'localhost', ...(random.chance(40) ? ['own.test'] : [])],
    aliasDomains: ['alias.test', ...(random.chance(50) ? ['al2.test'] : [])],
    mailboxDomains: ['box.test', ...(random.chance(50) ? ['sub.box.test'] : [])],
    relayDomains: random.chance(60) ? ['relay.test'] : [],
    otherDomains: ['out.test', 'sub.out.test', 'far.example'],
  };
}

export function allDomains(world: World): readonly string[] {
  const { localDomains, aliasDomains, mailboxDomains, relayDomains, otherDomains } = world;
  return [
    ...localDomains,
    ...aliasDomains,
    ...aliasDomains,
    ...mailboxDomains,
    ...mailboxDomains,
    ...relayDomains,
    ...otherDomains,
  ];
}

export function anyUser(random: Random): string {
  return random.pick(users);
}

export function anyDomain(random: Random, world: World): string {
  return random.pick(allDomains(world));
}

/** With an extension now and then, where the world has delimiters; sometimes with one that is none. */
export function anyLocalpart(random: Random, world: World): string {
  const user = anyUser(random);
  if (!random.chance(25)) return user;
  const delimiter =
    world.delimiters === '' ? random.pick(['+', '-']) : random.pick([...world.delimiters.split(''), '+']);
  return `${user}${delimiter}${random.pick(extensions)}`;
}

export function anyAddress(random: Random, world: World): string {
  return `${anyLocalpart(random, world)}@${anyDomain(random, world)}`;
}

/** An address as a client might write it, seldom as it should. */
export function writtenAddress(random: Random, world: World): string {
  const address = anyAddress(random, world);
  if (random.chance(65)) return address;
  const at = address.lastIndexOf('@');
  const [user, domain] = [address.slice(0, at), address.slice(at + 1)];
  const other = anyDomain(random, world);
  return random.pick<() => string>([
    () => address.toUpperCase(),
    () => `${user}@${domain}.`,
    () => `@hop.test,@hop2.test:${address}`,
    () => `${user}%${other}@${domain}`,
    () => `${other}!${user}@${domain}`,
    () => `"${user}@${other}"@${domain}`,
    () => `${user}@${other}@${domain}`,
    () => user,
    () => `"${user}"@${domain}`,
    () => `"two words"@${domain}`,
    () => `"qu\\"ote"@${domain}`,
    () => `${user}@unknown.${domain}`,
    () => `nobody@${domain}`,
    () => `Postmaster@${domain}`,
    () => 'postmaster',
    () => `@${domain}`,
    () => `""@${domain}`,
    () => `a..b@${domain}`,
    () => `.${user}@${domain}`,
    () => `${user}.@${domain}`,
    () => `-${user}@${domain}`,
    () => `${user}@-${domain}`,
    () => `${user}@[127.0.0.1]`,
    () => `${user}@[192.0.2.1]`,
    () => `${user}@192.0.2.1`,
    () => `${user}@[ipv6:2001:db8::1]`,
    () => `${user}@[bad]`,
    () => `${user}@host`,
    () => `${user}@a..${domain}`,
    () => `${user}@${'l'.repeat(64)}.${domain}`,
    () => `${'u'.repeat(random.pick([64, 65, 200]))}@${domain}`,
    () => `${user}'s@${domain}`,
    () => `$1${user}@${domain}`,
    () => `${user}*@${domain}`,
    () => `mailer-daemon@${domain}`,
    () => `+${user}@${domain}`,
    () => `${user}++x@${domain}`,
    () => `${user}+@${domain}`,
    () => `|cat@${domain}`,
    () => `/dev/null@${domain}`,
    () => `ü${user}@${domain}`,
    () => `${user}@\u00fc.${domain}`,
    () => `#${user}@${domain}`,
    () => `a\\${user}@${domain}`,
  ])();
}
