// Real filters of Debian's with a whole server, which sends what they let through to a sink: Rspamd and ClamAV refuse and
// mark, OpenDKIM signs what OpenDKIM then verifies, postgrey lets a stranger wait.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FilterServers, noFilter, testSpam, testVirus } from '../harness/filter-servers.ts';
import { LmtpSink, type SunkMessage } from '../harness/lmtp-sink.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';

const folder = mkdtempSync('/tmp/real-filters-');
chmodSync(folder, 0o755);
const filters = new FilterServers(folder);
let sink: LmtpSink;
let number = 0;

beforeAll(async () => {
  sink = await LmtpSink.start();
});
afterAll(async () => {
  await filters.stop();
  sink.close();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

/** A server whose listener has these settings. */
async function serve(settings: Readonly<Record<string, string>>): Promise<PosthasteProcess> {
  const server = await PosthasteProcess.create({
    folder: join(folder, `server${++number}`),
    settings: {
      myhostname: 'mx.example',
      mynetworks: '127.0.0.0/8',
      virtual_mailbox_domains: '',
      default_transport: `lmtp:inet:127.0.0.1:${sink.port}`,
      ...settings,
    },
    services: 'lmtp unix - - n - - lmtp\n',
  });
  await server.start();
  return server;
}

interface Sent {
  readonly reply: string;
  readonly message: SunkMessage | undefined;
}

async function send(port: number, body: string, id = `mail${++number}`): Promise<Sent> {
  const smtp = await SmtpConnection.open(port);
  const lines = ['EHLO client.example', 'MAIL FROM:<joe@a.example>', 'RCPT TO:<ann@b.example>', 'DATA'];
  let reply = '';
  for (const line of lines) {
    const said = await smtp.command(line);
    reply = `${said.code} ${said.text}`;
    if (said.code >= 400) return { reply, message: undefined };
  }
  const header = ['From: Joe <joe@a.example>', 'To: ann@b.example', 'Subject: hello', `X-Case: ${id}`];
  const date = 'Date: Sun, 22 Nov 2026 03:00:00 +0000';
  const said = await smtp.command([...header, date, `Message-ID: <${id}@a.example>`, '', body, '.'].join('\r\n'));
  reply = `${said.code} ${said.text}`;
  await smtp.command('QUIT');
  if (said.code >= 400) return { reply, message: undefined };
  let message: SunkMessage | undefined;
  for (let attempt = 0; attempt < 250 && message === undefined; attempt++) {
    [message] = sink.take(id);
    if (message === undefined) await sleep(20);
  }
  return { reply, message };
}

const headerOf = (sent: Sent, name: string): string => {
  const text = (sent.message?.headers ?? []).join('\n').replace(/\n[ \t]+/g, ' ');
  return new RegExp(`^${name}: *(.*)$`, 'im').exec(text)?.[1] ?? '';
};

// Skipped where Rspamd (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
describe.skipIf(noFilter('rspamd') !== undefined)(`Rspamd (${noFilter('rspamd') ?? 'there'})`, () => {
  let server: PosthasteProcess;
  beforeAll(async () => {
    server = await serve({ smtpd_milters: `inet:127.0.0.1:${await filters.rspamd()}` });
  }, 60_000);
  afterAll(() => server.stop(), 30_000);

  test('marks what it lets through, and refuses spam', async () => {
    const good = await send(server.smtpPort, 'Lunch at noon?');
    expect(good.reply).toMatch(/^250 2\.0\.0 Ok: queued as /);
    expect(headerOf(good, 'X-Spamd-Result')).toMatch(/^default: False/);
    expect(good.message?.body).toBe('Lunch at noon?');
    const spam = await send(server.smtpPort, testSpam);
    expect(spam.reply).toMatch(/^554 5\.7\.1 /);
    const log = (): string => server.logLines().join('\n');
    await expect.poll(log).toMatch(/milter-reject: END-OF-MESSAGE from localhost\[127\.0\.0\.1\]: 5\.7\.1 /);
  }, 30_000);

  test('sees a message of ten megabytes whole', async () => {
    const line = 'All work and no play makes Jack a dull boy.\r\n';
    const long = await send(server.smtpPort, line.repeat(230_000));
    expect(long.reply).toMatch(/^250 /);
    expect(long.message?.body.length).toBe((line.length - 1) * 230_000);
    const spam = await send(server.smtpPort, `${line.repeat(40_000)}${testSpam}`);
    expect(spam.reply).toMatch(/^(?:554 5\.7\.1|250)/);
  }, 60_000);
});

// As above.
describe.skipIf(noFilter('opendkim') !== undefined)(`OpenDKIM (${noFilter('opendkim') ?? 'there'})`, () => {
  test('signs, and finds its signature good behind us', async () => {
    const [signer, verifier] = [await filters.openDkim('s'), await filters.openDkim('v')];
    const server = await serve({ smtpd_milters: `inet:127.0.0.1:${signer}, inet:127.0.0.1:${verifier}` });
    try {
      const sent = await send(server.smtpPort, 'Dear Ann,\r\n\r\n.. how are you?  \r\n\r\n\r\nJoe');
      expect(headerOf(sent, 'DKIM-Signature')).toMatch(/^v=1; a=rsa-sha256; c=relaxed\/relaxed; d=a\.example; s=s;/);
      expect(headerOf(sent, 'Authentication-Results')).toMatch(/^mx\.example; *dkim=pass .*header\.d=a\.example/);
    } finally {
      await server.stop();
    }
  }, 60_000);
});

// As above.
describe.skipIf(noFilter('clamav-milter') !== undefined)(`ClamAV (${noFilter('clamav-milter') ?? 'there'})`, () => {
  test('marks what is clean and refuses what is not', async () => {
    const server = await serve({ smtpd_milters: `inet:127.0.0.1:${await filters.clamav()}` });
    try {
      const clean = await send(server.smtpPort, 'Nothing to see here.');
      expect(headerOf(clean, 'X-Virus-Status')).toBe('Clean');
      const infected = await send(server.smtpPort, `Look at this: ${testVirus}`);
      expect(infected.reply).toBe('550 5.7.1 Infected by Posthaste.Test.UNOFFICIAL');
    } finally {
      await server.stop();
    }
  }, 60_000);
});

// As above.
describe.skipIf(noFilter('postgrey') !== undefined)(`postgrey (${noFilter('postgrey') ?? 'there'})`, () => {
  test('lets a stranger wait, and marks what it has made wait', async () => {
    const port = await filters.postgrey();
    const server = await serve({
      smtpd_recipient_restrictions: `check_policy_service inet:127.0.0.1:${port}, permit_mynetworks, reject`,
    });
    try {
      const first = await send(server.smtpPort, 'hello');
      expect(first.reply).toMatch(/^450 4\.2\.0 <ann@b\.example>: Recipient address rejected: Greylisted/);
      await sleep(2500);
      const second = await send(server.smtpPort, 'hello');
      expect(second.reply).toMatch(/^250 /);
      expect(headerOf(second, 'X-Greylist')).toMatch(/^delayed \d+ seconds by postgrey/);
    } finally {
      await server.stop();
    }
  }, 60_000);
});
