// Disks that fail under a running server: a Maildir's file system that is full, gone or gives errors at each of the steps of a
// delivery, an mbox that another program has locked, and a store that cannot be written, synced or is read-only. Mail waits and
// is delivered once when it is over; what got 250 is never lost.

import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { canFailCalls, FailingCalls } from '../faults/failing-calls.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { SmtpConnection, type SmtpReply } from '../harness/smtp-connection.ts';

const isRoot = process.getuid?.() === 0;
const owner = 5432;

// Skipped without root, who alone can mount file systems, and without a C compiler (scripts/install-test-servers); CI has both
// and counts a skip as a failure.
describe.skipIf(!isRoot || !canFailCalls)('a disk that fails', () => {
  let folder: string;
  let base: string;
  let calls: FailingCalls;
  let server: PosthasteProcess;
  let number = 0;
  /** Queue ids by subject. */
  const ids = new Map<string, string>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'failing-'));
    chmodSync(folder, 0o755);
    base = join(folder, 'vmail');
    for (const one of [base, join(base, 'small')]) {
      mkdirSync(one);
      chownSync(one, owner, owner);
    }
    calls = new FailingCalls(folder);
    writeFileSync(join(base, 'command'), '');
    chmodSync(join(base, 'command'), 0o666);
    const names = ['small/box/', 'dir/', 'box', 'command'];
    const rows = names.map((path) => `{ ${path.split('/')[0]}@v.test = ${path} }`).join(', ');
    server = await PosthasteProcess.create({
      folder,
      services: `virtual unix - n n - - virtual\nappend unix - n n - - pipe user=nobody argv=/bin/sh -c { cat >>${base}/command }\n`,
      environment: calls.environment,
      settings: {
        virtual_transport: 'virtual',
        virtual_mailbox_base: base,
        virtual_mailbox_domains: 'v.test',
        virtual_mailbox_maps: `inline:{ ${rows} }`,
        virtual_alias_maps: '',
        transport_maps: 'inline:{ { command@v.test = append: } }',
        virtual_uid_maps: `static:${owner}`,
        virtual_gid_maps: `static:${owner}`,
        virtual_mailbox_limit: '2000000',
        message_size_limit: '2000000',
        deliver_lock_delay: '1s',
        deliver_lock_attempts: '2',
        minimal_backoff_time: '1s',
        maximal_backoff_time: '1s',
        queue_run_delay: '1s',
        posthaste_inline_limit: '20000',
      },
    });
    await server.start();
  }, 60_000);
  afterAll(async () => {
    calls.mend();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function offer(user: string, bytes = 500): Promise<{ readonly subject: string; readonly reply: SmtpReply }> {
    const subject = `n${++number}`;
    const connection = await SmtpConnection.open(server.smtpPort);
    await connection.command('EHLO client.test');
    await connection.command('MAIL FROM:<>');
    await connection.command(`RCPT TO:<${user}@v.test>`);
    const ready = await connection.command('DATA');
    if (ready.code !== 354) return { subject, reply: ready };
    connection.send(`Subject: ${subject}\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(Math.ceil(bytes / 78))}.\r\n`);
    const reply = await connection.reply();
    connection.destroy();
    return { subject, reply };
  }

  async function send(user: string, bytes = 500): Promise<string> {
    const { subject, reply } = await offer(user, bytes);
    expect(reply.code).toBe(250);
    ids.set(subject, /queued as (\w+)/.exec(reply.text)?.[1] ?? '?');
    return subject;
  }

  const linesOf = (subject: string): string[] =>
    server.logLines().filter((line) => line.includes(` ${ids.get(subject)}: `));
  /** The first word about its delivery. */
  const outcomeOf = (subject: string): string => linesOf(subject).find((line) => line.includes(': to=<')) ?? '';

  /** How often mail with this subject is there. */
  function copies(place: string, subject: string): number {
    const path = join(base, place);
    const files = place.endsWith('/')
      ? ['new', 'cur'].flatMap((part) =>
          existsSync(join(path, part)) ? readdirSync(join(path, part)).map((name) => join(path, part, name)) : [],
        )
      : [path];
    const texts = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'));
    return texts.join('\n').split(`Subject: ${subject}\n`).length - 1;
  }

  const deferred = (subject: string, reason: RegExp) =>
    vi.waitFor(() => expect(outcomeOf(subject)).toMatch(reason), { timeout: 10_000 });
  const arrives = (place: string, subject: string) =>
    vi.waitFor(() => expect(copies(place, subject)).toBe(1), { timeout: 15_000 });

  test('a Maildir on a full file system', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=128k,uid=${owner},gid=${owner}`, 'small', join(base, 'small')]);
    try {
      const subject = await send('small', 200_000);
      await deferred(subject, /to=<small@v\.test>.*dsn=4\.3\.0, status=deferred \(.*No space left on device\)/);
      expect(readdirSync(join(base, 'small/box/tmp'))).toEqual([]);
      execFileSync('mount', ['-o', 'remount,size=1m', join(base, 'small')]);
      await arrives('small/box/', subject);
    } finally {
      execFileSync('umount', [join(base, 'small')]);
    }
  });

  test('a Maildir on a file system that is gone: nothing is written to where it was', async () => {
    const place = join(base, 'small');
    chownSync(place, 0, 0);
    chmodSync(place, 0o755);
    const subject = await send('small');
    await deferred(subject, /to=<small@v\.test>.*dsn=4\.2\.0, status=deferred \(.*Permission denied\)/);
    expect(readdirSync(place)).toEqual([]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=1m,uid=${owner},gid=${owner}`, 'small', place]);
    try {
      await arrives('small/box/', subject);
    } finally {
      execFileSync('umount', [place]);
    }
  });

  test.each([
    ['open', 'EROFS', 'dir/', '', /Read-only file system/],
    ['write', 'ENOSPC', 'dir/', 'tmp/', /dsn=4\.3\.0.*No space left on device/],
    ['write', 'EIO', 'dir/', 'tmp/', /Input\/output error|I\/O error/i],
    ['sync', 'EIO', 'dir/', 'tmp/', /Input\/output error|I\/O error/i],
    ['link', 'ENOSPC', 'dir/', 'new/', /No space left on device/],
    ['sync', 'EIO', 'dir/', 'new', /Input\/output error|I\/O error/i],
    ['open', 'EROFS', 'box', '', /Read-only file system/],
    ['write', 'ENOSPC', 'box', '', /dsn=4\.3\.0.*No space left on device/],
    ['sync', 'EIO', 'box', '', /Input\/output error|I\/O error/i],
  ] as const)('%s fails with %s at %s%s: mail waits, and comes once', async (call, error, place, below, reason) => {
    const user = place.replace('/', '');
    calls.fail([call, error, join(base, place, below)]);
    const subject = await send(user);
    await vi.waitFor(
      () => {
        const line = outcomeOf(subject);
        expect(line).toContain('status=deferred');
        expect(line).toMatch(reason);
      },
      { timeout: 10_000 },
    );
    calls.mend();
    await arrives(place, subject);
    await vi.waitFor(() => expect(linesOf(subject).join('\n')).toMatch(/: removed$/m), {
      timeout: 10_000,
    });
    expect(copies(place, subject)).toBe(1);
    if (place.endsWith('/')) expect(readdirSync(join(base, place, 'tmp'))).toEqual([]);
  });

  test.each([
    ['open', 'ENOSPC'],
    ['write', 'ENOSPC'],
    ['write', 'EIO'],
  ] as const)('%s fails with %s where a command’s input is kept: it is run later, once', async (call, error) => {
    calls.fail([call, error, join(tmpdir(), 'posthaste-')]);
    const subject = await send('command');
    await vi.waitFor(
      () => {
        const line = outcomeOf(subject);
        expect(line).toMatch(/dsn=4\.3\.0, status=deferred \(command cannot be run: "\/bin\/sh"\)/);
      },
      { timeout: 10_000 },
    );
    calls.mend();
    await arrives('command', subject);
  });

  test('an mbox that another program has locked', async () => {
    const file = join(base, 'box');
    const script = `import fcntl,sys,time\nf=open(${JSON.stringify(file)},'r+')\nfcntl.lockf(f,fcntl.LOCK_EX)\nprint('locked',flush=True)\nsys.stdin.read()`;
    const other = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    await new Promise((resolve) => other.stdout.once('data', resolve));
    const subject = await send('box');
    await deferred(
      subject,
      /to=<box@v\.test>.*dsn=4\.2\.0, status=deferred \(.*unable to lock .* for exclusive access\)/,
    );
    expect(copies('box', subject)).toBe(0);
    other.stdin.end();
    await arrives('box', subject);
  });

  describe('the store', () => {
    const store = () => join(server.dataFolder, 'store.db');

    test.each([
      ['write', 'ENOSPC', 452],
      ['write', 'EROFS', 451],
      ['write', 'EIO', 451],
      ['sync', 'EIO', 451],
    ] as const)('%s fails with %s: mail is refused for now, and taken again later', async (call, error, code) => {
      calls.fail([call, error, store()]);
      const { reply } = await offer('dir').catch(() => ({ reply: { code: 421, text: '' } }));
      expect([code, 451, 452, 421]).toContain(reply.code);
      calls.mend();
      // An outcome that nobody can know ends the server: who watches over it starts it again.
      if (!(await stillRuns())) await server.start();
      const subject = await send('dir');
      await arrives('dir/', subject);
    });

    test.each([
      ['open', 'EROFS'],
      ['write', 'ENOSPC'],
      ['sync', 'EIO'],
    ] as const)('%s of a large message’s file fails with %s', async (call, error) => {
      calls.fail([call, error, join(server.dataFolder, 'content')]);
      const { reply } = await offer('dir', 300_000);
      calls.mend();
      expect([451, 452]).toContain(reply.code);
      const subject = await send('dir', 300_000);
      await arrives('dir/', subject);
    });

    async function stillRuns(): Promise<boolean> {
      await Promise.race([server.whenEnded(), new Promise((resolve) => setTimeout(resolve, 1500))]);
      return server.isRunning;
    }
  });

  test('a data folder that cannot be written: the start ends with the reason', async () => {
    await server.stop();
    const data = server.dataFolder;
    execFileSync('mount', ['--bind', data, data]);
    execFileSync('mount', ['-o', 'remount,bind,ro', data]);
    try {
      await expect(server.start()).rejects.toThrow(/read-?only|EROFS/i);
    } finally {
      execFileSync('umount', [data]);
    }
    await server.start();
    await arrives('dir/', await send('dir'));
  });

  test('nothing came twice in all of this', () => {
    const subjects = Array.from({ length: number }, (_, index) => `n${index + 1}`);
    const counts = subjects.map((subject) => copies('dir/', subject) + copies('box', subject));
    expect(Math.max(...counts)).toBe(1);
  });
});
