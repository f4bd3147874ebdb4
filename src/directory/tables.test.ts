// The `directory:` tables under Postfix's own algorithm: keys in the order of virtual(5), recursion, propagation of
// extensions. The small search below is written from the manual, not from our routing, so that the two can differ.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { TableRegistry } from '../tables/table.ts';
import { directoryOpener } from '../../test/harness/directory-opener.ts';
import { Directory } from './directory.ts';
import { absentDirectoryOpener, directoryTableOpener } from './tables.ts';

const openDirectory = directoryOpener();

let folder: string;
let directory: Directory;

const registry = {} as TableRegistry;

async function ask(table: string, key: string): Promise<string | undefined> {
  const result = await directoryTableOpener(directory)(table, registry).lookup(key);
  return result.kind === 'found' ? result.value : undefined;
}

/** The keys of a table in Postfix's order, for recipient_delimiter = + and a domain that is not local. */
function keysOf(address: string): string[] {
  const at = address.lastIndexOf('@');
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  const plus = local.indexOf('+');
  return plus > 0 ? [address, `${local.slice(0, plus)}@${domain}`, `@${domain}`] : [address, `@${domain}`];
}

/** virtual(5): every recipient that `address` becomes. Throws where Postfix gives up. */
async function expand(address: string): Promise<string[]> {
  const list = [address];
  const itself = new Set<string>();
  for (let slot = 0; slot < list.length; slot++) {
    for (let count = 0; ; count++) {
      const current = list[slot] ?? '';
      if (itself.has(current.toLowerCase())) break;
      if (count >= 1000 || list.length > 1000) throw new Error('alias expansion error');
      const results = await replace(current);
      if (!results) break;
      list[slot] = results[0] ?? '';
      list.push(...results.slice(1));
      if (results.some((result) => result.toLowerCase() === current.toLowerCase())) itself.add(current.toLowerCase());
    }
  }
  return [...new Set(list)];
}

async function replace(address: string): Promise<string[] | undefined> {
  for (const [index, key] of keysOf(address).entries()) {
    const value = await ask('virtual-aliases', key.toLowerCase());
    if (value === undefined) continue;
    const local = address.slice(0, address.lastIndexOf('@'));
    if (value.startsWith('@')) return [local + value];
    const extension = index === 1 && !key.startsWith('@') ? local.slice(local.indexOf('+')) : '';
    return value.split(/, */).map((target) => target.replace('@', `${extension}@`));
  }
  return undefined;
}

/** What a stranger's RCPT gets, and who receives the mail. */
async function route(address: string): Promise<string> {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  const classes = {
    'mailbox-domains': 'mailboxes',
    'alias-domains': undefined,
    'relay-domains': 'relay-recipients',
  } as const;
  for (const [domains, recipients] of Object.entries(classes)) {
    if ((await ask(domains, domain)) === undefined) continue;
    const isAlias = (await replace(address)) !== undefined;
    let isListed = false;
    for (const key of keysOf(address))
      if (recipients && (await ask(recipients, key.toLowerCase())) !== undefined) isListed = true;
    return isAlias || isListed ? (await expand(address)).toSorted().join(' ') : '550 5.1.1';
  }
  return '554 5.7.1';
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'directory-tables-'));
  directory = await openDirectory(join(folder, 'directory.db'), { clock: new FakeClock(), actor: 'tester' });
  await directory.domains.add('example.com');
});

afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true });
});

const mailbox = (address: string) => directory.mailboxes.add({ address, passwordHash: 'x' });
const alias = (address: string, ...targets: string[]) => directory.aliases.add(address, targets);

describe("virtual aliases under Postfix's search", () => {
  it('gives the right answers with a catch-all, also through an alias domain (V1)', async () => {
    await mailbox('a@example.com');
    await mailbox('z@example.com');
    await mailbox('c@example.com');
    await alias('b@example.com', 'c@example.com');
    await alias('@example.com', 'z@example.com');
    await directory.aliasDomains.add('example.org', 'example.com');
    for (const domain of ['example.com', 'example.org', 'EXAMPLE.org']) {
      expect(await route(`a@${domain}`)).toBe('a@example.com');
      expect(await route(`A@${domain}`)).toMatch(/^a@example.com$/i);
      expect(await route(`b@${domain}`)).toBe('c@example.com');
      expect(await route(`a+x@${domain}`)).toBe('a+x@example.com');
      expect(await route(`b+x@${domain}`)).toBe('c+x@example.com');
      expect(await route(`q@${domain}`)).toBe('z@example.com');
      expect(await route(`q+x@${domain}`)).toBe('z@example.com');
    }
  });

  it('refuses an unknown user of an alias domain at RCPT (V20)', async () => {
    await mailbox('a@example.com');
    await directory.aliasDomains.add('example.org', 'example.com');
    expect(await route('nobody@example.org')).toBe('550 5.1.1');
    expect(await route('nobody@example.com')).toBe('550 5.1.1');
    expect(await route('postmaster@example.org')).toBe('a@example.com');
    expect(await ask('mailboxes', 'a@example.org')).toBeUndefined();
    expect(await route('a@unhosted.example')).toBe('554 5.7.1');
  });

  it('lets an alias for an extension win over its mailbox', async () => {
    await mailbox('a@example.com');
    await mailbox('sales@example.com');
    await alias('a+sales@example.com', 'sales@example.com');
    expect(await route('a+sales@example.com')).toBe('sales@example.com');
    expect(await route('a+other@example.com')).toBe('a+other@example.com');
    expect(await route('a+@example.com')).toBe('a+@example.com');
  });

  it('keeps a copy, forwards, and takes the whole of another domain', async () => {
    await mailbox('a@example.com');
    await alias('a@example.com', 'a@example.com', 'copy@elsewhere.example');
    await directory.domains.add('forward.example', { class: 'alias' });
    await alias('@forward.example', '@elsewhere.example');
    await alias('info@forward.example', 'a@example.com');
    expect(await route('a@example.com')).toBe('a@example.com copy@elsewhere.example');
    expect(await route('a+x@example.com')).toBe('a+x@example.com copy+x@elsewhere.example');
    expect(await route('any.one+x@forward.example')).toBe('any.one+x@elsewhere.example');
    expect(await route('info@forward.example')).toBe('a@example.com copy@elsewhere.example');
  });

  it('takes quoted localparts with commas apart from lists', async () => {
    await mailbox('"a b"@example.com');
    expect(await ask('virtual-aliases', '"a b"@example.com')).toBe('"a b"@example.com');
    expect(await ask('mailboxes', '"a b"@example.com')).toBe('example.com/%22a%20b%22/');
  });

  it('finds internationalised names in either form', async () => {
    await directory.domains.add('bücher.example');
    await mailbox('anna@bücher.example');
    expect(await ask('mailbox-domains', 'bücher.example')).toBe('xn--bcher-kva.example');
    expect(await ask('virtual-aliases', 'anna@BÜCHER.example')).toBe('anna@xn--bcher-kva.example');
    expect(await ask('mailboxes', 'anna@xn--bcher-kva.example')).toBe('xn--bcher-kva.example/anna/');
  });
});

describe('what is switched off', () => {
  beforeEach(async () => {
    await mailbox('boss@example.com');
    await mailbox('a@example.com');
    await directory.aliasDomains.add('example.org', 'example.com');
  });

  it('refuses mail for a disabled mailbox as unknown', async () => {
    await directory.mailboxes.set('a@example.com', { enabled: false });
    expect(await route('a@example.com')).toBe('550 5.1.1');
    expect(await route('a+x@example.org')).toBe('550 5.1.1');
    expect(directory.mailboxByAddress('a@example.com')?.enabled).toBe(false);
  });

  it('does not let a catch-all take the mail of a disabled mailbox', async () => {
    await alias('@example.com', 'boss@example.com');
    await directory.mailboxes.set('a@example.com', { enabled: false });
    expect(await expand('a@example.com')).toEqual(['a@example.com']);
    expect(await expand('a+x@example.org')).toEqual(['a+x@example.com']);
    expect(await ask('mailboxes', 'a@example.com')).toBeUndefined();
  });

  it('keeps a disabled domain here, without users', async () => {
    await directory.domains.set('example.com', { active: false });
    for (const domain of ['example.com', 'example.org']) expect(await route(`a@${domain}`)).toBe('550 5.1.1');
    await directory.domains.set('example.com', { active: true });
    await directory.aliasDomains.set('example.org', { active: false });
    expect(await route('a@example.com')).toBe('a@example.com');
    expect(await route('a@example.org')).toBe('550 5.1.1');
  });

  it('refuses mail for a removed mailbox', async () => {
    await directory.mailboxes.remove('a@example.com');
    expect(await route('a@example.com')).toBe('550 5.1.1');
  });
});

describe('the other tables', () => {
  it('lists each domain in its one class', async () => {
    await directory.domains.add('alias.example', { class: 'alias' });
    await directory.domains.add('relay.example', { class: 'relay', transport: 'smtp:[192.0.2.1]' });
    await directory.aliasDomains.add('example.org', 'example.com');
    const classes: Record<string, (string | undefined)[]> = {};
    for (const domain of ['example.com', 'alias.example', 'relay.example', 'example.org', 'foreign.example']) {
      classes[domain] = await Promise.all(
        ['mailbox-domains', 'alias-domains', 'relay-domains'].map((table) => ask(table, domain)),
      );
    }
    expect(classes).toEqual({
      'example.com': ['example.com', undefined, undefined],
      'alias.example': [undefined, 'alias.example', undefined],
      'relay.example': [undefined, undefined, 'relay.example'],
      'example.org': ['example.org', undefined, undefined],
      'foreign.example': [undefined, undefined, undefined],
    });
    expect(await ask('transports', 'relay.example')).toBe('smtp:[192.0.2.1]');
    expect(await ask('transports', 'example.com')).toBeUndefined();
    expect(await ask('transports', '*')).toBeUndefined();
  });

  it('takes every recipient of a relay domain, also through an alias domain', async () => {
    await directory.domains.add('relay.example', { class: 'relay' });
    await directory.aliasDomains.add('relay.example.org', 'relay.example');
    expect(await route('any@relay.example')).toBe('any@relay.example');
    expect(await route('any@relay.example.org')).toBe('any@relay.example');
    await directory.domains.set('relay.example', { active: false });
    expect(await route('any@relay.example')).toBe('550 5.1.1');
  });

  it('says who may send as whom (V15)', async () => {
    await mailbox('Anna@example.com');
    await mailbox('ben@example.com');
    await alias('sales@example.com', 'team@example.com', 'x@elsewhere.example');
    await alias('team@example.com', 'anna@example.com', 'ben@example.com');
    await alias('ben@example.com', 'ben@elsewhere.example');
    await alias('@example.com', 'anna@example.com');
    await directory.aliasDomains.add('example.org', 'example.com');
    for (const domain of ['example.com', 'example.org']) {
      expect(await ask('sender-logins', `anna@${domain}`)).toBe('anna@example.com');
      expect(await ask('sender-logins', `@${domain}`)).toBe('anna@example.com');
      // Ben's mail goes elsewhere, but the address is his.
      expect(await ask('sender-logins', `ben@${domain}`)).toBe('ben@example.com');
      expect(await ask('sender-logins', `anna+x@${domain}`)).toBeUndefined();
    }
    expect(await ask('sender-logins', 'sales@example.com')).toBe('anna@example.com, ben@example.com');
    expect(await ask('sender-logins', 'stranger@elsewhere.example')).toBeUndefined();
    await directory.mailboxes.set('anna@example.com', { enabled: false });
    expect(await ask('sender-logins', 'anna@example.com')).toBeUndefined();
  });

  it('adds grants and takes denials away, an address before its domain', async () => {
    const { senderRights } = directory;
    for (const name of ['anna', 'ben', 'carl']) await mailbox(`${name}@example.com`);
    await alias('sales@example.com', 'anna@example.com', 'ben@example.com');
    await directory.aliasDomains.add('example.org', 'example.com');
    await senderRights.add('@example.com', 'carl@example.org', true);
    await senderRights.add('@example.com', 'ben@example.com', false);
    await senderRights.add('sales@example.com', 'ben@example.com', true);
    for (const domain of ['example.com', 'example.org']) {
      expect(await ask('sender-logins', `sales@${domain}`)).toBe('anna@example.com, carl@example.com, ben@example.com');
      expect(await ask('sender-logins', `ben@${domain}`)).toBe('carl@example.com');
      expect(await ask('sender-logins', `@${domain}`)).toBe('carl@example.com');
      expect(await ask('sender-logins', `nobody@${domain}`)).toBeUndefined();
    }
    await senderRights.add('anna+news@example.com', 'ben@example.com', true);
    expect(await ask('sender-logins', 'anna+news@example.com')).toBe(
      'anna@example.com, carl@example.com, ben@example.com',
    );
    await expect(senderRights.add('@example.com', 'Ben@example.org', true)).rejects.toThrow(
      /denied to ben@example.com/,
    );
    await expect(senderRights.add('@example.com', 'two words', true)).rejects.toThrow(/no login name/);
    await expect(senderRights.set('@example.com', 'anna@example.com', true)).rejects.toThrow(/nothing is said of/);

    // Who is gone leaves nothing to the next of that name; and a domain takes its own along.
    await directory.mailboxes.remove('carl@example.com');
    expect(await ask('sender-logins', '@example.com')).toBe('(nobody)');
    await directory.domains.remove('example.com', { recursive: true });
    expect(await senderRights.list()).toEqual([]);
    const actions = (await directory.events({ limit: 1000 })).map(({ action }) => action);
    expect(actions.filter((action) => action.startsWith('sender-login.'))).toHaveLength(8);
  });

  it('writes paths that stay below their folder', async () => {
    await mailbox('"../../etc"@example.com');
    await mailbox('".hidden"@example.com');
    expect(await ask('mailboxes', '"../../etc"@example.com')).toBe('example.com/%22..%2F..%2Fetc%22/');
    expect(await ask('mailboxes', '".hidden"@example.com')).toBe('example.com/%22.hidden%22/');
  });

  it('names the row that answered', async () => {
    const { id } = await mailbox('a@example.com');
    const table = directoryTableOpener(directory)('virtual-aliases', registry);
    expect(await table.lookup('a@example.com')).toMatchObject({ source: `directory:mailboxes row ${id}` });
    expect(await table.lookup('postmaster@example.com')).toMatchObject({
      source: expect.stringMatching(/^directory:aliases row \d+$/),
    });
  });

  it('refuses an unknown table with the list of those that exist', () => {
    expect(() => directoryTableOpener(directory)('virtual', registry)).toThrow(
      /no such table; there are mailbox-domains, /,
    );
  });

  it('answers nothing where the directory cannot be read', async () => {
    const closed = directoryTableOpener(directory)('virtual-aliases', registry);
    directory.close();
    await expect(closed.lookup('a@example.com')).rejects.toThrow();
    await expect(absentDirectoryOpener('no data folder')('mailboxes', registry).lookup('a@b.example')).rejects.toThrow(
      TemporaryError,
    );
    directory = await openDirectory(join(folder, 'directory.db'), { clock: new FakeClock(), actor: 'tester' });
  });
});
