// What a real Postfix 3.7.11 local(8) did with aliases, :include: files and loops: who got the mail, from whom, and
// which failures it reported.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openRouting } from '../../src/access/open-routing.ts';
import { MemoryLog } from '../../src/lib/log.ts';
import type { LocalEnd } from '../../src/routing/local-end.ts';
import type { TraceStep } from '../../src/routing/types.ts';
import { Settings } from '../../src/settings/settings.ts';

const scratch = mkdtempSync(join(tmpdir(), 'local-'));
writeFileSync(
  join(scratch, 'aliases'),
  `a1 x@out.test
a2 x@out.test, y@out.test
a3 a2
a4 a5
a5 a4
list m1@out.test, m2@out.test, a1
owner-list listadmin
listadmin la@out.test
list-request lr@out.test
sub list, z@out.test
users nobody, z@out.test
owner-users la@out.test
self self, s@out.test
cmd "|/bin/true arg"
file /var/mail/f1
inc :include:${scratch}/inc
owner-inc oi@out.test
missing :include:${scratch}/none
relative :include:rel
writable :include:${scratch}/open
via vv
empty (nothing)
mixed x@out.test, "|/bin/false"
cased c@out.test
lower c2@out.test
plus+ext pe@out.test
plus p@out.test
distant u@mx.oracle.test
u uu@out.test
quoted "a b"
broken x@-bad-
twice x@out.test, X@OUT.test, a1
`,
);
writeFileSync(
  join(scratch, 'inc'),
  `i1@out.test, a1\n# comment\n i2@out.test\n|/bin/true\n/var/mail/f2\n:include:${scratch}/inc2\n`,
);
writeFileSync(join(scratch, 'inc2'), 'i3@out.test\n');
writeFileSync(join(scratch, 'open'), 'i3@out.test\n');
chmodSync(join(scratch, 'open'), 0o666);
afterAll(() => rmSync(scratch, { recursive: true }));

const base = {
  compatibility_level: '3.6',
  myhostname: 'mx.oracle.test',
  mydomain: 'oracle.test',
  mydestination: '$myhostname, localhost.$mydomain, localhost',
  alias_maps: `texthash:${scratch}/aliases`,
  local_recipient_maps: '',
  recipient_delimiter: '+',
};

async function expand(
  recipient: string,
  main: Readonly<Record<string, string>> = {},
  deliveredTo: readonly string[] = [],
): Promise<string[]> {
  const settings = Settings.defaults({ ...base, ...main });
  const routing = openRouting({ settings, log: new MemoryLog(), isWatching: false });
  try {
    void routing.router.local;
    await routing.tables.ready();
    const ends = await routing.router.expandLocal(`${recipient}@mx.oracle.test`, 'local', new Set(deliveredTo));
    return ends.map(shown);
  } finally {
    routing.close();
  }
}

function shown(end: LocalEnd): string {
  const from = end.sender === undefined ? '' : ` from ${end.sender}`;
  switch (end.kind) {
    case 'mail':
      return `${end.recipient}${from}`;
    case 'transport':
      return `${end.recipient} by ${end.transport}:${end.nexthop}${from}`;
    case 'refused':
      return `${end.status} ${end.reason}${from}`;
    case 'discarded':
      return 'discarded';
    case 'command':
    case 'file':
    case 'mailbox':
      return `${end.kind} ${end.what}${from}`;
  }
}

const listed = ['m1', 'm2', 'x'].map((user) => `${user}@out.test from owner-list@mx.oracle.test`);

describe('aliases(5)', () => {
  test.each([
    ['a1', ['x@out.test']],
    ['a2', ['x@out.test', 'y@out.test']],
    ['a3', ['x@out.test', 'y@out.test']],
    ['a4', ['5.4.6 alias database loop for a5']],
    ['list', listed],
    ['list+e', listed],
    ['list-request', ['lr@out.test']],
    ['owner-list', ['la@out.test']],
    ['sub', [...listed, 'z@out.test']],
    ['users', ['nobody@mx.oracle.test from owner-users@mx.oracle.test', 'z@out.test from owner-users@mx.oracle.test']],
    ['self', ['5.1.1 unknown user: "self"', 's@out.test']],
    ['cmd', ['command /bin/true arg']],
    ['file', ['file /var/mail/f1']],
    ['missing', ['5.3.5 mail system configuration error']],
    ['relative', ['5.3.5 mail system configuration error']],
    ['writable', ['5.3.5 mail system configuration error']],
    ['via', ['5.1.1 unknown user: "vv"']],
    ['empty', ['4.3.0 alias database unavailable']],
    ['mixed', ['x@out.test', 'command /bin/false']],
    ['CASED', ['c@out.test']],
    ['plus+ext', ['pe@out.test']],
    ['plus+o', ['p@out.test']],
    ['a1+e', ['x@out.test']],
    ['distant', ['uu@out.test']],
    ['quoted', ['5.1.1 unknown user: "a b"']],
    ['broken', ['5.1.3 bad recipient address syntax: x@-bad-']],
    ['nosuch', ['5.1.1 unknown user: "nosuch"']],
    ['Nosuch+e', ['5.1.1 unknown user: "nosuch"']],
    ['postmaster', ['discarded']],
    ['MAILER-DAEMON', ['discarded']],
    ['nobody', ['mailbox nobody']],
    ['twice', ['x@out.test']],
  ])('%s', async (recipient, ends) => expect(await expand(recipient)).toEqual(ends));

  test(':include: lists are mailed on from the owner, and run nothing', async () => {
    const owner = 'from owner-inc@mx.oracle.test';
    expect((await expand('inc')).toSorted()).toEqual([
      `5.7.1 mail to command is restricted ${owner}`,
      `5.7.1 mail to file is restricted ${owner}`,
      `i1@out.test ${owner}`,
      `i2@out.test ${owner}`,
      `i3@out.test ${owner}`,
      `x@out.test ${owner}`,
    ]);
  });

  test('mail that comes back is a loop, reported to the owner where there is one', async () => {
    expect(await expand('A1', {}, ['a1@mx.oracle.test'])).toEqual(['5.4.6 mail forwarding loop for A1@mx.oracle.test']);
    expect(await expand('a3', {}, ['a2@mx.oracle.test'])).toEqual(['5.4.6 mail forwarding loop for a2@mx.oracle.test']);
    expect(await expand('list', {}, ['list@mx.oracle.test'])).toEqual([
      '5.4.6 mail forwarding loop for list@mx.oracle.test from owner-list@mx.oracle.test',
    ]);
  });

  test('expand_owner_alias names who is behind the owner', async () => {
    expect(await expand('inc', { expand_owner_alias: 'yes', allow_mail_to_commands: 'alias,include' })).toContain(
      'command /bin/true from oi@out.test',
    );
  });

  test('extensions are carried over where asked', async () => {
    expect(await expand('a1+e', { propagate_unmatched_extensions: 'alias' })).toEqual(['x+e@out.test']);
  });
});

describe('users without an alias', () => {
  test.each([
    ['nobody', { mailbox_transport: 'lmtp:unix:x' }, ['nobody@mx.oracle.test by lmtp:unix:x']],
    ['nosuch', { mailbox_transport: 'lmtp' }, ['nosuch@mx.oracle.test by lmtp:mx.oracle.test']],
    ['nosuch', { mailbox_transport_maps: 'inline:{nosuch=lmtp:there}' }, ['nosuch@mx.oracle.test by lmtp:there']],
    ['nosuch', { fallback_transport: 'smtp:[hub]' }, ['nosuch@mx.oracle.test by smtp:[hub]']],
    ['nobody', { fallback_transport: 'smtp:[hub]' }, ['mailbox nobody']],
    ['nosuch', { fallback_transport_maps: 'inline:{nosuch=smtp:[hub]}' }, ['nosuch@mx.oracle.test by smtp:[hub]']],
    ['nosuch+e', { luser_relay: '$user@other.test' }, ['nosuch@other.test']],
    ['nosuch+e', { luser_relay: 'admin+$local' }, ['5.1.1 unknown user: "admin"']],
    ['nosuch', { luser_relay: 'a1' }, ['x@out.test']],
    ['$home', { luser_relay: '$user@other.test' }, ['$home@other.test']],
  ])('%s with %o', async (recipient, main, ends) => expect(await expand(recipient, main)).toEqual(ends));
});

test('a table that fails is no unknown user', async () => {
  await expect(expand('nosuch', { alias_maps: 'fail:x' })).rejects.toThrow('fail:x');
  await expect(expand('nosuch', { fallback_transport_maps: 'fail:x' })).rejects.toThrow('fail:x');
});

test('explain shows what local(8) will do', async () => {
  const settings = Settings.defaults(base);
  const routing = openRouting({ settings, log: new MemoryLog(), isWatching: false });
  void routing.router.local;
  await routing.tables.ready();
  const steps: TraceStep[] = [];
  await routing.router.resolve('list@localhost', {}, (step) => steps.push(step));
  expect(steps.filter(({ stage }) => stage === 'local').map(({ result }) => result)).toContain(
    'mailed on to m1@out.test, bounces to owner-list@mx.oracle.test',
  );
  expect(steps).toContainEqual(expect.objectContaining({ stage: 'local-alias', key: 'list' }));
  routing.close();
});
