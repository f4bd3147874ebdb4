// What a client is told at MAIL and RCPT: relaying, restriction lists, full mailboxes, and what cannot be decided.

import { afterAll, describe, expect, test } from 'vitest';
import { MemoryLog } from '../lib/log.ts';
import type { Client, RecipientDecision, TraceStep } from '../routing/types.ts';
import { Settings } from '../settings/settings.ts';
import { notFound, type RevisionSource, type TableOpener } from '../tables/table.ts';
import { noActions } from './message-actions.ts';
import { openRouting, type OpenRoutingOptions, type Routing } from './open-routing.ts';
import { RecipientsAhead } from './recipients-ahead.ts';

const base = {
  compatibility_level: '3.6',
  myhostname: 'mx.h.test',
  mydestination: 'localhost',
  local_recipient_maps: '',
  mynetworks: '127.0.0.0/8',
  smtpd_sasl_auth_enable: 'yes',
  recipient_delimiter: '+',
  virtual_transport: 'mailstore',
  virtual_mailbox_domains: 'm.test',
  virtual_mailbox_maps: 'inline:{{a@m.test=x},{b@m.test=x},{full@m.test=x}}',
  virtual_alias_maps:
    'inline:{{list@m.test=a@m.test, full@m.test},{tofull@m.test=full@m.test},{l1@m.test=l2@m.test},{l2@m.test=l1@m.test}}',
};
const stranger: Client = { address: '203.0.113.5', name: 'c.test', helo: 'c.test' };
const opened: Routing[] = [];
afterAll(() => opened.forEach((routing) => routing.close()));

function open(main: Record<string, string> = {}, options: Partial<OpenRoutingOptions> = {}): Routing {
  const settings = Settings.defaults({ ...base, ...main });
  const routing = openRouting({ settings, log: new MemoryLog(), isWatching: false, ...options });
  opened.push(routing);
  return routing;
}

async function rcpt(
  routing: Routing,
  recipient: string,
  client = stranger,
  sender = 's@x.test',
): Promise<RecipientDecision> {
  return await routing.policy(routing.settings).checkRecipient(recipient, { sender, client });
}

function text({ reply, replyStage }: RecipientDecision): string {
  return `${replyStage} ${reply.code} ${reply.status} ${reply.text}`;
}

describe('relaying', () => {
  test('is for our own networks and those who are logged in', async () => {
    const routing = open();
    expect(text(await rcpt(routing, 'x@far.test'))).toBe('rcpt 454 4.7.1 <x@far.test>: Relay access denied');
    expect((await rcpt(routing, 'x@far.test', { ...stranger, login: 'a@m.test' })).reply.code).toBe(250);
    expect((await rcpt(routing, 'x@far.test', { address: '127.0.0.9' })).reply.code).toBe(250);
    expect((await rcpt(routing, 'x@far.test', {})).reply.code).toBe(454);
    expect((await rcpt(routing, 'a@m.test')).reply.code).toBe(250);
  });
  test('by routing characters is refused', async () => {
    const routing = open({ smtpd_relay_restrictions: 'reject_unauth_destination', relay_domains: 'm2.test' });
    for (const address of ['x%far.test@m2.test', 'far.test!x@m2.test', '"x@far.test"@m2.test']) {
      expect(text(await rcpt(routing, address))).toBe(
        `rcpt 554 5.7.1 <${address.replaceAll('"', '')}>: Relay access denied`,
      );
    }
  });
  test('must be controlled, or the server does not start', () => {
    const routing = open();
    const settings = routing.settings.withOverrides({ smtpd_relay_restrictions: 'permit_mynetworks' });
    expect(() => routing.policy(settings)).toThrow('specify at least one working instance of');
  });
  test('postmaster without a domain is accepted, whatever the restrictions', async () => {
    const routing = open({ smtpd_recipient_restrictions: 'reject' });
    expect((await rcpt(routing, 'PostMaster')).reply.code).toBe(250);
    expect((await rcpt(routing, 'a@m.test')).reply.code).toBe(554);
  });
  test('so is the sender of address probes', async () => {
    const routing = open({ smtpd_recipient_restrictions: 'reject', myorigin: 'h.test', mydestination: 'h.test' });
    expect((await rcpt(routing, 'Double-Bounce@h.test')).reply.code).toBe(250);
    expect((await rcpt(routing, 'double-bounce@m.test')).reply.code).toBe(554);
  });
});

describe('restriction lists', () => {
  test.each([
    ['check_ccert_access { inline:{a=b}, { search_order = subject } }', 'search_order knows cert_fingerprint and'],
    ['reject_nonsense', 'smtpd_sender_restrictions: unknown restriction reject_nonsense'],
    ['check_sender_access', 'check_sender_access needs a table'],
    ['check_sender_access nosuch:/x', 'smtpd_sender_restrictions: '],
  ])('%s stops the start', (list, message) => {
    const routing = open();
    const settings = routing.settings.withOverrides({ smtpd_sender_restrictions: list });
    expect(() => routing.policy(settings)).toThrow(message);
  });
  test('a class that names itself ends', async () => {
    const main = { smtpd_restriction_classes: 'loop', loop: 'loop', smtpd_sender_restrictions: 'loop' };
    expect(text(await rcpt(open(main), 'a@m.test'))).toBe('rcpt 451 4.3.5 Server configuration error');
  });
  test('without smtpd_delay_reject the sender lists are asked at MAIL', async () => {
    const routing = open({ smtpd_delay_reject: 'no', smtpd_sender_restrictions: 'reject' });
    expect(await routing.policy(routing.settings).checkSender('s@x.test', stranger)).toMatchObject({ code: 554 });
    expect((await rcpt(routing, 'a@m.test')).reply.code).toBe(250);
  });
  test('soft_bounce refuses nothing for good', async () => {
    expect(text(await rcpt(open({ soft_bounce: 'yes' }), 'no@m.test'))).toContain('rcpt 450 4.1.1 <no@m.test>');
  });
});

describe('quota', () => {
  const quota = { check: (recipient: string) => (recipient.startsWith('full@') ? 'full' : 'ok') } as const;
  const refusal = '<%>: Recipient address rejected: Mailbox is full';
  test.each(['full@m.test', 'tofull@m.test', 'full+x@m.test'])(
    '%s is full, directly or by an alias',
    async (address) => {
      const full = { check: (recipient: string) => (recipient.startsWith('full') ? 'full' : 'ok') } as const;
      expect(text(await rcpt(open({}, { quota: full }), address))).toBe(
        `rcpt 552 5.2.2 ${refusal.replace('%', address)}`,
      );
    },
  );
  test('a list with other members goes on', async () => {
    const decided = await rcpt(open({}, { quota }), 'list@m.test');
    expect(decided.reply.code).toBe(250);
    expect(decided.deliveries.map(({ recipient }) => recipient)).toEqual(['a@m.test', 'full@m.test']);
  });
  test('may be put off instead', async () => {
    const routing = open({ posthaste_quota_full_tempfail: 'yes' }, { quota });
    expect(text(await rcpt(routing, 'full@m.test'))).toContain('rcpt 452 4.2.2 ');
  });
});

describe('what cannot be decided', () => {
  test('an alias loop is refused at the end of DATA', async () => {
    const decided = await rcpt(open(), 'l1@m.test');
    expect(text(decided)).toBe('data 451 4.6.0 Alias expansion error');
    expect(decided.deliveries).toEqual([]);
  });
  test('tables that keep changing are "try again", never "unknown"', async () => {
    let revision = 0;
    const restless: RevisionSource = { revision: () => revision++ };
    const none: TableOpener = (name) => ({ name: `restless:${name}`, kind: 'fixed', lookup: async () => notFound });
    const options = { openers: { restless: none }, revisionSources: [restless] };
    expect(text(await rcpt(open({ virtual_mailbox_maps: 'restless:x' }, options), 'no@m.test'))).toBe(
      'rcpt 451 4.3.0 <no@m.test>: Temporary lookup failure',
    );
  });
  test('a decision during which a table changed is made again', async () => {
    let revision = 0;
    const asked: string[] = [];
    const routing = open(
      { virtual_mailbox_maps: 'moving:x' },
      {
        openers: {
          moving: (name) => ({
            name: `moving:${name}`,
            kind: 'fixed',
            // The address moves in while it is being looked for.
            lookup: async (key) => {
              asked.push(key);
              const isThere = revision > 0;
              revision = 1;
              return isThere ? { kind: 'found', value: 'x' } : { kind: 'not-found' };
            },
          }),
        },
        revisionSources: [{ revision: () => revision }],
      },
    );
    expect((await rcpt(routing, 'new@m.test')).reply.code).toBe(250);
    expect(asked.filter((key) => key === 'new@m.test')).toHaveLength(2);
  });
});

describe('what was asked ahead', () => {
  /** As if the client had named `second` in the packet in which it names `first`. */
  async function together(first: () => Routing, second: () => Routing, meanwhile: () => void) {
    const sent = { line: 1, upcoming: () => ['b@m.test'] };
    const ahead = new RecipientsAhead(sent);
    const actions = noActions();
    const envelope = { sender: 's@x.test', client: stranger, actions, ahead };
    ahead.isWorthwhile = true;
    await first().policy(first().settings).checkRecipient('a@m.test', envelope);
    meanwhile();
    sent.line++;
    const decided = await second().policy(second().settings).checkRecipient('b@m.test', envelope);
    return { decided, actions };
  }

  test('is asked again where a table has changed, and orders nothing twice', async () => {
    let revision = 0;
    const one = open(
      { smtpd_recipient_restrictions: 'check_recipient_access inline:{{b@m.test=PREPEND X-Seen: yes}}' },
      {
        openers: { still: (name) => ({ name, kind: 'fixed', lookup: async () => notFound }) },
        revisionSources: [{ revision: () => revision }],
      },
    );
    one.tables.open('still:x');
    const { decided, actions } = await together(
      () => one,
      () => one,
      () => revision++,
    );
    expect(decided.reply.code).toBe(250);
    expect(actions.prepended).toEqual(['X-Seen: yes']);
  });
  test('counts for nothing after a reload', async () => {
    const before = open({ mydestination: 'm.test', virtual_mailbox_domains: '', local_recipient_maps: 'inline:{x=x}' });
    const after = open();
    const { decided } = await together(
      () => before,
      () => after,
      () => undefined,
    );
    expect(text(decided)).toBe('rcpt 250 2.1.5 Ok');
    expect(decided.class).toBe('virtual-mailbox');
  });
});

test('without a trace each key is asked once, and with one the answer is the same', async () => {
  const routing = open();
  const policy = routing.policy(routing.settings);
  for (const address of ['a@m.test', 'list+x@m.test', 'no@m.test', 'x@far.test', 'l1@m.test', 'bad@']) {
    const steps: TraceStep[] = [];
    const envelope = { sender: 's@x.test', client: stranger };
    const traced = await policy.checkRecipient(address, envelope, (step) => steps.push(step));
    expect(traced).toEqual(await policy.checkRecipient(address, envelope));
    const asked = steps.filter(({ table }) => table?.includes(':')).map(({ table, key }) => `${table} ${key}`);
    expect(new Set(asked).size).toBe(asked.length);
    expect(steps.at(-1)).toMatchObject({ stage: 'reply' });
  }
});

test('a service with no_address_mappings expands nothing', async () => {
  const routing = open();
  const settings = routing.settings.withOverrides({ receive_override_options: 'no_address_mappings' });
  const decided = await routing.policy(settings).checkRecipient('list@m.test', { sender: '', client: stranger });
  expect(decided.deliveries).toMatchObject([{ recipient: 'list@m.test', transport: 'mailstore' }]);
});
