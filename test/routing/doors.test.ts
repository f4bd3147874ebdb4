// One alias, three doors: mail from outside, mail of somebody who is logged in, and mail that a program on this machine
// hands in reach the same recipients, each once; so do blind copies, also when the tables change in between.

import { afterAll, describe, expect, test } from 'vitest';
import { openRouting } from '../../src/access/open-routing.ts';
import { MemoryLog } from '../../src/lib/log.ts';
import { finalRecipients } from '../../src/queue/duplicates.ts';
import type { Delivery } from '../../src/routing/types.ts';
import { Settings } from '../../src/settings/settings.ts';

const settings = Settings.defaults({
  compatibility_level: '3.6',
  myhostname: 'mx.h.test',
  mydestination: '$myhostname, localhost',
  local_recipient_maps: '',
  alias_maps: '',
  recipient_delimiter: '+',
  mynetworks: '127.0.0.0/8',
  virtual_alias_domains: 'd.test',
  virtual_alias_maps:
    'inline:{ {team@d.test=ann@m.test, bob@m.test, ann@m.test}, {info@d.test=team@d.test, bob@m.test}, postmaster=ann@m.test }',
  virtual_mailbox_domains: 'm.test',
  virtual_mailbox_maps: 'static:x',
  canonical_maps: 'inline:{old@d.test=team@d.test, boss@m.test=chief@m.test}',
  sender_bcc_maps: 'inline:{chief@m.test=audit@m.test}',
  recipient_bcc_maps: 'inline:{team@d.test=archive@m.test}',
  always_bcc: 'all@m.test',
});
const routing = openRouting({ settings, log: new MemoryLog(), isWatching: false });
afterAll(() => routing.close());

type Door = (recipient: string, sender: string) => Promise<readonly Delivery[]>;

const doors: Readonly<Record<string, Door>> = {
  outside: async (recipient, sender) =>
    (await routing.policy(settings).checkRecipient(recipient, { sender, client: { address: '203.0.113.5' } }))
      .deliveries,
  'logged in': async (recipient, sender) => {
    const client = { address: '203.0.113.5', login: 'boss' };
    return (await routing.policy(settings).checkRecipient(recipient, { sender, client })).deliveries;
  },
  'this machine': async (recipient, sender) =>
    (await routing.router.resolve(recipient, { sender, handling: 'external' })).deliveries,
};

/** What the queue makes of it: the final recipients, `*` behind those of whom nobody is told anything. */
async function reached(door: Door, recipients: readonly string[], sender: string): Promise<string[]> {
  const submitted = [];
  for (const original of recipients) {
    submitted.push({ original, notify: 'SUCCESS', orcpt: '', deliveries: await door(original, sender) });
  }
  const finals = finalRecipients(submitted, true);
  return finals.map(({ recipient, notify }) => `${recipient}${notify === 'NEVER' ? '*' : ''}`).toSorted();
}

describe.each(Object.keys(doors))('%s', (name) => {
  const door = doors[name] as Door;
  test.each([
    ['team@d.test', ['all@m.test*', 'ann@m.test', 'archive@m.test*', 'bob@m.test']],
    ['info@d.test', ['all@m.test*', 'ann@m.test', 'bob@m.test']],
    ['old@d.test', ['all@m.test*', 'ann@m.test', 'archive@m.test*', 'bob@m.test']],
    ['postmaster', ['all@m.test*', 'ann@m.test']],
    ['TEAM@D.TEST', ['all@m.test*', 'ann@m.test', 'archive@m.test*', 'bob@m.test']],
  ])('%s', async (recipient, expected) => {
    expect(await reached(door, [recipient], 'x@far.test')).toEqual(expected);
  });

  test('copies of several recipients and of the sender count once', async () => {
    expect(await reached(door, ['team@d.test', 'info@d.test', 'ann@m.test'], 'boss@m.test')).toEqual([
      'all@m.test*',
      'ann@m.test',
      'ann@m.test',
      'ann@m.test',
      'archive@m.test*',
      'audit@m.test*',
      'bob@m.test',
      'bob@m.test',
    ]);
  });
});

test('bounces and what local delivery sends on cause no copies', async () => {
  const { deliveries } = await routing.router.resolve('team@d.test', { sender: '', handling: 'internal' });
  expect(deliveries.map(({ recipient }) => recipient)).toEqual(['ann@m.test', 'bob@m.test']);
});

test('without address mappings an address stays what it is', async () => {
  const { deliveries } = await routing.router.resolve('old@d.test', { sender: 'boss@m.test', handling: 'unmapped' });
  expect(deliveries.map(({ recipient }) => recipient)).toEqual(['old@d.test']);
  expect(await routing.router.envelopeSender('boss@m.test', 'unmapped')).toBe('boss@m.test');
  expect(await routing.router.envelopeSender('boss@m.test', 'external')).toBe('chief@m.test');
});
