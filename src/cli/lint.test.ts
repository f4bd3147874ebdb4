// `posthaste lint` as a command: output, options, exit status, and what it says about the directory.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Directory } from '../directory/directory.ts';
import { systemClock } from '../lib/clock.ts';
import { writeFirstConfiguration } from '../settings/first-start.ts';
import { register } from './lint.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-lint-command-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  process.exitCode = 0;
});

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

async function run(args: readonly string[], json = false): Promise<{ status: number; lines: string[] }> {
  const lines: string[] = [];
  const program = new Command().exitOverride();
  register(program, {
    configDirectory: folder,
    json,
    print: (line) => lines.push(line),
    warn: (line) => lines.push(line),
  });
  process.exitCode = 0;
  await program.parseAsync(['lint', ...args], { from: 'user' });
  return { status: Number(process.exitCode), lines };
}

const plain = `compatibility_level = 3.6
myhostname = mail.example.net
mydestination = $myhostname, localhost
`;

test('findings are grouped by file, a rule is explained once, and the status says that there are some', async () => {
  write('master.cf', 'virtual unix - n n - - virtual\nsmtp inet n - y - - smtpd\n');
  write('main.cf', `${plain}virtual_alias_maps = hash:/etc/postfix/virtual\nvirtual_alias_domains = example.com\n`);
  write(
    'virtual',
    'postmaster@example.com root\na@example.com b@example.com\nb@example.com a@example.com\n*@example.com root\n',
  );
  const { status, lines } = await run(['--ignore', 'core-service-missing', '--no-hints']);
  expect(status).toBe(1);
  expect(lines[0]).toBe(join(folder, 'virtual'));
  expect(lines.filter((line) => line.includes('alias-loop'))).toHaveLength(1);
  expect(lines).toContainEqual(expect.stringMatching(/^ +4 +error +key-cannot-match /));
  expect(lines.at(-1)).toBe('2 errors, 0 warnings, 0 hints');
});

test('hints do not count', async () => {
  write('master.cf', 'smtp inet n - y - - smtpd\n');
  write('main.cf', `${plain}relay_domains = example.org\n`);
  const { status, lines } = await run(['--ignore', 'core-service-missing'], true);
  expect(status).toBe(0);
  expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({ rule: 'relay-domain-takes-everyone', severity: 'hint', line: 4 }),
  ]);
});

test('a folder without main.cf and an unknown rule are mistakes of another kind', async () => {
  await expect(run([])).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining('main.cf does not exist') as string,
  });
  await expect(run(['--ignore', 'catchall'])).rejects.toMatchObject({ exitCode: 2 });
});

test('the directory is part of the configuration', async () => {
  mkdirSync(join(folder, 'data'));
  const directory = await Directory.open(join(folder, 'data/directory.db'), { clock: systemClock, actor: 'test' });
  await directory.domains.add('example.com');
  await directory.domains.add('example.org', { class: 'alias' });
  await directory.aliases.add('info@example.com', ['nobody@example.com']);
  await directory.domains.add('split.example', { unknownTo: 'smtp:[192.0.2.9]', maxAliases: 1 });
  const passwordHash = '!';
  const anna = await directory.mailboxes.add({ address: 'anna@split.example', passwordHash, passwordExpires: 1 });
  await directory.mailboxes.set(anna.address, { forward: { to: ['gone@example.com', 'other@split.example'] } });
  const owners = ['anna@example.net'];
  await directory.lists.add({ address: 'team@example.com', owners, members: ['nobody@example.com'] });
  directory.close();
  write('master.cf', 'smtp inet n - y - - smtpd\nmailstore unix - - n - - mailstore\n');
  write(
    'main.cf',
    `compatibility_level = 3.6
myhostname = mail.example.net
posthaste_data_directory = data
mydestination = $myhostname, localhost, example.org
virtual_mailbox_domains = directory:mailbox-domains
virtual_alias_domains = directory:alias-domains
virtual_alias_maps = directory:virtual-aliases
virtual_mailbox_maps = directory:mailboxes
virtual_transport = mailstore
`,
  );
  const { lines } = await run(['--no-hints'], true);
  const found = lines.map((line) => JSON.parse(line) as { rule: string; text: string });
  expect(found.map(({ rule }) => rule).toSorted()).toEqual([
    'directory-dangling-forward',
    'directory-dangling-member',
    'directory-dangling-target',
    'directory-expired-password',
    'directory-lists-not-served',
    'directory-no-postmaster',
    'directory-no-postmaster',
    'directory-over-limit',
    'directory-split-not-served',
    'domain-in-two-classes',
  ]);
});

test('our own first configuration is in order', async () => {
  await writeFirstConfiguration(folder, { loopback: true, dataDirectory: join(folder, 'data') });
  expect(await run([])).toEqual({ status: 0, lines: ['Nothing to mend.'] });
});

async function fillPlaces(): Promise<void> {
  mkdirSync(join(folder, 'data'));
  const directory = await Directory.open(join(folder, 'data/directory.db'), { clock: systemClock, actor: 'test' });
  await directory.domains.add('example.com');
  await directory.mailboxes.add({ address: 'postmaster@example.com', passwordHash: 'x' });
  await directory.domains.add('relay.example', { class: 'relay', recipients: 'listed' });
  await directory.relayRecipients.add(['postmaster@relay.example']);
  await directory.transports.add('*', 'smtp:[192.0.2.1]', { takesMailboxes: true });
  await directory.transports.add('nobody@example.com', 'smtp:[192.0.2.1]');
  await directory.bccs.add('sender', '@example.com', 'gone@example.com');
  for (const [stage, pattern] of [
    ['client', 'net'],
    ['client', '203'],
    ['helo', 'mail.elsewhere-7x3.com'],
    ['sender', 'elsewhere-7x3.com'],
    ['recipient', 'victim.example'],
  ] as const) {
    await directory.accessRules.add(stage, pattern, { action: 'OK' });
  }
  directory.close();
}

test('rows of the directory that nobody asks for are told, with the line that is missing', async () => {
  await fillPlaces();
  write('master.cf', 'smtp inet n - y - - smtpd\nmailstore unix - - n - - mailstore\nsmtp unix - - n - - smtp\n');
  write('main.cf', `${plain}posthaste_data_directory = data\nsmtpd_client_restrictions = permit_mynetworks\n`);
  const { lines } = await run(['--no-hints'], true);
  const found = lines.map((line) => JSON.parse(line) as { rule: string; text: string; mend: string });
  const unasked = found.filter(({ rule }) => rule === 'directory-table-not-asked');
  expect(unasked.map(({ mend }) => mend).toSorted()).toEqual([
    'In main.cf: relay_recipient_maps = directory:relay-recipients',
    'In main.cf: sender_bcc_maps = directory:sender-bcc',
    'In main.cf: smtpd_client_restrictions = check_client_access directory:client-access, permit_mynetworks',
    'In main.cf: smtpd_helo_restrictions = check_helo_access directory:helo-access',
    'In main.cf: smtpd_recipient_restrictions = check_recipient_access directory:recipient-access',
    'In main.cf: smtpd_sender_restrictions = check_sender_access directory:sender-access',
    'In main.cf: transport_maps = directory:transports',
  ]);
  const others = found
    .map(({ rule }) => rule)
    .filter((rule) => rule.startsWith('directory-') && !rule.includes('asked'));
  expect(others.toSorted()).toEqual([
    'directory-dangling-bcc',
    'directory-transport-takes-mailboxes',
    'directory-transport-to-nobody',
  ]);
});

test('the rules of the directory are part of the proof that nobody relays', async () => {
  await fillPlaces();
  await writeFirstConfiguration(folder, { loopback: false, dataDirectory: join(folder, 'data') });
  const { status, lines } = await run(['--relay'], true);
  const proofs = lines.map((line) => JSON.parse(line) as { verdict: string; assumptions: string[] });
  expect(proofs.map(({ verdict }) => verdict)).toEqual(['closed', 'closed', 'closed']);
  // The rows are known, so nothing needs to be taken for granted of them.
  expect(proofs.flatMap(({ assumptions }) => assumptions)).toEqual([]);
  expect(status).toBe(0);
  // Also where they stand before relay control; a text table there opens the door.
  const all = ['client', 'helo', 'sender', 'recipient'].map(
    (stage) => `check_${stage}_access directory:${stage}-access, `,
  );
  const before = (tables: string): string => {
    return `${plain}posthaste_data_directory = data
smtpd_relay_restrictions = ${tables}reject_unauth_destination
`;
  };
  write('main.cf', before(all.join('')));
  expect((await run(['--relay'])).status).toBe(0);
  write('senders', 'elsewhere-7x3.com OK\n');
  write('main.cf', before(`${all.join('')}check_sender_access hash:${folder}/senders, `));
  expect((await run(['--relay'])).lines.join('\n')).toContain('strangers can relay');
});

test('--rules lists them', async () => {
  const { lines } = await run(['--rules'], true);
  expect(lines.length).toBeGreaterThan(70);
});

test('--relay says of each service whether strangers can relay, and how', async () => {
  write('senders', 'partner.example  OK\n');
  write(
    'main.cf',
    `${plain}smtpd_relay_restrictions =
smtpd_recipient_restrictions = permit_mynetworks, check_sender_access hash:${folder}/senders, reject_unauth_destination
`,
  );
  const service = (name: string): string => `${name} inet n - y - - smtpd\n`;
  const closed = '  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject\n';
  write('master.cf', `${service('smtp')}${service('submission')}${closed}${service('127.0.0.1:10026')}`);
  const { status, lines } = await run(['--relay']);
  expect(status).toBe(1);
  expect(lines[0]).toBe('service smtp: strangers can relay');
  expect(lines[1]).toBe(
    `  smtpd_recipient_restrictions: check_sender_access hash:${folder}/senders permits (${folder}/senders:1: partner.example OK): as MAIL FROM:<someone@partner.example> RCPT TO:<victim-7x3@elsewhere-7x3.com>`,
  );
  expect(lines).toContainEqual(
    expect.stringMatching(/^service submission: no stranger can relay: \d{3} kinds of attempts are refused$/),
  );
  expect(lines).toContain('service 127.0.0.1:10026: strangers can relay (only this machine can connect)');
  const [object = ''] = (await run(['--relay'], true)).lines;
  expect(JSON.parse(object)).toMatchObject({
    service: 'smtp',
    isLocal: false,
    verdict: 'relays',
    ways: [{ sender: 'someone@partner.example', recipient: 'victim-7x3@elsewhere-7x3.com', conditions: [] }],
  });
});
