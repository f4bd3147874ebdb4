// mbox files as Dovecot, UW-IMAP, procmail and Thunderbird leave them: what is a message, what is a flag, what its uid.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MovingHost } from './moving-host.ts';

let host: MovingHost;
const names = ['anna', 'bert', 'carl', 'dora', 'emil', 'fred', 'gero'];

beforeAll(async () => {
  host = await MovingHost.create(names);
  await host.process.start();
}, 60_000);

afterAll(async () => {
  await host.close();
});

const from = 'From a@far.test Thu Jan  1 10:00:00 2026 +0100';
const date = Date.UTC(2026, 0, 1, 9) / 1000;

function write(name: string, lines: readonly string[]): string {
  const file = join(host.folder, name);
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''), 'latin1');
  return file;
}

test("an IMAP server's file keeps uids, flags and keywords; its first message is none", async () => {
  const file = write('uw', [
    'From MAILER-DAEMON Thu Jan  1 00:00:00 2026',
    "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA",
    'X-IMAP: 1600000000 0000000042 $Forwarded work',
    'Status: RO',
    '',
    'This text is part of the internal format of your mail folder.',
    '',
    from,
    'Subject: one',
    'Status: RO',
    'X-Status: AF',
    'X-Keywords: work                ',
    'X-UID: 17',
    '',
    'one',
    '',
    from,
    'Subject: two',
    'X-UID: 40',
    '',
    'two',
    '',
  ]);
  // UW-IMAP keeps them in the message that is none.
  const { stdout, status } = await host.run(['import', 'mbox', file, 'anna@home.test']);
  expect(stdout).toContain('2 of 2 messages of the source are here octet for octet');
  expect(status).toBe(0);
  expect(await host.listing('anna', 'INBOX')).toEqual([
    `17 [\\Answered \\Flagged \\Seen work] ${date} 21`,
    `40 [] ${date} 21`,
  ]);
  expect(await host.validity('anna', 'INBOX')).toBe('1600000000 43');
  expect(await host.text('anna', 'INBOX', 17)).toBe('Subject: one\r\n\r\none\r\n');
}, 30_000);

test('quoted lines, equal messages and a second run after flags have changed', async () => {
  const message = [from, 'Subject: same', '', '>From here', '>>From there', 'From no date', 'end', ''];
  const file = write('plain', [...message, ...message]);
  const first = await host.run(['import', 'mbox', file, 'bert@home.test', '--folder', 'Old/2019']);
  expect(first.stdout).toContain('bert@home.test: 2 messages taken');
  expect(await host.text('bert', 'Old/2019', 1)).toBe(
    'Subject: same\r\n\r\nFrom here\r\n>From there\r\nFrom no date\r\nend\r\n',
  );
  write('plain', [
    ...message.toSpliced(2, 0, 'Status: RO', 'X-Status: F'),
    ...message,
    from,
    'Subject: new',
    '',
    'x',
    '',
  ]);
  const second = await host.run(['import', 'mbox', file, 'bert@home.test', '--folder', 'Old/2019']);
  expect(second.stdout).toContain('bert@home.test: 1 message taken');
  expect(second.stdout).toContain('1 message has flags that changed at the source since');
  expect(await host.listing('bert', 'Old/2019')).toEqual([
    `1 [\\Flagged \\Seen] ${date} 60`,
    `2 [] ${date} 60`,
    `3 [] ${date} 19`,
  ]);
}, 30_000);

test('a counted text may have lines that look like a new message; a wrong count is not believed', async () => {
  const text = ['before', '', from, 'Subject: inside', '', 'after'];
  const count = text.join('\n').length + 1;
  const file = write('counted', [
    from,
    'Subject: outer',
    `Content-Length: ${count}`,
    '',
    ...text,
    '',
    from,
    'Subject: wrong',
    'Content-Length: 3',
    '',
    'four and more',
    '',
    from,
    'Subject: last',
    '',
    'last',
  ]);
  const { stdout } = await host.run(['import', 'mbox', file, 'carl@home.test']);
  expect(stdout).toContain('carl@home.test: 3 messages taken');
  expect(await host.text('carl', 'INBOX', 1)).toBe(`Subject: outer\r\n\r\n${text.join('\r\n')}\r\n`);
  expect(await host.text('carl', 'INBOX', 2)).toBe('Subject: wrong\r\n\r\nfour and more\r\n');
  expect(await host.text('carl', 'INBOX', 3)).toBe('Subject: last\r\n\r\nlast\r\n');
}, 30_000);

test('a folder of files is an account, without those that are no mbox', async () => {
  const folder = join(host.folder, 'mail');
  mkdirSync(join(folder, 'Work.sbd'), { recursive: true });
  const message = [from, 'Subject: x', '', 'x', ''];
  for (const name of ['mail/INBOX', 'mail/Sent.mbox', 'mail/Work.sbd/2026']) write(name, message);
  write('mail/Work', message);
  write('mail/Sent.msf', ['// index']);
  const { stdout, status } = await host.run(['import', 'mbox', folder, 'dora@home.test']);
  expect(stdout).toContain('4 of 4 messages of the source are here octet for octet');
  expect(status).toBe(0);
  const listed = await host.folders('dora');
  for (const line of ['Sent \\Sent true', 'Work - true', 'Work/2026 - true']) expect(listed).toContain(line);
  rmSync(folder, { recursive: true });
}, 30_000);

test("an IMAP server's folder of files: its names, empty folders and subscriptions; what else lies there is told", async () => {
  const folder = join(host.folder, 'served');
  mkdirSync(join(folder, '.imap'), { recursive: true });
  mkdirSync(join(folder, '&AMQ-'));
  const message = [from, 'Subject: x', '', 'x', ''];
  for (const name of ['Entw&APw-rfe', '&AMQ-/a&-b', 'R&D', 'Literal&APw-.mbox']) write(`served/${name}`, message);
  write('served/Leer', []);
  write('served/.subscriptions', ['V\t2', '', 'Entw&APw-rfe', '&AMQ-\ta&-b', '']);
  write('served/old.tar', ['no mail', '']);
  const { stdout, status } = await host.run(['import', 'mbox', folder, 'gero@home.test']);
  expect(stdout).toContain('4 of 4 messages of the source are here octet for octet');
  expect(stdout).toContain(`not taken: ${folder}/old.tar: it is no mbox: it does not begin with a From_ line`);
  expect(status).toBe(0);
  const listed = await host.folders('gero');
  const expected = [
    'Entw\u00fcrfe \\Drafts true',
    '\u00c4/a&b - true',
    'R&D - false',
    'Literal&APw- - false',
    'Leer - false',
  ];
  for (const line of expected) expect(listed).toContain(line);
  rmSync(folder, { recursive: true });
}, 30_000);

test('goes out as an mbox with uids, flags and keywords, and comes in again as it was', async () => {
  const target = join(host.folder, 'out');
  const out = await host.run(['export', 'mbox', 'anna@home.test', target]);
  expect(out.stderr).toBe('');
  expect(out.stdout).toContain('anna@home.test: 2 of 2 messages are there octet for octet');
  const back = await host.run(['import', 'mbox', target, 'emil@home.test']);
  expect(back.status).toBe(0);
  expect(await host.listing('emil', 'INBOX')).toEqual(await host.listing('anna', 'INBOX'));
  expect(await host.validity('emil', 'INBOX')).toBe(await host.validity('anna', 'INBOX'));
}, 30_000);

test('folders whose names would be one file go out all the same', async () => {
  for (const name of ['.notes', '_notes', 'Work', 'Work.mbox/2026']) {
    const file = write('one', [from, `Subject: ${name}`, '', 'x', '']);
    expect((await host.run(['import', 'mbox', file, 'fred@home.test', '--folder', name])).status).toBe(0);
  }
  const target = join(host.folder, 'out-names');
  const out = await host.run(['export', 'mbox', 'fred@home.test', target]);
  expect([out.status, out.stderr]).toEqual([0, '']);
  expect(out.stdout).toContain('fred@home.test: 4 of 4 messages are there octet for octet');
  expect(out.stdout).toContain('it is called "_notes_2.mbox" there');
}, 30_000);

test('what cannot be is said in a line', async () => {
  const missing = await host.run(['import', 'mbox', join(host.folder, 'nothing'), 'fred@home.test']);
  expect(missing.stderr).toBe(`posthaste: ${join(host.folder, 'nothing')} does not exist\n`);
  const nobody = await host.run(['import', 'mbox', write('empty', []), 'nobody@home.test']);
  expect(nobody.stderr).toMatch(/^posthaste: .*nobody@home\.test.*\n$/);
  const other = await host.run(['import', 'mbox', write('other', ['no mbox', '']), 'fred@home.test']);
  expect(other.stderr).toMatch(/is no mbox/);
  expect(other.status).toBe(1);
}, 30_000);
