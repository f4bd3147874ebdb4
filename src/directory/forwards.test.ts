import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { writeDirectoryAsOf } from './as-of.ts';
import { Directory } from './directory.ts';
import { DirectoryTable, type DirectoryTableName } from './tables.ts';

let folder: string;
let directory: Directory;
const clock = new FakeClock();
const anna = 'anna@example.com';
const ben = 'ben@example.com';

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forwards-'));
  directory = await Directory.open(join(folder, 'directory.db'), { clock, actor: 'tester' });
  await directory.domains.add('example.com');
  await directory.aliasDomains.add('example.org', 'example.com');
  for (const address of [anna, ben]) await directory.mailboxes.add({ address, passwordHash: 'x' });
});

afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true });
});

function look(table: DirectoryTableName, key: string, of = directory): string | undefined {
  const found = new DirectoryTable(of.lookups, table).find(key);
  return found.kind === 'found' ? found.value : undefined;
}

const forward = (address: string, to: string[], mode?: 'forward' | 'both' | 'keep') =>
  directory.mailboxes.set(address, { forward: mode === undefined ? { to } : { to, mode } });

describe('a forward', () => {
  it('keeps a copy unless it is told not to, and ends', async () => {
    expect((await forward(anna, ['Far@elsewhere.test', ben])).forward).toEqual({
      mode: 'both',
      to: ['Far@elsewhere.test', ben],
    });
    expect(look('virtual-aliases', anna)).toBe(`${anna}, Far@elsewhere.test, ${ben}`);
    await directory.mailboxes.set(anna, { forward: { mode: 'forward' } });
    expect(look('virtual-aliases', anna)).toBe(`Far@elsewhere.test, ${ben}`);
    expect(look('virtual-aliases', 'anna@example.org')).toBe(anna);
    expect(look('mailboxes', anna)).toBe('example.com/anna/');
    expect((await directory.mailboxes.list())[0]?.forward?.mode).toBe('forward');
    await directory.mailboxes.set(anna, { forward: { mode: 'keep' } });
    expect(look('virtual-aliases', anna)).toBe(anna);
    expect((await directory.mailboxes.need(anna)).forward).toBeUndefined();
    await forward(anna, [ben]);
    expect((await directory.mailboxes.set(anna, { forward: null })).forward).toBeUndefined();
  });

  it('does not act for a mailbox that is switched off', async () => {
    await forward(anna, ['far@elsewhere.test']);
    await directory.mailboxes.set(anna, { enabled: false });
    expect(look('virtual-aliases', anna)).toBeUndefined();
    await directory.aliases.add('@example.com', [ben]);
    expect(look('virtual-aliases', anna)).toBe(anna);
  });

  it('gives nobody the right to send', async () => {
    await forward(anna, [ben]);
    await directory.aliases.add('sales@example.com', [anna]);
    expect(look('sender-logins', anna)).toBe(anna);
    expect(look('sender-logins', 'sales@example.com')).toBe(anna);
  });

  it('to itself, by any of its names, is refused', async () => {
    for (const name of [anna, 'ANNA+x@example.com', 'anna@example.org']) {
      await expect(forward(anna, [name])).rejects.toThrow(/cannot be forwarded to itself: to keep a copy/);
    }
  });

  it('that leads round in a circle is refused, and one that keeps its copies is not', async () => {
    await forward(anna, [ben], 'forward');
    await expect(forward(ben, [anna], 'forward')).rejects.toThrow(/loop: ben@example.com → anna@example.com → ben/);
    await directory.aliases.add('all@example.com', [ben, 'x@elsewhere.test']);
    await expect(forward(ben, ['all@example.org'], 'forward')).rejects.toThrow(/loop/);
    expect((await directory.mailboxes.need(ben)).forward).toBeUndefined();
    await forward(anna, [ben], 'both');
    expect((await forward(ben, [anna], 'both')).forward?.mode).toBe('both');
  });

  it('to a list that it is a member of is refused, either way round', async () => {
    const list = 'team@example.com';
    await directory.lists.add({ address: list, owners: [ben], members: [anna] });
    await expect(forward(anna, [list])).rejects.toThrow(`${list} leads back to ${anna}`);
    await directory.lists.removeMembers(list, [anna]);
    await forward(anna, [list]);
    await expect(directory.lists.addMembers(list, [anna])).rejects.toThrow(/round in a circle/);
  });

  it('and an alias of the same name exclude each other', async () => {
    await forward(anna, [ben]);
    await expect(directory.aliases.add(anna, [anna, ben])).rejects.toThrow(/is a mailbox that is forwarded/);
    await directory.aliases.add(ben, [ben, anna]);
    await expect(forward(ben, ['far@elsewhere.test'])).rejects.toThrow(/is also an alias/);
  });

  it.each([
    [[], /needs an address/],
    [['nobody'], /has no domain/],
    [Array.from({ length: 51 }, (_, index) => `u${index}@elsewhere.test`), /at most 50/],
  ])('refuses %j', async (to, reason) => {
    await expect(forward(anna, to)).rejects.toThrow(reason);
  });

  it('stays with a removed mailbox, and is left out where it has become a circle', async () => {
    await forward(anna, [ben], 'forward');
    await directory.mailboxes.remove(anna);
    await directory.mailboxes.restore(anna);
    expect(look('virtual-aliases', anna)).toBe(ben);
    await directory.mailboxes.remove(anna);
    await forward(ben, [anna], 'forward');
    expect((await directory.mailboxes.restore(anna)).forward).toBeUndefined();
  });

  it('can be asked as it was', async () => {
    await forward(anna, [ben], 'forward');
    const event = (await directory.events({ limit: 1000 })).at(-1)?.id ?? 0;
    await directory.mailboxes.set(anna, { forward: null, protocols: ['imap'] });
    const file = join(folder, 'past.db');
    await writeDirectoryAsOf(directory, { event }, file, clock);
    const past = await Directory.open(file, { clock, actor: 'tester', readonly: true });
    expect(look('virtual-aliases', anna, past)).toBe(ben);
    past.close();
  });
});
