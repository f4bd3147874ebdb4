// The search order of the directory's tables: transports, access rules, recipients of relay domains and decided names of
// a catch-all, asked of our policy over the directory and of a real Postfix over text tables with the same rows. Transports
// are `error:` with a text of their own, so that a reply at RCPT tells which entry answered.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRouting, type Routing } from '../src/access/open-routing.ts';
import { Directory } from '../src/directory/directory.ts';
import { directoryTableOpener } from '../src/directory/tables.ts';
import { systemClock } from '../src/lib/clock.ts';
import { MemoryLog } from '../src/lib/log.ts';
import type { Client } from '../src/routing/types.ts';
import { Settings } from '../src/settings/settings.ts';
import { findFreePorts } from './harness/free-ports.ts';
import { ageFile, noRealPostfix, RealPostfix } from './harness/real-postfix.ts';
import { postfixDaemons } from './relay/postfix-daemons.ts';
import { RawClient } from './smtp-dialogs/test-server.ts';

const tables = {
  virtual_mailbox_domains: 'mailbox-domains',
  virtual_mailbox_maps: 'mailboxes',
  virtual_alias_maps: 'virtual-aliases',
  relay_domains: 'relay-domains',
  relay_recipient_maps: 'relay-recipients',
  transport_maps: 'transports',
} as const;
const stages = ['client', 'helo', 'sender', 'recipient'] as const;

const domains = ['example.com', 'own.example', 'relay.example', 'all.example', 'alias.example'];
domains.push('partner.example', 'a.partner.example', 'b.a.partner.example', 'deep.a.partner.example', 'far.example');
const localparts = [
  'anna',
  'anna+x',
  'fax',
  'fax+x',
  'fax+y',
  'shop',
  'shop+x',
  'spam',
  'spam+x',
  'new',
  'new+x',
  'known',
];
localparts.push('known+x', '"two words"', 'Spam', 'postmaster');
const recipients = domains.flatMap((domain) => localparts.map((localpart) => `${localpart}@${domain}`));

/** Trusted ones, so that the transports of others' domains are asked too, each with what rules could be about. */
const clients: readonly (Client & { readonly sender: string })[] = [
  { address: '192.0.2.9', name: 'mail.good.example', helo: 'mail.good.example', sender: 's@far.example' },
  { address: '192.0.2.77', name: 'mail.good.example', helo: 'mail.good.example', sender: 's@far.example' },
  { address: '192.0.2.9', name: 'a.b.bad.example', helo: 'x.example', sender: 's@far.example' },
  { address: '192.0.2.9', name: 'mail.good.example', helo: 'deep.helo.example', sender: 's@far.example' },
  { address: '192.0.2.9', name: 'mail.good.example', helo: 'localhost', sender: 's+tag@spam.example' },
  { address: '192.0.2.9', name: 'mail.good.example', helo: 'x.example', sender: 's+tag@spam.example' },
  { address: '192.0.2.9', name: 'mail.good.example', helo: 'x.example', sender: 'friend+1@spam.example' },
  { address: '192.0.2.9', name: 'mail.good.example', helo: 'x.example', sender: 'bulk@any.example' },
  { address: '192.0.2.9', name: 'mail.good.example', helo: 'x.example', sender: '' },
  { address: '2001:db8::7', name: 'six.example', helo: 'x.example', sender: 's@far.example' },
];

const own = {
  myhostname: 'mx.host.example',
  mydestination: '',
  local_recipient_maps: '',
  alias_maps: '',
  mynetworks: '192.0.2.0/24 [2001:db8::]/64',
  recipient_delimiter: '+',
  virtual_transport: 'discard',
  relay_transport: 'discard',
  default_transport: 'discard',
  smtpd_helo_required: 'yes',
};

async function fill(directory: Directory): Promise<void> {
  const { mailboxes, aliases, transports, accessRules, relayRecipients, catchAlls } = directory;
  await directory.domains.add('example.com', { catchAllMode: 'propose' });
  await directory.domains.add('own.example', { transport: 'error:5.7.1 own' });
  await directory.domains.add('relay.example', { class: 'relay', recipients: 'listed' });
  await directory.domains.add('all.example', { class: 'relay' });
  await directory.aliasDomains.add('alias.example', 'example.com');
  for (const name of ['anna', 'fax']) await mailboxes.add({ address: `${name}@example.com`, passwordHash: '!' });
  await mailboxes.add({ address: 'anna@own.example', passwordHash: '!' });
  await aliases.add('@example.com', ['anna@example.com']);
  await catchAlls.accept(['shop@example.com']);
  await catchAlls.refuse(['spam@example.com', '"two words"@example.com']);
  await relayRecipients.add(['known@relay.example']);
  for (const place of [
    'fax@all.example',
    'fax+x@all.example',
    'partner.example',
    '.partner.example',
    'b.a.partner.example',
  ]) {
    await transports.add(place, `error:5.7.1 entry ${place.replace('@', ' at ')}`);
  }
  await transports.add('.a.partner.example', 'error:5.7.1 entry deep');
  await transports.add('known@far.example', 'error:5.7.1 entry known');
  const rule = async (stage: (typeof stages)[number], pattern: string, action: string) =>
    await accessRules.add(stage, pattern, { action });
  await rule('client', 'bad.example', 'REJECT rule client domain');
  await rule('client', '192.0.2.77', 'REJECT rule client address');
  await rule('client', '2001:DB8:0::7', '450 4.7.1 rule client six');
  await rule('helo', 'helo.example', 'REJECT rule helo');
  await rule('helo', 'localhost', '550 5.5.2 rule localhost');
  await rule('sender', 'spam.example', 'REJECT rule sender domain');
  await rule('sender', 'friend@spam.example', 'OK');
  await rule('sender', 'bulk@', 'DEFER rule sender user');
  await rule('sender', '<>', 'REJECT rule null sender');
  await rule('recipient', 'new@far.example', 'REJECT rule recipient');
  await rule('recipient', 'postmaster@', 'REJECT rule postmaster');
  await rule('recipient', 'partner.example', 'OK');
}

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostfix !== undefined)(`as a real Postfix finds (${noRealPostfix ?? '3.7'})`, () => {
  let folder: string;
  let postfix: RealPostfix;
  let port: number;
  let directory: Directory;
  let routing: Routing;

  beforeAll(async () => {
    folder = mkdtempSync('/var/tmp/posthaste-places-');
    chmodSync(folder, 0o755);
    directory = await Directory.open(join(folder, 'directory.db'), { clock: systemClock, actor: 'test' });
    await fill(directory);
    const named = Object.entries(tables).map(([name, table]) => [name, `directory:${table}`] as const);
    const lists = stages.map(
      (stage) => [`smtpd_${stage}_restrictions`, `check_${stage}_access directory:${stage}-access`] as const,
    );
    const settings = Settings.defaults({
      compatibility_level: '3.6',
      ...own,
      ...Object.fromEntries([...named, ...lists]),
      smtpd_relay_restrictions: 'permit_mynetworks, reject_unauth_destination',
    });
    const openers = { directory: directoryTableOpener(directory) };
    routing = openRouting({ settings, log: new MemoryLog(), isWatching: false, openers, revisionSources: [directory] });
    [port = 0] = await findFreePorts(1);
    postfix = new RealPostfix(folder, port);
    await writeTables();
    await postfix.start(mainCf(), `127.0.0.1:${port} inet n - n - - smtpd\n${postfixDaemons}`);
  });

  afterAll(() => {
    routing.close();
    directory.close();
    postfix.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Each table as rows: what it answers for every key that Postfix could ask it with. */
  async function writeTables(): Promise<void> {
    const keys = new Set<string>(['*', ...domains]);
    for (const domain of domains) {
      keys.add(`@${domain}`);
      for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) keys.add(domain.slice(dot));
    }
    for (const recipient of recipients) {
      keys.add(recipient.toLowerCase());
      keys.add(recipient.toLowerCase().replace(/\+[^@]*/, ''));
    }
    const registry = routing.tables;
    for (const table of Object.values(tables)) {
      const rows: string[] = [];
      for (const key of keys) {
        const found = await registry.open(`directory:${table}`).lookup(key);
        if (found.kind === 'found') rows.push(`${key} ${found.value}\n`);
      }
      write(table, rows);
    }
    for (const stage of stages) {
      const rules = await directory.accessRules.list({ stage });
      write(
        `${stage}-access`,
        rules.map(({ pattern, action }) => `${pattern} ${action}\n`),
      );
    }
  }

  function write(table: string, rows: readonly string[]): void {
    writeFileSync(join(folder, table), rows.join(''));
    ageFile(join(folder, table));
  }

  function mainCf(): string {
    const file = (table: string): string => `texthash:${folder}/${table}`;
    const all = {
      compatibility_level: '3.6',
      ...postfix.settings,
      ...own,
      inet_interfaces: '127.0.0.1',
      // Transactions that are begun and given up look like mail that the queue manager does not keep up with.
      in_flow_delay: '0',
      smtpd_authorized_xclient_hosts: '127.0.0.1',
      smtpd_error_sleep_time: '0',
      smtpd_hard_error_limit: '100000',
      smtpd_junk_command_limit: '100000',
      ...Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, file(table)])),
      ...Object.fromEntries(
        stages.map((stage) => [`smtpd_${stage}_restrictions`, `check_${stage}_access ${file(`${stage}-access`)}`]),
      ),
      smtpd_relay_restrictions: 'permit_mynetworks, reject_unauth_destination',
    };
    return Object.entries(all)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join('');
  }

  async function theirs({ address, name, helo, sender }: (typeof clients)[number]): Promise<string[]> {
    const client = await RawClient.open(port);
    try {
      await client.reply();
      await client.command('EHLO proxy.example');
      const shown = address?.includes(':') ? `IPV6:${address}` : address;
      expect(await client.command(`XCLIENT NAME=${name} ADDR=${shown} REVERSE_NAME=${name}`)).toMatch(/^220/);
      await client.command(`EHLO ${helo}`);
      const heard: string[] = [];
      for (const recipient of recipients) {
        await client.command(`MAIL FROM:<${sender}>`);
        heard.push(`${recipient}: ${await client.command(`RCPT TO:<${recipient}>`)}`);
        await client.command('RSET');
      }
      return heard;
    } finally {
      client.destroy();
    }
  }

  async function ours({ sender, ...client }: (typeof clients)[number]): Promise<string[]> {
    const policy = routing.policy(routing.settings);
    const heard: string[] = [];
    const known = { ...client, reverseName: client.name, nameStatus: 'found', reverseNameStatus: 'found' } as Client;
    for (const recipient of recipients) {
      const { code, status, text } = (await policy.checkRecipient(recipient, { sender, client: known })).reply;
      heard.push(`${recipient}: ${code} ${status} ${text}`);
    }
    return heard;
  }

  test.each(
    clients.map((client) => [`${client.name}[${client.address}] ${client.helo} <${client.sender}>`, client] as const),
  )('%s', async (_, client) => {
    expect(await ours(client)).toEqual(await theirs(client));
  });

  test('the cases are no accident: every entry and rule has answered, and names are refused and taken', async () => {
    const heard = (await Promise.all(clients.map(ours))).flat().join('\n');
    for (const text of [
      'own',
      'entry fax at all.example',
      'entry fax+x at all',
      'entry partner.example',
      'entry .partner.example',
    ]) {
      expect(heard).toContain(`rejected: ${text}`);
    }
    for (const text of [
      'entry deep',
      'entry b.a.partner.example',
      'entry known',
      'rule client domain',
      'rule client six',
    ]) {
      expect(heard).toContain(`rejected: ${text}`);
    }
    for (const text of [
      'rule client address',
      'rule helo',
      'rule localhost',
      'rule sender domain',
      'rule sender user',
    ]) {
      expect(heard).toContain(`rejected: ${text}`);
    }
    for (const text of ['rule null sender', 'rule recipient', 'rule postmaster'])
      expect(heard).toContain(`rejected: ${text}`);
    expect(heard).toContain('known+x@relay.example: 250 2.1.5 Ok');
    expect(heard).toMatch(/anna@relay\.example: 550 5\.1\.1 .*User unknown in relay recipient table/);
    for (const domain of ['example.com', 'alias.example']) {
      expect(heard).toMatch(new RegExp(`^spam\\+x@${domain}: 550 5\\.1\\.1`, 'm'));
      expect(heard).toMatch(new RegExp(`^"two words"@${domain}: 550 5\\.1\\.1`, 'm'));
      expect(heard).toMatch(new RegExp(`^new\\+x@${domain}: 250`, 'm'));
    }
  });
});
