// What attackers have published: messages that end elsewhere than we say, commands and log lines hidden in addresses,
// names and logins, and servers of others (policy, DNS) that hang, lie and send nonsense.

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { RawClient, startTestServer, type TestServer, type TestServerOptions } from './smtp-dialogs/test-server.ts';

let server: TestServer | undefined;
const clients: RawClient[] = [];
const others: Server[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  for (const socket of sockets) socket.destroy();
  for (const other of others.splice(0)) other.close();
  await server?.close();
  server = undefined;
});

async function talk(options: TestServerOptions): Promise<{ client: RawClient; at: TestServer }> {
  server = await startTestServer(options);
  const client = await RawClient.open(server.port);
  clients.push(client);
  await client.reply();
  return { client, at: server };
}

/** Every way to end a message that some server has taken for one, and that another passes on (SMTP smuggling). */
const falseEnds = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\r',
  '\n.\r',
  '\r.\n',
  '\n\n.\r\n',
  '\r\n\0.\r\n',
  '\r\n.\0\r\n',
  '\r\n.\r\r\n',
  '\r\r\n.\r\r\n',
  '\r\n.\n\r\n',
  '\r\n .\r\n',
  '\r\n. \r\n',
  '\u0085.\u0085',
];
const smuggled =
  'MAIL FROM:<boss@example.com>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n';

test.each(['no', 'normalize', 'reject'])(
  'smtpd_forbid_bare_newline = %s: no false end ends a message',
  async (value) => {
    for (const end of falseEnds) {
      const { client, at } = await talk({ settings: { smtpd_forbid_bare_newline: value } });
      await client.command('EHLO c');
      await client.command('MAIL FROM:<a@example.net>');
      await client.command('RCPT TO:<ann@example.com>');
      await client.command('DATA');
      client.send(`Subject: s\r\n\r\nbody${end}${smuggled}`);
      const reply = await client.reply();
      expect(reply, JSON.stringify(end)).toMatch(/^(?:250 2\.0\.0 Ok: queued|550 5\.5\.2 )/);
      // Had one counted, the rest would have been commands, and answered.
      expect(await client.command('NOOP'), JSON.stringify(end)).toBe('250 2.0.0 Ok');
      expect(at.queue.messages.length).toBe(reply?.startsWith('250') === true ? 1 : 0);
      expect(at.queue.messages.every(({ submission }) => submission.sender === 'a@example.net')).toBe(true);
      client.destroy();
      await at.close();
      server = undefined;
    }
  },
);

test('a BDAT chunk is octets: nothing in it is an end or a command', async () => {
  for (const end of [...falseEnds, '\r\n.\r\n']) {
    const { client, at } = await talk({ settings: { smtpd_forbid_bare_newline: 'normalize' } });
    await client.command('EHLO c');
    await client.command('MAIL FROM:<a@example.net>');
    await client.command('RCPT TO:<ann@example.com>');
    const body = Buffer.from(`Subject: s\r\n\r\nbody${end}${smuggled}`, 'latin1');
    client.send(Buffer.concat([Buffer.from(`BDAT ${body.length} LAST\r\n`), body]));
    expect(await client.reply(), JSON.stringify(end)).toMatch(/^(?:250 2\.0\.0|550 5\.5\.2)/);
    expect(await client.command('NOOP')).toBe('250 2.0.0 Ok');
    expect(at.queue.messages.length).toBeLessThanOrEqual(1);
    client.destroy();
    await at.close();
    server = undefined;
  }
});

test('no address, name or login puts a line into the log, the header or the conversation', async () => {
  const { client, at } = await talk({
    settings: {
      smtpd_authorized_xclient_hosts: '127.0.0.1',
      smtpd_hard_error_limit: '1000',
      smtpd_soft_error_limit: '1000',
      smtpd_sasl_auth_enable: 'yes',
    },
    isRealPolicy: true,
  });
  const evil = ['\r\nQUIT', '\nMAIL FROM:<x@y>', '\u0000', '\u001b[2J', '\u2028x', '\u009b1m'];
  for (const text of evil) {
    const xtext = [...Buffer.from(`a${text}b`)]
      .map((octet) => `+${octet.toString(16).padStart(2, '0').toUpperCase()}`)
      .join('');
    for (const attribute of ['NAME', 'REVERSE_NAME', 'ADDR', 'HELO', 'LOGIN', 'PROTO', 'PORT']) {
      client.send(`XCLIENT ${attribute}=${xtext}\r\n`);
      expect(await client.reply()).toMatch(/^(?:220|501|550) /);
    }
    const login = Buffer.from(`\0a${text}b\0wrong`).toString('base64');
    for (const line of [
      `AUTH PLAIN ${login}`,
      `HELO c${text}`,
      `MAIL FROM:<"a${text}"@b.example>`,
      `VRFY "a${text}"@example.com`,
      `ETRN ${text}`,
    ]) {
      const client2 = await RawClient.open(at.port);
      clients.push(client2);
      await client2.reply();
      client2.send(`${line}\r\nNOOP\r\n`);
      expect(await client2.reply(), JSON.stringify(line)).toMatch(/^(?:2|5)\d\d[ -]/);
    }
  }
  const text = at.log.lines.join('');
  expect(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text)).toBe(false);
  expect(at.queue.messages).toEqual([]);
});

test('what XCLIENT says of HELO and login stays one line of Received:', async () => {
  const { client, at } = await talk({
    settings: { smtpd_authorized_xclient_hosts: '127.0.0.1', smtpd_sasl_authenticated_header: 'yes' },
    isRealPolicy: true,
  });
  await client.command('XCLIENT HELO=h+0D+0AX-Evil:+201 LOGIN=u+0D+0AX-Evil:+201 PROTO=ESMTP');
  await client.command('MAIL FROM:<a@b.example>');
  await client.command('RCPT TO:<x@example.com>');
  await client.command('DATA');
  expect(await client.command('Subject: s\r\n\r\nx\r\n.')).toMatch(/^250/);
  expect(at.queue.messages[0]?.text).not.toMatch(/^X-Evil/m);
});

/** Speaks to every policy request as `answer` does. */
async function policyServer(answer: (socket: Socket) => void): Promise<string> {
  const other = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('data', () => answer(socket));
  });
  others.push(other);
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  return `inet:127.0.0.1:${(other.address() as AddressInfo).port}`;
}

test.each([
  ['hangs', () => undefined],
  ['cuts the answer', (socket: Socket) => socket.end('action=O')],
  ['closes at once', (socket: Socket) => socket.destroy()],
  ['sends no action', (socket: Socket) => socket.write('hello=world\n\n')],
  ['sends nonsense', (socket: Socket) => socket.write(Buffer.from([0, 255, 10, 10, 13, 0, 7]))],
  ['never ends its answer', (socket: Socket) => void setInterval(() => socket.write('x'.repeat(100_000)), 1).unref()],
  ['orders an unknown action', (socket: Socket) => socket.write('action=open_the_door\n\n')],
  ['answers with a table', (socket: Socket) => socket.write('action=static:OK\n\n')],
])('a policy server that %s: 451, and the session goes on', { timeout: 10_000 }, async (_name, answer) => {
  const service = await policyServer(answer);
  const { client, at } = await talk({
    settings: {
      smtpd_recipient_restrictions: `check_policy_service ${service}`,
      smtpd_policy_service_timeout: '1s',
      smtpd_policy_service_try_limit: '1',
    },
    isRealPolicy: true,
  });
  await client.command('MAIL FROM:<a@b.example>');
  expect(await client.command('RCPT TO:<x@example.com>')).toMatch(/^451 4\.3\.5 /);
  expect(await client.command('NOOP')).toBe('250 2.0.0 Ok');
  expect(at.log.lines.some((line) => line.startsWith('postfix/smtpd: warning: '))).toBe(true);
});

test('a policy server that answers twice at once answers only the first request', async () => {
  const service = await policyServer((socket) => socket.write('action=REJECT one\n\naction=OK\n\n'));
  const { client } = await talk({
    settings: { smtpd_recipient_restrictions: `check_policy_service ${service}`, smtpd_policy_service_timeout: '1s' },
    isRealPolicy: true,
  });
  await client.command('MAIL FROM:<a@b.example>');
  expect(await client.command('RCPT TO:<x@example.com>')).toMatch(/^554 5\.7\.1 .* one$/);
});

test('DNS that lies: control characters in texts and names do no harm', async () => {
  const many = Array.from({ length: 60 }, (_, index) => `many.test MX 10 mx${index}.many.test`);
  const { client, at } = await talk({
    settings: {
      smtpd_client_restrictions: 'reject_rbl_client bl.test',
      smtpd_sender_restrictions:
        'reject_unknown_sender_domain, check_sender_mx_access inline:{{mx59.many.test=REJECT}}',
      smtpd_authorized_xclient_hosts: '127.0.0.1',
    },
    isRealPolicy: true,
    zone: [
      '2.2.0.192.bl.test A 127.0.0.2',
      '2.2.0.192.bl.test TXT a\u001b[2J\u0007b',
      'odd.test MX 10 a\u0001b',
      ...many,
    ],
  });
  await client.command('XCLIENT ADDR=192.0.2.2 NAME=c.test');
  await client.command('MAIL FROM:<a@many.test>');
  expect(await client.command('RCPT TO:<x@example.com>')).toBe(
    '554 5.7.1 Service unavailable; Client host [192.0.2.2] blocked using bl.test; a_[2J_b',
  );
  await client.command('RSET');
  await client.command('XCLIENT ADDR=127.0.0.1 NAME=c.test');
  expect(await client.command('NOOP')).toMatch(/^250/);
  expect(at.log.lines.join('').includes('\u001b')).toBe(false);
});
