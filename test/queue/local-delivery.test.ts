// local(8) of our server: mailboxes, files, commands and .forward as their users, by a server that has given up root;
// several ends of which one must wait; Debian's procmail and maildrop; and no second copy after a kill.

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { body, domain, LocalMachine, sendEach } from './local-machine.ts';

const isRoot = process.getuid?.() === 0;

async function start(
  machine: LocalMachine,
  settings: Readonly<Record<string, string>> = {},
): Promise<PosthasteProcess> {
  const server = await PosthasteProcess.create({
    folder: join(machine.folder, 'posthaste'),
    services: 'local unix - n n - - local\nother unix - n n - - local\n',
    settings: {
      ...machine.settings,
      virtual_alias_maps: '',
      virtual_mailbox_domains: '',
      minimal_backoff_time: '2s',
      maximal_backoff_time: '2s',
      queue_run_delay: '1s',
      ...settings,
    },
  });
  await server.start();
  return server;
}

/** Lines of the log about mail that was for this address first. */
function lines(server: PosthasteProcess, address: string): string[] {
  return server
    .logLines()
    .filter(
      (line) => line.includes('relay=') && (line.includes(`to=<${address}>`) || line.includes(`orig_to=<${address}>`)),
    );
}

// Skipped where the tests do not run as root: only root can make users. CI does, and counts a skip as a failure.
describe.skipIf(!isRoot)('local(8) of a server that gave up root', () => {
  let machine: LocalMachine;
  let server: PosthasteProcess;
  beforeAll(async () => {
    machine = new LocalMachine('d');
    server = await start(machine, { posthaste_user: 'nobody', home_mailbox: 'Maildir/' });
  });
  afterAll(async () => {
    try {
      await server.stop();
    } finally {
      machine.remove();
    }
  });
  const outcome = (name: string): Promise<string> => server.deliveryOutcome(`${name}@${domain}`);

  test('a Maildir in a closed home is its owner’s, and so is what .forward asks for', async () => {
    const [ann, bob] = [machine.login('ann'), machine.login('bob')];
    machine.writeHome('bob', '.forward', `\\${bob}, ~/copy, "|${machine.command('bobs')}"\n`);
    await sendEach(server.smtpPort, [ann, bob]);
    expect(await outcome(ann)).toBe('local 2.0.0 sent (delivered to maildir)');
    await vi.waitFor(() => expect(existsSync(join(machine.out, 'bobs.mail'))).toBe(true), { timeout: 10_000 });
    await vi.waitFor(() => machine.onlyFile('home/bob/Maildir/new'), { timeout: 10_000 });
    const file = machine.onlyFile('home/ann/Maildir/new');
    expect(statSync(join(machine.folder, file))).toMatchObject({ uid: machine.uid('ann'), gid: machine.uid('ann') });
    expect(statSync(join(machine.home('bob'), 'copy')).uid).toBe(machine.uid('bob'));
    expect(machine.read('out/bobs.env')).toContain(`uid=${machine.uid('bob')} groups=${machine.uid('bob')}\n`);
    expect(machine.read('out/bobs.env')).toContain(`HOME=${machine.home('bob')}\n`);
    // The way of the message is told once.
    expect(machine.read('out/bobs.mail').match(/^Delivered-To:/gm)).toHaveLength(1);
    expect(machine.read('out/bobs.mail')).toMatch(
      /^From joe@far\.test .*\nReturn-Path: <joe@far\.test>\nX-Original-To: /,
    );
  });

  test('a .forward that is somebody else’s or that all may write counts for nothing', async () => {
    machine.writeHome('ann', '.forward+open', 'x@far.test\n');
    chmodSync(join(machine.home('ann'), '.forward+open'), 0o666);
    await sendEach(server.smtpPort, [`${machine.login('ann')}+open`]);
    expect(await outcome(`${machine.login('ann')}+open`)).toBe('local 2.0.0 sent (delivered to maildir)');
    expect(server.logLines().some((line) => line.includes('.forward+open is world writable'))).toBe(true);
  });

  test('a list has its owner’s rights, and runs nothing', async () => {
    await sendEach(server.smtpPort, ['anns', 'list']);
    await vi.waitFor(() => expect(lines(server, `anns@${domain}`)).toHaveLength(2), { timeout: 10_000 });
    expect(lines(server, `anns@${domain}`).join('\n')).toContain(
      '5.7.1, status=bounced (mail to command is restricted)',
    );
    expect(existsSync(join(machine.out, 'anns.runs'))).toBe(false);
  });

  test('of several ends the finished ones are not repeated with the one that must wait', async () => {
    await sendEach(server.smtpPort, ['several']);
    const sent = () => lines(server, `several@${domain}`).filter((line) => line.includes('status=sent'));
    await vi.waitFor(() => expect(sent()).toHaveLength(6), { timeout: 15_000 });
    expect(machine.runs('several')).toBe(1);
    expect(machine.runs('once75')).toBe(2);
    expect(machine.read('out/severalfile').match(/^From joe@far\.test/gm)).toHaveLength(1);
    expect(readdirSync(join(machine.out, 'severalbox/new'))).toHaveLength(1);
    const deferred = lines(server, `several@${domain}`).filter((line) => line.includes('status=deferred'));
    expect(deferred.map((line) => line.replace(/.*status=/, ''))).toEqual(['deferred (temporary failure)']);
  });

  test('a command writes no larger file than mailbox_size_limit', async () => {
    await sendEach(server.smtpPort, ['large']);
    expect(await outcome('large')).toMatch(/^local 5\.3\.0 bounced \(Command died with status \d+: /);
    expect(statSync(join(machine.out, 'large.data')).size).toBe(1_000_000);
  });

  test('the queue shows an end that waits as its address, and what is left to do in words', async () => {
    await sendEach(server.smtpPort, ['waits']);
    await vi.waitFor(() => expect(lines(server, `waits@${domain}`).join('\n')).toContain('status=deferred'), {
      timeout: 10_000,
    });
    const shown = (option: string): string =>
      execFileSync(join(process.cwd(), 'bin/posthaste'), ['-c', server.configFolder, ...option.split(' ')], {
        encoding: 'utf8',
      });
    expect(shown('queue list')).toMatch(/\(temporary failure\)\n +waits@mx\.local\.test\n/);
    expect(shown('--json queue list')).toContain(`"nexthop":"|exit 75"`);
  });

  test('a bounce names the address, not what was left to do', async () => {
    const connection = await SmtpConnection.open(server.smtpPort);
    await connection.command('EHLO client.test');
    await connection.command(`MAIL FROM:<${machine.login('ann')}@${domain}>`);
    await connection.command(`RCPT TO:<fails@${domain}>`);
    await connection.command('DATA');
    connection.send(`${body}.\r\n`);
    expect((await connection.reply()).code).toBe(250);
    await connection.quit();
    const inbox = join(machine.home('ann'), 'Maildir/new');
    const notice = (): string | undefined =>
      readdirSync(inbox)
        .map((name) => readFileSync(join(inbox, name), 'utf8'))
        .find((text) => text.includes('multipart/report'));
    await vi.waitFor(() => expect(notice()).toBeDefined(), { timeout: 10_000 });
    expect(notice()).toContain(`Final-Recipient: rfc822; fails@${domain}\n`);
    expect(notice()).not.toContain('end:');
  });
});

// Skipped without root, which other users' files need; CI is root and counts a skip as a failure.
describe.skipIf(!isRoot)('a mailbox_command of Debian’s', () => {
  test.each([
    [
      'procmail',
      '/usr/bin/procmail -t -a "$EXTENSION"',
      '.procmailrc',
      'DEFAULT=$HOME/Mails/\n:0\n* ^Subject: one\n$HOME/Ones/\n',
    ],
    ['maildrop', '/usr/bin/maildrop -f "$SENDER"', '.mailfilter', 'if (/^Subject: one/)\nto "Ones/"\n'],
  ])('%s sorts as its user', { timeout: 30_000 }, async (_name, command, rc, rules) => {
    const machine = new LocalMachine('c');
    const server = await start(machine, { mailbox_command: command });
    try {
      machine.writeHome('ann', rc, rules);
      // maildrop makes none.
      const make = `mkdir -p Ones/cur Ones/new Ones/tmp`;
      execFileSync('su', [machine.login('ann'), '-s', '/bin/sh', '-c', make], { cwd: machine.home('ann') });
      await sendEach(server.smtpPort, [machine.login('ann')]);
      expect(await server.deliveryOutcome(`${machine.login('ann')}@${domain}`)).toBe(
        `local 2.0.0 sent (delivered to command: ${command})`,
      );
      const file = machine.onlyFile('home/ann/Ones/new');
      expect(machine.read(file)).toContain('\n\nFrom here on\n.two dots\nend\n');
      expect(statSync(join(machine.folder, file)).uid).toBe(machine.uid('ann'));
    } finally {
      await server.stop();
      machine.remove();
    }
  });
});

// Skipped without root, which other users' files need; CI is root and counts a skip as a failure.
test.skipIf(!isRoot)(
  'what was accepted is in every Maildir exactly once, however often the server is killed',
  async () => {
    const machine = new LocalMachine('k');
    const server = await start(machine, { home_mailbox: 'Maildir/', posthaste_user: 'nobody' });
    try {
      const boxes = ['home/ann/Maildir', 'out/box1', 'out/box2'].map((path) => join(machine.folder, path));
      const accepted = new Set<string>();
      let next = 0;
      const sendUntilCut = async (): Promise<void> => {
        const connection = await SmtpConnection.open(server.smtpPort);
        await connection.command('EHLO client.test');
        for (;;) {
          const subject = `n${next++}`;
          await connection.command('MAIL FROM:<sender@far.test>');
          await connection.command(`RCPT TO:<spread@${domain}>`);
          await connection.command('DATA');
          connection.send(`Subject: ${subject}\r\n\r\n${'x'.repeat(500)}\r\n.\r\n`);
          if ((await connection.reply()).code === 250) accepted.add(subject);
          // Each is three files: what comes faster than they are written is a long wait.
          await sleep(10);
        }
      };
      for (let round = 0; round < 5; round++) {
        const senders = [1, 2, 3].map(() => sendUntilCut().catch(() => undefined));
        await sleep(200 + round * 90);
        await server.kill();
        await Promise.all(senders);
        await server.start();
      }
      expect(accepted.size).toBeGreaterThan(3);
      const found = (box: string): string[] =>
        readdirSync(join(box, 'new')).map(
          (name) => /^Subject: (\S+)$/m.exec(readFileSync(join(box, 'new', name), 'utf8'))?.[1] ?? '?',
        );
      for (const box of boxes) {
        await vi.waitFor(() => expect([...accepted].filter((one) => !found(box).includes(one))).toEqual([]), {
          timeout: 20_000,
        });
      }
      await sleep(500);
      for (const box of boxes) expect(found(box)).toHaveLength(new Set(found(box)).size);
    } finally {
      await server.stop();
      machine.remove();
    }
  },
  60_000,
);
