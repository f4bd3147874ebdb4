// Local submission as it is on a real machine: a server that root has started and that has become another user, and users
// who may read nothing of it; while it runs and while it does not; cron and PHP as callers; and users who mean harm.

import { spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryLog, ProgramLog } from '../../src/lib/log.ts';
import { ensureSelfSigned } from '../../src/tls/self-signed-file.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';

const tool = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
/** Who sends, who looks on, and a uid without a name. */
const nobody = 65534;
const games = 5;
const nameless = 54321;

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function as(uid: number, command: string, args: readonly string[], input = ''): Result {
  return spawnSync(command, args, {
    uid,
    gid: uid,
    input,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', LANG: 'C' },
    cwd: '/',
  });
}

const isRoot = process.getuid?.() === 0;
const isReachable = isRoot && as(nobody, tool, ['--version']).status === 0;
const reason = !isRoot ? 'needs root' : !isReachable ? 'the checkout must be one that every user may enter' : '';
const hasPhp = spawnSync('php', ['-v']).status === 0;

const folder = mkdtempSync(path.join(os.tmpdir(), 'local-submission-'));
let server: PosthasteProcess;
let maildrop = '';

beforeAll(async () => {
  if (reason !== '') return;
  chmodSync(folder, 0o755);
  server = await PosthasteProcess.create({
    folder,
    settings: { posthaste_user: 'daemon', default_transport: 'error:5.1.2 nobody there', message_size_limit: '100000' },
  });
  maildrop = path.join(server.dataFolder, 'maildrop');
  chmodSync(server.dataFolder, 0o750);
  const own = (...args: string[]): void => {
    const { status, stderr } = spawnSync(tool, ['-c', server.configFolder, ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  };
  own('domain', 'add', 'example.com');
  own('mailbox', 'add', 'anna@example.com');
  own('alias', 'add', 'sales@example.com', 'anna@example.com');
  await server.start();
}, 60_000);

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function sendmail(uid: number, args: readonly string[], input: string): Result {
  return as(uid, tool, ['-c', server.configFolder, 'sendmail', ...args], input);
}

function message(subject: string, to = 'sales@example.com'): string {
  return `Subject: ${subject}\nTo: ${to}\nMessage-Id: <${subject}@test>\n\nHello\n`;
}

/** The log's lines about the message with this Message-Id. */
function story(subject: string): string[] {
  const lines = server.logLines();
  const id = /(\w+): message-id=/.exec(lines.find((line) => line.includes(`message-id=<${subject}@test>`)) ?? '')?.[1];
  return id === undefined ? [] : lines.filter((line) => line.includes(` ${id}: `));
}

async function delivered(subject: string): Promise<string[]> {
  await expect.poll(() => story(subject).some((line) => line.endsWith(': removed')), { timeout: 10_000 }).toBe(true);
  return story(subject).filter((line) => line.includes('status=sent'));
}

test.skipIf(reason !== '')('a key that only root may read is told of at the start', async () => {
  const own = path.join(folder, 'own-key');
  mkdirSync(path.join(own, 'tls'), { recursive: true });
  const log = new ProgramLog(new MemoryLog(), 'test');
  const pem = await ensureSelfSigned({ dataDirectory: own, hostname: 'mx.posthaste.test', log, now: Date.now() });
  const other = await PosthasteProcess.create({
    folder: own,
    settings: { posthaste_user: 'daemon', smtpd_tls_security_level: 'may', smtpd_tls_cert_file: pem },
  });
  await other.start();
  try {
    const told = () => other.logLines().filter((line) => line.includes('a renewed certificate will count after'));
    await expect.poll(told).toEqual([expect.stringContaining(`EACCES: permission denied, access '${pem}'`)]);
  } finally {
    await other.stop();
  }
});

// Skipped without root and what the reason names; CI has both and counts a skip as a failure.
describe.skipIf(reason !== '')(`local submission${reason === '' ? '' : `: ${reason}`}`, () => {
  test('by a user who may read nothing: once, through the alias, with the uid in the log', async () => {
    expect(sendmail(nobody, ['-t', '-i'], message('first'))).toMatchObject({ status: 0, stderr: '' });
    const sent = await delivered('first');
    expect(sent).toHaveLength(1);
    expect(sent[0]).toContain('to=<anna@example.com>, orig_to=<sales@example.com>');
    expect(story('first')[0]).toMatch(/pickup\[\d+\]: \w+: uid=65534 from=<nobody>$/);
  });

  test('while the server is down: the mail waits, for nobody else to see, and is taken once when it is back', async () => {
    await server.stop();
    expect(sendmail(nobody, ['-f', 'robot@example.com', 'sales@example.com'], message('down'))).toMatchObject({
      status: 0,
      stderr: '',
    });
    const [name = ''] = readdirSync(maildrop);
    expect(statSync(path.join(maildrop, name))).toMatchObject({ uid: nobody, gid: statSync(maildrop).gid });
    expect(statSync(path.join(maildrop, name)).mode & 0o7777).toBe(0o640);
    expect(as(games, 'cat', [path.join(maildrop, name)])).toMatchObject({ status: 1, stdout: '' });
    expect(as(games, 'rm', ['-f', path.join(maildrop, name)]).status).toBe(1);
    const listed = spawnSync(tool, ['-c', server.configFolder, 'postqueue', '-j'], { encoding: 'utf8' }).stdout;
    expect(JSON.parse(listed)).toMatchObject({ queue_name: 'maildrop', sender: 'robot@example.com' });
    await server.start();
    expect(await delivered('down')).toHaveLength(1);
    expect(readdirSync(maildrop)).toEqual([]);
  });

  test('of nothing in the data folder more can be seen than before', () => {
    for (const [command, entry] of [
      ['ls', '.'],
      ['ls', 'maildrop'],
      ['cat', 'store.db'],
      ['cat', 'directory.db'],
      ['ls', 'tls'],
      ['ls', 'content'],
    ] as const) {
      expect([entry, as(games, command, [path.join(server.dataFolder, entry)]).stdout]).toEqual([entry, '']);
    }
    expect(statSync(server.dataFolder).mode & 0o7777).toBe(0o751);
    expect(as(nobody, tool, ['-c', server.configFolder, 'mailq'])).toMatchObject({
      status: 69,
      stderr: 'postqueue: fatal: User nobody(65534) is not allowed to view the mail queue\n',
    });
  });

  test('where main.cf is for root alone', async () => {
    const main = path.join(server.configFolder, 'main.cf');
    await server.stop();
    chmodSync(main, 0o600);
    await server.start();
    // It is linked a moment after the ports answer.
    await expect.poll(() => existsSync(path.join(server.configFolder, 'maildrop'))).toBe(true);
    expect(() => accessSync(path.join(server.configFolder, 'maildrop'), constants.X_OK)).not.toThrow();
    expect(sendmail(nobody, ['-t'], message('secret'))).toMatchObject({ status: 0, stderr: '' });
    expect(await delivered('secret')).toHaveLength(1);
  });

  test('as cron calls it, and as a lone dot ends it', async () => {
    const mail = `From: root (Cron Daemon)\n${message('cron', 'nobody@example.com')}.\nnot sent\n`;
    const args = ['-FCronDaemon', '-B8BITMIME', '-oem', 'sales@example.com'];
    expect(sendmail(nobody, args, mail)).toMatchObject({ status: 0, stderr: '' });
    expect(await delivered('cron')).toHaveLength(1);
  });

  // Skipped where PHP (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
  test.skipIf(!hasPhp)("by PHP's mail() (package php-cli)", async () => {
    const command = `sendmail_path=${tool} -c ${server.configFolder} sendmail -t -i`;
    const code = `exit(mail("sales@example.com", "php", "Hello\\n", "Message-Id: <php@test>") ? 0 : 1);`;
    expect(as(nobody, 'php', ['-n', '-d', command, '-r', code])).toMatchObject({ status: 0, stderr: '' });
    expect(await delivered('php')).toHaveLength(1);
  });

  test('by a uid without a name: with -f, else it must say who sends', async () => {
    expect(sendmail(nameless, ['-t'], message('anonymous'))).toMatchObject({
      status: 75,
      stderr: 'sendmail: fatal: unable to find login name: uid=54321; use -f\n',
    });
    expect(sendmail(nameless, ['-t', '-f', ''], message('named')).status).toBe(0);
    expect(await delivered('named')).toHaveLength(1);
  });

  test.each<[string[], string, RegExp]>([
    [[], '', /^sendmail: fatal: nobody\(65534\): Recipient addresses must be specified on the command line/],
    [['-t'], 'Subject: x\n\n', /^sendmail: fatal: nobody\(65534\): No recipient addresses found in message header\n$/],
    [['-bs'], '', /^sendmail: fatal: -bs is not supported/],
  ])('%j is refused with EX_TEMPFAIL, as Postfix does', (args, input, words) => {
    const result = sendmail(nobody, args, input);
    expect(result.status).toBe(75);
    expect(result.stderr).toMatch(words);
  });

  test('by a user who is not in authorized_submit_users is refused, and so is what he writes himself', async () => {
    const own = spawnSync(tool, [
      '-c',
      server.configFolder,
      'postconf',
      '-e',
      'authorized_submit_users=!games, static:all',
    ]);
    expect(own.status).toBe(0);
    const main = path.join(server.configFolder, 'main.cf');
    chmodSync(main, 0o644);
    expect(spawnSync(tool, ['-c', server.configFolder, 'reload']).status).toBe(0);
    expect(sendmail(games, ['-t'], message('games'))).toMatchObject({
      status: 75,
      stderr: 'sendmail: fatal: User games(5) is not allowed to submit mail\n',
    });
    chmodSync(main, 0o600);
    expect(sendmail(games, ['-t', '-f', 'nobody'], message('sly')).status).toBe(0);
    expect(sendmail(nobody, ['-t'], message('allowed')).status).toBe(0);
    expect(await delivered('allowed')).toHaveLength(1);
    await expect.poll(() => server.logLines().some((line) => line.includes('uid 5 is not allowed'))).toBe(true);
    expect(story('sly')).toEqual([]);
    for (const name of readdirSync(maildrop)) rmSync(path.join(maildrop, name));
  });

  test.each([
    ['alone', 100_001, []],
    ['with the header', 100_001, ['-t']],
  ])('a message that is too big is refused before it is there: %s', (_, size, args) => {
    const input = `To: sales@example.com\n\n${'x'.repeat(size)}`;
    expect(sendmail(0, [...args, 'sales@example.com'], input)).toMatchObject({
      status: 75,
      stderr: 'sendmail: fatal: root(0): message file too big\n',
    });
    expect(readdirSync(maildrop)).toEqual([]);
  });

  test('what is no message is put aside, and holds up nobody', async () => {
    // A name with a dot is left alone, so that the second link can be made before the server moves the first.
    const script = `cd ${maildrop} && ln -s /etc/shadow link && mkfifo fifo && mkdir -m 0 folder && echo x > .hard &&
      ln .hard hard && mv .hard hard2 && echo '{"version":1}' > empty && : > ${'n'.repeat(250)} && touch '$(reboot)'`;
    expect(as(nobody, 'sh', ['-c', script])).toMatchObject({ status: 0, stderr: '' });
    expect(sendmail(nobody, ['-t'], message('after')).status).toBe(0);
    expect(await delivered('after')).toHaveLength(1);
    await expect.poll(() => readdirSync(maildrop).filter((name) => !name.startsWith('.'))).toEqual([]);
    expect(readdirSync(maildrop)).toHaveLength(8);
  });

  test('a sendmail that is killed leaves nothing that is sent', async () => {
    const child = spawn(tool, ['-c', server.configFolder, 'sendmail', 'sales@example.com'], {
      uid: nobody,
      gid: nobody,
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    child.stdin?.write(message('half'));
    await expect
      .poll(() => readdirSync(maildrop).some((name) => /^\.(?!corrupt)/.test(name)), { timeout: 10_000 })
      .toBe(true);
    process.kill(-Number(child.pid), 'SIGKILL');
    expect(sendmail(nobody, ['-t'], message('next')).status).toBe(0);
    await delivered('next');
    expect(story('half')).toEqual([]);
  });
});
