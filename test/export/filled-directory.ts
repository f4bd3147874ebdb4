// A directory in which every kind of thing stands, for tests that hold exported maps against it.

import { Directory } from '../../src/directory/directory.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { hashPassword } from '../../src/auth/password-scheme.ts';

export const password = 'correct horse 1';

export async function fillDirectory(file: string): Promise<Directory> {
  const directory = await Directory.open(file, { clock: new FakeClock(), actor: 'tester' });
  await addDomains(directory);
  await addMailboxes(directory);
  await addAliases(directory);
  await addSenders(directory);
  await directory.domains.set('off.example', { active: false });
  await directory.aliasDomains.set('off.example.org', { active: false });
  return directory;
}

async function addDomains({ domains, aliasDomains }: Directory): Promise<void> {
  for (const name of ['example.com', 'catch.example', 'off.example', 'way.example', 'maintained.example']) {
    await domains.add(name);
  }
  await domains.add('forward.example', { class: 'alias' });
  await domains.add('relay.example', { class: 'relay', transport: 'smtp:[192.0.2.1]:25' });
  await domains.add('plain-relay.example', { class: 'relay' });
  await domains.set('way.example', { transport: 'lmtp:[192.0.2.2]:24' });
  await domains.set('maintained.example', { maintenance: 'moving house' });
  for (const [name, target] of [
    ['example.org', 'example.com'],
    ['off.example.org', 'example.com'],
    ['of-off.example', 'off.example'],
    ['catch.example.org', 'catch.example'],
    ['forward.example.org', 'forward.example'],
    ['relay.example.org', 'relay.example'],
  ] as const) {
    await aliasDomains.add(name, target);
  }
}

async function addMailboxes({ mailboxes }: Directory): Promise<void> {
  const passwordHash = await hashPassword(password);
  for (const address of [
    'anna@example.com',
    'Bob.Builder@example.com',
    'carl+work@example.com',
    '"dora d/e"@example.com',
    "o'neil@example.com",
    'jörg@example.com',
    'away@example.com',
    'x@catch.example',
    'off@catch.example',
    'y@off.example',
    'z@way.example',
    'm@maintained.example',
    'both@example.com',
  ]) {
    await mailboxes.add({ address, passwordHash, quotaBytes: 50_000_000, name: address.split('@')[0] ?? '' });
  }
  await mailboxes.set('away@example.com', { enabled: false });
  await mailboxes.set('off@catch.example', { enabled: false });
  await mailboxes.set('anna@example.com', { maintenance: 'being moved' });
}

async function addAliases({ aliases, lists }: Directory): Promise<void> {
  for (const [address, ...targets] of [
    ['both@example.com', 'both@example.com', 'far@else.test'],
    ['sales@example.com', 'anna@example.com', 'bob.builder@example.com'],
    ['nested@example.com', 'sales@example.com', 'Far.Away@else.test'],
    ['info+news@example.com', 'anna+news@example.com'],
    ['info@example.com', 'carl+work@example.com', 'nested+x@example.org'],
    ['gone@example.com', 'away@example.com'],
    ['off@example.com', 'y@off.example'],
    ['@catch.example', 'anna@example.com', 'x+caught@catch.example'],
    ['w@catch.example', 'nobody-here@catch.example'],
    ['hello@forward.example', 'anna@example.com'],
    ['@forward.example', '@example.com'],
    ['k@relay.example', 'anna@example.com'],
    ['"a b"@forward.example', '"dora d/e"@example.com'],
  ] as const) {
    await aliases.add(address, targets);
  }
  await lists.add({
    address: 'team@example.com',
    post: 'members',
    owners: ['anna@example.com', 'sales@example.com', 'far@else.test'],
  });
  await lists.add({ address: 'all@catch.example', owners: ['x@catch.example'] });
  await lists.addMembers('team@example.com', ['bob.builder@example.com', 'far@else.test']);
}

async function addSenders({ senderRights }: Directory): Promise<void> {
  await senderRights.add('sales@example.com', 'carl+work@example.com', true);
  await senderRights.add('sales@example.com', 'anna@example.com', false);
  await senderRights.add('@example.com', 'bob.builder@example.com', false);
  await senderRights.add('nested@example.com', 'bob.builder@example.com', true);
  await senderRights.add('anna@example.org', 'x@catch.example', true);
  await senderRights.add('anna@example.com', 'anna@example.com', false);
  await senderRights.add('nobody@catch.example', 'z@way.example', true);
  await senderRights.add('elsewhere@else.test', 'anna@example.com', true);
  await senderRights.add('@else.test', 'x@catch.example', true);
  await senderRights.add('both+x@example.com', 'x@catch.example', true);
  await senderRights.add('y@off.example', 'anna@example.com', true);
}
