// Names that nobody has, in a domain with a catch-all: what an administrator decides holds at RCPT and under Postfix's
// search order, extensions and alias domains included; where nothing is decided, nothing changes. And what the first
// start's configuration does with rules about aliases and with access rules.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openRouting, type Routing } from '../../src/access/open-routing.ts';
import type { RecipientPolicy } from '../../src/access/recipient-policy.ts';
import { Directory } from '../../src/directory/directory.ts';
import { directoryTableOpener } from '../../src/directory/tables.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { MemoryLog } from '../../src/lib/log.ts';
import type { Client, TraceStep } from '../../src/routing/types.ts';
import { loadConfiguration } from '../../src/settings/configuration.ts';
import { writeFirstConfiguration } from '../../src/settings/first-start.ts';
import type { Settings } from '../../src/settings/settings.ts';

let folder: string;
let directory: Directory;
let routing: Routing;
let settings: Settings;
let policy: RecipientPolicy;
const clock = new FakeClock();
const stranger: Client = { address: '203.0.113.5', name: 'mail.far.test', helo: 'mail.far.test' };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'catch-all-'));
  await writeFirstConfiguration(join(folder, 'etc'), {
    dataDirectory: folder,
    loopback: true,
    hostname: 'mx.host.test',
  });
  ({ settings } = await loadConfiguration(join(folder, 'etc')));
  directory = await Directory.open(join(folder, 'directory.db'), { clock, actor: 'test' });
  for (const name of ['d.test', 'same.test']) {
    await directory.domains.add(name);
    for (const user of ['a', 'z', 'off', '"q u"']) {
      await directory.mailboxes.add({ address: `${user}@${name}`, passwordHash: '*' });
    }
    await directory.mailboxes.set(`off@${name}`, { enabled: false });
    await directory.aliases.add(`b@${name}`, [`a@${name}`]);
    await directory.aliases.add(`c+x@${name}`, [`a@${name}`]);
    await directory.lists.add({ address: `team@${name}`, owners: [`z@${name}`], post: 'anyone' });
    await directory.aliases.add(`@${name}`, [`z@${name}`]);
    await directory.aliasDomains.add(`alias.${name}`, name);
  }
  routing = openRouting({
    settings,
    log: new MemoryLog(),
    isWatching: false,
    openers: { directory: directoryTableOpener(directory) },
    revisionSources: [directory],
    posting: directory.lookups.posting,
  });
  policy = routing.policy(settings);
});

afterEach(async () => {
  await directory.domains.set('d.test', { catchAllMode: 'accept' });
  const decided = (await directory.catchAlls.list()).map(({ address }) => address);
  if (decided.length > 0) await directory.catchAlls.forget(decided);
});

afterAll(() => {
  routing.close();
  directory.close();
  rmSync(folder, { recursive: true });
});

/** The reply, or where the mail goes. */
async function outcome(recipient: string, sender = 's@far.test', client = stranger): Promise<string> {
  const { reply, deliveries } = await policy.checkRecipient(recipient, { sender, client });
  if (reply.code !== 250) return `${reply.code} ${reply.status}`;
  return deliveries.map((delivery) => `${delivery.recipient} ${delivery.transport}`).join(', ');
}

const names = ['a', 'a+x', 'b', 'b+x', 'c', 'c+x', 'c+y', 'off', 'off+x', 'z', 'z+x', 'q', 'q+x', 'q+x+y', '+q'];
names.push('Q', 'team', 'team+x', 'owner-team', 'owner-nobody', '"q u"', '"q u+x"', '"n o"', '"n o+x"', 'postmaster');

describe('catch-all decisions', () => {
  test.each(['propose', 'refuse'] as const)('change nothing for who is somebody (%s)', async (mode) => {
    for (const prefix of ['', 'alias.']) {
      const before = new Map<string, string>();
      for (const name of names) before.set(name, await outcome(`${name}@${prefix}d.test`));
      await directory.domains.set('d.test', { catchAllMode: mode });
      for (const name of names) {
        const known = before.get(name) ?? '';
        const isCaught = ['c', 'c+y', 'q', 'q+x', 'q+x+y', '+q', 'Q', 'owner-nobody', '"n o"', '"n o+x"'];
        const now = mode === 'refuse' && isCaught.includes(name) ? '550 5.1.1' : known;
        expect(`${name}: ${await outcome(`${name}@${prefix}d.test`)}`).toBe(`${name}: ${now}`);
      }
      await directory.domains.set('d.test', { catchAllMode: 'accept' });
    }
    expect(await outcome('q+x@d.test')).toBe('z@d.test mailstore');
  });

  test.each(['accept', 'propose', 'refuse'] as const)(
    'hold in the mode %s, with extensions and alias domains',
    async (mode) => {
      await directory.domains.set('d.test', { catchAllMode: mode });
      await directory.catchAlls.refuse(['Spam@d.test', '"n o"@d.test']);
      await directory.catchAlls.accept(['shop@d.test']);
      for (const prefix of ['', 'alias.']) {
        for (const name of ['spam', 'SPAM', 'spam+x', 'spam+x+y', '"n o"', '"n o+x"']) {
          expect(`${name} ${await outcome(`${name}@${prefix}d.test`)}`).toBe(`${name} 550 5.1.1`);
        }
        for (const name of ['shop', 'shop+x'])
          expect(await outcome(`${name}@${prefix}d.test`)).toBe('z@d.test mailstore');
        for (const name of ['other', 'other+x']) {
          const expected = mode === 'refuse' ? '550 5.1.1' : 'z@d.test mailstore';
          expect(await outcome(`${name}@${prefix}d.test`)).toBe(expected);
        }
        for (const name of ['a+x', 'b+x'])
          expect(await outcome(`${name}@${prefix}d.test`)).toBe('a+x@d.test mailstore');
      }
      expect(await outcome('spam@same.test')).toBe('z@same.test mailstore');
    },
  );

  test('leave a name to who gets it later', async () => {
    await directory.catchAlls.refuse(['late@d.test']);
    expect(await outcome('late@d.test')).toBe('550 5.1.1');
    await directory.aliases.add('late@d.test', ['a@d.test']);
    expect(await outcome('late@d.test')).toBe('a@d.test mailstore');
    await directory.aliases.set('late@d.test', ['a@d.test'], { active: false });
    expect(await outcome('late@d.test')).toBe('550 5.1.1');
    await directory.aliases.remove('late@d.test');
  });

  test('are about names that nobody has, without an extension', async () => {
    const { catchAlls } = directory;
    await expect(catchAlls.refuse(['a@d.test'])).rejects.toThrow(/is a mailbox: the catch-all does not get its mail/);
    await expect(catchAlls.accept(['team@d.test'])).rejects.toThrow(/mailing list/);
    await expect(catchAlls.refuse(['q+x@d.test'])).rejects.toThrow(/decide about q@d.test/);
    await expect(catchAlls.refuse(['q@alias.d.test'])).rejects.toThrow(/alias domain of d.test/);
    await expect(catchAlls.forget(['q@d.test'])).rejects.toThrow(/has not been seen/);
  });

  test('are shown by explain', async () => {
    await directory.domains.set('d.test', { catchAllMode: 'propose' });
    await directory.catchAlls.refuse(['spam@d.test']);
    await directory.catchAlls.accept(['shop@d.test']);
    const explained = async (recipient: string): Promise<string[]> => {
      const steps: TraceStep[] = [];
      await policy.checkRecipient(recipient, { sender: 's@far.test', client: stranger }, (step) => steps.push(step));
      return steps
        .filter(({ stage }) => stage === 'virtual-alias')
        .map(({ key, result, source }) => `${key}: ${result} ${source ?? ''}`);
    };
    expect((await explained('spam+x@d.test'))[0]).toMatch(/^spam\+x@d\.test: not found: the catch-all refuses it/);
    expect((await explained('shop@d.test'))[0]).toMatch(/^shop@d\.test: z@d\.test .*\(catch-all, accepted\)$/);
    expect((await explained('new@d.test'))[0]).toMatch(/^new@d\.test: z@d\.test .*\(catch-all\)$/);
    await directory.domains.set('d.test', { catchAllMode: 'refuse' });
    expect((await explained('new@d.test'))[0]).toMatch(/accepted addresses only/);
  });

  test('are proposed by what came, once each, and counted', async () => {
    const { caught, catchAlls, domains } = directory;
    await domains.set('d.test', { catchAllMode: 'propose' });
    await catchAlls.accept(['shop@d.test']);
    await catchAlls.refuse(['spam@d.test']);
    for (const [address, sender, time] of [
      ['new@d.test', 'first@far.test', 1000],
      ['NEW+x@alias.d.test', 'second@far.test', 2000],
      ['shop@d.test', 's@far.test', 3000],
      ['a+x@d.test', 's@far.test', 3000],
      ['q@same.test', 's@far.test', 3000],
      ['q@far.test', 's@far.test', 3000],
    ] as const) {
      caught.accepted(address, sender, time);
    }
    expect(caught.flush()).toBe(true);
    caught.accepted('new@d.test', '', 4000);
    expect(caught.flush()).toBe(true);
    const seen = (await catchAlls.list()).map(
      (one) => `${one.address} ${one.state} ${one.messages} ${one.sender} ${one.firstSeen} ${one.lastSeen}`,
    );
    expect(seen).toEqual([
      'new@d.test proposed 3 first@far.test 1000 4000',
      'shop@d.test accepted 1 s@far.test 3000 3000',
      'spam@d.test refused 0  0 0',
    ]);
    expect(await catchAlls.show('d.test')).toEqual({
      domain: 'd.test',
      mode: 'propose',
      targets: ['z@d.test'],
      proposed: 1,
      accepted: 1,
      refused: 1,
    });
    // Nothing of this is a change of the configuration.
    expect((await directory.events({ object: 'new@d.test' })).length).toBe(0);
    await catchAlls.refuse(['new@d.test']);
    expect(await outcome('new@d.test')).toBe('550 5.1.1');
  });

  test('are bounded, however many names strangers make up, and keep what is used', async () => {
    const { caught, catchAlls, domains } = directory;
    await domains.set('d.test', { catchAllMode: 'propose' });
    for (let count = 0; count < 2; count++) caught.accepted('used@d.test', 's@far.test', 1);
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 600; index++)
        caught.accepted(`made-up-${round}-${index}@d.test`, 's@far.test', 2 + round);
      expect(caught.flush()).toBe(true);
    }
    const { proposed } = await catchAlls.show('d.test');
    expect(proposed).toBe(1000);
    const first = (await catchAlls.list({ limit: 1000 })).find(({ address }) => address === 'used@d.test');
    expect(first?.messages).toBe(2);
    // The newest come in, a few at a time.
    const newest = (await catchAlls.list({ limit: 1000 })).filter(({ address }) => address.startsWith('made-up-2'));
    expect(newest).toHaveLength(20);
    await catchAlls.forget((await catchAlls.list({ limit: 1000 })).map(({ address }) => address));
  });
});

describe('an alias', () => {
  test('that is off is as if it were not there, without a loop', async () => {
    const { aliases, domains } = directory;
    await domains.add('x.test', { class: 'alias' });
    await domains.add('y.test', { class: 'alias' });
    await aliases.add('@x.test', ['hop@y.test']);
    await aliases.add('hop@y.test', ['a@d.test']);
    await aliases.add('@y.test', ['b@x.test']);
    await expect(aliases.edit('hop@y.test', [], [], { active: false })).rejects.toThrow(/loop/);
    expect(await outcome('hop@y.test')).toBe('a@d.test mailstore');
    await aliases.remove('@y.test');
    await aliases.edit('hop@y.test', [], [], { active: false });
    expect(await outcome('hop@y.test')).toBe('550 5.1.1');
    await expect(aliases.add('hop@y.test', ['z@d.test'])).rejects.toThrow(/already an alias/);
    await expect(aliases.edit('hop@y.test', ['z@x.test'], [], { active: true })).rejects.toThrow(/loop/);
    await aliases.edit('hop@y.test', [], [], { active: true });
    expect(await outcome('hop@y.test')).toBe('a@d.test mailstore');
  });

  test('says who may write to it, at RCPT', async () => {
    const { aliases } = directory;
    await aliases.add('group@d.test', ['b@d.test', 'friend@far.test', 'z@same.test']);
    const asked = async (post: 'members' | 'domain' | 'listed' | 'anyone', sender: string, to = 'group@d.test') => {
      const posters = ['boss@else.test', '@partner.test'];
      await aliases.edit('group@d.test', [], [], { post, posters });
      return (await outcome(to, sender)).startsWith('550 5.7.1') ? 'no' : 'yes';
    };
    expect(await asked('anyone', 'x@spam.test')).toBe('yes');
    expect(await asked('members', 'x@spam.test')).toBe('no');
    expect(await asked('members', 'x@spam.test', 'GROUP+x@alias.d.test')).toBe('no');
    // Itself, by its mailbox (b is an alias of a's), with an extension, by an alias domain, and from elsewhere.
    for (const sender of [
      'b@d.test',
      'a@d.test',
      'a+x@d.test',
      'A@alias.d.test',
      'Friend@far.test',
      'z@same.test',
      '',
    ]) {
      expect(`${sender} ${await asked('members', sender)}`).toBe(`${sender} yes`);
    }
    expect(await asked('members', 'z@d.test')).toBe('no');
    expect(await asked('domain', 'z@d.test')).toBe('yes');
    expect(await asked('domain', 'anything@alias.d.test')).toBe('yes');
    expect(await asked('domain', 'z@same.test')).toBe('no');
    expect(await asked('listed', 'boss+x@else.test')).toBe('yes');
    expect(await asked('listed', 'any@partner.test')).toBe('yes');
    expect(await asked('listed', 'b@d.test')).toBe('no');
    const refused = await policy.checkRecipient('Group@d.test', { sender: 'b@d.test', client: stranger });
    expect(refused.reply.text).toBe(
      '<Group@d.test>: Recipient address rejected: group@d.test is an alias that only those whom its owners have named may write to, not <b@d.test>',
    );
    // A catch-all is an alias too, whatever it does with names.
    await aliases.edit('@d.test', [], [], { post: 'domain' });
    for (const catchAllMode of ['accept', 'propose'] as const) {
      await directory.domains.set('d.test', { catchAllMode });
      expect(await outcome('q+x@alias.d.test', 'x@spam.test')).toBe('550 5.7.1');
      expect(await outcome('q@d.test', 'a@d.test')).toBe('z@d.test mailstore');
      expect(await outcome('a@d.test', 'x@spam.test')).toBe('a@d.test mailstore');
    }
    await aliases.edit('@d.test', [], [], { post: 'anyone' });
    // What another alias sends there has been let in by that one.
    await aliases.add('open@d.test', ['group@d.test']);
    expect(await asked('listed', 'x@spam.test', 'open@d.test')).toBe('yes');
    await aliases.remove('open@d.test');
    await aliases.remove('group@d.test');
    expect(await outcome('group@d.test', 'x@spam.test')).toBe('z@d.test mailstore');
  });
});

describe('access rules in the first configuration', () => {
  afterEach(async () => {
    for (const { stage, pattern } of await directory.accessRules.list())
      await directory.accessRules.remove(stage, pattern);
  });

  test.each([
    ['client', 'far.test', '554 5.7.1'],
    ['client', '203.0.113.0/24', '554 5.7.1'],
    ['helo', 'far.test', '554 5.7.1'],
    ['sender', 'far.test', '554 5.7.1'],
    ['sender', 's@', '554 5.7.1'],
    ['recipient', 'a@d.test', '554 5.7.1'],
    ['recipient', 'd.test', '554 5.7.1'],
    ['client', 'other.test', 'a+x@d.test mailstore'],
    ['sender', '<>', 'a+x@d.test mailstore'],
    ['recipient', 'same.test', 'a+x@d.test mailstore'],
  ] as const)('about the %s %s: %s', async (stage, pattern, expected) => {
    await directory.accessRules.add(stage, pattern, { action: 'REJECT' });
    expect(await outcome('a+x@d.test')).toBe(expected);
  });

  test.each(['OK', 'RELAY', 'permit', 'permit_mynetworks, permit', '1', 'DUNNO'])(
    'that say %s let nobody relay',
    async (action) => {
      const { accessRules } = directory;
      for (const pattern of ['far.test', '203.0.113.5']) await accessRules.add('client', pattern, { action });
      await accessRules.add('helo', 'far.test', { action });
      await accessRules.add('sender', 'far.test', { action });
      for (const pattern of ['victim.test', 'victim@']) await accessRules.add('recipient', pattern, { action });
      const relayed = async (own: Record<string, string>) => {
        const asked = routing.policy(settings.withOverrides(own));
        return (await asked.checkRecipient('victim@victim.test', { sender: 's@far.test', client: stranger })).reply
          .code;
      };
      const all = ['client', 'helo', 'sender', 'recipient'].map(
        (stage) => `check_${stage}_access directory:${stage}-access`,
      );
      expect(await relayed({})).toBe(554);
      expect(await relayed({ smtpd_relay_restrictions: `${all.join(', ')}, reject_unauth_destination` })).toBe(554);
      expect(
        await relayed({
          smtpd_relay_restrictions: '',
          smtpd_recipient_restrictions: `own, reject_unauth_destination`,
          smtpd_restriction_classes: 'own',
          own: all.join(', '),
        }),
      ).toBe(554);
      expect(await outcome('a@d.test')).toBe('a@d.test mailstore');
    },
  );

  test('that say OK end their list for our own mail', async () => {
    await directory.accessRules.add('recipient', 'a@d.test', { action: 'OK' });
    const own = { smtpd_recipient_restrictions: 'check_recipient_access directory:recipient-access, reject' };
    const asked = routing.policy(settings.withOverrides(own));
    const ask = async (recipient: string) =>
      (await asked.checkRecipient(recipient, { sender: 's@far.test', client: stranger })).reply.code;
    expect(await ask('a@d.test')).toBe(250);
    expect(await ask('z@d.test')).toBe(554);
  });
});
