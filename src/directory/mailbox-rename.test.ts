import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { writeDirectoryAsOf } from './as-of.ts';
import { Directory } from './directory.ts';
import { findVirtualAlias } from './virtual-alias.ts';

let folder: string;
let directory: Directory;
const clock = new FakeClock();
const old = 'Anna@example.com';
const next = 'Ann@example.net';

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rename-'));
  directory = await Directory.open(join(folder, 'directory.db'), { clock, actor: 'tester' });
  await directory.domains.add('example.com');
  await directory.domains.add('example.net');
  for (const address of [old, 'ben@example.com']) await directory.mailboxes.add({ address, passwordHash: 'x' });
});

afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true });
});

const becomes = (key: string, of = directory): string | undefined => {
  const found = findVirtualAlias(of.lookups, key);
  return found.kind === 'found' ? found.value : undefined;
};

describe('a mailbox that gets another address', () => {
  it('stays what it is, in another domain too', async () => {
    await directory.mailboxes.set(old, {
      vacation: { text: 'Away' },
      quotaBytes: 1000,
      forward: { to: ['x@far.test'] },
    });
    await directory.appPasswords.add({ mailbox: old, name: 'phone', digest: 'd', senders: [old, '@far.test'] });
    await directory.senderRights.add('boss@example.com', old, true);
    const id = directory.mailboxByAddress(old)?.id ?? 0;
    const renamed = await directory.mailboxes.rename(old, next);
    expect(renamed).toMatchObject({ id, address: next, before: old, quotaBytes: 1000 });
    expect(directory.mailboxByAddress(old)).toBeUndefined();
    expect(directory.credentials('ann@example.net')?.id).toBe(id);
    expect(await directory.mailboxes.need(next)).toMatchObject({
      vacation: { text: 'Away' },
      forward: { mode: 'both', to: ['x@far.test'] },
    });
    expect(directory.lookups.vacations.active(id, clock.now())?.address).toBe(next);
    expect((await directory.appPasswords.list(next))[0]?.senders).toEqual([next, '@far.test']);
    expect(directory.senderRights.answer('boss@example.com')?.allowed.map(({ login }) => login)).toEqual([
      'ann@example.net',
    ]);
    expect(becomes('ann@example.net')).toBe('ann@example.net, x@far.test');
    expect(becomes('anna@example.com')).toBeUndefined();
    expect(becomes('postmaster')).toBe('ann@example.net');
  });

  it('takes its transport and the copies of its mail along', async () => {
    await directory.transports.add(old, 'fax:');
    await directory.bccs.add('sender', old, 'ben@example.com');
    await directory.bccs.add('recipient', old, next);
    const [before] = (await directory.events({ limit: 1000 })).slice(-1);
    await directory.mailboxes.rename(old, next);
    expect(await directory.transports.list()).toMatchObject([{ place: 'ann@example.net', transport: 'fax:' }]);
    // Of its own mail it gets no copy.
    expect(await directory.bccs.list()).toMatchObject([
      { side: 'sender', place: 'ann@example.net', address: 'ben@example.com' },
    ]);
    const file = join(folder, 'past.db');
    await writeDirectoryAsOf(directory, { event: before?.id ?? 0 }, file, clock);
    const past = await Directory.open(file, { clock, actor: 'tester' });
    expect(await past.transports.list()).toMatchObject([{ place: 'anna@example.com' }]);
    expect(await past.bccs.list()).toHaveLength(2);
    past.close();
    const [revision] = await directory.history({ limit: 1 });
    await directory.revert(revision?.revision ?? 0);
    expect(await directory.transports.list()).toMatchObject([{ place: 'anna@example.com', transport: 'fax:' }]);
    expect(await directory.bccs.list()).toMatchObject([
      { side: 'recipient', place: 'anna@example.com', address: next },
      { side: 'sender', place: 'anna@example.com', address: 'ben@example.com' },
    ]);
    await directory.transports.add('ann@example.net', 'fax:');
    await expect(directory.mailboxes.rename(old, next)).rejects.toThrow(/by an entry already: posthaste transport rem/);
  });

  it('can leave an alias behind', async () => {
    await directory.mailboxes.rename(old, next, { keepAlias: true });
    expect(becomes('anna@example.com')).toBe(next);
    await expect(directory.mailboxes.rename(next, old)).rejects.toThrow(/is an alias for Ann@example.net: remove/);
  });

  it('tells what names the old address, or moves it', async () => {
    await directory.aliases.add('sales@example.com', [old, 'x@far.test']);
    await directory.aliases.add('both@example.com', [old, next]);
    await directory.mailboxes.set('ben@example.com', { forward: { to: [old] } });
    await directory.lists.add({ address: 'team@example.com', owners: [old], members: [old, 'ben@example.com'] });
    await directory.senderRights.add(old, 'ben@example.com', true);
    await directory.bccs.add('recipient', 'ben@example.com', old);
    const [last] = (await directory.events({ limit: 1000 })).slice(-1);
    const { references } = await directory.mailboxes.rename(old, next);
    expect(references).toEqual({
      aliases: [
        'postmaster@example.com',
        'abuse@example.com',
        'root@example.com',
        'sales@example.com',
        'both@example.com',
      ],
      lists: ['team@example.com'],
      forwards: ['ben@example.com'],
      senderLogins: ['ben@example.com'],
      copies: ['ben@example.com'],
    });
    await directory.mailboxes.rename(next, old);
    const moved = await directory.mailboxes.rename(old, next, { moveReferences: true });
    expect(Object.values(moved.references).flat()).toEqual([]);
    expect(becomes('sales@example.com')).toBe(`${next}, x@far.test`);
    expect(becomes('both@example.com')).toBe(next);
    expect(becomes('ben@example.com')).toBe(`ben@example.com, ${next}`);
    expect(await directory.lists.need('team@example.com')).toMatchObject({ owners: [next], members: 2 });
    expect(await directory.lists.members('team@example.com', undefined)).toEqual(['ben@example.com', next]);
    expect(directory.senderRights.answer(next)?.allowed.map(({ login }) => login)).toContain('ben@example.com');
    for (const event of [last?.id ?? 0, Number.MAX_SAFE_INTEGER]) {
      const file = join(folder, `past-${event}.db`);
      await writeDirectoryAsOf(directory, { event }, file, clock);
      const past = await Directory.open(file, { clock, actor: 'tester', readonly: true });
      const [here, gone] = event === last?.id ? [old, next] : [next, old];
      expect(past.mailboxByAddress(here)?.id).toBe(renamedId());
      expect(past.mailboxByAddress(gone)).toBeUndefined();
      expect(becomes('sales@example.com', past)).toBe(`${here}, x@far.test`);
      expect(await past.lists.members('team@example.com', undefined)).toContain(here);
      past.close();
    }
  });

  const renamedId = (): number => directory.mailboxByAddress(next)?.id ?? 0;

  it('takes an alias of its name along', async () => {
    await directory.aliases.add(old, [old, 'ben@example.com']);
    await directory.mailboxes.rename(old, next, { keepAlias: true });
    expect(becomes('ann@example.net')).toBe(`${next}, ben@example.com`);
    expect(becomes('anna@example.com')).toBe(next);
  });

  it('can be shown in other letters', async () => {
    expect((await directory.mailboxes.rename(old, 'ANNA@example.com')).address).toBe('ANNA@example.com');
    await expect(directory.mailboxes.rename(old, 'ANNA@example.com')).rejects.toThrow(/has this address already/);
  });

  it('keeps the keys of SCRAM, and their salt for all that are made later', async () => {
    const id = directory.mailboxByAddress(old)?.id ?? 0;
    const { notes } = directory;
    const key = Buffer.alloc(20);
    const salt = Buffer.from('salt of the old one');
    const entry = { madeOf: 'm', salt, iterations: 1, storedKey: key, serverKey: key };
    notes.scramKeys({ mailbox: id, hash: 'sha1', appPasswordId: 0, ...entry });
    expect(notes.flush()).toBe(true);
    await directory.mailboxes.rename(old, next);
    expect(directory.lookups.secrets.scramKeys(id, 'sha1')[0]?.salt).toEqual(salt);
  });

  it.each([
    ['ben@example.com', /exists already/],
    ['x@nowhere.example', /is not hosted here/],
    ['postmaster@example.com', /is an alias/],
    ['a%b@example.com', /contains "%"/],
  ])('is refused %s', async (to, reason) => {
    await expect(directory.mailboxes.rename(old, to)).rejects.toThrow(reason);
  });

  it('is held to the limits of where it comes to', async () => {
    await directory.domains.set('example.net', { maxMailboxes: 1, totalQuotaBytes: 100 });
    await expect(directory.mailboxes.rename(old, next)).rejects.toThrow(/needs a --quota of its own/);
    await directory.mailboxes.add({ address: 'first@example.net', passwordHash: 'x', quotaBytes: 1 });
    await expect(directory.mailboxes.rename(old, next)).rejects.toThrow(/has its 1 mailbox/);
  });

  it('refuses a way that would lead round in a circle', async () => {
    await directory.mailboxes.set(old, { forward: { to: ['ann@example.net'], mode: 'both' } });
    await expect(directory.mailboxes.rename(old, next)).rejects.toThrow(/forwarded to itself/);
    await directory.mailboxes.set(old, { forward: { to: ['ben@example.com'], mode: 'forward' } });
    await directory.mailboxes.set('ben@example.com', { forward: { to: ['ann@example.net'], mode: 'forward' } });
    await expect(directory.mailboxes.rename(old, next)).rejects.toThrow(/loop/);
    expect(directory.mailboxByAddress(old)).toBeDefined();
  });
});
