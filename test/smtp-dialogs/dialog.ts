// Runs a dialog against a listening server. A dialog reads like a mail log:
//
//   # Any remark
//   settings: smtpd_recipient_limit = 2      main.cf parameters for this server
//   dns: example.net MX 10 mx.example.net    what its DNS says; FAIL for a name about which it says nothing
//   protocol: lmtp                           the LMTP engine
//   store: capacity 100 | space: 1000        a store that gets full; free octets on the disk
//   C: MAIL FROM:<a@example.net>             the client sends a line (CR LF is added)
//   C! bytes\n\0\x80                         the client sends exactly these octets, with escapes
//   S: 250 2.1.0 *                           the next reply line; * stands for any text
//   S... 250                                 reply lines up to the last one with this code
//   TLS                                      the client begins TLS
//   CLOSED                                   the server has closed the connection
//   CLIENT CLOSES | CLIENT ABORTS            the client closes its side, or everything
//   NEW                                      another connection to the same server
//   LOG: *: reject: RCPT *                   such a line is in the log by now (from program and colon on)
//   QUEUED: <a@x> -> <b@y>, <c@z>            the last queued message's envelope (CLIENT waits for none: NOTHING QUEUED)
//   HELD | DELIVERED: a@x -> b@y             it is held; from original to final recipients
//   MESSAGE: text\r\n                        the last queued message, from behind our Received: field

import { expect } from 'vitest';
import { RawClient, startTestServer, type TestServer, type TestServerOptions } from './test-server.ts';

interface Scene {
  readonly server: TestServer;
  client: RawClient;
}

export async function runDialog(text: string, options: TestServerOptions = {}): Promise<void> {
  const lines = text.split('\n').map((line, index) => ({ line, number: index + 1 }));
  const settings: Record<string, string> = {};
  const zone: string[] = [];
  let protocol: 'smtp' | 'lmtp' = 'smtp';
  for (const { line } of lines) {
    const match = /^(settings|protocol|dns): *(?:(\w+) *= *)?(.*)$/.exec(line);
    if (match?.[1] === 'settings') settings[match[2] as string] = match[3] as string;
    if (match?.[1] === 'dns') zone.push(match[3] as string);
    if (match?.[1] === 'protocol' && match[3] === 'lmtp') protocol = 'lmtp';
  }
  const server = await startTestServer({ ...options, settings: { ...options.settings, ...settings }, protocol, zone });
  const scene: Scene = { server, client: await RawClient.open(server.port) };
  try {
    for (const { line, number } of lines) {
      if (line.trim() === '' || line.startsWith('#')) continue;
      await step(scene, line).catch((error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`line ${number}: ${line}\n${message}\nlog:\n${server.log.lines.join('\n')}`);
      });
    }
  } finally {
    scene.client.destroy();
    await server.close();
  }
}

async function step(scene: Scene, line: string): Promise<void> {
  const [, word = '', rest = ''] = /^(C:|C!|S:|S\.\.\.|[A-Z ]+:?|[a-z]+:) ?(.*)$/.exec(line) ?? [];
  const { server, client } = scene;
  switch (word.trim()) {
    case 'settings:':
    case 'dns:':
    case 'protocol:':
      return;
    case 'store:':
      server.store.capacity = Number(rest.replace(/\D/g, ''));
      return;
    case 'space:':
      server.freeSpace = Number(rest);
      return;
    case 'C:':
      client.send(`${Buffer.from(rest, 'utf8').toString('latin1')}\r\n`);
      return;
    case 'C!':
      client.send(unescape(rest));
      return;
    case 'S:':
      expectMatch(rest, await withinTime(client.line()));
      return;
    case 'S...':
      for (;;) {
        const given = await withinTime(client.line());
        if (given === undefined || !given.startsWith(rest)) throw new Error(`unexpected: ${given}`);
        if (given.startsWith(`${rest} `)) return;
      }
    case 'TLS':
      return withinTime(client.startTls());
    case 'CLOSED':
      await withinTime(client.closed());
      expect(client.received).toBe('');
      return;
    case 'CLIENT CLOSES':
      client.finish();
      return;
    case 'CLIENT ABORTS':
      client.destroy();
      await waitFor(() => server.server.sessionCount === 0);
      return;
    case 'NEW':
      client.destroy();
      scene.client = await RawClient.open(server.port);
      return;
    default:
      return checkOutcome(server, word.trim(), rest);
  }
}

async function checkOutcome(server: TestServer, word: string, rest: string): Promise<void> {
  const last = server.queue.messages.at(-1);
  switch (word) {
    case 'LOG:':
      await waitFor(() => server.log.lines.some((entry) => matches(rest, entry)));
      return;
    case 'QUEUED:': {
      const recipients = last?.submission.recipients.map(({ original }) => `<${original}>`).join(', ');
      expect(`<${last?.submission.sender}> -> ${recipients}`).toBe(rest);
      return;
    }
    case 'HELD':
      expect(last?.submission.hold).toBe(true);
      return;
    case 'DELIVERED:': {
      const deliveries = last?.submission.recipients.flatMap((recipient) => recipient.deliveries);
      expect(deliveries?.map(({ original, recipient }) => `${original} -> ${recipient}`).join(', ')).toBe(rest);
      return;
    }
    case 'WHOLE MESSAGE:':
      expectMatch(unescape(rest), last?.text);
      return;
    case 'NOTHING QUEUED':
      expect(server.queue.messages).toEqual([]);
      expect(server.store.openWriters).toBe(0);
      return;
    case 'MESSAGE:':
      expectMatch(unescape(rest), last?.text.replace(/^Received:.*\r\n(?:[ \t].*\r\n)*/, ''));
      return;
    case 'RECEIVED:':
      expectMatch(
        rest,
        /^Received:.*\r\n(?:[ \t].*\r\n)*/
          .exec(last?.text ?? '')?.[0]
          .replace(/\r\n[ \t]/g, ' ')
          .trim(),
      );
      return;
    default:
      throw new Error('no such step');
  }
}

export function unescape(text: string): string {
  const escapes: Record<string, string> = { r: '\r', n: '\n', t: '\t', 0: '\0', '\\': '\\' };
  return text.replace(/\\(?:x([0-9a-f]{2})|(.))/gi, (_, hex: string | undefined, character: string) =>
    hex === undefined ? (escapes[character] ?? character) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

export function matches(pattern: string, text: string): boolean {
  const literal = pattern.split('*').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`, 's').test(text);
}

function expectMatch(pattern: string, given: string | undefined): void {
  if (given === undefined || !matches(pattern, given)) throw new Error(`expected ${pattern}\n     got ${given}`);
}

export async function withinTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer within 20 s')), 20_000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function waitFor(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('did not happen');
}
