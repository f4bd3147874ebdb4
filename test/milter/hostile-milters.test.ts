// Milters that lie, flood, dawdle or are cut off, and clients that try to slip by: a whole server with a short patience, which
// sends what it takes to a sink.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findFreePorts } from '../harness/free-ports.ts';
import { LmtpSink, type SunkMessage } from '../harness/lmtp-sink.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { addHeader, type MilterScript, order, replaceBody, ScriptedMilter } from '../harness/scripted-milter.ts';
import { runSendmail } from './filtered-peers.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';

const folder = mkdtempSync('/tmp/hostile-milters-');
let sink: LmtpSink;
let milter: ScriptedMilter;
let server: PosthasteProcess;
/** The same, where a filter that fails lets mail pass. */
let trusting = 0;
let mapped = 0;
let number = 0;

beforeAll(async () => {
  sink = await LmtpSink.start();
  milter = await ScriptedMilter.start();
  const address = `inet:127.0.0.1:${milter.port}`;
  [trusting = 0, mapped = 0] = await findFreePorts(2);
  server = await PosthasteProcess.create({
    folder,
    settings: {
      myhostname: 'mx.example',
      virtual_mailbox_domains: '',
      default_transport: `lmtp:inet:127.0.0.1:${sink.port}`,
      local_header_rewrite_clients: '',
      smtpd_milters: address,
      non_smtpd_milters: address,
      milter_command_timeout: '2s',
      milter_content_timeout: '2s',
      message_size_limit: '60000000',
    },
    services: `lmtp unix - - n - - lmtp
127.0.0.1:${trusting} inet n - n - - smtpd -o milter_default_action=accept
127.0.0.1:${mapped} inet n - n - - smtpd -o smtpd_milter_maps=inline:{127.0.0.1=DISABLE}
`,
  });
  await server.start();
}, 60_000);
afterAll(async () => {
  await server.stop();
  await milter.stop();
  sink.close();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

const envelope = ['EHLO client.example', 'MAIL FROM:<joe@a.example>', 'RCPT TO:<ann@b.example>', 'DATA'];

/** The first refusal, or the reply to the final dot. */
async function send(script: MilterScript, { port = server.smtpPort, body = 'hello', id = '' } = {}): Promise<string> {
  milter.script = script;
  const smtp = await SmtpConnection.open(port);
  for (const line of [...envelope, `X-Case: ${id}\r\nSubject: x\r\n\r\n${body}\r\n.`]) {
    const { code, text } = await smtp.command(line);
    if (code >= 400 || (code === 250 && text.includes('queued'))) return `${code} ${text.replace(/as \S+/, 'as ID')}`;
  }
  return '';
}

const atEnd = (...answers: readonly (string | Buffer)[]): MilterScript => ({ answers: { E: answers } });

async function arrival(id: string): Promise<SunkMessage[]> {
  for (let attempt = 0; attempt < 250; attempt++) {
    const messages = sink.take(id);
    if (messages.length > 0) return messages;
    await sleep(20);
  }
  return [];
}

const taken = '250 2.0.0 Ok: queued as ID';
const later = '451 4.7.1 Service unavailable - try again later';
const misconfigured = '451 4.3.5 Server configuration problem - try again later';
const tooBig = '552 5.3.4 Error: message file too big';

test.each<[string, MilterScript, string]>([
  ['hangs up on the client in the header', { answers: { L: ['4'] } }, '421 4.7.0 Server closing connection'],
  ['hangs up on the client at the end', atEnd('4'), '421 4.7.0 Server closing connection'],
  ['says that it works, for ever', { answers: { M: Array.from({ length: 5000 }, () => 'p') } }, later],
  ['announces a gigabyte', { answers: { M: [Buffer.from([0x3f, 0xff, 0xff, 0xff, 0x63])] } }, later],
  ['announces nothing', { answers: { M: [Buffer.from([0, 0, 0, 0])] } }, later],
  ['sends half a packet', { answers: { M: [Buffer.from([0, 0, 0, 9, 0x79, 0x35])] } }, later],
  ['floods', { answers: { M: [Buffer.alloc(20_000_000, 'x')] } }, later],
  ['adds fields for ever', atEnd(...Array.from({ length: 12_000 }, () => addHeader('X-A', 'b')), 'c'), misconfigured],
  [
    'adds more than a header holds',
    atEnd(...Array.from({ length: 80 }, () => addHeader('X-A', `${'b'.repeat(60_000)}`)), 'c'),
    tooBig,
  ],
  [
    'gives a body above the limit',
    atEnd(...Array.from({ length: 1000 }, () => replaceBody('y'.repeat(65_000))), 'c'),
    tooBig,
  ],
  ['gives a field a name of two lines', atEnd(addHeader('X-A\r\n\r\nBody', 'b'), 'c'), misconfigured],
  ['changes nothing that is not its own', { actions: 0, answers: { E: ['c'] } }, taken],
])(
  'a milter that %s',
  async (_, script, reply) => {
    expect(await send(script)).toBe(reply);
    // The next message finds the server in good health.
    const id = `after${++number}`;
    expect(await send({}, { id })).toBe(taken);
    expect(await arrival(id)).toHaveLength(1);
  },
  20_000,
);

test('an octet now and then is no answer in time', async () => {
  const started = performance.now();
  const drip = Array.from({ length: 1 }, () => Buffer.from([0]));
  expect(await send({ answers: { M: drip }, delays: { M: 1400 } })).toBe(later);
  expect(performance.now() - started).toBeLessThan(10_000);
});

test('a field of a filter is one field, whatever it holds', async () => {
  expect(
    await send(atEnd(addHeader('X-Spam', 'no\r\n\r\nbody\r\nBcc: x'), order('+', '<more@b.example>\r\nDATA'), 'c'), {
      id: 'lines',
    }),
  ).toBe(taken);
  const [message] = await arrival('lines');
  expect(message?.headers.slice(-4)).toEqual(['X-Spam: no', '\t', '\tbody', '\tBcc: x']);
  expect(message?.recipients.length).toBe(2);
  expect(message?.body).toBe('hello');
});

test('a client that does not wait for the answer gets no mail past a filter', async () => {
  milter.script = { answers: { E: ['r'] }, delays: { E: 600 } };
  const socket = connect(trusting, '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('data', resolve));
  for (const line of [...envelope, 'X-Case: sneak\r\n\r\nhello\r\n.']) {
    socket.write(`${line}\r\n`);
    await sleep(60);
  }
  socket.destroy();
  await expect
    .poll(() => server.logLines().join('\n'), { timeout: 5000 })
    .toMatch(/milter-reject: END-OF-MESSAGE .*5\.7\.1 Command rejected/);
  await sleep(100);
  expect(sink.take('sneak')).toEqual([]);
}, 20_000);

test('a filter that fails lets mail pass where that is wanted', async () => {
  expect(await send({ hangsUpAt: 'B' }, { port: trusting, id: 'trusted' })).toBe(taken);
  expect(await arrival('trusted')).toHaveLength(1);
});

test('smtpd_milter_maps spares a client the filters', async () => {
  const { connections } = milter;
  expect(await send(atEnd('r'), { port: mapped, id: 'spared' })).toBe(taken);
  expect(milter.connections).toBe(connections);
});

test('notices are shown to filters where internal_mail_filter_classes says so', async () => {
  const other = await PosthasteProcess.create({
    folder: join(folder, 'other'),
    settings: {
      myhostname: 'mx.example',
      virtual_mailbox_domains: '',
      default_transport: `lmtp:inet:127.0.0.1:${sink.port}`,
      transport_maps: 'inline:{{nobody.example=error:5.1.1 no such user}}',
      non_smtpd_milters: `inet:127.0.0.1:${milter.port}`,
      internal_mail_filter_classes: 'bounce',
    },
    services: 'lmtp unix - - n - - lmtp\n',
  });
  await other.start();
  try {
    milter.script = atEnd(addHeader('X-Case', 'notice'), order('+', '<spy@b.example>'), 'c');
    milter.take();
    const input = 'From: joe@a.example\n\nhello\n';
    await runSendmail(other.configFolder, ['-f', 'joe@a.example', 'x@nobody.example'], input);
    // The filter has added the same to the message that is reported.
    const both = [...(await arrival('notice'))];
    if (both.length < 2) both.push(...(await arrival('notice')));
    const notice = both.find(({ from }) => from.startsWith('<>'));
    expect(notice?.from).toMatch(/^<>/);
    expect(notice?.recipients).toEqual([expect.stringMatching(/^<joe@a\.example>/)]);
    expect(milter.take().filter((line) => line.startsWith('M '))).toEqual(['M joe@a.example|', 'M |']);
  } finally {
    await other.stop();
  }
}, 30_000);

test('fifty megabytes pass without being kept in memory', async () => {
  const body = `${'All work and no play makes Jack a dull boy. '.repeat(20)}\r\n`.repeat(55_000);
  const before = residentMegabytes();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, residentMegabytes());
  }, 20);
  expect(await send(atEnd(addHeader('X-Long', 'yes'), 'c'), { body, id: 'long' })).toBe(taken);
  clearInterval(watch);
  const [message] = await arrival('long');
  expect(message?.headers.at(-1)).toBe('X-Long: yes');
  expect(message?.body.length).toBe(body.replaceAll('\r\n', '\n').length);
  expect(most - before).toBeLessThan(150);
}, 60_000);

function residentMegabytes(): number {
  const pages = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1];
  return Number(pages) / 1024;
}

function sendmail(id: string): Promise<void> {
  const input = `From: joe@a.example\nX-Case: ${id}\n\nhello\n`;
  return runSendmail(server.configFolder, ['-f', 'joe@a.example', 'ann@b.example'], input);
}

test('mail of this machine waits while a filter puts it off, and goes back where it refuses', async () => {
  milter.script = { answers: { E: ['t'] } };
  await sendmail('waits');
  const log = (): string => server.logLines().join('\n');
  await expect.poll(log, { timeout: 5000 }).toMatch(/pickup\[\d+\]: warning: .* not taken yet: 451 4\.7\.1 /);
  expect(readdirSync(join(server.dataFolder, 'maildrop')).filter((name) => !name.startsWith('.'))).toHaveLength(1);
  milter.script = { answers: { E: ['r'] } };
  sink.take('');
  await sendmail('refused');
  // That which waited may be tried again meanwhile, and be refused too.
  const notices: SunkMessage[] = [];
  const ofRefused = (): SunkMessage | undefined => {
    notices.push(...sink.take(''));
    return notices.find(({ body }) => body.includes('X-Case: refused'));
  };
  await expect.poll(ofRefused, { timeout: 5000 }).toBeDefined();
  expect(ofRefused()?.recipients.join()).toContain('<joe@a.example>');
  expect(ofRefused()?.body).toContain('Command rejected');
  milter.script = {};
  await sendmail('good');
  expect(await arrival('good')).toHaveLength(1);
  expect(sink.take('refused')).toEqual([]);
}, 30_000);
