// Clients that are slow, greedy, broken or hostile: the server stays up, keeps little, and says why it hangs up.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { PosthasteProcess } from './harness/posthaste-process.ts';
import { RawClient, startTestServer, type TestServer, type TestServerOptions } from './smtp-dialogs/test-server.ts';

let server: TestServer | undefined;
const clients: RawClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await server?.close();
  server = undefined;
});

async function start(options: TestServerOptions = {}): Promise<TestServer> {
  server = await startTestServer(options);
  return server;
}

async function open(port: number): Promise<RawClient> {
  const client = await RawClient.open(port);
  clients.push(client);
  return client;
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !condition(); turn++) await pause(5);
  expect(condition()).toBe(true);
}

async function beginMessage(client: RawClient): Promise<void> {
  await client.reply();
  await client.command('MAIL FROM:<a@example.net>');
  await client.command('RCPT TO:<ann@example.com>');
  expect(await client.command('DATA')).toMatch(/^354/);
}

test('every way to cut a session into packets gives the same replies', async () => {
  const { port, queue } = await start({ settings: { smtpd_client_connection_count_limit: '0' } });
  const session =
    'EHLO c\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<ann@example.com>\r\nDATA\r\nA: b\r\n\r\n..x\r\n.\r\n' +
    'MAIL FROM:<>\r\nRCPT TO:<bob@example.com>\r\nBDAT 7 LAST\r\nC: d\r\n\nQUIT\r\n';
  const replies: string[] = [];
  for (let cut = 1; cut < session.length; cut++) {
    const client = await open(port);
    client.send(session.slice(0, cut));
    await pause(0);
    client.send(session.slice(cut));
    await client.closed();
    replies.push(client.received.replace(/Q\d+/g, 'Q'));
  }
  expect(new Set(replies).size).toBe(1);
  expect(replies[0]).toContain('250 2.0.0 Ok: queued as Q\r\n');
  expect(replies[0]).toContain('550 5.5.2 ');
  expect(queue.messages.length).toBe(session.length - 1);
  expect(new Set(queue.messages.map(({ text }) => text.replace(/^(?:Received:|\t).*\r\n/gm, '')))).toEqual(
    new Set(['A: b\r\n\r\n.x\r\n']),
  );
});

test('a client that says nothing is told 421', async () => {
  const { port, log } = await start({ overrides: { timeout: 80 } });
  const client = await open(port);
  expect(await client.reply()).toMatch(/^220/);
  expect(await client.reply()).toBe('421 4.4.2 mx.example.com Error: timeout exceeded');
  await client.closed();
  expect(log.lines).toContain('postfix/smtpd: timeout after CONNECT from client.example.org[127.0.0.1]');
});

test('a command that trickles in octet by octet does not buy time', async () => {
  const { port } = await start({ overrides: { timeout: 150 } });
  const client = await open(port);
  await client.reply();
  const started = performance.now();
  const trickle = setInterval(() => client.send('N'), 20);
  expect(await client.reply()).toMatch(/^421 4\.4\.2/);
  clearInterval(trickle);
  expect(performance.now() - started).toBeLessThan(1000);
});

test('a message that trickles in is cut off, one that flows at the minimum rate is not', async () => {
  const { port, store, queue } = await start({ overrides: { timeout: 200, minDataRate: 1000 } });
  const slow = await open(port);
  const steady = await open(port);
  await Promise.all([beginMessage(slow), beginMessage(steady)]);
  slow.send('x');
  const trickle = setInterval(() => slow.send('x'), 50);
  for (let part = 0; part < 20; part++) {
    steady.send(`${'y'.repeat(98)}\r\n`);
    await pause(30);
  }
  expect(await steady.command('.')).toMatch(/^250 2\.0\.0/);
  expect(await slow.reply()).toMatch(/^421 4\.4\.2/);
  clearInterval(trickle);
  expect(queue.messages.length).toBe(1);
  expect(store.openWriters).toBe(0);
});

test('a million unknown recipients end at the error limit', async () => {
  const { port, log } = await start();
  const client = await open(port);
  await client.reply();
  client.send('MAIL FROM:<a@example.net>\r\n');
  const group = 'RCPT TO:<nobody@example.com>\r\n'.repeat(1000);
  for (let sent = 0; sent < 1000 && !client.isClosed; sent++) {
    client.send(group);
    if (sent % 20 === 0) await pause(1);
  }
  await client.closed();
  expect(client.received.match(/^550 /gm)?.length).toBe(20);
  expect(client.received).toContain('421 4.7.0 mx.example.com Error: too many errors\r\n');
  expect(log.lines.length).toBeLessThan(30);
});

test('recipients beyond the limit are counted, not kept', async () => {
  const { port, queue } = await start({
    settings: { smtpd_recipient_limit: '10', smtpd_recipient_overshoot_limit: '5000' },
  });
  const client = await open(port);
  await client.reply();
  await client.command('MAIL FROM:<a@example.net>');
  client.send('RCPT TO:<ann@example.com>\r\n'.repeat(3000));
  for (let index = 0; index < 3000; index++) expect(await client.line()).toMatch(index < 10 ? /^250/ : /^452 4\.5\.3/);
  await client.command('DATA');
  await client.command('.');
  expect(queue.messages[0]?.submission.recipients.length).toBe(10);
});

test('a line without an end is not kept', async () => {
  // A process of its own: here others allocate too.
  const folder = mkdtempSync(join(tmpdir(), 'endless-'));
  const server = await PosthasteProcess.create({ folder });
  try {
    await server.start();
    const client = await open(server.smtpPort);
    await client.reply();
    const residentMegabytes = (): number =>
      Number(execFileSync('ps', ['-o', 'rss=', '-p', String(server.pid)], { encoding: 'utf8' })) / 1000;
    const before = residentMegabytes();
    const block = 'x'.repeat(1_000_000);
    for (let megabytes = 0; megabytes < 200; megabytes++) {
      client.send(block);
      await pause(0);
    }
    expect(await client.command('')).toBe('500 5.5.2 Error: line too long');
    expect(await client.command('NOOP')).toBe('250 2.0.0 Ok');
    expect(residentMegabytes() - before).toBeLessThan(100);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
});

test('a client that never reads replies is not read from', async () => {
  const { port } = await start({ overrides: { timeout: 400, junkCommandLimit: 1e9 } });
  const client = await open(port);
  await client.reply();
  client.pause();
  client.send('HELP\r\n'.repeat(400_000));
  await until(() => server?.server.sessionCount === 0);
});

test('commands pipelined before STARTTLS never run, junk instead of a handshake ends the connection', async () => {
  const { port, log, server: smtp } = await start();
  const client = await open(port);
  await client.reply();
  client.send('STARTTLS\r\nNOOP\r\nNOOP\r\n');
  expect(await client.reply()).toBe('220 2.0.0 Ready to start TLS');
  await client.startTls();
  expect(await client.command('RSET')).toBe('250 2.0.0 Ok');
  expect(client.received).toBe('');

  const bad = await open(port);
  await bad.reply();
  await bad.command('STARTTLS');
  bad.send(Buffer.from('MAIL FROM:<a@b>\r\n'));
  await bad.closed();
  await until(() => log.lines.some((line) => line.includes('TLS library problem')));
  expect(smtp.sessionCount).toBe(1);
});

test('a TLS handshake that stops half-way times out', async () => {
  const { port, log } = await start({ overrides: { tlsTimeout: 100 } });
  const client = await open(port);
  await client.reply();
  await client.command('STARTTLS');
  client.send(Buffer.from([0x16, 0x03, 0x01]));
  await client.closed();
  await until(() => log.lines.some((line) => line.startsWith('postfix/smtpd: disconnect')));
  expect(log.lines).toContain('postfix/smtpd: timeout after STARTTLS from client.example.org[127.0.0.1]');
});

test('wrapper mode: TLS from the first octet, nonsense is dropped', async () => {
  const { port, server: smtp, queue } = await start({ settings: { smtpd_tls_wrappermode: 'yes' } });
  const plain = await open(port);
  plain.send('EHLO c\r\n');
  await plain.closed();
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.write('MAIL FROM:<>\r\nRCPT TO:<ann@example.com>\r\nDATA\r\n.\r\nQUIT\r\n');
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  expect(received).toMatch(/^220 [\s\S]*250 2\.0\.0 Ok: queued as Q1\r\n221 2\.0\.0 Bye\r\n$/);
  expect(queue.messages[0]?.text).toContain(' with ESMTPS ');
  await until(() => smtp.sessionCount === 0);
});

test('connections beyond the limit per client hear 421', async () => {
  const { port, log, server: smtp } = await start({ settings: { smtpd_client_connection_count_limit: '2' } });
  const first = await open(port);
  const second = await open(port);
  expect(await first.reply()).toMatch(/^220/);
  expect(await second.reply()).toMatch(/^220/);
  const third = await open(port);
  expect(await third.reply()).toBe('421 4.7.0 mx.example.com Error: too many connections from 127.0.0.1');
  await third.closed();
  expect(log.lines).toContain(
    'postfix/smtpd: warning: Connection concurrency limit exceeded: 3 from client.example.org[127.0.0.1] for service smtp',
  );
  first.destroy();
  await until(() => smtp.sessionCount === 1);
  expect(await (await open(port)).reply()).toMatch(/^220/);
});

test('rates per client: connections, messages, recipients, logins', async () => {
  const { port } = await start({
    settings: {
      smtpd_client_connection_rate_limit: '2',
      smtpd_client_message_rate_limit: '1',
      smtpd_client_recipient_rate_limit: '1',
      smtpd_client_auth_rate_limit: '1',
    },
  });
  const client = await open(port);
  await client.reply();
  await client.command('EHLO c');
  expect(await client.command('AUTH PLAIN AGEAYg==')).toMatch(/^535 5\.7\.8/);
  expect(await client.command('AUTH PLAIN AGEAYg==')).toMatch(/^450 4\.7\.1 Error: too many AUTH commands/);
  await client.command('MAIL FROM:<a@example.net>');
  expect(await client.command('RCPT TO:<ann@example.com>')).toBe('250 2.1.5 Ok');
  expect(await client.command('RCPT TO:<bob@example.com>')).toMatch(/^450 4\.7\.1 Error: too many recipients/);
  await client.command('RSET');
  expect(await client.command('MAIL FROM:<a@example.net>')).toMatch(/^450 4\.7\.1 Error: too much mail/);
  await (await open(port)).reply();
  expect(await (await open(port)).reply()).toMatch(/^421 4\.7\.0/);
});

test('errors make replies late', async () => {
  const { port } = await start({ overrides: { softErrorLimit: 1, errorSleep: 60 } });
  const client = await open(port);
  await client.reply();
  await client.command('FOO');
  const started = performance.now();
  await client.command('NOOP');
  expect(performance.now() - started).toBeGreaterThan(50);
});

test('of thousands that are refused at once some hear it late, the rest are held and then cut off', async () => {
  const { port, log } = await start({
    settings: { smtpd_client_connection_count_limit: '1', smtpd_client_event_limit_exceptions: '' },
    overrides: { errorSleep: 1500 },
  });
  const ends: { heard: string; after: number }[] = [];
  const visit = (localAddress: string) =>
    new Promise<{ heard: string; after: number }>((resolve) => {
      const began = performance.now();
      let heard = '';
      const socket = connect({ host: '127.0.0.1', port, localAddress });
      socket.on('data', (chunk) => {
        heard += chunk.toString();
        if (heard.startsWith('220')) socket.destroy();
      });
      socket.on('error', () => undefined);
      socket.on('end', () => socket.destroy());
      socket.on('close', () => resolve({ heard, after: performance.now() - began }));
      socket.on('connect', () => socket.write('x'.repeat(1000)));
    });
  const first = await open(port);
  await first.reply();
  const visits: Promise<unknown>[] = [];
  for (let count = 0; count < 700; count++) {
    visits.push(visit('127.0.0.1').then((end) => ends.push(end)));
    if (count % 100 === 99) await pause(10);
  }
  expect((await visit('127.9.0.1')).heard).toMatch(/^220 /);
  await Promise.all(visits);
  expect(ends.filter(({ heard }) => heard.startsWith('421 4.7.0 '))).toHaveLength(500);
  expect(ends.filter(({ heard }) => heard === '')).toHaveLength(200);
  expect(Math.min(...ends.map(({ after }) => after))).toBeGreaterThan(1400);
  expect(log.lines.some((line) => /refused clients were cut off: 500 wait already/.test(line))).toBe(true);
});

test('a slow store pauses the client and loses nothing', async () => {
  const { port, store, queue } = await start({ settings: { message_size_limit: '30000000' } });
  store.isSlow = true;
  const client = await open(port);
  await beginMessage(client);
  const line = `${'z'.repeat(998)}\r\n`;
  for (let sent = 0; sent < 20; sent++) client.send(line.repeat(1000));
  expect(await client.command('.')).toMatch(/^250 2\.0\.0/);
  expect(queue.messages[0]?.submission.content.size).toBeGreaterThan(20_000_000);
});

test('closing: idle clients hear 421, a message that is being stored is finished', async () => {
  const { port, server: smtp, queue } = await start();
  let release: () => void = () => undefined;
  queue.gate = new Promise((resolve) => {
    release = resolve;
  });
  const idle = await open(port);
  await idle.reply();
  const busy = await open(port);
  await beginMessage(busy);
  busy.send('.\r\n');
  await pause(20);
  const closed = smtp.close();
  expect(await idle.reply()).toBe('421 4.3.2 mx.example.com Service shutting down and closing transmission channel');
  release();
  expect(await busy.reply()).toMatch(/^250 2\.0\.0 Ok: queued/);
  expect(await busy.reply()).toMatch(/^421 4\.3\.2/);
  await closed;
  await expect(RawClient.open(port)).rejects.toThrow();
});

test('a queue that cannot say gives 451, and the next message goes through', async () => {
  const { port, queue, log } = await start();
  queue.failure = new Error('disk I/O error');
  const client = await open(port);
  await beginMessage(client);
  expect(await client.command('.')).toBe('451 4.3.0 Error: queue file write error');
  expect(log.lines.some((line) => line.includes('error: Q1: cannot store message: Error: disk I/O error'))).toBe(true);
  await client.command('MAIL FROM:<a@example.net>');
  await client.command('RCPT TO:<ann@example.com>');
  await client.command('DATA');
  expect(await client.command('.')).toMatch(/^250 2\.0\.0/);
});
