// A backup MX and a split domain with real servers: a primary that dies and comes back, users that it adds, and mailboxes of
// one domain on two machines. Nothing is lost, nothing comes twice, and nobody unknown gets past RCPT.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImapConnection } from '../harness/imap-connection.ts';
import { fillDirectory } from '../harness/fill-directory.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';

const password = 'secret';
let folder: string;
let primary: PosthasteProcess;
let backup: PosthasteProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'backup-mx-'));
  primary = await PosthasteProcess.create({
    folder: join(folder, 'primary'),
    settings: { myhostname: 'primary.test' },
  });
  await primary.start();
  await fillDirectory(primary, {
    mailboxes: ['ann@relay.test', 'bob@relay.test', 'far@split.test', 'ann@listed.test'],
    password,
  });
  const nexthop = `[127.0.0.1]:${primary.smtpPort}`;
  backup = await PosthasteProcess.create({
    folder: join(folder, 'backup'),
    services: 'relay unix - - n - - smtp\n',
    settings: {
      myhostname: 'backup.test',
      relay_domains: 'relay.test, listed.test',
      relay_recipient_maps: 'inline:{ { ann@listed.test = x }, { @relay.test = x } }',
      transport_maps: `inline:{ { relay.test = relay:${nexthop} }, { listed.test = relay:${nexthop} }, { far@split.test = smtp:${nexthop} }, { lost@split.test = smtp:${nexthop} } }`,
      virtual_alias_maps: 'directory:virtual-aliases',
      virtual_mailbox_domains: 'directory:mailbox-domains',
      virtual_mailbox_maps: 'directory:mailboxes, inline:{ { far@split.test = x }, { lost@split.test = x } }',
      smtpd_recipient_restrictions:
        'check_recipient_access inline:{ { relay.test = verifying }, { split.test = verifying } }',
      smtpd_restriction_classes: 'verifying',
      verifying: 'reject_unverified_recipient',
      unverified_recipient_reject_code: '550',
      minimal_backoff_time: '1s',
      maximal_backoff_time: '1s',
      queue_run_delay: '1s',
      mynetworks: '',
    },
  });
  await backup.start();
  await fillDirectory(backup, { mailboxes: ['near@split.test'], password });
}, 60_000);

afterAll(async () => {
  await backup.stop();
  if (primary.isRunning) await primary.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function rcpt(address: string): Promise<string> {
  const connection = await SmtpConnection.open(backup.smtpPort);
  await connection.command('EHLO client.test');
  await connection.command('MAIL FROM:<joe@away.test>');
  const { code, text } = await connection.command(`RCPT TO:<${address}>`);
  await connection.quit();
  return `${code} ${text}`;
}

async function send(recipients: readonly string[], subject: string): Promise<void> {
  const connection = await SmtpConnection.open(backup.smtpPort);
  await connection.command('EHLO client.test');
  await connection.command('MAIL FROM:<joe@away.test>');
  for (const recipient of recipients) expect((await connection.command(`RCPT TO:<${recipient}>`)).code).toBe(250);
  await connection.command('DATA');
  connection.send(`Subject: ${subject}\r\n\r\ntext\r\n.\r\n`);
  expect((await connection.reply()).code).toBe(250);
  await connection.quit();
}

/** Subjects in a mailbox, sorted. */
async function subjects(server: PosthasteProcess, user: string): Promise<string[]> {
  const imap = await ImapConnection.open({ port: server.imapPort });
  await imap.command(`LOGIN ${user} ${password}`);
  await imap.command('EXAMINE INBOX');
  const { untagged } = await imap.command('UID FETCH 1:* BODY[HEADER.FIELDS (SUBJECT)]');
  await imap.command('LOGOUT');
  return untagged.flatMap(({ literals }) => /Subject: (\S+)/.exec(String(literals[0]))?.[1] ?? []).toSorted();
}

const posthaste = (server: PosthasteProcess, ...args: string[]) =>
  execFileSync('sh', ['scripts/with-node', 'src/main/main.ts', '-c', server.configFolder, ...args], {
    encoding: 'utf8',
    input: `${password}\n`,
    stdio: ['pipe', 'pipe', 'pipe'],
  });

describe('a relay domain with verified recipients', () => {
  test('takes who is there, refuses who is not, without a message to the primary', async () => {
    expect(await rcpt('ann@relay.test')).toMatch(/^250 /);
    expect(await rcpt('nobody@relay.test')).toMatch(
      /^550 5\.1\.1 <nobody@relay\.test>: Recipient address rejected: undeliverable address: host 127\.0\.0\.1.* said: 550 5\.1\.1 <nobody@relay\.test>: Recipient address rejected: User unknown/,
    );
    expect(await subjects(primary, 'ann@relay.test')).toEqual([]);
    expect(primary.logLines().some((line) => line.includes('double-bounce@backup.test'))).toBe(true);
  });

  test('V18: an address that the primary adds is accepted at once', async () => {
    expect(await rcpt('new@relay.test')).toMatch(/^550 5\.1\.1 /);
    posthaste(primary, 'mailbox', 'add', 'new@relay.test', '--password-stdin');
    expect(await rcpt('new@relay.test')).toMatch(/^250 /);
    await send(['new@relay.test'], 'welcome');
    await expect.poll(() => subjects(primary, 'new@relay.test'), { timeout: 10_000 }).toEqual(['welcome']);
  });
});

test('a relay domain with a list of recipients refuses others without asking', async () => {
  expect(await rcpt('ann@listed.test')).toMatch(/^250 /);
  expect(await rcpt('eve@listed.test')).toMatch(/^550 5\.1\.1 .*User unknown in relay recipient table/);
});

describe('while the primary is down', () => {
  test('mail is kept, and brought once when it is back; unknown recipients stay refused', async () => {
    await rcpt('ann@relay.test');
    await rcpt('ghost@relay.test');
    await primary.kill();
    for (let number = 0; number < 5; number++) await send(['ann@relay.test', 'ann@listed.test'], `down${number}`);
    expect(await rcpt('eve@listed.test')).toMatch(/^550 /);
    // Known to be good before: taken. Never asked about: come again. Refused before: not taken.
    expect(await rcpt('bob@relay.test')).toMatch(/^450 4\.1\.1 .*unverified address/);
    expect(await rcpt('ghost@relay.test')).toMatch(/^[45]50 /);
    // A crash of the backup in between loses nothing either.
    await backup.kill();
    await backup.start();
    await primary.start();
    const expected = ['down0', 'down1', 'down2', 'down3', 'down4'];
    await expect.poll(() => subjects(primary, 'ann@relay.test'), { timeout: 20_000 }).toEqual(expected);
    await expect.poll(() => subjects(primary, 'ann@listed.test'), { timeout: 20_000 }).toEqual(expected);
    expect(posthaste(backup, '--json', 'queue', 'list').trim()).toBe('');
  });
});

describe('a split domain', () => {
  test('some mailboxes are here, the rest is verified at the other host', async () => {
    expect(await rcpt('near@split.test')).toMatch(/^250 /);
    expect(await rcpt('far@split.test')).toMatch(/^250 /);
    expect(await rcpt('lost@split.test')).toMatch(/^550 5\.1\.1 .*undeliverable address/);
    expect(await rcpt('nobody@split.test')).toMatch(/^550 5\.1\.1 /);
    await send(['near@split.test', 'far@split.test'], 'both');
    await expect.poll(() => subjects(backup, 'near@split.test'), { timeout: 10_000 }).toEqual(['both']);
    await expect.poll(() => subjects(primary, 'far@split.test'), { timeout: 10_000 }).toEqual(['both']);
  });
});
