// The transports that a master.cf makes, with their limits and findings, and the agents that need no network.

import { describe, expect, test } from 'vitest';
import { ZoneResolver } from '../dns/zone-resolver.ts';
import { FakeClock } from '../lib/clock.ts';
import { MemoryLog, ProgramLog } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { QueueMessage, QueueRecipient } from '../mailstore/types.ts';
import type { DeliveryReport } from '../queue/delivery-agent.ts';
import { notFound } from '../tables/table.ts';
import type { LocalEnd } from '../routing/local-end.ts';
import { parseMasterCf } from '../settings/master-cf.ts';
import { ClientTables } from '../routing/client-tables.ts';
import { Settings } from '../settings/settings.ts';
import { Router } from '../routing/router.ts';
import { Tables } from '../tables/registry.ts';
import { openInlineTable } from '../tables/inline-table.ts';
import { Helper } from './helper/on-demand.ts';
import { Transports } from './transports.ts';

const masterCf = `
smtp      inet  n - n - -   smtpd
smtp      unix  - - n - -   smtp
relay     unix  - - n - 7   smtp -o syslog_name=outside
secure    unix  - - n - -   smtp -o smtp_tls_security_level=dane
login     unix  - - n - -   smtp -o smtp_sasl_auth_enable=yes
mailstore unix  - - n - -   mailstore
error     unix  - - n - -   error
retry     unix  - - n - -   error
discard   unix  - - n - -   discard
virtual   unix  - n n - -   virtual
local     unix  - n n - -   local
cleanup   unix  n - n - 0   cleanup
program   unix  - n n - -   pipe user=nobody argv=/bin/true $\{client_address}
`;

const settings = Settings.defaults({ smtp_destination_concurrency_limit: '3', relay_destination_recipient_limit: '1' });
const services = parseMasterCf(masterCf).services.map((entry) => ({
  ...entry,
  settings: settings.withOverrides(entry.overrides),
}));
const localEnds: Record<string, readonly LocalEnd[]> = {
  one: [{ kind: 'mail', delivered: 'here', recipient: 'x@y.example' }],
  list: [
    { kind: 'mail', delivered: 'here', recipient: 'x@y.example', sender: 'owner-list@here' },
    { kind: 'refused', delivered: 'here', recipient: 'nobody@here', status: '5.1.1', reason: 'unknown user: "nobody"' },
    { kind: 'transport', delivered: 'here', recipient: 'u@here', transport: 'smtp', nexthop: 'hub' },
  ],
  unknown: [
    { kind: 'refused', delivered: 'here', recipient: 'unknown', status: '5.1.1', reason: 'unknown user: "unknown"' },
  ],
  program: [
    { kind: 'mail', delivered: 'here', recipient: 'x@y.example' },
    { kind: 'command', delivered: 'here', recipient: 'program', what: '/bin/true', user: '' },
  ],
  handed: [{ kind: 'transport', delivered: 'here', recipient: 'handed', transport: 'discard', nexthop: 'away' }],
  itself: [{ kind: 'transport', delivered: 'here', recipient: 'itself', transport: 'local', nexthop: 'here' }],
  postmaster: [{ kind: 'discarded', delivered: 'here', recipient: 'postmaster' }],
};
const tables = new Tables({ log: new MemoryLog(), isWatching: false });
const router = new Router({ settings, tables, log: new ProgramLog(new MemoryLog(), 'test') });
const tableParts = {
  registry: { open: (name: string) => openInlineTable(name.slice('inline:'.length)) },
  revisions: { revision: () => 0 },
  warn: () => undefined,
  search: () => {
    throw new Error('no sender here');
  },
};
const transports = new Transports(services, {
  resolver: new ZoneResolver(''),
  mailboxes: {
    mailboxByAddress: async (address) => {
      if (address === 'ann@x.example') return { id: 1, quotaBytes: 0 };
      return address === 'full@x.example' ? { id: 2, quotaBytes: 100 } : undefined;
    },
  },
  usage: { usage: () => ({ bytes: 90 }) },
  clock: new FakeClock(),
  log: new MemoryLog(),
  expandLocal: async (recipient) => localEnds[recipient] ?? [],
  files: new Helper('file-helper', () => undefined),
  commands: new Helper('command-helper', () => undefined),
  account: async () => notFound,
  clientTables: (of, protocol) => new ClientTables({ settings: of, protocol, ...tableParts }),
  settings,
  lists: { byAddress: () => undefined, persons: () => [], refusal: () => undefined, fresh: () => undefined },
  vacations: { active: () => undefined },
  store: { ledgerTime: () => undefined },
  route: async () => [],
  genericMaps: (protocol, own) => router.genericMaps(protocol, own),
  virtualMailboxes: () => async (recipient) => {
    if (recipient === 'silent@x.example') throw new TemporaryError('table: no answer');
    return recipient === 'wrong@x.example' ? { kind: 'misconfigured', mistake: 'no uid' } : { kind: 'unknown' };
  },
});

const message: QueueMessage = {
  id: 'QID',
  content: 1,
  size: 11,
  sender: 'joe@y.example',
  arrival: 0,
  nextAttempt: 0,
  attempts: 0,
  ret: '',
  envid: '',
  smtputf8: false,
  eightBit: false,
  warned: false,
  hold: false,
  recipients: [],
};

async function deliver(transport: string, nexthop: string, ...addresses: string[]): Promise<DeliveryReport> {
  const recipients = addresses.map(
    (recipient, id): QueueRecipient => ({
      id,
      recipient,
      original: recipient,
      transport,
      nexthop,
      notify: '',
      orcpt: '',
      state: 'pending',
      status: '',
      reason: '',
    }),
  );
  const report = await transports.find(transport)?.agent.deliver({
    message,
    transport,
    nexthop,
    recipients,
    openContent: () => ({
      size: 0,
      read: async () => Buffer.alloc(0),
      readAll: async () => Buffer.alloc(0),
      close: async () => undefined,
    }),
    mayBeRepeated: false,
    signal: new AbortController().signal,
  });
  if (!report) throw new Error(`no transport ${transport}`);
  return report;
}

describe('the transports of master.cf', () => {
  test('have the limits of their own parameters', () => {
    expect(transports.find('smtp')).toMatchObject({
      program: 'postfix/smtp',
      processLimit: 100,
      recipientLimit: 50,
      concurrencyLimit: 3,
      initialConcurrency: 5,
      isMailstore: false,
    });
    expect(transports.find('relay')).toMatchObject({
      program: 'outside/smtp',
      processLimit: 7,
      recipientLimit: 1,
      concurrencyLimit: 20,
    });
    expect(transports.find('mailstore')?.isMailstore).toBe(true);
    expect(transports.find('cleanup')).toBeUndefined();
    expect(transports.find('nothing')).toBeUndefined();
  });

  test('that cannot deliver are reported, and keep their mail', async () => {
    expect(transports.findings.map(({ text, line }) => `${line} ${text}`)).toEqual([
      '5 secure: smtp_tls_security_level = dane: TLS security level "dane" is not supported yet; its mail waits',
      '6 login: must set smtp_sasl_password_maps: no login is known',
      '14 program: argv=: $client_address is not supported',
    ]);
    const { outcomes } = await deliver('program', 'x.example', 'ann@x.example');
    expect(outcomes).toEqual([
      { kind: 'deferred', status: '4.3.5', reason: 'argv=: $client_address is not supported', relay: 'none' },
    ]);
  });
});

describe('virtual(8)', () => {
  test.each([
    ['Nobody@x.example', 'bounced', '5.1.1', 'unknown user: "nobody@x.example"'],
    ['silent@x.example', 'deferred', '4.3.5', 'mail system configuration error'],
    ['wrong@x.example', 'deferred', '4.3.5', 'mail system configuration error'],
  ])('%s is %s', async (recipient, kind, status, reason) => {
    const { outcomes } = await deliver('virtual', 'x.example', recipient);
    expect(outcomes).toEqual([{ kind, status, reason, relay: 'virtual' }]);
  });
});

describe('local(8)', () => {
  test.each([
    ['unknown', 'bounced', '5.1.1', 'unknown user: "unknown"'],
    ['handed', 'delivered', '2.0.0', 'away'],
    ['itself', 'deferred', '4.3.0', 'mail transport unavailable: local'],
    ['postmaster', 'delivered', '2.0.0', 'discarded'],
  ])('%s is %s', async (recipient, kind, status, reason) => {
    const report = await deliver('local', 'here', recipient);
    expect(report.outcomes).toEqual([expect.objectContaining({ kind, status, reason })]);
    expect(report.forwards).toBeUndefined();
  });

  test('an alias is mailed on, with its original recipient; its failures and hand-overs become recipients', async () => {
    const { forwards, outcomes } = await deliver('local', 'here', 'one');
    expect(outcomes).toEqual([expect.objectContaining({ kind: 'delivered', relayed: false })]);
    const origin = { original: 'one', notify: '', orcpt: '' };
    expect(forwards).toEqual([{ deliveredTo: 'here', recipients: [{ address: 'x@y.example', ...origin }] }]);
    const list = await deliver('local', 'here', 'list');
    expect(list.forwards).toMatchObject([
      { sender: 'owner-list@here', recipients: [{ address: 'x@y.example', original: 'x@y.example' }] },
      {
        recipients: [
          { address: 'nobody@here', destination: { transport: 'error', nexthop: '5.1.1 unknown user: "nobody"' } },
          { address: 'u@here', original: 'list', destination: { transport: 'smtp', nexthop: 'hub' } },
        ],
      },
    ]);
  });
});

test('a command among several ends is a recipient of its own, with what is left to do', async () => {
  const { forwards } = await deliver('local', 'here', 'program');
  const end = JSON.stringify({ kind: 'command', what: '/bin/true', user: '', delivered: '' });
  expect(forwards).toMatchObject([
    {
      deliveredTo: 'here',
      recipients: [
        { address: 'x@y.example' },
        { address: 'program', original: 'program', destination: { transport: 'local', nexthop: '', end } },
      ],
    },
  ]);
});

describe('error(8) and its kin', () => {
  test.each([
    ['error', '5.1.6 User has moved to x@y', 'bounced', '5.1.6', 'User has moved to x@y'],
    ['error', 'no code', 'bounced', '5.0.0', 'no code'],
    ['error', '4.2.1 confused', 'bounced', '5.2.1', 'confused'],
    ['error', '', 'bounced', '5.0.0', 'Address is undeliverable'],
    ['retry', '4.7.0 come back', 'deferred', '4.7.0', 'come back'],
    ['retry', '', 'deferred', '4.0.0', 'Address is undeliverable'],
    ['discard', 'spam', 'delivered', '2.0.0', 'spam'],
  ])('%s:%s', async (transport, nexthop, kind, status, reason) => {
    const { outcomes } = await deliver(transport, nexthop, 'ann@x.example');
    expect(outcomes).toEqual([
      { kind, status, reason, relay: 'none', ...(transport === 'discard' ? { discarded: true } : {}) },
    ]);
  });
});

test('the mailstore makes one copy a mailbox, and says why it makes none', async () => {
  const { outcomes, copies } = await deliver(
    'mailstore',
    'x.example',
    'ann@x.example',
    'gone@x.example',
    'full@x.example',
    'ann@x.example',
  );
  expect(outcomes.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
    'delivered 2.0.0',
    'bounced 5.1.1',
    'bounced 5.2.2',
    'delivered 2.0.0',
  ]);
  expect(copies?.map(({ mailbox, prefix }) => [mailbox, Buffer.from(prefix).toString()])).toEqual([
    [1, 'Return-Path: <joe@y.example>\r\nX-Original-To: ann@x.example\r\nDelivered-To: ann@x.example\r\n'],
  ]);
});
