// What the directory promises to whoever changes it: what is refused and how to mend it, events, paging, removal.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { directoryOpener } from '../../test/harness/directory-opener.ts';
import { Directory } from './directory.ts';
import { findVirtualAlias } from './virtual-alias.ts';
import { DirectoryRefusedError } from './refusal.ts';

const openDirectory = directoryOpener();

let folder: string;
let directory: Directory;
const clock = new FakeClock();

const open = (options: { readonly?: boolean } = {}): Promise<Directory> =>
  openDirectory(join(folder, 'directory.db'), { clock, actor: 'tester', ...options });

const addMailbox = (address: string) => directory.mailboxes.add({ address, passwordHash: '{PLAIN}secret' });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'directory-'));
  directory = await open();
});

afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true });
});

describe('domains', () => {
  it('keeps names as lower-case A-labels', async () => {
    expect((await directory.domains.add('Example.COM.')).name).toBe('example.com');
    expect((await directory.domains.add('Bücher.Example')).name).toBe('xn--bcher-kva.example');
    expect((await directory.domains.show('BÜCHER.example'))?.class).toBe('mailbox');
  });

  it.each([
    ['', /missing/],
    ['example', /needs a dot/],
    ['exa mple.com', /not a domain name/],
    ['a@example.com', /not a domain name/],
    ['a/b.com', /not a domain name/],
    ['ex%41mple.com', /not a domain name/],
    ['a..com', /empty part/],
    ['-a.com', /begins or ends with "-"/],
    ['a!b.com', /contains "!"/],
    ['192.0.2.1', /IP address/],
    [`${'x'.repeat(64)}.com`, /64 octets; at most 63/],
    [`${'x'.repeat(60)}.`.repeat(5), /longer than 255/],
    ['xn--\u00fc.com', /IDNA/],
  ])('refuses %j and says why', async (name, why) => {
    await expect(directory.domains.add(name)).rejects.toThrow(why);
    await expect(directory.domains.add(name)).rejects.toThrow(DirectoryRefusedError);
  });

  it('gives a name one class only', async () => {
    await directory.domains.add('example.com');
    await directory.aliasDomains.add('example.org', 'example.com');
    await expect(directory.domains.add('EXAMPLE.com', { class: 'relay' })).rejects.toThrow(/already hosted/);
    await expect(directory.domains.add('example.org')).rejects.toThrow(
      /already an alias domain of example.com.*alias-domain remove/,
    );
    await expect(directory.aliasDomains.add('example.com', 'example.com')).rejects.toThrow(/of itself/);
    await expect(directory.aliasDomains.add('example.net', 'example.org')).rejects.toThrow(/use example.com instead/);
    await expect(directory.aliasDomains.add('example.net', 'nowhere.example')).rejects.toThrow(
      /posthaste domain add nowhere.example/,
    );
  });

  it('does not take the class from under mailboxes', async () => {
    await directory.domains.add('example.com');
    await addMailbox('anna@example.com');
    await expect(directory.domains.set('example.com', { class: 'relay' })).rejects.toThrow(/has 1 mailbox/);
    await directory.domains.add('forward.example', { class: 'alias' });
    await expect(addMailbox('anna@forward.example')).rejects.toThrow(/domain set forward.example --class mailbox/);
  });

  it('says what depends on a domain, and removes it with everything when told to', async () => {
    await directory.domains.add('example.com');
    await directory.aliasDomains.add('example.org', 'example.com');
    await addMailbox('anna@example.com');
    const why = /still has 1 mailbox, 3 aliases and 1 alias domain \(example\.org\).*--recursive/;
    await expect(directory.domains.remove('example.com')).rejects.toThrow(why);
    expect(directory.mailboxByAddress('anna@example.com')).toBeDefined();

    await directory.domains.remove('example.com', { recursive: true });
    expect(await directory.domains.list()).toEqual([]);
    expect(await directory.aliasDomains.list()).toEqual([]);
    expect(await directory.aliases.list()).toEqual([]);
    expect(directory.mailboxByAddress('anna@example.com')).toBeUndefined();

    await expect(directory.mailboxes.restore('anna@example.com')).rejects.toThrow(/posthaste domain add example.com/);
    await directory.domains.add('example.com');
    const restored = await directory.mailboxes.restore('anna@example.com');
    expect(directory.mailboxByAddress('anna@example.com')?.id).toBe(restored.id);
  });

  it('checks transports', async () => {
    await directory.domains.add('example.com', { class: 'relay', transport: 'smtp:[192.0.2.1]:25' });
    await expect(directory.domains.set('example.com', { transport: 'two words' })).rejects.toThrow(/not a transport/);
    await expect(directory.domains.set('example.com', { transport: 'smtp' })).rejects.toThrow(/not a transport/);
  });
});

describe('mailboxes', () => {
  beforeEach(async () => void (await directory.domains.add('example.com')));

  it('finds an address whatever its case and shows it as given', async () => {
    const added = await addMailbox('Anna.Adams@Example.COM');
    expect(added.address).toBe('Anna.Adams@example.com');
    expect((await directory.mailboxes.show('aNNA.adams@EXAMPLE.com'))?.address).toBe('Anna.Adams@example.com');
    expect(directory.mailboxByAddress('ANNA.adams+list@example.com')).toMatchObject({
      id: added.id,
      address: 'anna.adams@example.com',
      enabled: true,
    });
    await expect(addMailbox('anna.ADAMS@example.com')).rejects.toThrow(/exists already.*mailbox set/);
  });

  it.each([
    ['anna', /write the whole address/],
    ['@example.com', /no name before/],
    ['an na@example.com', /contains " ".*in quotes/],
    ['a,b@example.com', /contains ","/],
    ['.anna@example.com', /dot at an end/],
    ['a..b@example.com', /two in a row/],
    ['"a"b"@example.com', /quote inside quotes/],
    ['"ab@example.com', /not closed/],
    ['""@example.com', /no name before/],
    ['a\u0007b@example.com', /control character/],
    ['a%b@example.com', /refused as relaying/],
    ['"a@b"@example.com', /refused as relaying/],
    ['-anna@example.com', /begins with "-"/],
    [`${'a'.repeat(65)}@example.com`, /65 octets before the "@"; at most 64/],
    [`${'ü'.repeat(33)}@example.com`, /66 octets/],
    ['anna@other.example', /other\.example is not hosted here.*posthaste domain add other\.example/],
  ])('refuses %j and says why', async (address, why) => {
    await expect(addMailbox(address)).rejects.toThrow(why);
  });

  it('takes quoted and international names in one form', async () => {
    expect((await addMailbox('"Anna"@example.com')).address).toBe('Anna@example.com');
    expect((await addMailbox('"a b"@example.com')).address).toBe('"a b"@example.com');
    await addMailbox('j\u00fcrgen@example.com');
    expect(directory.mailboxByAddress('JU\u0308RGEN@example.com')).toBeDefined();
  });

  it('never gives an id twice', async () => {
    const first = await addMailbox('anna@example.com');
    clock.advance(1);
    await directory.mailboxes.remove('anna@example.com');
    await directory.mailboxes.purge(first.id);
    expect((await addMailbox('anna@example.com')).id).toBeGreaterThan(first.id);
  });

  it('keeps a removed mailbox for thirty days', async () => {
    const { id } = await addMailbox('ben@example.com');
    const { recoverableUntil } = await directory.mailboxes.remove('ben@example.com');
    expect(recoverableUntil - clock.now()).toBe(30 * 86_400_000);
    await expect(directory.mailboxes.set('ben@example.com', { name: 'x' })).rejects.toThrow(
      /was removed.*mailbox restore/,
    );
    expect(await directory.mailboxes.list()).toEqual([]);
    expect(await directory.mailboxes.list({ removed: true })).toMatchObject([{ id, recoverableUntil }]);

    // A new one under the same address does not get the old one's id, and keeps it from coming back.
    const next = await addMailbox('ben@example.com');
    expect(next.id).not.toBe(id);
    await expect(directory.mailboxes.restore('ben@example.com')).rejects.toThrow(/exists already/);

    clock.advance(29 * 86_400_000);
    expect(await directory.mailboxes.purgeable(clock.now())).toEqual([]);
    clock.advance(86_400_000);
    expect(await directory.mailboxes.purgeable(clock.now())).toMatchObject([{ id }]);
    await directory.mailboxes.purge(id);
    await expect(directory.mailboxes.purge(next.id)).rejects.toThrow(/not a removed one/);
  });

  it('makes postmaster, abuse and root reach the first mailbox, and only that', async () => {
    expect((await addMailbox('anna@example.com')).becameAdministrator).toBe(true);
    expect((await addMailbox('ben@example.com')).becameAdministrator).toBe(false);
    expect((await directory.aliases.list()).map(({ address, targets }) => [address, ...targets])).toEqual([
      ['abuse@example.com', 'anna@example.com'],
      ['postmaster@example.com', 'anna@example.com'],
      ['root@example.com', 'anna@example.com'],
    ]);
    for (const name of ['root', 'Postmaster', 'abuse'])
      expect(findVirtualAlias(directory.lookups, name)).toMatchObject({ value: 'anna@example.com' });
    expect(findVirtualAlias(directory.lookups, 'anna')).toEqual({ kind: 'not-found' });
  });

  it('leaves a postmaster that exists alone', async () => {
    await directory.aliases.add('postmaster@example.com', ['chief@elsewhere.example']);
    await addMailbox('abuse@example.com');
    const aliases = await directory.aliases.list();
    expect(aliases.map(({ address }) => address)).toEqual(['postmaster@example.com', 'root@example.com']);
    expect(aliases[0]?.targets).toEqual(['chief@elsewhere.example']);
  });

  it('says which aliases lead to nobody after a removal', async () => {
    await addMailbox('anna@example.com');
    const { references } = await directory.mailboxes.remove('anna@example.com');
    expect(references.aliases).toEqual(['postmaster@example.com', 'abuse@example.com', 'root@example.com']);
    const findings = await directory.findings();
    expect(findings.filter(({ kind }) => kind === 'dangling-target')).toHaveLength(3);
  });

  it('does not hide an alias behind a new mailbox', async () => {
    await directory.aliases.add('sales@example.com', ['anna@other.example']);
    await expect(addMailbox('sales@example.com')).rejects.toThrow(
      /is an alias for anna@other.example: remove that first/,
    );
  });

  it('pages through many in order', async () => {
    await directory.domains.add('aaa.example');
    const wanted = [
      'b@aaa.example',
      ...Array.from({ length: 25 }, (_, index) => `user${String(index).padStart(2, '0')}@example.com`),
    ];
    for (const address of wanted.toReversed()) await addMailbox(address);
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await directory.mailboxes.list({ limit: 10, ...(after === undefined ? {} : { after }) });
      if (page.length === 0) break;
      seen.push(...page.map(({ address }) => address));
      after = page.at(-1)?.address;
    }
    expect(seen).toEqual(wanted);
    expect(await directory.mailboxes.list({ domain: 'aaa.example' })).toHaveLength(1);
  });

  it('pages across more domains than are asked for at a time, and past empty ones', async () => {
    const names = Array.from({ length: 130 }, (_, index) => `d${String(index).padStart(3, '0')}.example`);
    for (const name of names) await directory.domains.add(name);
    const used = names.filter((_, index) => index % 2 === 0);
    for (const name of used) await addMailbox(`one@${name}`);
    const all = await directory.mailboxes.list({ limit: 1000 });
    expect(all.map(({ address }) => address)).toEqual(used.map((name) => `one@${name}`));
    const rest = await directory.mailboxes.list({ after: 'one@d100.example', limit: 5 });
    expect(rest.map(({ address }) => address)).toEqual(
      ['102', '104', '106', '108', '110'].map((n) => `one@d${n}.example`),
    );
    expect(await directory.mailboxes.list({ domain: 'd001.example' })).toEqual([]);
  });
});

describe('aliases', () => {
  beforeEach(async () => {
    await directory.domains.add('example.com');
    await directory.domains.add('other.example');
  });

  it('keeps any number of targets in order, each once', async () => {
    const targets = Array.from({ length: 2500 }, (_, index) => `member${2500 - index}@list.example`);
    await directory.aliases.add('all@example.com', [...targets, 'MEMBER1@list.example']);
    expect((await directory.aliases.show('all@example.com'))?.targets).toEqual(targets);
  });

  it('adds, drops and replaces targets', async () => {
    await directory.aliases.add('s@example.com', ['a@x.example, b@x.example']);
    expect((await directory.aliases.edit('s@example.com', ['c@x.example'], ['A@x.example'])).targets).toEqual([
      'b@x.example',
      'c@x.example',
    ]);
    await expect(directory.aliases.edit('s@example.com', [], ['z@x.example'])).rejects.toThrow(
      /z@x.example is not a target/,
    );
    await expect(directory.aliases.edit('s@example.com', [], ['b@x.example', 'c@x.example'])).rejects.toThrow(
      /no target left.*alias remove/,
    );
    expect((await directory.aliases.set('s@example.com', ['d@x.example'])).targets).toEqual(['d@x.example']);
    await directory.aliases.remove('s@example.com');
    await expect(directory.aliases.remove('s@example.com')).rejects.toThrow(/there is no alias s@example.com/);
  });

  it.each([
    [['root'], /write the whole address/],
    [[], /at least one target/],
    [['@a.example', 'x@b.example'], /must stand alone/],
    [['|/usr/bin/vacation'], /alias_maps/],
    [['/dev/null'], /alias_maps/],
    [[':include:/etc/list'], /alias_maps/],
  ])('refuses the targets %j and says why', async (targets, why) => {
    await expect(directory.aliases.add('s@example.com', targets)).rejects.toThrow(why);
    expect(await directory.aliases.list()).toEqual([]);
  });

  it('refuses an alias in an alias domain and one that is there', async () => {
    await directory.aliasDomains.add('example.org', 'example.com');
    await expect(directory.aliases.add('s@example.org', ['a@x.example'])).rejects.toThrow(/use example.com instead/);
    await directory.aliases.add('s@example.com', ['a@x.example']);
    await expect(directory.aliases.add('S@example.com', ['b@x.example'])).rejects.toThrow(
      /already an alias for a@x.example.*alias set/,
    );
  });

  it('pages aliases with the catch-all of each domain first', async () => {
    await directory.aliases.add('@example.com', ['a@x.example']);
    await directory.aliases.add('a@example.com', ['a@x.example']);
    await directory.aliases.add('@other.example', ['a@x.example']);
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const [one] = await directory.aliases.list({ limit: 1, ...(after === undefined ? {} : { after }) });
      if (!one) break;
      seen.push(one.address);
      after = one.address;
    }
    expect(seen).toEqual(['@example.com', 'a@example.com', '@other.example']);
  });
});

describe('events', () => {
  it('are of changes: what is saved as it was is none', async () => {
    await directory.domains.add('example.com');
    await directory.aliases.add('info@example.com', ['a@x.example', 'b@x.example']);
    await directory.lists.add({ address: 'team@example.com', owners: ['a@x.example'] });
    await directory.aliases.set('info@example.com', ['a@x.example', 'b@x.example'], { active: true, posters: [] });
    await directory.lists.set('team@example.com', { name: '', owners: ['a@x.example'], posters: [] });
    await directory.aliases.set('info@example.com', ['b@x.example', 'a@x.example']);
    const events = await directory.events({ limit: 10 });
    expect(events.map(({ action }) => action)).toEqual(['domain.add', 'alias.add', 'list.add', 'alias.set']);
  });

  it('records who changed what, from what to what, and no password', async () => {
    await directory.domains.add('example.com');
    clock.advance(5);
    await addMailbox('anna@example.com');
    await directory.mailboxes.set('anna@example.com', { passwordHash: '{PLAIN}other', quotaBytes: 5 });
    await directory.mailboxes.remove('anna@example.com');
    const events = await directory.events({ object: 'anna@example.com' });
    expect(events.map(({ action }) => action)).toEqual(['mailbox.add', 'mailbox.set', 'mailbox.remove']);
    expect(events[0]).toMatchObject({ actor: 'tester', time: clock.now(), before: null, after: { quotaBytes: 0 } });
    expect(events[1]).toMatchObject({ before: { quotaBytes: 0 }, after: { quotaBytes: 5, password: 'changed' } });
    expect(events[2]).toMatchObject({ after: null });
    const all = await directory.events({ limit: 1000 });
    expect(JSON.stringify(all)).not.toMatch(/secret|other/);
    expect(all.map(({ id }) => id)).toEqual(all.map((_, index) => index + 1));
    expect(await directory.events({ after: all.length - 1 })).toHaveLength(1);
  });

  it('records nothing for what was refused', async () => {
    await directory.domains.add('example.com');
    await directory.aliases.add('a@example.com', ['b@example.com']);
    const before = await directory.events();
    await expect(directory.aliases.add('b@example.com', ['a@example.com'])).rejects.toThrow();
    expect(await directory.events()).toEqual(before);
  });

  it('moves the revision with each change and with nothing else', async () => {
    await directory.domains.add('example.com');
    const before = directory.revision();
    await directory.domains.list();
    expect(directory.revision()).toBe(before);
    await directory.domains.set('example.com', { active: false });
    expect(directory.revision()).not.toBe(before);
  });
});

describe('findings', () => {
  it('reports hosted domains that refuse mail to postmaster', async () => {
    await directory.domains.add('example.com');
    await addMailbox('anna@example.com');
    await directory.domains.add('second.example');
    await directory.domains.add('third.example');
    await directory.aliases.add('@third.example', ['anna@example.com']);
    await directory.domains.add('backup.example', { class: 'relay' });
    expect(await directory.findings()).toEqual([
      expect.objectContaining({
        kind: 'no-postmaster',
        object: 'second.example',
        text: expect.stringMatching(/alias add postmaster@second.example/),
      }),
    ]);
  });
});

describe('many changes at once', () => {
  it('makes them one after the other', async () => {
    await directory.domains.add('example.com');
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => addMailbox(`user${index % 10}@example.com`)),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(await directory.mailboxes.list()).toHaveLength(10);
  });

  it('refuses changes when opened for reading', async () => {
    const reader = await open({ readonly: true });
    await expect(reader.domains.add('example.com')).rejects.toThrow(/reading only/);
    expect(await reader.domains.list()).toEqual([]);
    reader.close();
  });
});
