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
const gib = 1024 ** 3;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'limits-'));
  directory = await Directory.open(join(folder, 'directory.db'), { clock, actor: 'tester' });
  await directory.domains.add('example.com');
});

afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true });
});

const add = (name: string, quotaBytes?: number) =>
  directory.mailboxes.add({
    address: `${name}@example.com`,
    passwordHash: 'x',
    ...(quotaBytes === undefined ? {} : { quotaBytes }),
  });

describe('the limits of a domain', () => {
  it('count mailboxes, whether they are added or come back', async () => {
    await directory.domains.set('example.com', { maxMailboxes: 2 });
    await add('anna');
    await add('ben');
    await expect(add('carl')).rejects.toThrow(
      'example.com has its 2 mailboxes: raise the limit with: posthaste domain set example.com --max-mailboxes',
    );
    await directory.mailboxes.remove('ben@example.com');
    await add('carl');
    await expect(directory.mailboxes.restore('ben@example.com')).rejects.toThrow(/has its 2 mailboxes/);
    await directory.domains.set('example.com', { maxMailboxes: 0 });
    await directory.mailboxes.restore('ben@example.com');
  });

  it('count aliases', async () => {
    await directory.domains.set('example.com', { maxAliases: 1 });
    await directory.aliases.add('a@example.com', ['x@elsewhere.test']);
    await expect(directory.aliases.add('b@example.com', ['x@elsewhere.test'])).rejects.toThrow(/has its 1 alias: /);
  });

  it('hold the quotas, one by one and together', async () => {
    await directory.domains.set('example.com', {
      totalQuotaBytes: 4 * gib,
      maxQuotaBytes: 2 * gib,
      defaultQuotaBytes: gib,
    });
    expect((await add('anna')).quotaBytes).toBe(gib);
    await expect(add('ben', 3 * gib)).rejects.toThrow('a quota of 3G is more than example.com allows one mailbox, 2G');
    await expect(add('ben', 0)).rejects.toThrow('an unlimited mailbox is more than');
    await add('ben', 2 * gib);
    await expect(add('carl', 2 * gib)).rejects.toThrow(
      'example.com has a total quota of 4G, of which 1G is left: give a smaller --quota, or raise the limit',
    );
    const set = (name: string, quotaBytes: number) => directory.mailboxes.set(`${name}@example.com`, { quotaBytes });
    await set('anna', 2 * gib);
    await expect(add('carl')).rejects.toThrow(/of which 0 is left/);
    await set('ben', gib);
    await add('carl');
    await directory.domains.set('example.com', { maxQuotaBytes: 0 });
    await expect(set('carl', 0)).rejects.toThrow(/needs a --quota of its own/);
    expect(await directory.domains.show('example.com')).toMatchObject({ assignedQuotaBytes: 4 * gib });
  });

  it('set below what is there are told, take nothing away, and let it shrink', async () => {
    await add('anna', 3 * gib);
    await add('ben', 0);
    await directory.aliases.add('c@example.com', ['anna@example.com']);
    await directory.domains.set('example.com', {
      maxMailboxes: 1,
      maxAliases: 1,
      totalQuotaBytes: 2 * gib,
      maxQuotaBytes: gib,
    });
    const excesses = [
      'example.com has 2 mailboxes, and its limit is 1',
      'example.com has 4 aliases, and its limit is 1',
      'example.com has a total quota, and 1 of its mailboxes have none',
      'the quotas in example.com are 3G together, and its total quota is 2G',
      '2 of the mailboxes in example.com have more quota than 1G',
    ];
    expect(await directory.domains.excesses('example.com')).toEqual(excesses);
    const findings = await directory.findings();
    expect(findings.filter(({ kind }) => kind === 'over-limit').map(({ text }) => text)).toEqual(
      excesses.map((text) => expect.stringContaining(text)),
    );
    await directory.mailboxes.set('anna@example.com', { name: 'Anna' });
    await directory.domains.set('example.com', { maxQuotaBytes: 0 });
    await directory.mailboxes.set('anna@example.com', { quotaBytes: 2.5 * gib });
    await expect(directory.mailboxes.set('ben@example.com', { quotaBytes: gib })).rejects.toThrow(/of which 0 is left/);
  });

  it('refuse each other where they do not fit', async () => {
    const set = (settings: Parameters<Directory['domains']['set']>[1]) =>
      directory.domains.set('example.com', settings);
    await expect(set({ maxMailboxes: -1 })).rejects.toThrow(/whole number/);
    await expect(set({ maxQuotaBytes: 1, defaultQuotaBytes: 2 })).rejects.toThrow(/make one of them fit/);
    await expect(set({ maxQuotaBytes: 2, totalQuotaBytes: 1 })).rejects.toThrow(/more than the total quota 1/);
  });
});

describe('a domain whose unknown users go to another host', () => {
  const to = 'smtp:[192.0.2.9]:25';
  const look = (table: DirectoryTableName, key: string, of = directory): string | undefined => {
    const found = new DirectoryTable(of.lookups, table).find(key);
    return found.kind === 'found' ? found.value : undefined;
  };

  beforeEach(async () => {
    await directory.aliasDomains.add('example.org', 'example.com');
    await add('anna');
    await directory.lists.add({ address: 'team@example.com', owners: ['anna@example.com'] });
    await directory.domains.set('example.com', { unknownTo: to });
  });

  it('knows every address, and sends those that it has not to that host', async () => {
    expect(look('mailboxes', '@example.com')).toBe('example.com/@/');
    expect(look('mailboxes', '@example.org')).toBeUndefined();
    expect(look('transports', 'example.com')).toBe(to);
    expect(look('transports', 'example.org')).toBeUndefined();
    expect(look('transports', 'anna@example.com')).toBe(':');
    expect(look('transports', 'team@example.com')).toBe('posthaste-list:');
    expect(look('transports', 'x@example.com')).toBeUndefined();
    expect(look('virtual-aliases', 'x@example.com')).toBeUndefined();
    expect(look('virtual-aliases', '@example.org')).toBe('@example.com');
    expect(look('sender-logins', '@example.com')).toBeUndefined();
    expect(directory.lookups.everyKey()).toContain('@example.com');
    expect(directory.unknownTargets(['x@example.com', 'x@example.org'])).toEqual([]);
    await directory.domains.set('example.com', { transport: 'lmtp:unix:/run/lmtp' });
    expect(look('transports', 'anna@example.com')).toBe('lmtp:unix:/run/lmtp');
    expect(look('transports', 'example.com')).toBe(to);
  });

  it('refuses a mailbox that is switched off, and everybody where the domain is', async () => {
    await directory.mailboxes.set('anna@example.com', { enabled: false });
    expect(look('transports', 'anna@example.com')).toBe('error:5.1.1 User unknown');
    await directory.domains.set('example.com', { active: false });
    expect(look('mailboxes', '@example.com')).toBeUndefined();
    expect(look('transports', 'example.com')).toBeUndefined();
    expect(look('virtual-aliases', '@example.org')).toBeUndefined();
  });

  it('has no catch-all, and is of class mailbox', async () => {
    await expect(directory.aliases.add('@example.com', ['anna@example.com'])).rejects.toThrow(/--no-unknown-to/);
    await directory.domains.set('example.com', { unknownTo: '' });
    await directory.aliases.add('@example.com', ['anna@example.com']);
    await expect(directory.domains.set('example.com', { unknownTo: to })).rejects.toThrow(/has a catch-all/);
    await directory.domains.add('relay.example', { class: 'relay' });
    await expect(directory.domains.set('relay.example', { unknownTo: to })).rejects.toThrow(/give its --transport/);
    await directory.domains.add('alias.example', { class: 'alias' });
    await expect(directory.domains.set('alias.example', { unknownTo: to })).rejects.toThrow(/--class mailbox/);
  });

  it.each(['192.0.2.9', 'smtp:', 'discard:x', 'error:no', 'mailstore:x', 'smtp:a b'])(
    'refuses %s',
    async (unknownTo) => {
      await expect(directory.domains.set('example.com', { unknownTo })).rejects.toThrow(/write it as in smtp/);
    },
  );

  it('can be asked as it was', async () => {
    const event = (await directory.events({ limit: 1000 })).at(-1)?.id ?? 0;
    await directory.domains.set('example.com', { unknownTo: '', maxMailboxes: 3 });
    const file = join(folder, 'past.db');
    await writeDirectoryAsOf(directory, { event }, file, clock);
    const past = await Directory.open(file, { clock, actor: 'tester', readonly: true });
    expect(look('transports', 'example.com', past)).toBe(to);
    expect(await past.domains.show('example.com')).not.toHaveProperty('maxMailboxes');
    past.close();
  });
});
