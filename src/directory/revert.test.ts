import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { Directory } from './directory.ts';
import type { DirectoryView } from './directory-view.ts';

let folder: string;
let directory: Directory;
const clock = new FakeClock();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'revert-'));
  directory = await Directory.open(join(folder, 'directory.db'), { clock, actor: 'tester' });
  await directory.domains.add('example.com');
  await directory.mailboxes.add({ address: 'anna@example.com', passwordHash: '{PLAIN}x' });
});

afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true });
});

async function newest(): Promise<number> {
  return (await directory.history({ limit: 1 }))[0]?.revision ?? 0;
}

/** Everything that can be read of the directory, times aside. */
async function state(): Promise<unknown> {
  const lists = await directory.lists.list();
  const all = [
    await directory.domains.list(),
    await directory.aliasDomains.list(),
    await directory.mailboxes.list(),
    await directory.aliases.list(),
    lists,
    await Promise.all(lists.map(({ address }) => directory.lists.members(address, undefined))),
    await directory.senderRights.list(),
    await directory.settings.list(),
    await directory.transports.list(),
    await directory.bccs.list(),
    await directory.accessRules.list(),
    await directory.relayRecipients.list(),
    await directory.catchAlls.list(),
    await directory.tags.list(),
  ];
  return JSON.parse(JSON.stringify(all, (key, value: unknown) => (key === 'created' ? undefined : value)));
}

it('groups events by revision, newest first, with differences and pages', async () => {
  await directory.aliases.add('sales@example.com', ['anna@example.com']);
  clock.advance(1000);
  await directory.aliases.set('sales@example.com', ['anna@example.com', 'far@elsewhere.test']);
  const [set, add] = await directory.history({ objects: ['sales@example.com'] });
  expect(set?.changes[0]).toMatchObject({
    action: 'alias.set',
    differences: [
      { field: 'targets', before: ['anna@example.com'], after: ['anna@example.com', 'far@elsewhere.test'] },
    ],
  });
  expect(await directory.history({ limit: 1, before: set?.revision ?? 0 })).toEqual([add]);
  expect(await directory.history({ since: clock.now() })).toEqual([set]);
  expect(await directory.history({ actor: 'nobody' })).toEqual([]);
  // The first mailbox brought the administrator's aliases along, at once.
  const [first] = await directory.history({ objects: ['anna@example.com'] });
  expect(first?.changes.map(({ action }) => action)).toEqual([
    'mailbox.add',
    'setting.set',
    'alias.add',
    'alias.add',
    'alias.add',
  ]);
});

const changes: readonly [string, () => Promise<unknown>][] = [
  ['domain.add', () => directory.domains.add('example.net', { class: 'alias' })],
  ['domain.set', () => directory.domains.set('example.com', { active: false, transport: 'smtp:[192.0.2.1]' })],
  ['domain.set maintenance', () => directory.domains.set('example.com', { maintenance: 'moving' })],
  [
    'domain.set limits',
    () =>
      directory.domains.set('example.com', { maxMailboxes: 9, maxAliases: 8, totalQuotaBytes: 900, maxQuotaBytes: 90 }),
  ],
  ['domain.set unknown-to', () => directory.domains.set('example.com', { unknownTo: 'smtp:[192.0.2.2]' })],
  ['domain.remove', () => directory.domains.remove('example.com', { recursive: true })],
  ['alias-domain.add', () => directory.aliasDomains.add('example.org', 'example.com')],
  ['mailbox.add', () => directory.mailboxes.add({ address: 'Carl@example.com', passwordHash: '{PLAIN}y' })],
  [
    'mailbox.set',
    () =>
      directory.mailboxes.set('anna@example.com', {
        name: 'Anna',
        quotaBytes: 5,
        enabled: false,
        vacation: { text: 'away' },
        maintenance: 'later',
        messageLimit: 3,
        recipientLimit: 0,
        protocols: ['imap'],
        mustChange: true,
        passwordExpires: 9_999_999_999_999,
        forward: { mode: 'both', to: ['x@y.test'] },
      }),
  ],
  ['mailbox.remove', () => directory.mailboxes.remove('bert@example.com')],
  ['alias.add', () => directory.aliases.add('@example.com', ['anna@example.com'])],
  ['alias.set', () => directory.aliases.set('sales@example.com', ['x@y.test'])],
  ['alias.remove', () => directory.aliases.remove('sales@example.com')],
  [
    'list.add',
    () => directory.lists.add({ address: 'all@example.com', owners: ['anna@example.com'], members: ['a@b.test'] }),
  ],
  ['list.set', () => directory.lists.set('news@example.com', { name: 'News', post: 'listed', posters: ['@b.test'] })],
  ['list.remove', () => directory.lists.remove('news@example.com')],
  ['list-member.add', () => directory.lists.addMembers('news@example.com', ['new@c.test'])],
  ['list-member.remove', () => directory.lists.removeMembers('news@example.com', ['M1@b.test'])],
  ['sender-login.add', () => directory.senderRights.add('@b.test', 'anna@example.com', true)],
  ['sender-login.set', () => directory.senderRights.set('boss@example.com', 'bert@example.com', false)],
  ['sender-login.remove', () => directory.senderRights.remove('boss@example.com', 'bert@example.com')],
  ['mailbox.rename', () => directory.mailboxes.rename('bert@example.com', 'robert@example.com')],
  [
    'mailbox.rename with all that names it',
    () =>
      directory.mailboxes.rename('bert@example.com', 'robert@example.com', { keepAlias: true, moveReferences: true }),
  ],
  [
    'alias.set of its rules',
    () => directory.aliases.edit('sales@example.com', [], [], { active: false, post: 'listed', posters: ['@b.test'] }),
  ],
  ['domain.set of its catch-all', () => directory.domains.set('example.com', { catchAllMode: 'refuse' })],
  ['transport.add', () => directory.transports.add('far.test', 'smtp:[192.0.2.1]')],
  ['transport.set', () => directory.transports.set('.near.test', 'smtp:[192.0.2.1]')],
  ['transport.remove', () => directory.transports.remove('.near.test')],
  ['bcc.add', () => directory.bccs.add('recipient', 'anna@example.com', 'copy@far.test')],
  ['bcc.set', () => directory.bccs.set('sender', '@example.com', 'other@far.test')],
  ['bcc.remove', () => directory.bccs.remove('sender', '@example.com')],
  ['access.add', () => directory.accessRules.add('sender', 'spam.test', { action: 'REJECT no' })],
  ['access.set', () => directory.accessRules.set('client', '192.0.2.1', { action: 'OK', note: 'ours' })],
  ['access.remove', () => directory.accessRules.remove('client', '192.0.2.1')],
  ['relay-recipient.add', () => directory.relayRecipients.add(['b@relayed.example', 'c@relayed.example'])],
  ['relay-recipient.remove', () => directory.relayRecipients.remove(['a@relayed.example'])],
  ['catch-all.accept', () => directory.catchAlls.accept(['some@example.com'])],
  ['catch-all.refuse', () => directory.catchAlls.refuse(['known@example.com'])],
  ['catch-all.forget', () => directory.catchAlls.forget(['known@example.com'])],
  ['tag.set', () => directory.tags.change('mailbox', 'bert@example.com', ['new'], ['old'])],
  ['tag.set of the first', () => directory.tags.change('domain', 'example.com', ['new'])],
  ['setting.set', () => directory.senderRights.setCatchAll(false)],
];

async function fillPlaces(view: DirectoryView): Promise<void> {
  await view.transports.add('.near.test', 'smtp:[192.0.2.9]');
  await view.bccs.add('sender', '@example.com', 'copy@far.test');
  await view.accessRules.add('client', '192.0.2.1', { action: 'REJECT' });
  await view.domains.add('relayed.example', { class: 'relay', recipients: 'listed' });
  await view.relayRecipients.add(['a@relayed.example']);
  await view.catchAlls.accept(['known@example.com']);
  await view.tags.change('mailbox', 'bert@example.com', ['old', 'kept']);
}

it.each(changes)('undoes %s, and undoing that makes it again', async (_name, make) => {
  await directory.mailboxes.add({ address: 'bert@example.com', passwordHash: '{PLAIN}x', quotaBytes: 7 });
  await directory.aliases.add('sales@example.com', ['bert@example.com', 'anna@example.com']);
  await directory.aliasDomains.add('example.info', 'example.com');
  await directory.aliasDomains.set('example.info', { active: false });
  await directory.lists.add({
    address: 'news@example.com',
    owners: ['anna@example.com'],
    members: ['m1@b.test', 'm2@b.test'],
  });
  await directory.lists.removeMembers('news@example.com', ['m2@b.test']);
  await directory.senderRights.add('boss@example.com', 'bert@example.com', true);
  await directory.whole('tester', fillPlaces);
  const before = await state();
  await make();
  const changed = await state();
  expect(changed).not.toEqual(before);
  const revision = await newest();
  expect(await directory.revert(revision)).toMatchObject({ revision, notes: [] });
  expect(await state()).toEqual(before);
  const second = await newest();
  expect((await directory.history({ revision: second }))[0]?.changes.at(-1)).toMatchObject({
    action: 'revision.revert',
    object: String(revision),
  });
  // A mailbox that is made anew is another one.
  if (_name === 'mailbox.add') return;
  await directory.revert(second);
  expect(await state()).toEqual(changed);
});

it('brings a removed mailbox back with its id, while it can be restored', async () => {
  const { id } = await directory.mailboxes.add({ address: 'bert@example.com', passwordHash: '{PLAIN}x' });
  await directory.mailboxes.remove('bert@example.com');
  const revision = await newest();
  await directory.revert(revision);
  expect((await directory.mailboxes.show('bert@example.com'))?.id).toBe(id);
  await directory.mailboxes.remove('bert@example.com');
  const again = await newest();
  clock.advance(31 * 86_400_000);
  await expect(directory.revert(again)).rejects.toThrow(/removed too long ago/);
});

it('refuses, whole, where a later change stands in the way, and names it', async () => {
  await directory.whole('tester', async (part) => {
    await part.aliases.add('one@example.com', ['anna@example.com']);
    await part.aliases.add('two@example.com', ['anna@example.com']);
  });
  const revision = await newest();
  await directory.aliases.set('two@example.com', ['x@y.test']);
  const later = await newest();
  const before = await state();
  await expect(directory.revert(revision)).rejects.toMatchObject({
    message: expect.stringContaining(`targets of two@example.com changed since (revision ${later} by tester)`),
    obstacles: [{ action: 'alias.add', object: 'two@example.com', later: [{ revision: later }] }],
  });
  expect(await state()).toEqual(before);
  await directory.revert(later);
  await directory.revert(revision);
  expect(await directory.aliases.show('one@example.com')).toBeUndefined();
});

it('leaves what was changed besides alone', async () => {
  await directory.mailboxes.set('anna@example.com', { quotaBytes: 9 });
  const revision = await newest();
  await directory.mailboxes.set('anna@example.com', { name: 'Anna' });
  await directory.revert(revision);
  expect(await directory.mailboxes.show('anna@example.com')).toMatchObject({ name: 'Anna', quotaBytes: 0 });
});

it('says that passwords do not come back', async () => {
  await directory.mailboxes.set('anna@example.com', { passwordHash: '{PLAIN}new', name: 'Anna' });
  const { notes } = await directory.revert(await newest());
  expect(notes).toEqual(['the password of anna@example.com stays as it is now: former ones are not kept']);
  expect(directory.credentials('anna@example.com')?.passwordHash).toBe('{PLAIN}new');
  await directory.appPasswords.add({ mailbox: 'anna@example.com', name: 'phone', digest: 'x' });
  await directory.appPasswords.remove('anna@example.com', 'phone');
  await expect(directory.revert(await newest())).rejects.toThrow(/passwords are not kept/);
});

it('says that tokens that went with a password do not come back, and takes one away that was made', async () => {
  const owner = { kind: 'mailbox', id: (await directory.mailboxes.need('anna@example.com')).id } as const;
  const added = { owner, name: 'backup', scopes: ['*'], expires: 0 };
  await directory.tokens.add(added);
  await directory.mailboxes.set('anna@example.com', { passwordHash: '{PLAIN}newer', name: 'Anna Adams' });
  expect(await directory.tokens.list(owner)).toEqual([]);
  expect((await directory.revert(await newest())).notes.toSorted()).toEqual([
    'the password of anna@example.com stays as it is now: former ones are not kept',
    'the token "backup" of anna@example.com is gone for good: its secret is not kept',
  ]);
  await directory.tokens.add(added);
  await directory.revert(await newest());
  expect(await directory.tokens.list(owner)).toEqual([]);
});

it('makes several changes one revision, or none', async () => {
  await directory.whole('tester', async (part) => {
    await part.domains.add('example.net');
    await part.aliases.add('a@example.net', ['anna@example.com']);
    expect(part.lookups.domain('example.net')?.kind).toBe('mailbox');
  });
  expect((await directory.history({ limit: 1 }))[0]?.count).toBe(2);
  const before = await state();
  const failed = directory.whole('tester', async (part) => {
    await part.domains.add('example.org');
    // What fails and is caught leaves the rest as it was.
    await expect(part.aliases.add('a@example.net', ['x@y.test'])).rejects.toThrow(/already/);
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  expect(await state()).toEqual(before);
});

it('tries a change out without making it', async () => {
  await directory.aliases.add('sales@example.com', ['anna@example.com']);
  const before = await state();
  const trial = await directory.tryOut(async (part) => {
    await part.mailboxes.remove('anna@example.com');
    await part.aliases.set('sales@example.com', ['x@y.test']);
    await part.domains.add('example.net', { class: 'alias' });
    await part.aliasDomains.add('example.org', 'example.com');
    return 'done';
  });
  expect(trial.result).toBe('done');
  expect(await state()).toEqual(before);
  // While it is looked at, others change what they like.
  await directory.aliases.add('more@example.com', ['anna@example.com']);
  const of = (side: Directory) => ({
    anna: side.mailboxByAddress('anna@example.com')?.id,
    org: side.lookups.domain('example.org')?.target?.name,
    net: side.lookups.domain('example.net')?.kind,
    more: side.lookups.address('more', 'example.com')?.aliasId,
  });
  expect(of(trial.before)).toEqual({ anna: 1 });
  expect(of(trial.after)).toEqual({ org: 'example.com', net: 'alias' });
  expect((await trial.after.aliases.show('sales@example.com'))?.targets).toEqual(['x@y.test']);
  expect((await trial.before.aliases.show('sales@example.com'))?.targets).toEqual(['anna@example.com']);
  expect([...trial.touched.keys()].toSorted()).toEqual(['alias', 'alias_target', 'domain', 'mailbox']);
  expect(trial.events.map(({ action }) => action)).toEqual([
    'mailbox.remove',
    'alias.set',
    'domain.add',
    'alias-domain.add',
  ]);
  trial.close();
});
