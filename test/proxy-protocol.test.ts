// Behind a load balancer (smtpd_upstream_proxy_protocol, posthaste_imap_upstream_proxy_protocol): the client is the one
// that the PROXY header names, however it is cut into packets; whoever sends no header is cut off.

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { parseProxyHeader, ProxyHeaderError } from '../src/lib/proxy-header.ts';
import { PosthasteProcess } from './harness/posthaste-process.ts';
import { RawClient, startTestServer, type TestServer } from './smtp-dialogs/test-server.ts';

let server: TestServer | undefined;
const clients: RawClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await server?.close();
  server = undefined;
});

async function behind(settings: Record<string, string> = {}): Promise<TestServer> {
  const all = { smtpd_upstream_proxy_protocol: 'haproxy', smtpd_client_restrictions: 'permit_mynetworks', ...settings };
  server = await startTestServer({ settings: all, isRealPolicy: true, overrides: { proxyTimeout: 300 } });
  return server;
}

async function open(port: number): Promise<RawClient> {
  const client = await RawClient.open(port);
  clients.push(client);
  return client;
}

function block(command: number, family: number, body: Buffer): Buffer {
  const head = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00', 'latin1');
  head[12] = 0x20 | command;
  head[13] = family;
  head.writeUInt16BE(body.length, 14);
  return Buffer.concat([head, body]);
}

const four = block(1, 0x11, Buffer.from([192, 0, 2, 7, 203, 0, 113, 1, 0x12, 0x34, 0, 25]));
const six = block(
  1,
  0x21,
  Buffer.concat([
    Buffer.from(`20010db8${'0'.repeat(23)}7${'20010db8'}${'0'.repeat(23)}1`, 'hex'),
    Buffer.from([0x12, 0x34, 0, 25, 4, 0, 1, 0]),
  ]),
);

test.each([
  ['version 1', Buffer.from('PROXY TCP4 192.0.2.7 203.0.113.1 4660 25\r\n'), '192.0.2.7'],
  ['version 1, IPv6', Buffer.from('PROXY TCP6 2001:db8::7 2001:db8::1 4660 25\r\n'), '2001:db8::7'],
  ['version 2', four, '192.0.2.7'],
  ['version 2, IPv6, with a TLV', six, '2001:db8::7'],
  ['version 1, unknown', Buffer.from('PROXY UNKNOWN ffff::1 whatever\r\n'), '127.0.0.1'],
  ['version 2, local', block(0, 0, Buffer.alloc(0)), '127.0.0.1'],
])('%s: the client is the one that the header names', async (_name, header, address) => {
  const { port, log } = await behind();
  const client = await open(port);
  client.send(Buffer.concat([header, Buffer.from('EHLO c\r\n')]));
  expect(await client.reply()).toMatch(/^220 /);
  expect(await client.reply()).toMatch(/^250-/);
  const named = log.lines.find((line) => line.includes(': connect from'));
  expect(named).toBe(`postfix/smtpd: connect from client.example.org[${address}]`);
});

test('a header that trickles in is read octet by octet, and restrictions see who it names', async () => {
  const { port } = await behind({ smtpd_client_restrictions: 'check_client_access inline:{192.0.2.7=REJECT}' });
  const client = await open(port);
  for (const octet of 'PROXY TCP4 192.0.2.7 203.0.113.1 4660 25\r\n') {
    client.send(octet);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(await client.reply()).toMatch(/^220 /);
  await client.command('MAIL FROM:<a@b.example>');
  expect(await client.command('RCPT TO:<x@example.com>')).toMatch(
    /^554 5\.7\.1 <client\.example\.org\[192\.0\.2\.7\]>/,
  );
});

test.each(['apart', 'in one packet'])('header and TLS handshake %s', async (how) => {
  const { port } = await behind({ smtpd_tls_wrappermode: 'yes', smtpd_tls_security_level: 'may' });
  const header = Buffer.from('PROXY TCP4 192.0.2.7 203.0.113.1 4660 25\r\n');
  const balancer = connect({ port, host: '127.0.0.1' });
  let first = header;
  if (how === 'apart') {
    balancer.write(header);
    first = Buffer.alloc(0);
  }
  const client = new Duplex({
    read: () => undefined,
    write: (octets: Buffer, _encoding, done) => {
      balancer.write(Buffer.concat([first, octets]));
      first = Buffer.alloc(0);
      done();
    },
  });
  balancer.on('data', (octets) => client.push(octets));
  const secure = connectTls({ socket: client, rejectUnauthorized: false });
  try {
    const [greeting] = (await once(secure, 'data')) as [Buffer];
    expect(greeting.toString()).toMatch(/^220 /);
  } finally {
    secure.destroy();
    balancer.destroy();
  }
});

test.each([
  ['nothing', '', /no PROXY header in time/],
  ['a client of its own', 'EHLO c\r\n', /not a PROXY header/],
  ['no addresses', 'PROXY TCP4 a b 1 2\r\n', /malformed/],
  ['a port beyond', 'PROXY TCP4 1.2.3.4 1.2.3.4 1 70000\r\n', /malformed/],
  ['a line without an end', `PROXY TCP4 ${'1'.repeat(200)}`, /too long/],
  ['a block that is too long', '\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff', /too long/],
  ['version 3', '\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0', /unknown version/],
  ['a short block', '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x04abcd', /malformed/],
])('%s instead of a header: cut off without a word', async (_name, octets, reason) => {
  const { port, log } = await behind();
  const client = await open(port);
  client.send(octets);
  await client.closed();
  expect(client.received).toBe('');
  expect(log.lines.some((line) => line.includes('warning: haproxy read: ') && reason.test(line))).toBe(true);
});

test('no cut of a header is taken for another', () => {
  for (const header of [Buffer.from('PROXY TCP4 192.0.2.7 203.0.113.1 4660 25\r\n'), four, six]) {
    for (let length = 0; length < header.length; length++) {
      expect(parseProxyHeader(header.subarray(0, length))).toBeUndefined();
    }
    expect(parseProxyHeader(Buffer.concat([header, Buffer.from('rest')]))?.length).toBe(header.length);
  }
  expect(() => parseProxyHeader(Buffer.from('X'))).toThrow(ProxyHeaderError);
});

test('IMAP: the client of the log is the one that the header names', { timeout: 30_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'imap-proxy-'));
  const settings = { posthaste_imap_upstream_proxy_protocol: 'haproxy' };
  const process = await PosthasteProcess.create({ folder, settings });
  try {
    await process.start();
    const client = await open(process.imapPort);
    client.send('PROXY TCP4 192.0.2.77 192.0.2.1 1 143\r\na LOGOUT\r\n');
    await client.closed();
    expect(client.received).toMatch(/^\* OK .*\r\n\* BYE .*\r\na OK /s);
  } finally {
    await process.stop();
  }
  expect(readFileSync(process.logFile, 'utf8')).toContain('rip=192.0.2.77, lip=192.0.2.1');
  rmSync(folder, { recursive: true, force: true });
});
