// check_policy_service against a policy server of ours: what it is asked, what its answers do, and what its silence does.
// Requests, replies and log lines are those of a real Postfix 3.7 with the same lists and the same server.

import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryLog } from '../lib/log.ts';
import { Settings } from '../settings/settings.ts';
import { noActions } from './message-actions.ts';
import { openRouting, type Routing } from './open-routing.ts';
import type { RecipientPolicy } from './recipient-policy.ts';

const requests: string[][] = [];
let connections = 0;
const sockets = new Set<Socket>();
const answers: Readonly<Record<string, string>> = {
  'deny@b.example': 'action=REJECT by policy\n\n',
  'hold@b.example': 'action=hold\n\n',
  'bad@b.example': 'foo=bar\n\n',
  'nested@b.example': 'action=reject_non_fqdn_sender, defer\n\n',
};

let server: Server;
let port: number;
const opened: Routing[] = [];
beforeAll(async () => {
  server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        answer(socket, text.slice(0, end).split('\n'));
        text = text.slice(end + 2);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as { port: number }).port;
});
afterAll(async () => {
  for (const routing of opened) routing.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

function answer(socket: Socket, lines: string[]): void {
  requests.push(lines);
  const sender = lines.find((line) => line.startsWith('sender='))?.slice(7) ?? '';
  if (sender.startsWith('hang@')) return;
  if (sender.startsWith('close@')) socket.destroy();
  else socket.write(answers[sender] ?? 'action=DUNNO\n\n');
}

interface Scene {
  readonly policy: RecipientPolicy;
  readonly routing: Routing;
  readonly log: MemoryLog;
}

async function open(service: string): Promise<Scene> {
  const log = new MemoryLog();
  const settings = Settings.defaults({
    compatibility_level: '3.6',
    mydestination: '',
    mynetworks: '127.0.0.9',
    virtual_mailbox_domains: 'example.com',
    virtual_mailbox_maps: '',
    smtpd_sender_restrictions: `check_policy_service ${service}`,
    smtpd_policy_service_retry_delay: '0',
    smtpd_policy_service_timeout: '1',
  });
  const routing = openRouting({ settings, log, isWatching: false });
  opened.push(routing);
  // A table that is read while a service thinks would have it asked again.
  await routing.tables.ready();
  return { policy: routing.policy(settings), routing, log };
}

const client = {
  address: '192.0.2.1',
  name: 'c.example',
  reverseName: 'r.example',
  port: 1234,
  helo: 'h',
  protocol: 'ESMTP',
  serverAddress: '192.0.2.2',
  serverPort: 25,
  login: 'joe',
  saslMethod: 'PLAIN',
  tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', bits: 256 },
} as const;

async function rcpt({ policy }: Scene, sender: string): Promise<string> {
  const envelope = { sender, client, size: 33, queueId: 'Q1', recipientCount: 1, instance: '1.2.3' };
  const { reply } = await policy.checkRecipient('x@example.com', envelope);
  return `${reply.code} ${reply.status} ${reply.text}`;
}

describe('a policy service', () => {
  test('is told everything, in the order of Postfix', async () => {
    const scene = await open(`{ inet:127.0.0.1:${port}, { policy_context = my context } }`);
    requests.length = 0;
    expect(await rcpt(scene, 'a@b.example')).toBe('250 2.1.5 Ok');
    expect(requests).toEqual([
      `request=smtpd_access_policy|protocol_state=RCPT|protocol_name=ESMTP|client_address=192.0.2.1|client_name=c.example
      client_port=1234|reverse_client_name=r.example|server_address=192.0.2.2|server_port=25|helo_name=h
      sender=a@b.example|recipient=x@example.com|recipient_count=0|queue_id=Q1|instance=1.2.3|size=33|etrn_domain=|stress=
      sasl_method=PLAIN|sasl_username=joe|sasl_sender=|ccert_subject=|ccert_issuer=|ccert_fingerprint=
      ccert_pubkey_fingerprint=|encryption_protocol=TLSv1.3|encryption_cipher=TLS_AES_256_GCM_SHA384
      encryption_keysize=256|policy_context=my context`.split(/\||\n\s+/),
    ]);
  });

  test('is obeyed as an access table is', async () => {
    const scene = await open(`inet:127.0.0.1:${port}`);
    expect(await rcpt(scene, 'deny@b.example')).toBe('554 5.7.1 <deny@b.example>: Sender address rejected: by policy');
    expect(await rcpt(scene, 'nested@b.example')).toBe(
      '450 4.3.2 <nested@b.example>: Sender address rejected: Try again later',
    );
    const actions = noActions();
    const envelope = { sender: 'hold@b.example', client, actions };
    await scene.policy.checkRecipient('x@example.com', envelope);
    expect(actions.isHeld).toBe(true);
  });

  test('is asked on one connection as long as requests come one by one', async () => {
    const scene = await open(`inet:127.0.0.1:${port}`);
    const before = connections;
    for (let round = 0; round < 5; round++) await rcpt(scene, 'a@b.example');
    expect(connections - before).toBe(1);
    await Promise.all(Array.from({ length: 8 }, () => rcpt(scene, 'a@b.example')));
    expect(connections - before).toBeLessThanOrEqual(8);
    const limited = await open(`{ inet:127.0.0.1:${port}, request_limit=2 }`);
    const start = connections;
    for (let round = 0; round < 4; round++) await rcpt(limited, 'a@b.example');
    expect(connections - start).toBe(2);
  });

  test.each([
    ['bad@b.example', 'Application error', 2],
    ['close@b.example', 'Application error', 0],
    ['hang@b.example', 'Connection timed out', 0],
  ])('that does not answer %s is asked twice, then the default action holds', async (sender, problem, missing) => {
    const scene = await open(`inet:127.0.0.1:${port}`);
    requests.length = 0;
    expect(await rcpt(scene, sender)).toBe(
      `451 4.3.5 <${sender}>: Sender address rejected: Server configuration problem`,
    );
    expect(requests).toHaveLength(2);
    const name = `127.0.0.1:${port}`;
    expect(scene.log.lines).toEqual([
      ...Array.from(
        { length: missing },
        () => `postfix/smtpd: warning: missing attribute action in input from ${name}`,
      ),
      `postfix/smtpd: warning: problem talking to server ${name}: ${problem}`,
    ]);
  });

  test('that is not there', async () => {
    const scene = await open('{ inet:127.0.0.1:1, default_action=DUNNO, try_limit=1 }');
    expect(await rcpt(scene, 'a@b.example')).toBe('250 2.1.5 Ok');
    expect(scene.log.lines).toEqual([
      'postfix/smtpd: warning: connect to 127.0.0.1:1: Connection refused',
      'postfix/smtpd: warning: problem talking to server 127.0.0.1:1: Connection refused',
    ]);
    const unix = await open('{ unix:/nowhere/socket, try_limit=1, { default_action = 421 4.7.0 later } }');
    expect(await rcpt(unix, 'a@b.example')).toBe('421 4.7.0 <a@b.example>: Sender address rejected: later');
  });

  test.each([
    ['smtp:x', 'write inet:host:port or unix:path'],
    ['{ inet:127.0.0.1:9, timeout=x }', 'bad timeout'],
    ['{ inet:127.0.0.1:9, nonsense=1 }', 'cannot read nonsense=1'],
  ])('that is written as %s stops the start', async (service, message) => {
    const { routing } = await open('inet:127.0.0.1:9');
    const settings = routing.settings.withOverrides({ smtpd_sender_restrictions: `check_policy_service ${service}` });
    expect(() => routing.policy(settings)).toThrow(message);
  });
});
