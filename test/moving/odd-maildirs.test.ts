// Maildirs that are not as they should be: packed, linked, renamed while they are read, of Courier, or of nobody here.

import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MaildirSource } from '../../src/interop/import-mail/maildir-source.ts';
import { MovingHost } from './moving-host.ts';

let host: MovingHost;

beforeAll(async () => {
  host = await MovingHost.create(['anna', 'bert', 'carl', 'dora', 'emil']);
  await host.process.start();
}, 60_000);

afterAll(async () => {
  await host.close();
});

function makeMaildir(path: string): string {
  for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(path, part), { recursive: true });
  return path;
}

function put(maildir: string, name: string, text: string | Buffer): void {
  writeFileSync(join(maildir, name), text);
  utimesSync(join(maildir, name), 1_700_000_000, 1_700_000_000);
}

test('packed messages are unpacked, and what cannot be is told', async () => {
  const maildir = makeMaildir(join(host.folder, 'packed'));
  put(maildir, 'cur/1.gz:2,S', gzipSync('Subject: gzip\n\none\n'));
  put(maildir, 'cur/2.zst:2,', zstdCompressSync(Buffer.from(`Subject: zstd\n\n${'long '.repeat(200_000)}\n`)));
  put(maildir, 'cur/3.bz:2,', Buffer.from('BZh91AY&SY'));
  put(maildir, 'cur/4.cut:2,', gzipSync(`Subject: cut\n\n${'x'.repeat(50_000)}`).subarray(0, 60));
  put(maildir, 'new/5.crlf', 'Subject: crlf\r\n\r\nmixed\nends\r\n');
  const { status, stdout } = await host.run(['import', 'maildir', maildir, 'anna@home.test']);
  expect(stdout).toContain('anna@home.test: 3 messages taken');
  expect(stdout).toMatch(/not taken: .*3\.bz:2,: it is packed as bzip2, which cannot be unpacked here/);
  expect(stdout).toMatch(/not taken: .*4\.cut:2,: it is packed as gzip and damaged/);
  expect(stdout).toContain('3 of 5 messages of the source are here octet for octet -- NOT COMPLETE');
  expect(status).toBe(1);
  expect(await host.text('anna', 'INBOX', 1)).toBe('Subject: gzip\r\n\r\none\r\n');
  expect((await host.text('anna', 'INBOX', 2)).length).toBe(1_000_000 + 19);
  expect(await host.text('anna', 'INBOX', 3)).toBe('Subject: crlf\r\n\r\nmixed\r\nends\r\n');
}, 30_000);

test("what leads to another's mail is not followed", async () => {
  const other = makeMaildir(join(host.folder, 'other'));
  put(other, 'cur/1.secret:2,', 'Subject: secret\n\n');
  const maildir = makeMaildir(join(host.folder, 'linked'));
  symlinkSync(other, join(maildir, '.Other'));
  mkdirSync(join(maildir, '.Half', 'new'), { recursive: true });
  symlinkSync(join(other, 'cur'), join(maildir, '.Half', 'cur'));
  symlinkSync(join(other, 'cur/1.secret:2,'), join(maildir, 'cur/2.link:2,'));
  put(maildir, 'cur/3.own:2,', 'Subject: own\n\n');
  const { status, stdout } = await host.run(['import', 'maildir', maildir, 'bert@home.test']);
  expect(status).toBe(1);
  expect(stdout.match(/not taken: .*: it is a symbolic link/g)).toHaveLength(3);
  expect(stdout).toContain('bert@home.test: 1 message taken');
}, 30_000);

test("Courier's uids, subscriptions and names, and Sieve scripts beside them", async () => {
  const maildir = makeMaildir(join(host.folder, 'courier'));
  put(maildir, 'cur/1.a:2,RS', 'Subject: a\n\n');
  put(maildir, 'cur/9.b:2,P', 'Subject: b\n\n');
  makeMaildir(join(maildir, '.Entw&APw-rfe'));
  makeMaildir(join(maildir, '.Über'));
  put(maildir, 'courierimapuiddb', '1 1200000000 30\n7 9.b\n20 1.a\n');
  put(maildir, 'courierimapsubscribed', 'INBOX\nINBOX.Entw&APw-rfe\n');
  put(maildir, 'maildirsize', '0S,500C\n');
  mkdirSync(join(maildir, 'sieve'));
  put(maildir, 'sieve/main.sieve', 'keep;');
  const { stdout, status } = await host.run(['import', 'maildir', maildir, 'carl@home.test']);
  expect(status).toBe(0);
  expect(await host.listing('carl', 'INBOX')).toEqual([
    '7 [$Forwarded] 1700000000 14',
    '20 [\\Answered \\Seen] 1700000000 14',
  ]);
  expect(await host.validity('carl', 'INBOX')).toBe('1200000000 30');
  const folders = await host.folders('carl');
  expect(folders).toContain('Entwürfe \\Drafts true');
  expect(folders).toContain('Über - false');
  expect(stdout).toContain('main.sieve: this server does not run Sieve scripts');
  expect(stdout).toContain('quota of 500 messages (maildirsize): mailboxes are limited by size alone');
}, 30_000);

test('a message that is renamed or deleted while the folder is read', async () => {
  const maildir = makeMaildir(join(host.folder, 'moving'));
  put(maildir, 'new/1.a', 'Subject: a\n\n');
  put(maildir, 'cur/2.b:2,', 'Subject: b\n\n');
  const [folder] = await new MaildirSource({ path: maildir }).folders();
  const open = await folder?.open();
  if (open === undefined) throw new Error('no folder');
  for await (const batch of open.messages()) {
    renameSync(join(maildir, 'new/1.a'), join(maildir, 'cur/1.a:2,S'));
    rmSync(join(maildir, 'cur/2.b:2,'));
    const kinds: string[] = [];
    for await (const body of open.bodies(batch)) kinds.push(`${body.message.keys[0]} ${body.kind}`);
    expect(kinds).toEqual(['f:1.a message', 'f:2.b gone']);
  }
}, 30_000);

test('the Maildirs of a whole server, by their paths', async () => {
  const root = join(host.folder, 'vmail');
  // Here `dora+old` would be an extension of dora's; there it is somebody's account.
  for (const name of ['dora', 'dora+old', 'emil', 'nobody']) {
    const maildir = makeMaildir(join(root, 'home.test', name, 'Maildir'));
    put(maildir, 'cur/1.a:2,', `Subject: ${name}\n\n`);
  }
  const { status, stdout, stderr } = await host.run(['import', 'maildirs', root, '--layout', '%d/%n/Maildir']);
  expect(stdout).toContain('dora@home.test: 1 message taken');
  expect(stdout).toContain('emil@home.test: 1 message taken');
  expect(stdout).not.toContain('dora+old');
  expect(stderr).toContain('there is no mailbox dora+old@home.test');
  expect(stderr).toMatch(
    /not taken: .*: there is no mailbox nobody@home\.test; add it with: posthaste mailbox add nobody/,
  );
  expect(status).toBe(1);
  const none = await host.run(['import', 'maildirs', root]);
  expect(none.stderr).toMatch(/no Maildir below .* looks like %d\/%n: say how with --layout/);
  const wrong = await host.run(['import', 'maildir', join(root, 'home.test'), 'dora@home.test']);
  expect(wrong.stderr).toMatch(/home\.test is no Maildir/);
}, 30_000);

test('the Maildirs of a list, as an import of mailboxes writes it', async () => {
  const root = join(host.folder, 'listed');
  put(makeMaildir(join(root, 'd', 'one')), 'cur/1.listed:2,S', 'Subject: listed\n\n');
  mkdirSync(join(root, 'folders'));
  const list = join(host.folder, 'maildirs.csv');
  const rows = (...lines: string[]): void => writeFileSync(list, `address,maildir\n${lines.join('\n')}\n`);
  rows('dora@home.test,d/one/', `emil@home.test,${root}/none`, `nobody@home.test,${root}/d/one`);
  const first = await host.run(['import', 'maildirs', root, '--list', list]);
  expect(first.stdout).toContain('dora@home.test: 1 message taken');
  expect(first.stdout).toContain(`emil@home.test: ${root}/none is not there: no mail has come for it yet`);
  expect(first.stderr).toMatch(/not taken: .*: there is no mailbox nobody@home\.test; add it with/);
  expect(first.status).toBe(1);
  rows('dora@home.test,d/one/', `emil@home.test,${root}/none`);
  expect((await host.run(['import', 'maildirs', root, '--list', list])).status).toBe(0);
  expect((await host.run(['import', 'maildirs', '--list', list])).stderr).toMatch(
    /maildirs\.csv:2: "d\/one\/" is below a folder that is not named: write posthaste import maildirs ROOT --list/,
  );
  rows(`emil@home.test,${root}/none`);
  expect((await host.run(['import', 'maildirs', '--list', list])).stderr).toMatch(/none of the Maildirs .* is there/);
  rows(`emil@home.test,${root}/folders`);
  const none = await host.run(['import', 'maildirs', '--list', list]);
  expect(none.stderr).toMatch(/not taken: .*folders: it is no Maildir/);
  expect(none.status).toBe(1);
  expect((await host.run(['import', 'maildirs'])).stderr).toMatch(/name the folder above all, or a file .* --list/);
}, 30_000);

test('LAYOUT=fs, below a folder of its own, without a server', async () => {
  const maildir = makeMaildir(join(host.folder, 'nested'));
  put(makeMaildir(join(maildir, 'Work', '2026')), 'cur/1.a:2,', 'Subject: a\n\n');
  put(maildir, 'new/2.b', 'Subject: b\n\n');
  await host.process.stop();
  const { stdout, stderr, status } = await host.run(['import', 'maildir', maildir, 'emil@home.test', '--into', 'Old']);
  await host.process.start();
  expect(stderr).toBe('');
  expect(stdout).toContain('emil@home.test: 2 messages taken');
  expect(status).toBe(0);
  const folders = await host.folders('emil');
  for (const name of ['Old', 'Old/Work', 'Old/Work/2026'])
    expect(folders.some((line) => line.startsWith(`${name} `))).toBe(true);
  const exported = await host.run(['export', 'maildir', 'emil@home.test', join(host.folder, 'fs'), '--layout', 'fs']);
  expect(exported.stdout).toContain(join(host.folder, 'fs', 'Old/Work/2026'));
  expect(exported.status).toBe(0);
}, 30_000);
