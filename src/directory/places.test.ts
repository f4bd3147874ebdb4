// Transports, BCCs, access rules, recipients of relay domains and tags: what is taken and refused, what the tables
// answer, and that every change is an event from which the past can be told.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import type { TableRegistry } from '../tables/table.ts';
import { writeDirectoryAsOf } from './as-of.ts';
import { Directory } from './directory.ts';
import type { AccessStage } from './schema.ts';
import { tablesInUse } from './table-parameters.ts';
import { directoryTableOpener } from './tables.ts';

let folder: string;
let directory: Directory;
const clock = new FakeClock();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'places-'));
  directory = await Directory.open(join(folder, 'directory.db'), { clock, actor: 'tester' });
  await directory.domains.add('example.com');
  await directory.domains.add('relay.example', { class: 'relay' });
  await directory.aliasDomains.add('example.org', 'example.com');
});

afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true });
});

const registry = {} as TableRegistry;

async function ask(table: string, key: string, from = directory): Promise<string | undefined> {
  const result = await directoryTableOpener(from)(table, registry).lookup(key);
  return result.kind === 'found' ? result.value : undefined;
}

const mailbox = (address: string) => directory.mailboxes.add({ address, passwordHash: 'x' });

describe('transports', () => {
  it('answer at addresses, domains, parents and for everything else', async () => {
    await mailbox('Fax@example.com');
    for (const [place, transport] of [
      ['FAX@Example.com', 'fax:'],
      ['partner.example', 'smtp:[192.0.2.25]:587'],
      ['.inside.example', 'smtp:[192.0.2.1], [192.0.2.2]'],
      ['gone.example', 'error:5.1.2 this company is closed'],
      ['bücher.example', ':[192.0.2.3]'],
    ] as const) {
      await directory.transports.add(place, transport);
    }
    await directory.transports.add('*', 'smtp:[192.0.2.9]', { takesMailboxes: true });
    expect(await ask('transports', 'fax@example.com')).toBe('fax:');
    expect(await ask('transports', 'FAX@EXAMPLE.COM')).toBe('fax:');
    expect(await ask('transports', 'fax+1@example.com')).toBeUndefined();
    expect(await ask('transports', 'partner.example')).toBe('smtp:[192.0.2.25]:587');
    expect(await ask('transports', '.inside.example')).toBe('smtp:[192.0.2.1], [192.0.2.2]');
    expect(await ask('transports', 'inside.example')).toBeUndefined();
    expect(await ask('transports', 'xn--bcher-kva.example')).toBe(':[192.0.2.3]');
    expect(await ask('transports', '*')).toBe('smtp:[192.0.2.9]');
    const answers = ['fax+1@example.com', 'a@b.inside.example', 'gone.example', 'nowhere.example', '*'].map((place) => {
      const { key, transport } = directory.transports.answer(place) ?? {};
      return `${place}: ${key} ${transport}`;
    });
    expect(answers).toEqual([
      'fax+1@example.com: fax@example.com fax:',
      'a@b.inside.example: .inside.example smtp:[192.0.2.1], [192.0.2.2]',
      'gone.example: gone.example error:5.1.2 this company is closed',
      'nowhere.example: * smtp:[192.0.2.9]',
      '*: * smtp:[192.0.2.9]',
    ]);
    expect((await directory.transports.list({ after: '.inside.example', limit: 2 })).map(({ place }) => place)).toEqual(
      ['fax@example.com', 'gone.example'],
    );
    await directory.transports.set('partner.example', 'smtp:');
    await directory.transports.remove('gone.example');
    expect(await ask('transports', 'partner.example')).toBe('smtp:');
    expect(await ask('transports', 'gone.example')).toBeUndefined();
  });

  it.each([
    ['example.com', 'smtp:[192.0.2.1]', /has a transport of its own: posthaste domain set example.com --transport/],
    ['relay.example', 'smtp:[192.0.2.1]', /has a transport of its own/],
    ['a@example.org', 'smtp:[192.0.2.1]', /alias domain of example.com/],
    ['team@example.com', 'smtp:', /belongs to a mailing list/],
    ['info@aliases.example', 'smtp:', /has aliases only/],
    ['*', 'smtp:[192.0.2.1]', /would take the mail of the mailboxes in example.com too/],
    ['.com', 'smtp:[192.0.2.1]', /would take the mail of the mailboxes in example.com too/],
    ['@far.example', 'smtp:', /transport\(5\) has the domain alone: write far.example/],
    ['far.example', '192.0.2.1', /is not a transport/],
    ['far.example', 'smtp:a b', /is not a transport/],
  ])('for %s by %s is refused', async (place, transport, why) => {
    await directory.domains.add('aliases.example', { class: 'alias' });
    await directory.lists.add({ address: 'team@example.com', owners: ['x@far.example'] });
    await expect(directory.transports.add(place, transport)).rejects.toThrow(why);
  });

  it('and the own transport of a domain cannot both be', async () => {
    await directory.transports.add('later.example', 'smtp:[192.0.2.1]');
    await expect(directory.domains.add('later.example')).rejects.toThrow(/transport remove later.example/);
    await expect(directory.aliasDomains.add('later.example', 'example.com')).rejects.toThrow(/transport remove/);
    await directory.transports.remove('later.example');
    await directory.domains.add('later.example', { transport: ':' });
    // `:` keeps the mail here although there is a general entry.
    await directory.transports.add('*', 'smtp:[192.0.2.9]', { takesMailboxes: true });
    expect(await ask('transports', 'later.example')).toBe(':');
    const findings = (await directory.findings()).filter(({ kind }) => kind.startsWith('transport-'));
    expect(findings.map(({ text }) => text)).toEqual([
      expect.stringContaining('takes the mail of the mailboxes in example.com:') as string,
    ]);
  });

  it('go with the domain, and are told about where nobody has the address', async () => {
    await directory.transports.add('nobody@example.com', 'fax:');
    expect((await directory.findings()).map(({ kind }) => kind)).toContain('transport-to-nobody');
    await directory.domains.remove('example.com', { recursive: true });
    expect(await directory.transports.list()).toEqual([]);
  });
});

describe('blind copies', () => {
  it('are found in the order of the maps, also for an alias domain', async () => {
    await mailbox('archive@example.com');
    await directory.bccs.add('sender', '@example.com', 'archive@example.com');
    await directory.bccs.add('sender', 'Sales@example.com', 'audit@elsewhere.example');
    await directory.bccs.add('recipient', 'x@far.example', 'archive@example.com');
    for (const domain of ['example.com', 'example.org']) {
      expect(await ask('sender-bcc', `SALES@${domain}`)).toBe('audit@elsewhere.example');
      expect(await ask('sender-bcc', `@${domain}`)).toBe('archive@example.com');
      expect(await ask('sender-bcc', `anna@${domain}`)).toBeUndefined();
      expect(await ask('recipient-bcc', `@${domain}`)).toBeUndefined();
    }
    expect(await ask('recipient-bcc', 'x@far.example')).toBe('archive@example.com');
    await directory.bccs.add('sender', 'sales@example.org', 'other@elsewhere.example');
    expect(await ask('sender-bcc', 'sales@example.org')).toBe('other@elsewhere.example');
    expect(await ask('sender-bcc', 'sales@example.com')).toBe('audit@elsewhere.example');
    await directory.bccs.set('sender', 'sales@example.com', 'archive@example.com');
    expect((await directory.bccs.list({ side: 'sender' })).map(({ place, address }) => `${place} ${address}`)).toEqual([
      '@example.com archive@example.com',
      'sales@example.com archive@example.com',
      'sales@example.org other@elsewhere.example',
    ]);
    const [first] = await directory.bccs.list({ limit: 1 });
    expect((await directory.bccs.list({ ...(first && { after: first }) })).map(({ side }) => side)).toEqual([
      'sender',
      'sender',
      'sender',
    ]);
  });

  it('go to one address, which should exist', async () => {
    await expect(directory.bccs.add('sender', '@example.com', 'a@x.example, b@x.example')).rejects.toThrow(
      /make an alias/,
    );
    await expect(directory.bccs.add('recipient', 'a@example.com', 'A@example.com')).rejects.toThrow(/anyway/);
    await directory.bccs.add('recipient', 'a@example.com', 'nobody@example.com');
    await expect(directory.bccs.add('recipient', 'a@example.com', 'b@x.example')).rejects.toThrow(/bcc set/);
    await expect(directory.bccs.remove('sender', 'a@example.com')).rejects.toThrow(/bcc add --sender/);
    expect((await directory.findings()).map(({ kind }) => kind)).toContain('dangling-bcc');
    await directory.domains.remove('example.com', { recursive: true });
    expect(await directory.bccs.list()).toEqual([]);
  });
});

describe('access rules', () => {
  it.each([
    ['client', 'MAIL.Example.net', 'mail.example.net'],
    ['client', '192.0.2.7', '192.0.2.7'],
    ['client', '192.0.2.0/24', '192.0.2'],
    ['client', '10.0.0.0/8', '10'],
    ['client', '192.0.2.7/32', '192.0.2.7'],
    ['client', '192.0', '192.0'],
    ['client', '2001:DB8:0:0::7', '2001:db8::7'],
    ['client', '2001:db8:1', '2001:db8:1'],
    ['helo', 'localhost', 'localhost'],
    ['helo', '.example.net', '.example.net'],
    ['sender', '<>', '<>'],
    ['sender', 'Spam@Example.net', 'spam@example.net'],
    ['sender', 'postmaster@', 'postmaster@'],
    ['recipient', 'bücher.example', 'xn--bcher-kva.example'],
  ] as const)('of the %s %s are kept as %s', async (stage, pattern, kept) => {
    const { pattern: key } = await directory.accessRules.add(stage, pattern, { action: 'REJECT' });
    expect(key).toBe(kept);
    expect(await ask(`${stage}-access`, kept.toUpperCase())).toBe('REJECT');
    expect(tablesInUse(directory.lookups)).toEqual([`directory:${stage}-access`]);
  });

  it.each([
    ['client', '192.0.2.0/26', 'REJECT', /check_client_access cidr:FILE/],
    ['client', '192.0.2.1/24', 'REJECT', /host bits/],
    ['client', '2001:db8::/32', 'REJECT', /cidr:/],
    ['client', '300.1', 'REJECT', /no beginning of an IP address/],
    ['client', 'a@b.example', 'REJECT', /did you mean --sender/],
    ['recipient', '<>', 'REJECT', /null sender/],
    ['sender', '@example.net', 'REJECT', /the domain alone: write example.net/],
    ['sender', 'a@b.example', 'REJCT spam', /"REJCT" is neither an action/],
    ['sender', 'a@b.example', '', /says nothing/],
    ['sender', 'a@b.example', 'FILTER nowhere', /requires transport:destination/],
    ['sender', 'a@b.example', 'REDIRECT me', /requires user@domain/],
    ['sender', 'a@b.example', 'PREPEND no header', /requires header: text/],
    ['sender', 'a@b.example', 'check_client_access hash:x', /put check_client_access into a restriction class/],
    ['sender', 'a@b.example', 'REJECT naïve', /printable ASCII/],
  ] as const)('of the %s %s with %s are refused', async (stage, pattern, action, why) => {
    await expect(directory.accessRules.add(stage, pattern, { action })).rejects.toThrow(why);
  });

  it('take restrictions and the classes of the configuration', async () => {
    const { accessRules } = directory;
    await accessRules.add('sender', 'a@b.example', { action: 'reject_unverified_sender, permit' });
    await expect(accessRules.add('sender', 'c@b.example', { action: 'greylist' })).rejects.toThrow(/greylist/);
    await accessRules.add('sender', 'c@b.example', { action: 'greylist', classes: ['greylist'], note: 'ticket 4711' });
    const changed = await accessRules.set('sender', 'C@b.example', { note: 'ticket 4712' });
    expect(changed).toMatchObject({ action: 'greylist', note: 'ticket 4712' });
    await expect(accessRules.add('sender', 'c@b.example', { action: 'OK' })).rejects.toThrow(/access set --sender/);
    await accessRules.remove('sender', 'a@b.example');
    expect((await accessRules.list()).map(({ pattern }) => pattern)).toEqual(['c@b.example']);
  });

  it('are read again after a change, though they are kept in memory', async () => {
    const table = directoryTableOpener(directory)('sender-access', registry);
    expect(table.isVoid?.()).toBe(true);
    expect(await ask('sender-access', 'a@b.example')).toBeUndefined();
    const other = await Directory.open(join(folder, 'directory.db'), { clock, actor: 'other' });
    await other.accessRules.add('sender', 'a@b.example', { action: 'HOLD' });
    // The snapshot of a turn ends with it.
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(table.isVoid?.()).toBe(false);
    expect(await ask('sender-access', 'a@b.example')).toBe('HOLD');
    await other.accessRules.set('sender', 'a@b.example', { action: 'OK' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await ask('sender-access', 'a@b.example')).toBe('OK');
    other.close();
  });
});

describe('recipients of a relay domain', () => {
  it('are those that are listed, once the domain is told to', async () => {
    const { relayRecipients, domains } = directory;
    await directory.aliasDomains.add('relay.example.org', 'relay.example');
    expect(await relayRecipients.add(['Anna@relay.example', 'ben@relay.example', 'anna@relay.example'])).toHaveLength(
      2,
    );
    expect(await relayRecipients.isIdle('relay.example')).toBe(true);
    expect(await ask('relay-recipients', '@relay.example')).toBe('OK');
    expect(await ask('virtual-aliases', '@relay.example.org')).toBe('@relay.example');
    await domains.set('relay.example', { recipients: 'listed' });
    expect(await ask('relay-recipients', '@relay.example')).toBeUndefined();
    expect(await ask('relay-recipients', 'ANNA@relay.example')).toBe('OK');
    expect(await ask('relay-recipients', 'carl@relay.example')).toBeUndefined();
    expect(await ask('virtual-aliases', '@relay.example.org')).toBeUndefined();
    expect(await ask('virtual-aliases', 'anna@relay.example.org')).toBe('anna@relay.example');
    expect(await ask('virtual-aliases', 'carl@relay.example.org')).toBeUndefined();
    expect(await ask('virtual-aliases', 'anna@relay.example')).toBeUndefined();
    // A catch-all does not swallow them.
    await directory.aliases.add('@relay.example', ['rest@elsewhere.example']);
    expect(await ask('virtual-aliases', 'anna@relay.example')).toBe('anna@relay.example');
    expect(await ask('virtual-aliases', '@relay.example')).toBe('rest@elsewhere.example');
    expect(await ask('virtual-aliases', '@relay.example.org')).toBe('@relay.example');
    expect(await directory.domains.show('relay.example')).toMatchObject({ recipients: 'listed', postmaster: true });
  });

  it('belong to relay domains only, and go with them', async () => {
    const { relayRecipients, domains } = directory;
    await expect(relayRecipients.add(['a@example.com'])).rejects.toThrow(/only a relay domain/);
    await expect(domains.set('example.com', { recipients: 'listed' })).rejects.toThrow(/only a relay domain/);
    await expect(relayRecipients.remove(['a@relay.example'])).rejects.toThrow(/no recipient of relay.example/);
    await domains.set('relay.example', { recipients: 'listed' });
    expect((await directory.findings()).map(({ object }) => object)).toContain('relay.example');
    await relayRecipients.add(['postmaster@relay.example']);
    expect((await directory.findings()).map(({ object }) => object)).not.toContain('relay.example');
    await expect(domains.set('relay.example', { class: 'mailbox' })).rejects.toThrow(/1 relay recipient/);
    await expect(domains.remove('relay.example')).rejects.toThrow(/still has 1 relay recipient/);
    await domains.remove('relay.example', { recursive: true });
    await domains.add('relay.example', { class: 'relay', recipients: 'listed' });
    expect(await relayRecipients.list()).toEqual([]);
  });
});

describe('tags', () => {
  it('are put on objects, found again, and go with them', async () => {
    const { tags } = directory;
    await mailbox('anna@example.com');
    await directory.aliases.add('info@example.com', ['anna@example.com']);
    await directory.lists.add({ address: 'team@example.com', owners: ['anna@example.com'] });
    expect(await tags.change('domain', 'Example.com', ['Customer-17', 'north'])).toEqual(['customer-17', 'north']);
    for (const [kind, object] of [
      ['mailbox', 'anna@example.com'],
      ['alias', 'info@example.com'],
      ['list', 'team@example.com'],
    ] as const) {
      await tags.change(kind, object, ['customer-17']);
    }
    await tags.change('domain', 'example.com', [], ['north']);
    expect(await tags.list()).toEqual([{ tag: 'customer-17', domains: 1, mailboxes: 1, aliases: 1, lists: 1 }]);
    const all = await tags.objects('customer-17');
    expect(all.map(({ kind, object }) => `${kind} ${object}`)).toEqual([
      'domain example.com',
      'mailbox anna@example.com',
      'alias info@example.com',
      'list team@example.com',
    ]);
    expect(await tags.objects('customer-17', { ...(all[1] && { after: all[1] }), limit: 1 })).toEqual([all[2]]);
    await expect(tags.change('domain', 'example.com', ['two words'])).rejects.toThrow(/no tag/);
    await expect(tags.change('domain', 'example.com', [], ['other'])).rejects.toThrow(/has no tag other/);
    await expect(tags.change('mailbox', 'ben@example.com', ['x'])).rejects.toThrow(/there is no mailbox/);
    // A mailbox that comes back has them still.
    await directory.mailboxes.remove('anna@example.com');
    expect(await tags.objects('customer-17', { kind: 'mailbox' })).toEqual([]);
    await directory.mailboxes.restore('anna@example.com');
    expect(await tags.of('mailbox', 'anna@example.com')).toEqual(['customer-17']);
    await directory.aliases.remove('info@example.com');
    await directory.lists.remove('team@example.com');
    expect((await tags.objects('customer-17')).map(({ kind }) => kind)).toEqual(['domain', 'mailbox']);
  });
});

it('every change is an event, and the past can be told', async () => {
  const { transports, bccs, accessRules, relayRecipients, catchAlls, tags, aliases, domains } = directory;
  await mailbox('anna@example.com');
  await aliases.add('@example.com', ['anna@example.com']);
  await aliases.add('all@example.com', ['@far.example'], { post: 'listed', posters: ['@far.example', 'a@b.example'] });
  await aliases.set('all@example.com', ['@far.example'], { active: false });
  await transports.add('far.example', 'smtp:[192.0.2.1]');
  await bccs.add('sender', '@example.com', 'anna@example.com');
  await accessRules.add('sender', 'Spam@far.example', { action: 'REJECT', note: 'why' });
  await relayRecipients.add(['r@relay.example']);
  await domains.set('relay.example', { recipients: 'listed' });
  await domains.set('example.com', { catchAllMode: 'propose' });
  await catchAlls.refuse(['old@example.com']);
  await tags.change('mailbox', 'anna@example.com', ['staff']);
  await tags.change('domain', 'example.com', ['customer']);
  const then = (await directory.events({ limit: 1000 })).at(-1)?.id ?? 0;
  const snapshot = async (from: Directory) => ({
    transports: await from.transports.list(),
    bccs: await from.bccs.list(),
    rules: await from.accessRules.list(),
    recipients: await from.relayRecipients.list(),
    caught: await from.catchAlls.list(),
    mode: (await from.catchAlls.show('example.com')).mode,
    relay: (await from.domains.show('relay.example'))?.recipients,
    tags: await from.tags.list(),
    staff: await from.tags.objects('staff'),
    alias: { ...(await from.aliases.show('all@example.com')), created: 0 },
    key: await ask('virtual-aliases', 'old@example.com', from),
  });
  const before = await snapshot(directory);
  expect(before.alias).toMatchObject({ active: false, post: 'listed', posters: ['a@b.example', '@far.example'] });
  await transports.remove('far.example');
  await bccs.remove('sender', '@example.com');
  await accessRules.remove('sender', 'spam@far.example');
  await relayRecipients.remove(['r@relay.example']);
  await catchAlls.forget(['old@example.com']);
  await directory.mailboxes.remove('anna@example.com');
  await mailbox('anna@example.com');
  await domains.set('example.com', { catchAllMode: 'accept' });
  await domains.remove('relay.example');
  const file = join(folder, 'past.db');
  await writeDirectoryAsOf(directory, { event: then }, file, clock);
  const past = await Directory.open(file, { readonly: true, clock, actor: 'tester' });
  expect(await snapshot(past)).toEqual(before);
  past.close();
  // And as of now: what is gone is gone, and who has the address now has not the tags of who had it.
  const now = join(folder, 'now.db');
  await writeDirectoryAsOf(directory, { time: clock.now() }, now, clock);
  const present = await Directory.open(now, { readonly: true, clock, actor: 'tester' });
  expect(await present.tags.list()).toEqual([{ tag: 'customer', domains: 1, mailboxes: 0, aliases: 0, lists: 0 }]);
  expect(await present.transports.list()).toEqual([]);
  expect(await present.accessRules.list()).toEqual([]);
  present.close();
});

it('says in what order the events came', async () => {
  const stage: AccessStage = 'helo';
  await directory.accessRules.add(stage, 'localhost', { action: 'REJECT' });
  await directory.accessRules.set(stage, 'localhost', { action: 'OK' });
  const events = (await directory.events({ object: 'helo localhost' })).map(({ action, before, after }) => {
    const of = (value: unknown) => (value as { action?: string } | null)?.action ?? null;
    return [action, of(before), of(after)];
  });
  expect(events).toEqual([
    ['access.add', null, 'REJECT'],
    ['access.set', 'REJECT', 'OK'],
  ]);
});
