import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { writeDirectoryAsOf } from './as-of.ts';
import { Directory } from './directory.ts';

let folder: string;
let directory: Directory;
const clock = new FakeClock();
const day = 86_400_000;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'removals-'));
  directory = await Directory.open(join(folder, 'directory.db'), { clock, actor: 'tester' });
  await directory.domains.add('example.com', { maxMailboxes: 7 });
  for (const address of ['Anna@example.com', 'ben@example.com']) {
    await directory.mailboxes.add({ address, passwordHash: 'x' });
  }
  await directory.aliasDomains.add('example.org', 'example.com');
  const posting = { post: 'listed', posters: ['boss@far.test'] } as const;
  await directory.aliases.add('Sales@example.com', ['anna@example.com', 'x@far.test'], posting);
  await directory.aliases.add('@example.com', ['ben@example.com']);
  await directory.lists.add({
    address: 'Team@example.com',
    name: 'The team',
    owners: ['anna@example.com'],
    members: ['Ben@example.com', 'carl@far.test'],
  });
  await directory.senderRights.add('boss@elsewhere.test', 'anna@example.com', true);
  await directory.senderRights.add('@example.org', 'someone', false);
  await directory.bccs.add('recipient', 'anna@example.com', 'archive@far.test');
  await directory.transports.add('ben@example.com', 'smtp:[192.0.2.5]');
  await directory.catchAlls.refuse(['spam@example.com']);
  for (const [kind, object] of [
    ['domain', 'example.com'],
    ['alias', 'sales@example.com'],
    ['list', 'team@example.com'],
    ['mailbox', 'ben@example.com'],
  ] as const) {
    await directory.tags.change(kind, object, ['vip']);
  }
});

afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true });
});

/** All that makes an answer, in every table; when it was added left out. */
async function contents(of: Directory = directory): Promise<unknown> {
  const withoutTime = (rows: readonly object[]) => rows.map((row) => ({ ...row, created: 0, passwordChanged: 0 }));
  const lists = await of.lists.list();
  return {
    domains: withoutTime(await of.domains.list()),
    aliasDomains: withoutTime(await of.aliasDomains.list()),
    mailboxes: withoutTime(await of.mailboxes.list()),
    aliases: withoutTime(await of.aliases.list()),
    lists: withoutTime(lists),
    members: await Promise.all(lists.map(({ address }) => of.lists.members(address, undefined))),
    rights: withoutTime(await of.senderRights.list()),
    bccs: withoutTime(await of.bccs.list()),
    transports: withoutTime(await of.transports.list()),
    caught: await of.catchAlls.list(),
    tagged: await of.tags.objects('vip'),
  };
}

describe('a domain that was removed with everything', () => {
  it('comes back with everything, now and as of then', async () => {
    const before = await contents();
    await directory.domains.remove('example.com', { recursive: true });
    expect(await contents()).toMatchObject({ domains: [], aliases: [], lists: [], rights: [] });
    expect(await directory.domains.removed()).toEqual([
      { name: 'example.com', removedAt: clock.now(), recoverableUntil: clock.now() + 30 * day },
    ]);
    clock.advance(day);
    expect(await directory.domains.restore('EXAMPLE.com')).toEqual({
      name: 'example.com',
      mailboxes: 2,
      aliases: 5,
      lists: 1,
      aliasDomains: 1,
      senderRights: 2,
      places: 3,
      tags: 3,
      lost: [],
    });
    expect(await contents()).toEqual(before);
    expect(await directory.domains.removed()).toEqual([]);
    const file = join(folder, 'past.db');
    await writeDirectoryAsOf(directory, { time: clock.now() }, file, clock);
    const past = await Directory.open(file, { clock, actor: 'tester', readonly: true });
    expect(await contents(past)).toEqual(before);
    past.close();
  });

  it('comes back without what has another place by now, and says so', async () => {
    await directory.domains.remove('example.com', { recursive: true });
    await directory.domains.add('example.org');
    const { lost, mailboxes, aliasDomains } = await directory.domains.restore('example.com');
    expect({ mailboxes, aliasDomains }).toEqual({ mailboxes: 2, aliasDomains: 0 });
    expect(lost).toEqual(['example.org stays away: example.org is hosted by now']);
  });

  it('does not come back where it is hosted anew, after its time, or where there was none', async () => {
    await expect(directory.domains.restore('example.com')).rejects.toThrow(/is hosted/);
    await expect(directory.domains.restore('never.example')).rejects.toThrow('no removed domain never.example');
    await directory.domains.remove('example.com', { recursive: true });
    clock.advance(31 * day);
    await expect(directory.domains.restore('example.com')).rejects.toThrow(/too long ago/);
    expect(await directory.domains.removed()).toEqual([]);
  });
});

describe('what was removed alone', () => {
  it('comes back: an alias, a catch-all, a list with its members, an alias domain', async () => {
    const before = await contents();
    await directory.aliases.remove('sales@example.com');
    await directory.aliases.remove('@example.com');
    await directory.lists.remove('team@example.com');
    await directory.aliasDomains.remove('example.org');
    await directory.aliasDomains.restore('example.org');
    await directory.lists.restore('team@example.com');
    await directory.aliases.restore('@example.com');
    expect((await directory.aliases.restore('SALES@example.com')).targets).toEqual(['anna@example.com', 'x@far.test']);
    expect(await contents()).toMatchObject({ ...(before as object), aliases: expect.anything() });
    await expect(directory.aliases.restore('sales@example.com')).rejects.toThrow(/there is an alias of this name/);
    await expect(directory.lists.restore('team@example.com')).rejects.toThrow(/already/);
  });

  it('is a mailbox, with what was said of its login', async () => {
    const before = await contents();
    await directory.mailboxes.remove('anna@example.com');
    expect(directory.senderRights.answer('boss@elsewhere.test')).toBeUndefined();
    await directory.mailboxes.restore('anna@example.com');
    expect(await contents()).toEqual(before);
  });

  it('stays away where mail would go round', async () => {
    await directory.aliases.add('a@example.com', ['b@example.com']);
    await directory.aliases.remove('a@example.com');
    await directory.aliases.add('b@example.com', ['a@example.com']);
    await directory.aliases.remove('@example.com');
    await expect(directory.aliases.restore('a@example.com')).rejects.toThrow(/loop/);
  });
});

it('lets others go on while a large domain goes', async () => {
  await directory.domains.add('large.example');
  const mailboxes = Array.from({ length: 2000 }, (_, index) => ({ address: `u${index}@large.example` }));
  await directory.bulk.mailboxes(mailboxes);
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await directory.domains.remove('large.example', { recursive: true });
  isOver = true;
  expect(turns).toBeGreaterThan(20);
});

describe('what depends on a mailbox', () => {
  it('is told when it goes', async () => {
    await directory.mailboxes.set('ben@example.com', { forward: { to: ['anna@example.org', 'anna@example.com'] } });
    await directory.senderRights.add('anna@example.com', 'ben@example.com', true);
    const { references } = await directory.mailboxes.remove('anna@example.com');
    expect(references).toEqual({
      aliases: ['postmaster@example.com', 'abuse@example.com', 'root@example.com', 'Sales@example.com'],
      lists: ['Team@example.com'],
      forwards: ['ben@example.com'],
      senderLogins: ['ben@example.com'],
      copies: [],
    });
  });
});
