// Acceptance vectors over plain tables: what must not depend on the order of maps or rows.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openRouting, type Routing } from '../../src/access/open-routing.ts';
import { MemoryLog } from '../../src/lib/log.ts';
import type { Reply } from '../../src/routing/types.ts';
import { Settings } from '../../src/settings/settings.ts';

const opened: Routing[] = [];
afterAll(() => opened.forEach((routing) => routing.close()));

function open(main: Record<string, string>): Routing {
  const settings = Settings.defaults({
    compatibility_level: '3.6',
    myhostname: 'mx.h.test',
    local_recipient_maps: '',
    recipient_delimiter: '+',
    ...main,
  });
  const routing = openRouting({ settings, log: new MemoryLog(), isWatching: false });
  opened.push(routing);
  return routing;
}

async function targets(main: Record<string, string>, recipient: string): Promise<string[]> {
  const { deliveries } = await open(main).router.resolve(recipient);
  return deliveries.map((delivery) => `${delivery.recipient} ${delivery.transport}:${delivery.nexthop}`);
}

async function replyTo(main: Record<string, string>, recipient: string): Promise<Reply> {
  const routing = open(main);
  const asked = { sender: 's@far.test', client: { address: '203.0.113.5' } };
  return (await routing.policy(routing.settings).checkRecipient(recipient, asked)).reply;
}

describe('V2: forwards and identities as two maps, in either order', () => {
  const forwards = 'inline:{{f@d.test=x@out.test},{@d.test=all@out.test}}';
  const identities = 'inline:{{m@d.test=m@d.test}}';
  const main = { virtual_mailbox_domains: 'd.test', virtual_mailbox_maps: 'inline:{{m@d.test=m}}' };
  test.each([`${forwards} ${identities}`, `${identities} ${forwards}`])('%s', async (maps) => {
    const both = { ...main, virtual_alias_maps: maps };
    expect(await targets(both, 'm@d.test')).toEqual(['m@d.test virtual:d.test']);
    expect(await targets(both, 'm+x@d.test')).toEqual(['m+x@d.test virtual:d.test']);
    expect(await targets(both, 'f@d.test')).toEqual(['x@out.test smtp:out.test']);
    expect(await targets(both, 'q@d.test')).toEqual(['all@out.test smtp:out.test']);
  });
});

test('V4: only the first @domain keeps the localpart', async () => {
  expect(await targets({ virtual_alias_maps: 'inline:{{@a.test=@b.test}}' }, 'u+x@a.test')).toEqual([
    'u+x@b.test smtp:b.test',
  ]);
  expect(await targets({ virtual_alias_maps: 'inline:{{u@a.test=x@b.test, @c.test}}' }, 'u@a.test')).toEqual([
    'x@b.test smtp:b.test',
    '""@c.test smtp:c.test',
  ]);
});

describe('V9: a transport table, in any order of its rows', () => {
  const rows = [
    '{joe@example.com=t1:[one]}',
    '{example.com=:[1.2.3.4]:2025}',
    '{.example.com=t2:}',
    '{local.test=:}',
    '{*=t3:[rest]}',
  ];
  test.each([rows, rows.toReversed()])('%s', async (...order) => {
    const main = { transport_maps: `inline:{${order.join(',')}}`, relayhost: '[hub]' };
    expect(await targets(main, 'joe@example.com')).toEqual(['joe@example.com t1:[one]']);
    expect(await targets(main, 'ann@example.com')).toEqual(['ann@example.com smtp:[1.2.3.4]:2025']);
    expect(await targets(main, 'ann@a.b.example.com')).toEqual(['ann@a.b.example.com t2:a.b.example.com']);
    expect(await targets(main, 'ann@local.test')).toEqual(['ann@local.test smtp:[hub]']);
    expect(await targets(main, 'ann@else.test')).toEqual(['ann@else.test t3:[rest]']);
  });
});

test('with append_at_myorigin = no a name alone is of this host, be that a local domain or not', async () => {
  const bare = { append_at_myorigin: 'no', myhostname: 'mx.h.test' };
  expect(await targets({ ...bare, mydestination: 'mx.h.test' }, 'x')).toEqual(['x@mx.h.test local:mx.h.test']);
  expect(await targets({ ...bare, mydestination: '' }, 'x')).toEqual(['x@mx.h.test smtp:mx.h.test']);
  expect(await replyTo({ ...bare, mydestination: 'mx.h.test' }, '@')).toMatchObject({ code: 501, status: '5.1.3' });
});

describe('V11: a database that is down', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vectors-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  // The discard port: nothing listens there.
  writeFileSync(
    join(folder, 'sql.cf'),
    'hosts = inet:127.0.0.1:9\nuser = u\npassword = p\ndbname = m\nquery = SELECT 1\n',
  );
  const table = `mysql:${folder}/sql.cf`;
  const hosted = { virtual_mailbox_domains: 'd.test', virtual_mailbox_maps: 'inline:{{m@d.test=m}}' };
  test.each<Record<string, string>>([
    { mydestination: table },
    { virtual_alias_domains: table },
    { virtual_mailbox_domains: table },
    { relay_domains: table },
    { ...hosted, virtual_alias_maps: table },
    { ...hosted, virtual_mailbox_maps: table },
    { ...hosted, transport_maps: table },
    { ...hosted, canonical_maps: table },
    { ...hosted, recipient_canonical_maps: table },
    { ...hosted, relocated_maps: table },
    { relay_domains: 'd.test', relay_recipient_maps: table },
    { mydestination: 'd.test', local_recipient_maps: table },
  ])('%j: 451 for who is there and for who is not', async (main) => {
    for (const recipient of ['m@d.test', 'nobody@d.test']) {
      expect(await replyTo(main, recipient)).toMatchObject({ code: 451, status: '4.3.0' });
    }
  });
  test.each<Record<string, string>>([
    { ...hosted, smtpd_recipient_restrictions: `check_recipient_access ${table}, permit` },
    { ...hosted, smtpd_sender_restrictions: `check_sender_access ${table}` },
  ])('%j: an access table is 4.3.5, as in Postfix', async (main) => {
    expect(await replyTo(main, 'm@d.test')).toMatchObject({ code: 451, status: '4.3.5' });
  });
});
