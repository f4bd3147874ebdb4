// header_checks and body_checks of mail that the sendmail command brings: a server as it is started, and its log.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImapConnection } from '../harness/imap-connection.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';

const tool = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
const folder = mkdtempSync(path.join(os.tmpdir(), 'local-checks-'));
let server: PosthasteProcess;

function command(args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(tool, ['-c', server.configFolder, ...args], { encoding: 'utf8', input });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** The log's lines about a message, once one of them has `word`. */
async function story(subject: string, word: string): Promise<string[]> {
  const lines = (): string[] => {
    const all = server.logLines();
    const id = /(\w+): message-id=/.exec(all.find((line) => line.includes(`message-id=<${subject}@test>`)) ?? '')?.[1];
    return id === undefined ? [] : all.filter((line) => line.includes(` ${id}: `));
  };
  await expect.poll(() => lines().some((line) => line.includes(word)), { timeout: 10_000 }).toBe(true);
  return lines();
}

function send(subject: string, fields: string, body = 'hello', to = 'anna@example.com'): void {
  const text = `Subject: ${subject}\nMessage-Id: <${subject}@test>\n${fields}\n${body}\n`;
  command(['sendmail', '-f', 'otto@example.com', to], text);
}

beforeAll(async () => {
  server = await PosthasteProcess.create({
    folder,
    settings: {
      default_transport: 'error:5.1.2 nobody there',
      header_checks:
        'regexp:{{/^X-Refuse:/ REJECT 5.7.9 not from here},{/^X-Drop:/ DISCARD},{/^X-Hold:/ HOLD},{/^X-Strip:/ IGNORE},{/^X-Turn:/ REDIRECT otto@example.com},{/^X-Copy:/ BCC otto@example.com},{/^X-Away:/ FILTER error:5.3.0 filtered}}',
      body_checks: 'regexp:{{/^evil/ REPLACE good}}',
    },
  });
  command(['domain', 'add', 'example.com']);
  for (const name of ['anna', 'otto']) {
    command(['mailbox', 'add', `${name}@example.com`, '--password-stdin'], 'secret\n');
  }
  await server.start();
}, 60_000);

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('header and body checks of local mail', () => {
  test('REJECT sends it back', async () => {
    send('refuse', 'X-Refuse: 1\n');
    const lines = await story('refuse', 'removed');
    expect(lines.join('\n')).toMatch(
      /cleanup\[\d+\]: \w+: reject: header X-Refuse: 1 from local; from=<otto@example.com> to=<anna@example.com>: 5.7.9 not from here/,
    );
    expect(lines.join('\n')).toMatch(/to=<anna@example.com>.* dsn=5.7.9, status=bounced \(not from here\)/);
  });

  test('DISCARD forgets it, HOLD keeps it', async () => {
    send('drop', 'X-Drop: 1\n');
    expect((await story('drop', 'discard:')).some((line) => line.includes('status='))).toBe(false);
    send('hold', 'X-Hold: 1\n');
    await story('hold', 'hold: header X-Hold: 1 from local;');
    await expect.poll(() => command(['mailq'])).toMatch(/^\w+!/m);
  });

  test('REDIRECT, BCC and FILTER say where it goes', async () => {
    send('turn', 'X-Turn: 1\n');
    const turned = (await story('turn', 'removed')).filter((line) => line.includes('status=sent'));
    expect(turned.map((line) => /to=<([^>]*)>/.exec(line)?.[1])).toEqual(['otto@example.com']);
    send('copy', 'X-Copy: 1\n');
    const copied = (await story('copy', 'removed')).filter((line) => line.includes('status=sent'));
    const reached = copied.map((line) => /to=<([^>]*)>/.exec(line)?.[1]);
    expect(new Set(reached)).toEqual(new Set(['anna@example.com', 'otto@example.com']));
    expect(reached).toHaveLength(2);
    send('away', 'X-Away: 1\n');
    expect((await story('away', 'removed')).join('\n')).toMatch(/dsn=5.3.0, status=bounced \(filtered\)/);
  });

  test('what is replaced or left out does not arrive', async () => {
    send('change', 'X-Strip: secret\n', 'one\nevil\nthree');
    await story('change', 'removed');
    const connection = await ImapConnection.open({ port: server.imapPort });
    await connection.ok('LOGIN anna@example.com secret');
    await connection.ok('SELECT INBOX');
    const { untagged } = await connection.ok('FETCH * BODY[]');
    const text = untagged.flatMap(({ literals }) => literals.map(String)).join('');
    await connection.logout();
    expect(text).toContain('one\r\ngood\r\nthree\r\n');
    expect(text).not.toMatch(/X-Strip|evil/);
  });
});
