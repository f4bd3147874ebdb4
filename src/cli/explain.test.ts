// posthaste explain over a folder of its own, with no data folder and no server.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { Command } from 'commander';
import { afterAll, expect, test } from 'vitest';
import type { CommandContext } from './context.ts';
import { register } from './explain.ts';

const folder = mkdtempSync(join(tmpdir(), 'explain-'));
afterAll(() => rmSync(folder, { recursive: true }));

writeFileSync(
  join(folder, 'main.cf'),
  `compatibility_level = 3.6
myhostname = mx.h.test
mydestination = localhost
local_recipient_maps =
recipient_delimiter = +
virtual_mailbox_domains = m.test
virtual_mailbox_maps = inline:{{a@m.test=x},{b@m.test=y}}
virtual_alias_maps = hash:${folder}/virtual
smtpd_sasl_auth_enable = yes
smtpd_sender_login_maps = inline:{{a@m.test=anna}}
`,
);
writeFileSync(
  join(folder, 'virtual'),
  'team@m.test  a@m.test, b@m.test, c@far.test\nl1@m.test l2@m.test\nl2@m.test l1@m.test\n',
);
writeFileSync(
  join(folder, 'master.cf'),
  `smtp inet n - n - - smtpd
submission inet n - n - - smtpd
  -o smtpd_sender_restrictions=reject_sender_login_mismatch
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
2525 inet n - n - - smtpd
  -o { smtpd_recipient_restrictions = check_client_access inline:{{held.test=HOLD},{away.test=REDIRECT b@m.test},{gone.test=DISCARD},{seen.test=BCC b@m.test}}, check_policy_service inet:127.0.0.1:1 }
2526 inet n - n - - smtpd
  -o content_filter=scan:[127.0.0.1]:10025
  -o { smtpd_milters = inet:127.0.0.1:11332, { unix:/run/other, default_action=accept } }
  -o { smtpd_recipient_restrictions = check_client_access inline:{{odd.test=FILTER other:},{gone.test=DISCARD}} }
2527 inet n - n - - smtpd
  -o smtpd_milters=inet:127.0.0.1:11332
  -o { smtpd_milter_maps = inline:{{192.0.2.1=DISABLE},{192.0.2.2=unix:/run/own},{192.0.2.3=nonsense}} }
2528 inet n - n - - smtpd
  -o { smtpd_milter_maps = fail:no }
  -o receive_override_options=No_Milters
2529 inet n - n - - smtpd
  -o { smtpd_milter_maps = fail:no }
smtp unix - - n - - smtp
virtual unix - n n - - virtual
`,
);

async function explain(json: boolean, ...args: string[]): Promise<string[]> {
  const lines: string[] = [];
  const context: CommandContext = {
    configDirectory: folder,
    json,
    print: (line) => lines.push(stripVTControlCharacters(line)),
    warn: () => undefined,
  };
  const program = new Command().exitOverride();
  register(program, context);
  await program.parseAsync(['explain', ...args], { from: 'user' });
  return lines;
}

async function object(...args: string[]): Promise<Record<string, unknown>> {
  const [line = ''] = await explain(true, ...args);
  return JSON.parse(line) as Record<string, unknown>;
}

test('--json is one object a line, with exactly its members', async () => {
  const explained = await object('team+x@m.test');
  expect(Object.keys(explained)).toEqual(['recipient', 'class', 'reply', 'deliveries', 'steps']);
  expect(explained).toMatchObject({
    recipient: 'team+x@m.test',
    class: 'virtual-mailbox',
    reply: { code: 250, status: '2.1.5', text: 'Ok' },
    deliveries: [
      { recipient: 'a+x@m.test', original: 'team+x@m.test', transport: 'virtual', nexthop: 'm.test', path: 'x' },
      { recipient: 'b+x@m.test', path: 'y' },
      { recipient: 'c+x@far.test', transport: 'smtp', nexthop: 'far.test' },
    ],
  });
  for (const step of explained['steps'] as object[])
    expect(Object.keys(step)).toEqual(['stage', 'table', 'key', 'result']);
  expect(await explain(true, 'a@m.test', 'b@m.test')).toHaveLength(2);
});

test('the reply is what the client finally gets', async () => {
  expect(await object('l1@m.test')).toMatchObject({ reply: { code: 451, status: '4.6.0' }, deliveries: [] });
  expect(await object('x@far.test')).toMatchObject({ reply: { code: 454, text: '<x@far.test>: Relay access denied' } });
  expect(await object('--client', '127.0.0.1', 'x@far.test')).toMatchObject({ reply: { code: 250 } });
  expect(await object('--sender', 'u@1.2.3.4', 'a@m.test')).toMatchObject({ reply: { code: 501, status: '5.1.7' } });
});

test('--login and --service ask another service', async () => {
  const submission = ['--service', 'submission', '--login', 'anna'];
  expect(await object(...submission, '--sender', 'a@m.test', 'x@far.test')).toMatchObject({ reply: { code: 250 } });
  expect(await object(...submission, '--sender', 'b@m.test', 'x@far.test')).toMatchObject({
    reply: { code: 553, text: '<b@m.test>: Sender address rejected: not owned by user anna' },
  });
  await expect(explain(true, '--service', 'nosuch', 'x')).rejects.toThrow('no smtpd service nosuch');
});

test('people get a tree that names the row', async () => {
  const text = (await explain(false, 'team@m.test')).join('\n');
  expect(text).toContain('├─ reply     250 2.1.5 Ok');
  expect(text).toContain(`[${folder}/virtual:1]`);
  expect(text).toContain('c@far.test by smtp (far.test)');
});

test('names the filter that the message goes to first, and the milters that see it', async () => {
  const service = ['--service', '2526'];
  const filter = { by: 'content_filter', transport: 'scan', nexthop: '[127.0.0.1]:10025' };
  const milters = ['inet:127.0.0.1:11332', 'unix:/run/other'];
  const explained = await object(...service, 'a@m.test');
  expect(Object.keys(explained)).toEqual(['recipient', 'class', 'reply', 'deliveries', 'filter', 'milters', 'steps']);
  expect(explained).toMatchObject({ filter, milters, deliveries: [{ transport: 'virtual' }] });
  // Without a next hop it is the domain of each recipient.
  expect(await object(...service, '--client-name', 'odd.test', 'a@m.test')).toMatchObject({
    filter: { by: 'FILTER', transport: 'other', nexthop: 'm.test' },
  });
  expect(await object(...service, '--client-name', 'gone.test', 'a@m.test')).not.toHaveProperty('filter');
  expect(await object(...service, 'x@far.test')).not.toHaveProperty('filter');
  const text = (await explain(false, ...service, 'a@m.test')).join('\n');
  expect(text).toContain('├─ milters   inet:127.0.0.1:11332, unix:/run/other\n');
  expect(text).toContain(
    '├─ filter    first to scan ([127.0.0.1]:10025) by content_filter; what comes back is decided anew\n',
  );
});

test('names the milters that smtpd_milter_maps gives a client, and what is answered where it cannot be used', async () => {
  const asked = async (service: string, ...more: string[]) => {
    const { milters, reply, deliveries, steps } = await object('--service', service, ...more, 'a@m.test');
    const { code, text } = reply as { code: number; text: string };
    const told = (steps as { stage: string; result: string; table?: string; key?: string }[]).filter(
      ({ stage }) => stage === 'milters',
    );
    return {
      milters,
      reply: `${code} ${text}`,
      deliveries: (deliveries as object[]).length,
      told: told.map(({ table = '', key = '', result }) => `${table.split(':')[0]} ${key} ${result}`),
    };
  };
  const usual = 'inet:127.0.0.1:11332';
  const accepted = { reply: '250 Ok', deliveries: 1 };
  expect(await asked('2527')).toEqual({
    ...accepted,
    milters: [usual],
    told: ['  smtpd_milter_maps is not asked: it knows clients by their addresses, and none is named (--client)'],
  });
  expect(await asked('2527', '--client', '192.0.2.9')).toEqual({
    ...accepted,
    milters: [usual],
    told: ['inline 192.0.2.9 not found'],
  });
  const disabled = await asked('2527', '--client', '192.0.2.1');
  expect(disabled).toEqual({ ...accepted, milters: undefined, told: ['inline 192.0.2.1 DISABLE'] });
  const own = await asked('2527', '--client', '192.0.2.2');
  expect(own).toEqual({ ...accepted, milters: ['unix:/run/own'], told: ['inline 192.0.2.2 unix:/run/own'] });
  const putOff = { reply: '451 Server configuration problem - try again later', deliveries: 0, milters: undefined };
  expect(await asked('2527', '--client', '192.0.2.3')).toEqual({
    ...putOff,
    told: [
      'inline 192.0.2.3 nonsense',
      expect.stringContaining('smtpd_milter_maps: nonsense: write inet:host:port or unix:path'),
    ],
  });
  expect(await asked('2528', '--client', '192.0.2.1')).toEqual({ ...accepted, milters: undefined, told: [] });
  expect(await asked('2529', '--client', '192.0.2.1')).toEqual({
    ...putOff,
    told: [expect.stringMatching(/^fail 192\.0\.2\.1 error/)],
  });
  const text = (await explain(false, '--service', '2527', '--client', '192.0.2.3', 'a@m.test')).join('\n');
  expect(text).toMatch(/reply +451 4\.3\.5 Server configuration problem/);
});

test('nothing is written', async () => {
  await explain(false, 'a@m.test');
  expect(readdirSync(folder).toSorted()).toEqual(['main.cf', 'master.cf', 'virtual']);
});

test('shows what an access table orders for a client by its name, and asks no policy service', async () => {
  const ordered = async (name: string) => {
    const { reply, deliveries, steps } = await object('--service', '2525', '--client-name', name, 'a@m.test');
    return {
      code: (reply as { code: number }).code,
      recipients: (deliveries as { recipient: string }[]).map(({ recipient }) => recipient),
      orders: (steps as { stage: string; result: string }[])
        .filter(({ stage }) => stage === 'order' || stage === 'policy')
        .map(({ result }) => result),
    };
  };
  const unasked = 'not asked: its answer would count';
  expect(await ordered('x.held.test')).toEqual({
    code: 250,
    recipients: ['a@m.test'],
    orders: [unasked, 'HOLD: waits in the queue until it is released'],
  });
  expect(await ordered('away.test')).toMatchObject({
    recipients: ['b@m.test'],
    orders: [unasked, 'REDIRECT b@m.test'],
  });
  expect(await ordered('seen.test')).toMatchObject({ recipients: ['a@m.test', 'b@m.test'] });
  expect(await ordered('gone.test')).toMatchObject({
    code: 250,
    recipients: [],
    orders: ['DISCARD: accepted and thrown away'],
  });
});

test('without an address it says whether a login may send as the sender, and why', async () => {
  const asked = ['--service', 'submission', '--login', 'anna', '--sender'];
  try {
    expect(await object(...asked, 'a+x@m.test')).toMatchObject({
      maySend: true,
      checks: ['smtpd_sender_restrictions: reject_sender_login_mismatch'],
      owners: ['anna'],
      answeredBy: 'a@m.test',
      reply: { code: 250 },
    });
    expect(process.exitCode ?? 0).toBe(0);
    expect(await object(...asked, 'b@m.test')).toMatchObject({ maySend: false, reply: { code: 553 } });
    expect(process.exitCode).toBe(1);
    const text = (await explain(false, ...asked, 'b@m.test')).join('\n');
    expect(text).toContain('anna sends as b@m.test: no');
    expect(text).toContain('├─ owners    none: no table knows the address');
    expect(text).toMatch(/inline:\{\{a@m\.test=anna\}\} {2}@m\.test → not found/);
  } finally {
    process.exitCode = 0;
  }
  await expect(explain(true, '--login', 'anna')).rejects.toThrow('which address?');
});
