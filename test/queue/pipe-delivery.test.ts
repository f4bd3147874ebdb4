// pipe(8) on a real server and, with the same script, on a real Postfix: arguments, content, users, exit statuses.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';

const isRoot = process.getuid?.() === 0;

/** What it is asked to do stands in the user's name: `exit-75-words`, `signal-9`, `sleep`, `flood`, `fork`. */
const script = `#!/bin/sh
out=$1; shift
user=$1
{ echo "uid=$(id -u) groups=$(id -G)"; for a in "$@"; do echo "arg=$a"; done; echo "cwd=$(pwd) LANG=$LANG TERM=$TERM"; } >"$out/$user.args"
case $user in
  unread*) exit 0;;
esac
cat >"$out/$user.mail"
case $user in
  exit-*-*) echo "some words"; echo "and more"; n=\${user#exit-}; exit "\${n%%-*}";;
  exit-*) exit "\${user#exit-}";;
  says-*) echo "\${user#says-} by itself"; exit 1;;
  signal-*) kill -"\${user#signal-}" $$;;
  sleep) sleep 60; exit 0;;
  flood) head -c 30000000 /dev/zero | tr '\\0' x; exit 0;;
  fork) (sleep 30; echo late) & exit 0;;
esac
`;

describe('pipe(8)', () => {
  let folder: string;
  let out: string;
  let server: PosthasteProcess;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pipe-'));
    chmodSync(folder, 0o755);
    out = join(folder, 'out');
    mkdirSync(out);
    chmodSync(out, 0o777);
    const program = join(folder, 'program');
    writeFileSync(program, script, { mode: 0o755 });
    const wide =
      '${user} ${recipient} ${extension} ${mailbox} ${domain} ${original_recipient} ${sender} ${size} ${nexthop} a$${b';
    server = await PosthasteProcess.create({
      folder,
      services:
        `one unix - n n - - pipe flags=DORhu user=nobody argv=${program} ${out} ${wide}\n` +
        `box unix - n n - - pipe flags=BF>. user=nobody:daemon eol=\\r\\n argv=${program} ${out} box \${recipient}\n` +
        `small unix - n n - - pipe user=nobody size=100 argv=${program} ${out} \${user}\n` +
        `long unix - n n - - pipe user=nobody argv=${program} ${out} sleep\n` +
        `none unix - n n - - pipe user=nobody argv=/nonexistent/program\n` +
        `who unix - n n - - pipe user=nosuchuser argv=${program}\n` +
        `root unix - n n - - pipe user=root argv=${program}\n`,
      settings: {
        virtual_mailbox_domains: '',
        virtual_alias_maps: '',
        relay_domains: 'one.test, box.test, small.test, none.test, who.test, root.test, long.test',
        transport_maps:
          'inline:{ { one.test = one:next }, { box.test = box }, { small.test = small }, { none.test = none }, { who.test = who }, { root.test = root }, { long.test = long } }',
        one_destination_recipient_limit: '1',
        one_time_limit: '2',
        export_environment: 'LANG=C.UTF-8',
      },
    });
    await server.start();
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function send(...recipients: string[]): Promise<void> {
    const connection = await SmtpConnection.open(server.smtpPort);
    await connection.command('EHLO client.test');
    await connection.command('MAIL FROM:<"odd sender"@far.test>');
    for (const recipient of recipients) expect((await connection.command(`RCPT TO:<${recipient}>`)).code).toBe(250);
    await connection.command('DATA');
    connection.send('Subject: one\r\n\r\nFrom here\r\n..dot\r\nend\r\n.\r\n');
    expect((await connection.reply()).code).toBe(250);
    await connection.quit();
  }

  const read = (name: string): string => readFileSync(join(out, name), 'utf8');

  test('arguments are filled in, once for each recipient, and no shell sees them', async () => {
    await send('"Joe+A;b"@One.test');
    expect(await server.deliveryOutcome('"Joe+A;b"@One.test')).toBe('one 2.0.0 sent (delivered via one service)');
    const lines = read('joe.args').split('\n');
    expect(lines.slice(1, -2)).toEqual(
      ['joe', 'joe+a;b@one.test', 'a;b', 'joe+a;b', 'one.test', 'joe+a;b@one.test', 'odd sender@far.test']
        .map((argument) => `arg=${argument}`)
        .concat([expect.stringMatching(/^arg=\d+$/) as unknown as string, 'arg=next', 'arg=a${b']),
    );
    if (isRoot) expect(lines[0]).toMatch(/^uid=65534 groups=65534$/);
    expect(lines.at(-2)).toMatch(/^cwd=\S+ LANG=C\.UTF-8 TERM=$/);
    expect(read('joe.mail')).toMatch(
      /^Return-Path: <"odd sender"@far\.test>\nX-Original-To: "Joe\+A;b"@One\.test\nDelivered-To: "Joe\+A;b"@One\.test\nReceived: /,
    );
    expect(read('joe.mail').endsWith('\n\nFrom here\n.dot\nend\n')).toBe(true);
  });

  test('an mbox form, other line ends, several recipients at once', async () => {
    await send('ann@box.test', 'bob@box.test');
    expect(await server.deliveryOutcome('bob@box.test')).toBe('box 2.0.0 sent (delivered via box service)');
    expect(read('box.args').split('\n').slice(1, 4)).toEqual(['arg=box', 'arg=ann@box.test', 'arg=bob@box.test']);
    if (isRoot) expect(read('box.args')).toMatch(/^uid=65534 groups=1\n/);
    expect(read('box.mail')).toMatch(
      /^From "odd sender"@far\.test {2}\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}\r\nReceived: /,
    );
    expect(read('box.mail').endsWith('\r\n\r\n>From here\r\n..dot\r\nend\r\n\r\n')).toBe(true);
  });

  test.each([
    ['exit-0-x', '2.0.0 sent (delivered via one service (some words and more))'],
    ['exit-67', '5.1.1 bounced (user unknown)'],
    ['exit-75-x', '4.3.0 deferred (temporary failure. Command output: some words and more)'],
    ['exit-77', '5.7.0 bounced (permission denied)'],
    ['exit-1-x', /^5\.3\.0 bounced \(Command died with status 1: ".*". Command output: some words and more\)$/],
    ['says-4.7.1', '4.7.1 deferred (by itself)'],
    ['says-5.7.1', '5.7.1 bounced (by itself)'],
    ['says-2.1.5', '5.0.0 bounced (by itself)'],
    ['signal-9', /^4\.3\.0 deferred \(Command died with signal 9: ".*"\)$/],
    ['sleep', /^5\.3\.0 bounced \(Command time limit exceeded: ".*"\)$/],
    ['fork', '2.0.0 sent (delivered via one service)'],
    ['unread', '2.0.0 sent (delivered via one service)'],
  ])('%s', async (user, expected) => {
    await send(`${user}@one.test`);
    const said = (await server.deliveryOutcome(`${user}@one.test`)).replace(/^one /, '');
    if (typeof expected === 'string') expect(said).toBe(expected);
    else expect(said).toMatch(expected);
  });

  test('a gigabyte of output is cut, and harms nobody', async () => {
    await send('flood@one.test');
    const said = await server.deliveryOutcome('flood@one.test');
    expect(said.startsWith('one 2.0.0 sent (delivered via one service (xxx')).toBe(true);
    expect(said.length).toBeLessThan(200);
  });

  test('a command that runs does not hold up the end of the server, and is run again', async () => {
    await send('x@long.test');
    await vi.waitFor(() => expect(existsSync(join(out, 'sleep.args'))).toBe(true), { timeout: 5000 });
    rmSync(join(out, 'sleep.args'));
    const started = performance.now();
    await server.stop();
    expect(performance.now() - started).toBeLessThan(12_000);
    await server.start();
    await vi.waitFor(() => expect(existsSync(join(out, 'sleep.args'))).toBe(true), { timeout: 5000 });
  }, 30_000);

  test('what is too large, missing or not allowed', async () => {
    await send('a@small.test', 'a@none.test', 'a@who.test', 'a@root.test');
    expect(await server.deliveryOutcome('a@small.test')).toMatch(/^small 5\.2\.3 bounced \(message too large\)$/);
    expect(await server.deliveryOutcome('a@none.test')).toBe(
      'none 4.3.0 deferred (command cannot be run: "/nonexistent/program")',
    );
    if (!isRoot) return;
    for (const name of ['who', 'root']) {
      expect(await server.deliveryOutcome(`a@${name}.test`)).toBe(
        `${name} 4.3.5 deferred (mail system configuration error)`,
      );
    }
    expect(existsSync(join(out, 'a.args'))).toBe(false);
  });
});
