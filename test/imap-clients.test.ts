// Real programs against the server: imapflow as a client, fail2ban's stock filter as a reader of the log.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LineClient, TestHost, type TestServer } from './imap-dialogs/test-server.ts';

let host: TestHost;
let server: TestServer;

beforeAll(async () => {
  host = await TestHost.open();
  server = await host.serve();
});

afterAll(async () => {
  await server.close();
  await host.close();
});

function newClient(secure: boolean): ImapFlow {
  return new ImapFlow({
    host: '127.0.0.1',
    port: secure ? server.tlsPort : server.port,
    secure,
    auth: { user: 'ann', pass: 'secret' },
    tls: { rejectUnauthorized: false },
    logger: false,
  });
}

it.each([true, false])('serves imapflow, implicit TLS %s', async (secure) => {
  const client = newClient(secure);
  await client.connect();
  expect((await client.list()).map((folder) => folder.specialUse ?? folder.path)).toEqual(
    expect.arrayContaining(['\\Inbox', '\\Sent', '\\Drafts', '\\Trash', '\\Junk', '\\Archive']),
  );
  await client.mailboxCreate(['Büro', 'Süd']);
  const attachment = Buffer.alloc(300_000, 'x\r\n').toString('latin1');
  const source = `From: Ann <ann@example.com>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHallo Büro\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n${attachment}\r\n--b--\r\n`;
  await client.append('Büro/Süd', source, ['\\Seen', '$Forwarded']);
  const lock = await client.getMailboxLock('Büro/Süd');
  try {
    const message = await client.fetchOne('*', {
      uid: true,
      flags: true,
      envelope: true,
      bodyStructure: true,
      source: true,
    });
    if (!message) throw new Error('no message');
    expect(message.envelope?.subject).toBe('Grüße');
    expect([...(message.flags ?? [])]).toEqual(['\\Seen', '$Forwarded']);
    expect(message.source?.equals(Buffer.from(source))).toBe(true);
    expect(message.bodyStructure?.childNodes?.[1]?.size).toBe(attachment.length);
    const { content } = await client.download(String(message.seq), '1');
    if (!content) throw new Error('no content');
    expect(
      Buffer.concat(await content.toArray())
        .toString()
        .trim(),
    ).toBe('Hallo Büro');
    expect(await client.search({ body: 'büro' }, { uid: true })).toEqual([message.uid]);
    await client.messageFlagsAdd('1', ['\\Flagged']);
    expect(await client.messageMove('1', 'Archive')).toMatchObject({ path: 'Büro/Süd', destination: 'Archive' });
  } finally {
    lock.release();
  }
  await client.mailboxDelete('Büro/Süd');
  await client.logout();
});

it('tells imapflow of new mail while it idles', async () => {
  const client = newClient(false);
  await client.connect();
  await client.mailboxOpen('INBOX');
  const idle = client.idle();
  const exists = new Promise<number>((resolve) =>
    client.once('exists', (event: { count: number }) => resolve(event.count)),
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  await server.deliver('ann', 'Subject: hello\r\n\r\nbody\r\n');
  expect(await exists).toBe(1);
  await client.noop();
  await idle;
  await client.logout();
});

const filter = '/etc/fail2ban/filter.d/dovecot.conf';

// Skipped where fail2ban (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
it.skipIf(!existsSync('/usr/bin/fail2ban-regex') || !existsSync(filter))(
  'logs what fail2ban (package fail2ban) finds',
  async () => {
    const client = await LineClient.open(server.port);
    await client.line();
    await client.command('a1', 'LOGIN "ann> rip=1.2.3.4" wrong');
    await client.command('a2', 'LOGOUT');
    const line = await waitForLine('auth failed');
    const file = join(host.folder, 'mail.log');
    await writeFile(file, `Nov 21 11:42:00 host ${line}\n`);
    const output = execFileSync('/usr/bin/fail2ban-regex', ['--print-all-matched', file, filter], { encoding: 'utf8' });
    expect(output).toMatch(/1 matched/);
    expect(execFileSync('/usr/bin/fail2ban-regex', ['-o', 'ip', file, filter], { encoding: 'utf8' }).trim()).toBe(
      '127.0.0.1',
    );
  },
);

async function waitForLine(part: string): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const line = server.log.lines.find((text) => text.includes(part));
    if (line !== undefined) return line;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no ${part} in the log`);
}
