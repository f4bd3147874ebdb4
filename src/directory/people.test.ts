// Mailing lists and vacations in the directory: their addresses, who may write, what is refused, what history keeps.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqlite } from '../database/sqlite.ts';
import { FakeClock } from '../lib/clock.ts';
import { writeDirectoryAsOf } from './as-of.ts';
import { directoryOpener } from '../../test/harness/directory-opener.ts';
import { Directory } from './directory.ts';
import { DirectoryTable, type DirectoryTableName } from './tables.ts';

const openDirectory = directoryOpener();

let folder: string;
let directory: Directory;
const clock = new FakeClock();
const list = 'team@example.com';

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'directory-people-'));
  directory = await openDirectory(join(folder, 'directory.db'), { clock, actor: 'tester' });
  await directory.domains.add('example.com');
  await directory.aliasDomains.add('example.org', 'example.com');
  for (const name of ['anna', 'ben']) {
    await directory.mailboxes.add({ address: `${name}@example.com`, passwordHash: 'x' });
  }
});
afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true });
});

function look(table: DirectoryTableName, key: string): string | undefined {
  const found = new DirectoryTable(directory.lookups, table).find(key);
  return found.kind === 'found' ? found.value : undefined;
}

function mayPost(sender: string): boolean {
  const found = directory.lookups.lists.byAddress(list);
  return found !== undefined && directory.lookups.lists.mayPost(found, sender);
}

describe('a mailing list', () => {
  beforeEach(async () => {
    await directory.aliases.add('@example.com', ['ben@example.com']);
    await directory.lists.add({
      address: 'Team@example.com',
      owners: ['anna@example.com', 'boss@far.example'],
      members: ['Ben@example.com', 'carl@far.example, ben@EXAMPLE.com'],
    });
  });

  it('answers at its three addresses, through an alias domain, and before a catch-all', () => {
    expect(look('virtual-aliases', list)).toBe(list);
    expect(look('virtual-aliases', 'owner-team@example.com')).toBe('anna@example.com, boss@far.example');
    expect(look('virtual-aliases', 'TEAM-request@example.com')).toBe('anna@example.com, boss@far.example');
    expect(look('virtual-aliases', 'team@example.org')).toBe(list);
    expect(look('virtual-aliases', 'owner-team@example.org')).toBe('owner-team@example.com');
    expect(look('virtual-aliases', 'owner-anna@example.com')).toBeUndefined();
    expect(look('transports', list)).toBe('posthaste-list:');
    expect(look('transports', 'owner-team@example.com')).toBeUndefined();
    expect(look('transports', 'anna@example.com')).toBeUndefined();
    expect(look('sender-logins', list)).toBe('anna@example.com');
    expect(look('mailboxes', list)).toBeUndefined();
    expect(directory.lookups.everyKey()).toEqual(expect.arrayContaining([list, 'owner-team@example.org']));
    expect(directory.lookups.lists.byAddress('team+x@example.org')?.address).toBe(list);
  });

  it('disappears with its domain switched off, and goes with the domain', async () => {
    await directory.domains.set('example.com', { active: false });
    expect(look('transports', list)).toBeUndefined();
    expect(directory.lookups.lists.byAddress(list)).toBeUndefined();
    await expect(directory.domains.remove('example.com')).rejects.toThrow(
      '2 mailboxes, 4 aliases, 1 list and 1 alias domain',
    );
    await expect(directory.domains.set('example.com', { class: 'alias' })).rejects.toThrow(/mailboxes/);
    await directory.domains.remove('example.com', { recursive: true });
    expect(await directory.lists.list()).toEqual([]);
  });

  it('knows who may write to it', async () => {
    expect(mayPost('BEN+work@example.org')).toBe(true);
    expect(mayPost('anna@example.com')).toBe(true);
    expect(mayPost('carl@far.example')).toBe(true);
    expect(mayPost('dora@example.com')).toBe(false);
    expect(mayPost('')).toBe(false);
    await directory.lists.set(list, { post: 'domain' });
    expect([mayPost('dora@example.org'), mayPost('carl@far.example'), mayPost('boss@far.example')]).toEqual([
      true,
      false,
      true,
    ]);
    await directory.lists.set(list, { post: 'listed', posters: ['@near.example', 'eve@far.example'] });
    expect(['x@near.example', 'EVE@far.example', 'ben@example.com', 'x@far.example'].map(mayPost)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    await directory.lists.set(list, { post: 'anyone' });
    expect(mayPost('x@anywhere.example')).toBe(true);
  });

  it('keeps its addresses, and takes none', async () => {
    const mailbox = (address: string) => directory.mailboxes.add({ address, passwordHash: 'x' });
    await expect(mailbox(list)).rejects.toThrow(`${list} is a mailing list: remove that first with: posthaste list`);
    await expect(mailbox('team-request@example.com')).rejects.toThrow(`belongs to the mailing list ${list}`);
    await expect(directory.aliases.add('owner-team@example.com', ['anna@example.com'])).rejects.toThrow('belongs to');
    const add = (address: string, owners = ['anna@example.com'], members: string[] = []) =>
      directory.lists.add({ address, owners, members });
    await expect(add(list)).rejects.toThrow(/already/);
    await expect(add('anna@example.com')).rejects.toThrow(/is a mailbox: remove that first/);
    await expect(add('postmaster@example.com')).rejects.toThrow(/is an alias/);
    await expect(add('owner-x@example.com')).rejects.toThrow(/an address of the list x/);
    await expect(add('a+b@example.com')).rejects.toThrow(/letters, digits/);
    await expect(add('new@example.org')).rejects.toThrow(/is an alias domain/);
    await expect(add('new@example.com', [])).rejects.toThrow(/needs an owner/);
    await mailbox('owner-new@example.com');
    await expect(add('new@example.com')).rejects.toThrow(/every list needs/);
  });

  it('refuses members that lead back to it', async () => {
    await directory.aliases.add('all@example.com', ['anna@example.com', list]);
    await directory.lists.add({ address: 'outer@example.com', owners: ['anna@example.com'], members: [list] });
    for (const member of [list, 'team+x@example.org', 'all@example.com', 'outer@example.com']) {
      await expect(directory.lists.addMembers(list, [member])).rejects.toThrow(/round in a circle/);
    }
    await directory.aliases.add('lost@example.com', ['owner-team@example.com']);
    await expect(directory.lists.set(list, { owners: ['lost@example.com'] })).rejects.toThrow(/loop/);
  });

  it('has its members changed and paged', async () => {
    expect(await directory.lists.addMembers(list, ['ben@example.com', 'dora@far.example'])).toBe(1);
    expect(await directory.lists.members(list, undefined, 2)).toEqual(['Ben@example.com', 'carl@far.example']);
    expect(await directory.lists.members(list, 'carl@far.example', 2)).toEqual(['dora@far.example']);
    await expect(directory.lists.removeMembers(list, ['eve@far.example'])).rejects.toThrow(/is no member/);
    await directory.lists.removeMembers(list, ['BEN@example.com']);
    expect((await directory.lists.need(list)).members).toBe(2);
    const many = Array.from({ length: 2500 }, (_, index) => `m${index}@many.example`);
    await directory.lists.addMembers(list, many);
    const { id } = directory.lookups.lists.byAddress(list) ?? { id: 0 };
    expect([...directory.lookups.lists.persons(id, 'member')]).toHaveLength(2502);
  });

  it('reports members and owners that do not exist', async () => {
    await directory.aliases.remove('@example.com');
    await directory.lists.addMembers(list, ['gone@example.com', 'gone@far.example']);
    await directory.lists.set(list, { owners: ['away@example.org'] });
    const texts = (await directory.findings()).filter(({ kind }) => kind === 'dangling-member').map(({ text }) => text);
    expect(texts).toEqual([
      'the list Team@example.com has the member gone@example.com, which does not exist: posthaste list members remove Team@example.com gone@example.com',
      'the list Team@example.com has the owner away@example.org, which does not exist: posthaste list set Team@example.com --owner ADDRESS',
    ]);
  });

  it('can be asked as it was', async () => {
    const event = (await directory.events({ limit: 1000 })).at(-1)?.id ?? 0;
    await directory.lists.removeMembers(list, ['ben@example.com']);
    await directory.lists.remove(list);
    await directory.lists.add({ address: list, owners: ['anna@example.com'] });
    const file = join(folder, 'past.db');
    await writeDirectoryAsOf(directory, { event }, file, clock);
    const past = await Directory.open(file, { clock, actor: 'tester', readonly: true });
    expect(await past.lists.members(list, undefined)).toEqual(['Ben@example.com', 'carl@far.example']);
    expect((await past.lists.need(list)).owners).toEqual(['anna@example.com', 'boss@far.example']);
    past.close();
  });
});

describe('a vacation', () => {
  const address = 'anna@example.com';
  const id = () => directory.mailboxByAddress(address)?.id ?? 0;
  const until = () => directory.mailboxByAddress(address)?.vacationUntil;

  it('is set, changed in part, and ended', async () => {
    expect(until()).toBe(0);
    const set = await directory.mailboxes.set(address, { vacation: { text: 'Away\n', until: clock.now() + 5000 } });
    expect(set.vacation).toEqual({ subject: '', text: 'Away\n', until: clock.now() + 5000, days: 7 });
    expect(until()).toBe(clock.now() + 5000);
    await directory.mailboxes.set(address, { vacation: { subject: 'Grüße', until: 0, from: clock.now() + 1000 } });
    expect(until()).toBeGreaterThan(clock.now() + 1e12);
    const { vacations } = directory.lookups;
    expect(vacations.active(id(), clock.now())).toBeUndefined();
    expect(vacations.active(id(), clock.now() + 1000)).toMatchObject({ subject: 'Grüße', text: 'Away\n', address });
    expect((await directory.mailboxes.list()).find(({ vacation }) => vacation)?.address).toBe(address);
    await directory.mailboxes.set(address, { vacation: null });
    expect(until()).toBe(0);
    expect((await directory.mailboxes.need(address)).vacation).toBeUndefined();
    const [last] = (await directory.events({ object: address, limit: 1000 })).slice(-1);
    expect(last).toMatchObject({ action: 'mailbox.set', before: { vacation: { subject: 'Grüße' } } });
  });

  it('stays with a mailbox that is removed and restored, and goes when it is purged', async () => {
    await directory.mailboxes.set(address, { vacation: { text: 'Away' } });
    const mailbox = id();
    await directory.mailboxes.remove(address);
    expect(directory.lookups.vacations.active(mailbox, clock.now())).toBeUndefined();
    expect((await directory.mailboxes.restore(address)).vacation?.text).toBe('Away');
    await directory.mailboxes.remove(address);
    await directory.mailboxes.purge(mailbox);
    const connection = openSqlite(openDirectory.fileIn(folder), { readonly: true });
    expect(connection.prepare('SELECT count(*) FROM vacation').pluck().get()).toBe(0);
    connection.close();
  });

  it.each([
    [{}, 'needs a text'],
    [{ text: ' \n' }, 'needs a text'],
    [{ text: 'x', days: 0 }, '1 to 30 days'],
    [{ text: 'x', days: 31 }, '1 to 30 days'],
    [{ text: 'x', from: 5, until: 5 }, 'end before it begins'],
    [{ text: 'x', subject: 'a\r\nBcc: x@y' }, 'one line'],
    [{ text: 'a\u0000b' }, 'control character'],
    [{ text: 'x'.repeat(40_000) }, 'at most'],
  ])('refuses %j', async (vacation, reason) => {
    await expect(directory.mailboxes.set(address, { vacation })).rejects.toThrow(reason);
  });
});
