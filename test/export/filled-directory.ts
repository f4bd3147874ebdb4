// A directory in which every kind of thing stands, for tests that hold exported maps against it.

import Database from 'better-sqlite3';
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
  addPlaces(file);
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
  await domains.add('listed.example', { class: 'relay' });
  for (const name of [
    'split.example',
    'split-way.example',
    'proposing.example',
    'refusing.example',
    'refused.example',
  ]) {
    await domains.add(name);
  }
  await domains.set('split.example', { unknownTo: 'smtp:[192.0.2.3]' });
  await domains.set('split-way.example', { unknownTo: 'smtp:[192.0.2.4]:26', transport: 'lmtp:[192.0.2.5]:24' });
  await domains.set('way.example', { transport: 'lmtp:[192.0.2.2]:24' });
  await domains.set('maintained.example', { maintenance: 'moving house' });
  for (const [name, target] of [
    ['example.org', 'example.com'],
    ['off.example.org', 'example.com'],
    ['of-off.example', 'off.example'],
    ['catch.example.org', 'catch.example'],
    ['forward.example.org', 'forward.example'],
    ['split.example.org', 'split.example'],
    ['proposing.example.org', 'proposing.example'],
    ['listed.example.org', 'listed.example'],
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
    'rest@example.com',
    'both@example.com',
    'kept@example.com',
    'sent@example.com',
    'sent-off@example.com',
    's@split.example',
    'soff@split.example',
    't@split-way.example',
    'p@proposing.example',
    'q@refusing.example',
    'r@refused.example',
  ]) {
    await mailboxes.add({ address, passwordHash, quotaBytes: 50_000_000, name: address.split('@')[0] ?? '' });
  }
  await mailboxes.set('away@example.com', { enabled: false });
  await mailboxes.set('off@catch.example', { enabled: false });
  await mailboxes.set('kept@example.com', { forward: { mode: 'both', to: ['anna@example.com', 'Far@else.test'] } });
  await mailboxes.set('sent@example.com', { forward: { mode: 'forward', to: ['sales@example.com', 'far@else.test'] } });
  await mailboxes.set('sent-off@example.com', { forward: { mode: 'forward', to: ['far@else.test'] }, enabled: false });
  await mailboxes.set('soff@split.example', { enabled: false });
  await mailboxes.set('rest@example.com', { maintenance: 'being moved' });
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
    ['@listed.example', 'anna@example.com'],
    ['via@listed.example', 'carl+work@example.com'],
    ['to-sent@example.com', 'sent@example.com', 'kept@example.com'],
    ['inactive@example.com', 'anna@example.com'],
    ['@proposing.example', 'p@proposing.example'],
    ['@refusing.example', 'q@refusing.example', 'anna@example.com'],
    ['@refused.example', 'r@refused.example'],
    ['named@split.example', 's@split.example'],
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

/** What has no commands of its own in every version of this file's neighbours: written as rows. */
function addPlaces(file: string): void {
  const db = new Database(file);
  const idOf = (name: string): number => db.prepare('SELECT id FROM domain WHERE name = ?').pluck().get(name) as number;
  const insert = (table: string, ...rows: readonly (readonly (string | number)[])[]): void => {
    for (const row of rows) db.prepare(`INSERT INTO ${table} VALUES (${row.map(() => '?').join(', ')})`).run(...row);
  };
  db.exec("UPDATE alias SET active = 0 WHERE localpart = 'inactive'");
  db.exec("UPDATE domain SET takes_all = 0 WHERE name = 'listed.example'");
  db.exec("UPDATE domain SET catch_all = 'propose' WHERE name = 'proposing.example'");
  db.exec("UPDATE domain SET catch_all = 'refuse' WHERE name = 'refusing.example'");
  insert(
    'relay_recipient',
    [idOf('listed.example'), 'known', 'known@listed.example', 0],
    [idOf('listed.example'), 'via', 'v', 0],
  );
  for (const [domain, localpart, state] of [
    ['proposing.example', 'seen', 'proposed'],
    ['proposing.example', 'bad', 'refused'],
    ['refusing.example', 'good', 'accepted'],
    ['refusing.example', 'seen', 'proposed'],
    ['refused.example', 'bad', 'refused'],
    ['refused.example', 'good', 'accepted'],
  ] as const) {
    insert('caught_address', [idOf(domain), localpart, localpart, state, 'x@else.test', 0, 0, 1]);
  }
  insert(
    'transport',
    ...[
      ['anna', 'example.com', 'smtp:[192.0.2.9]'],
      ['team', 'example.com', 'smtp:[192.0.2.10]'],
      ['s', 'split.example', 'lmtp:[192.0.2.11]'],
      ['', 'else.test', 'smtp:[192.0.2.12]'],
      ['', '.else.test', 'smtp:[192.0.2.13]'],
      ['', '*', 'smtp:[192.0.2.14]'],
      ['', 'way.example', 'smtp:[192.0.2.15]'],
      ['someone', 'else.test', 'error:gone'],
    ].map(([localpart = '', domain = '', transport = '']) => [domain, localpart, transport, 0]),
  );
  insert(
    'bcc',
    ['sender', 'example.com', 'anna', 'archive@else.test', 0],
    ['sender', 'example.com', '', 'all@else.test', 0],
    ['sender', 'example.org', 'anna', 'other@else.test', 0],
    ['recipient', 'example.com', 'anna', 'in@else.test', 0],
    ['recipient', 'else.test', '', 'in@else.test', 0],
  );
  insert(
    'access_rule',
    ['client', '192.0.2', 'REJECT', '', 0],
    ['helo', 'bad.test', 'REJECT go away', '', 0],
    ['sender', 'spam@else.test', '554 no', '', 0],
    ['sender', 'else.test', 'OK', '', 0],
    ['recipient', 'anna@', 'HOLD', '', 0],
  );
  db.close();
}
