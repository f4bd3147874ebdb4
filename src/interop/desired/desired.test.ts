import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { Directory } from '../../directory/directory.ts';
import type { DirectoryView } from '../../directory/directory-view.ts';
import { FakeClock } from '../../lib/clock.ts';
import { type Applied, applyDesired } from './apply.ts';
import { dump } from './dump.ts';
import { readDesired } from './read-desired.ts';

let folder: string;
let directory: Directory;
const clock = new FakeClock();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'desired-'));
  directory = await open('directory.db');
});

afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true });
});

async function open(name: string): Promise<Directory> {
  return await Directory.open(join(folder, name), { clock, actor: 'tester' });
}

async function textOf(view: DirectoryView, withHashes = false, domain?: string): Promise<string> {
  let text = '';
  for await (const piece of dump(view, { withHashes, ...(domain === undefined ? {} : { domain }) })) text += piece;
  return text;
}

async function apply(text: string, prune = false, to = directory): Promise<Applied> {
  return await to.whole('tester', (view) => applyDesired(view, readDesired(text), { prune }));
}

const awkward = [
  'first line\nsecond: "quoted"\n\n  indented\n',
  ' begins with a blank\nx',
  'tab\there\nx',
  'ends \nx',
  '# no comment',
];

async function fill(view: DirectoryView): Promise<void> {
  await view.domains.add('example.com', {
    maxMailboxes: 20,
    totalQuotaBytes: 10 * 2 ** 30,
    maxQuotaBytes: 2 ** 30,
    defaultQuotaBytes: 2 ** 20,
  });
  await view.domains.set('example.com', { maintenance: 'moving: soon' });
  await view.domains.add('names.example', { class: 'alias' });
  await view.domains.add('relayed.example', {
    class: 'relay',
    transport: 'smtp:[192.0.2.1]:25',
    active: false,
    recipients: 'listed',
  });
  await view.relayRecipients.add(['Known@relayed.example', 'other@relayed.example']);
  await view.transports.add('.far.test', 'smtp:[192.0.2.7]:25');
  await view.bccs.add('sender', '@example.com', 'archive@far.test');
  await view.accessRules.add('client', '192.0.2.0/24', { action: 'REJECT go: away', note: 'a botnet' });
  for (const [index, text] of awkward.entries()) {
    const address = `Person${index}@example.com`;
    await view.mailboxes.add({ address, passwordHash: `{PLAIN}${index}`, name: 'yes', quotaBytes: 1000 + index });
    await view.mailboxes.set(address, { vacation: { text, subject: index === 0 ? 'null' : '', until: 1e12 } });
  }
  await view.mailboxes.set('person1@example.com', {
    enabled: false,
    maintenance: 'off',
    messageLimit: 0,
    recipientLimit: 7,
    protocols: ['imap', 'smtp'],
    mustChange: true,
    passwordExpires: 2e12,
    forward: { mode: 'both', to: ['x@far.test', 'person0@example.com'] },
  });
  await view.mailboxes.add({
    address: '"odd name"@example.com',
    passwordHash: '{PLAIN}x',
    quotaBytes: 5,
    name: '1e-5',
  });
  for (const name of ['123', 'null', 'true', '1e3', '0x1f', 'y', '-dash'].slice(0, 6)) {
    await view.aliases.add(`${name}@example.com`, ['person0@example.com', 'X@far.test']);
  }
  await view.aliases.add('@names.example', ['@example.com']);
  await view.aliases.edit('y@example.com', [], [], { active: false, post: 'listed', posters: ['@far.test'] });
  await view.domains.set('names.example', { catchAllMode: 'propose' });
  await view.catchAlls.refuse(['Spam@names.example']);
  await view.tags.change('alias', 'y@example.com', ['old', 'unused']);
  await view.aliasDomains.add('example.org', 'example.com');
  await view.aliasDomains.add('example.net', 'example.com');
  await view.aliasDomains.set('example.net', { active: false });
  const members = Array.from({ length: 1203 }, (_, index) => `m${index}@far.test`);
  await view.lists.add({
    address: 'news@example.com',
    owners: ['person0@example.com'],
    members,
    name: 'The "news"',
    post: 'listed',
    posters: ['@far.test'],
  });
  await view.senderRights.add('@example.com', 'person0@example.com', true);
  await view.senderRights.add('boss@far.test', 'person0@example.com', true);
  await view.senderRights.add('boss@far.test', 'person2@example.com', true);
  await view.senderRights.add('boss@far.test', 'person3@example.com', false);
  await view.senderRights.setCatchAll(false);
}

it('writes what reads back as the same: applied to itself it changes nothing, elsewhere it makes the same', async () => {
  await directory.whole('tester', fill);
  const text = await textOf(directory, true);
  const events = (await directory.history({ limit: 1 }))[0]?.revision;
  expect(await apply(text)).toMatchObject({ added: 0, changed: 0, removed: 0 });
  expect(await apply(text, true)).toMatchObject({ added: 0, changed: 0, removed: 0 });
  expect((await directory.history({ limit: 1 }))[0]?.revision).toBe(events);
  const other = await open('other.db');
  try {
    await apply(text, true, other);
    expect(await textOf(other, true)).toBe(text);
    expect((await other.history({ limit: 2 })).length).toBe(1);
    expect(other.credentials('person0@example.com')?.passwordHash).toBe('{PLAIN}0');
  } finally {
    other.close();
  }
  // Any reader of YAML sees the same texts.
  const [document] = parseAllDocuments(text);
  const parsed = document?.toJS() as {
    domains: Record<string, { mailboxes: Record<string, { vacation: { text: string } }> }>;
  };
  const { mailboxes } = parsed.domains['example.com'] as (typeof parsed.domains)[string];
  for (const [index, expected] of awkward.entries()) expect(mailboxes[`Person${index}`]?.vacation.text).toBe(expected);
});

it('has no secrets unless they are asked for, and says whose password is missing', async () => {
  await directory.whole('tester', fill);
  const text = await textOf(directory);
  expect(text).not.toMatch(/PLAIN|hash:/);
  const other = await open('other.db');
  try {
    const { withoutPassword } = await apply(text, false, other);
    expect(withoutPassword).toContain('Person0@example.com');
    // A file without hashes changes no password.
    await apply(text, true);
    expect(directory.credentials('person0@example.com')?.passwordHash).toBe('{PLAIN}0');
  } finally {
    other.close();
  }
});

it('leaves what is not named, unless it prunes within the named domains', async () => {
  await directory.whole('tester', fill);
  const wanted = `domains:
  names.example:
    aliases: {info: "x@far.test"}
  example.com:
    maintenance:
    mailboxes: {person0: {quota: 1M}, PERSON1: }
`;
  const before = await textOf(directory);
  expect(await apply(wanted)).toMatchObject({ added: 1, changed: 2, removed: 0, same: 2 });
  expect(await directory.domains.show('example.com')).not.toHaveProperty('maintenance');
  expect(await directory.mailboxes.show('person0@example.com')).toMatchObject({ quotaBytes: 2 ** 20, name: 'yes' });
  expect((await directory.aliases.show('@names.example'))?.targets).toEqual(['@example.com']);
  await apply(wanted, true);
  expect(await directory.aliases.show('@names.example')).toBeUndefined();
  expect((await directory.mailboxes.list()).map(({ address, name, enabled }) => [address, name, enabled])).toEqual([
    ['Person0@example.com', '', true],
    ['Person1@example.com', '', true],
  ]);
  expect(await directory.lists.list()).toEqual([]);
  // Other domains, and what belongs to none of those named, are nobody's business.
  expect(await directory.domains.show('relayed.example')).toMatchObject({ active: false });
  expect((await directory.senderRights.list()).map(({ address }) => address)).toEqual(['boss@far.test']);
  // One revision each: both are undone, and a mailbox comes back with its own id.
  for (const { revision } of await directory.history({ limit: 2 })) await directory.revert(revision);
  expect(await textOf(directory)).toBe(before);
});

it('dumps one domain with what belongs to it', async () => {
  await directory.whole('tester', fill);
  const text = await textOf(directory, false, 'example.com');
  expect(text).toContain('example.org');
  expect(text).not.toMatch(/relayed\.example|names\.example|boss@far|settings/);
  expect(await apply(text, true)).toMatchObject({ added: 0, changed: 0, removed: 0 });
});

it.each([
  ['a: [', /3:1: .*flow|1:\d+: /i],
  ['domain: {}', /^1:1: there is no section "domain": there are domains, alias-domains/],
  ['domains:\n  example.com: 5', /^2:16: domain example.com: write its fields: class, active/],
  ['domains:\n  example.com: {class: box}', /^2:24: domain example.com: class: write mailbox or alias or relay/],
  [
    'domains:\n  example.com:\n    mailboxes:\n      anna: {quota: 3Q}',
    /^4:21: mailbox anna@example.com: quota: write a size/,
  ],
  [
    'domains:\n  e.com:\n    mailboxes:\n      anna: {}\n      Anna: {}',
    /^5:7: the mailbox Anna@e.com stands in line 4 already/,
  ],
  ['domains:\n  e.com:\n    mailboxes:\n      anna: {name: a, name: b}', /^4:23: .*"name" stands here twice/],
  ['alias-domains: &x\n  a.test: b.test\nsettings: *x', /^3:11: settings: write each setting as/],
  ['domains: {e.com: {aliases: {a: [*x]}}}', /^1:\d+: /],
  ['domains:\n  e.com:\n    aliases:\n      a@b@c: [x@y.test]', /^4:7: alias a@b@c@e.com: .*contains "@"/],
  ['domains:\n  e.com:\n    aliases:\n      a:', /^4:7: alias a@e.com: "targets" is missing/],
  ['---\ndomains: {e.com: }\n---\ndomains:\n  e.com:\n', /^5:3: the domain e.com stands in line 2 already/],
  ['settings: {recovery-days: many}', /^1:12: setting recovery-days: .*a number of days/],
])('tells where a mistake is: %j', async (text, expected) => {
  const failed = await apply(text).catch((error: unknown) => error);
  const [first] = (failed as { mistakes: { line: number; column: number; text: string }[] }).mistakes;
  expect(`${first?.line}:${first?.column}: ${first?.text}`).toMatch(expected);
  expect(directory.lookups.isEmpty()).toBe(true);
});

it('applies whole or not at all, and tells every refusal', async () => {
  const text = `domains:
  example.com:
    mailboxes: {anna: , "no good": }
    aliases: {loop: loop2@example.com, loop2: loop@example.com, fine: anna@example.com}
`;
  await expect(apply(text)).rejects.toMatchObject({
    mistakes: [
      { line: 3, text: expect.stringContaining('mailbox no good@example.com') as string },
      { line: 4, text: expect.stringContaining('would make a loop') as string },
    ],
  });
  expect(directory.lookups.isEmpty()).toBe(true);
});

it('turns an alias into a mailbox and back', async () => {
  await apply('domains: {e.com: {mailboxes: {boss: }, aliases: {a: boss@e.com}}}');
  await apply('domains: {e.com: {mailboxes: {boss: , a: }}}', true);
  expect(directory.mailboxByAddress('a@e.com')?.id).toBeDefined();
  await apply('domains: {e.com: {mailboxes: {boss: }, aliases: {a: boss@e.com}}}', true);
  expect((await directory.aliases.show('a@e.com'))?.targets).toEqual(['boss@e.com']);
  expect(await directory.mailboxes.show('a@e.com')).toBeUndefined();
});
