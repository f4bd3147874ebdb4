// Acceptance vectors over the built-in directory: identity is implicit, so that a catch-all swallows neither a
// mailbox nor an alias, also through an alias domain.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRouting, type Routing } from '../../src/access/open-routing.ts';
import { Directory } from '../../src/directory/directory.ts';
import { directoryTableOpener } from '../../src/directory/tables.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { MemoryLog } from '../../src/lib/log.ts';
import { finalRecipients } from '../../src/queue/duplicates.ts';
import type { RecipientDecision } from '../../src/routing/types.ts';
import { Settings } from '../../src/settings/settings.ts';

const settings = Settings.defaults({
  compatibility_level: '3.6',
  myhostname: 'mx.h.test',
  mydestination: 'localhost',
  local_recipient_maps: '',
  recipient_delimiter: '+',
  virtual_transport: 'mailstore',
  virtual_mailbox_domains: 'directory:mailbox-domains',
  virtual_alias_domains: 'directory:alias-domains',
  virtual_alias_maps: 'directory:virtual-aliases',
  virtual_mailbox_maps: 'directory:mailboxes',
  relay_domains: 'directory:relay-domains',
  relay_recipient_maps: 'directory:relay-recipients',
  transport_maps: 'directory:transports',
  smtpd_sender_login_maps: 'directory:sender-logins',
  smtpd_sasl_auth_enable: 'yes',
  smtpd_sender_restrictions: 'reject_authenticated_sender_login_mismatch',
});

let scratch: string;
let directory: Directory;
let routing: Routing;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'vectors-'));
  directory = await Directory.open(join(scratch, 'directory.db'), { clock: systemClock, actor: 'test' });
  for (const name of ['d.test', 'plain.test', 'z.test']) await directory.domains.add(name);
  await directory.aliasDomains.add('ad.test', 'd.test');
  await directory.aliasDomains.add('ap.test', 'plain.test');
  for (const address of ['a@d.test', 'c@d.test', 'z@d.test', 'only@plain.test', 'b@z.test', 'x@z.test']) {
    await directory.mailboxes.add({ address, passwordHash: '*' });
  }
  await directory.aliases.add('b@d.test', ['c@d.test']);
  await directory.aliases.add('@d.test', ['z@d.test']);
  await directory.aliases.add('x@z.test', ['x@z.test', 'b@z.test']);
  await directory.aliases.add('two@z.test', ['b@z.test', 'b@z.test']);
  routing = openRouting({
    settings,
    log: new MemoryLog(),
    isWatching: false,
    openers: { directory: directoryTableOpener(directory) },
    revisionSources: [directory],
  });
});

afterAll(() => {
  routing.close();
  directory.close();
  rmSync(scratch, { recursive: true });
});

async function rcpt(recipient: string, sender = 's@far.test', login?: string): Promise<RecipientDecision> {
  const client = { address: '203.0.113.5', ...(login === undefined ? {} : { login }) };
  return await routing.policy(settings).checkRecipient(recipient, { sender, client });
}

async function targets(recipient: string): Promise<string[]> {
  return (await rcpt(recipient)).deliveries.map((delivery) => delivery.recipient);
}

describe('V1: a catch-all swallows nothing', () => {
  test.each([
    ['a@d.test', 'a@d.test'],
    ['b@d.test', 'c@d.test'],
    ['a+x@d.test', 'a+x@d.test'],
    ['b+x@d.test', 'c+x@d.test'],
    ['q@d.test', 'z@d.test'],
    ['A@D.TEST', 'a@d.test'],
    ['a@ad.test', 'a@d.test'],
    ['b@ad.test', 'c@d.test'],
    ['a+x@ad.test', 'a+x@d.test'],
    ['q@ad.test', 'z@d.test'],
  ])('%s reaches %s', async (recipient, target) => {
    expect((await targets(recipient)).map((one) => one.toLowerCase())).toEqual([target]);
  });
});

test('V5: copies to oneself are kept, the same target counts once', async () => {
  expect(await targets('x@z.test')).toEqual(['x@z.test', 'b@z.test']);
  expect(await targets('two@z.test')).toEqual(['b@z.test']);
});

test('V6: two addresses of one mailbox in one transaction keep both originals', async () => {
  const decided = [await rcpt('b@d.test'), await rcpt('c@d.test')];
  const submitted = decided.map(({ recipient, deliveries }) => ({
    original: recipient,
    deliveries,
    orcpt: '',
    notify: '',
  }));
  expect(finalRecipients(submitted, true).map(({ original }) => original)).toEqual(['b@d.test', 'c@d.test']);
  expect(finalRecipients(submitted, false)).toHaveLength(1);
});

test('V20: an unknown user of an alias domain is refused at RCPT', async () => {
  const decided = await rcpt('nobody@ap.test');
  expect(decided.reply).toMatchObject({ code: 550, status: '5.1.1' });
  expect((await rcpt('only@ap.test')).reply.code).toBe(250);
});

describe('V15: who may send as whom', () => {
  const sends = async (login: string, sender: string) => (await rcpt('only@plain.test', sender, login)).reply;

  test.each([
    ['a@d.test', 'a@d.test', 'the login user'],
    ['A@d.test', 'a@D.TEST', 'the login user in other letters'],
    ['c@d.test', 'b@d.test', 'an alias owner'],
    ['a@d.test', 'a@ad.test', 'an alias domain address'],
    ['c@d.test', 'b@ad.test', 'an alias through an alias domain'],
    ['a@d.test', 'a+list@d.test', 'an extension address'],
    ['a@d.test', 'a+list@ad.test', 'an extension address of an alias domain'],
    ['z@d.test', 'whatever@d.test', 'a catch-all owner, as the policy is at first'],
    ['a@d.test', '', 'the null sender, which nobody owns'],
  ])('%s as <%s>: %s', async (login, sender) => {
    expect((await sends(login, sender)).code).toBe(250);
  });

  test.each([
    ['c@d.test', 'a@d.test', 'a stranger'],
    ['z@d.test', 'a@d.test', 'the catch-all owner where somebody has the address'],
    ['z@d.test', 'b@d.test', 'the catch-all owner where an alias has it'],
    ['a@d.test', 'someone@far.test', 'an address of elsewhere'],
    ['b@z.test', 'b@d.test', 'the same name in another domain'],
  ])('%s as <%s>: 553 for %s', async (login, sender) => {
    expect(await sends(login, sender)).toEqual({
      code: 553,
      status: '5.7.1',
      text: `<${sender}>: Sender address rejected: not owned by user ${login}`,
    });
  });

  test('grants, denials and the policy for catch-alls count at once', async () => {
    const { senderRights } = directory;
    const later = async (login: string, sender: string) => {
      await sleep(5);
      return (await sends(login, sender)).code;
    };
    await senderRights.add('a@d.test', 'c@d.test', true);
    expect(await later('c@d.test', 'a@d.test')).toBe(250);
    expect(await later('c@d.test', 'a+x@ad.test')).toBe(250);
    await senderRights.set('a@d.test', 'c@d.test', false);
    await senderRights.add('a@d.test', 'a@d.test', false);
    // Every owner is denied: the catch-all does not step in.
    expect(await later('a@d.test', 'a@d.test')).toBe(553);
    expect(await later('z@d.test', 'a@d.test')).toBe(553);
    await senderRights.remove('a@d.test', 'a@d.test');
    await senderRights.remove('a@d.test', 'c@d.test');
    expect(await later('a@d.test', 'a@d.test')).toBe(250);
    await senderRights.setCatchAll(false);
    expect(await later('z@d.test', 'whatever@d.test')).toBe(553);
    await senderRights.setCatchAll(true);
    await senderRights.add('@far.test', 'a@ad.test', true);
    expect(await later('a@d.test', 'someone@far.test')).toBe(250);
  });
});

test('a change made through another connection counts for the next decision', async () => {
  expect((await rcpt('late@plain.test')).reply.code).toBe(550);
  const other = await Directory.open(join(scratch, 'directory.db'), { clock: systemClock, actor: 'other' });
  await other.mailboxes.add({ address: 'late@plain.test', passwordHash: '*' });
  other.close();
  // The directory's lookups share a snapshot for a millisecond.
  await sleep(5);
  expect((await rcpt('late@plain.test')).reply.code).toBe(250);
});
