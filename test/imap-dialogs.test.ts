// Runs the dialogs of imap-dialogs/*.txt against a listening server over a real store. A dialog reads like a protocol log:
//
//   # Any remark
//   options: maxLineLength = 100     limits of this server (numbers, true, false); quota = octets
//   DELIVER: Subject: x\r\n\r\nbody  a message arrives in ann's INBOX
//   C: a1 NOOP                       the client sends a line (CR LF is added)
//   C! bytes\r\n                     the client sends exactly these octets, with escapes
//   S: a1 OK *                       the next line; * stands for any text
//   S... a1 OK *                     lines up to the first that matches
//   C2: S2: S2...                    the same on another connection
//   NO S: text *                     no line like this before the next S... matches
//   TLS                              the client begins TLS
//   CLOSED                           the server has closed the connection
//   LOG: *imap-login: Info: Login*   such a line is in the log

import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LineClient, TestHost, type TestServer } from './imap-dialogs/test-server.ts';

const folder = new URL('./imap-dialogs/', import.meta.url);
const waitMilliseconds = 5000;
let host: TestHost;

beforeAll(async () => {
  host = await TestHost.open();
});

afterAll(() => host.close());

for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
  test(`imap dialog ${file}`, () => runDialog(readFileSync(new URL(file, folder), 'utf8')));
}

interface Scene {
  readonly server: TestServer;
  readonly clients: LineClient[];
  unwanted: string | undefined;
}

async function runDialog(text: string): Promise<void> {
  const lines = text.split('\n');
  const { quota, ...options } = readOptions(lines);
  const server = await host.serve(options, quota);
  const scene: Scene = { server, clients: [await LineClient.open(server.port)], unwanted: undefined };
  try {
    for (const [index, line] of lines.entries()) {
      if (line.trim() === '' || line.startsWith('#') || line.startsWith('options:')) continue;
      await step(scene, line).catch((error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`line ${index + 1}: ${line}\n${message}\nlog:\n${server.log.lines.join('\n')}`);
      });
    }
  } finally {
    for (const client of scene.clients) client.destroy();
    await server.close();
  }
}

function readOptions(lines: readonly string[]): Record<string, number> {
  const options: Record<string, number | boolean> = {};
  for (const line of lines) {
    const match = /^options: *(\w+) *= *(\w+)$/.exec(line);
    const [, name = '', value = ''] = match ?? [];
    if (match !== null) options[name] = value === 'true' ? true : value === 'false' ? false : Number(value);
  }
  return options as Record<string, number>;
}

async function step(scene: Scene, line: string): Promise<void> {
  const exchange = /^([CS])([2-9]?)(:|!|\.\.\.) ?(.*)$/.exec(line);
  if (exchange !== null) {
    const [, side = '', number = '', how = '', text = ''] = exchange;
    await speak(scene, await clientOf(scene, Number(number || 1)), side + how, text);
    return;
  }
  const [, word = '', rest = ''] = /^([A-Z ]+:?)(?: ?(.*))?$/.exec(line) ?? [];
  switch (word) {
    case 'NO S:':
      scene.unwanted = rest;
      return;
    case 'TLS':
      await scene.clients[0]?.startTls();
      return;
    case 'CLOSED':
      expect(await nextLine(await clientOf(scene, 1))).toBeUndefined();
      return;
    case 'LOG:':
      await waitForLog(scene.server, rest);
      return;
    case 'DELIVER:':
      await scene.server.deliver('ann', unescape(rest));
      return;
    default:
      throw new Error('not a step of a dialog');
  }
}

async function speak(scene: Scene, client: LineClient, how: string, text: string): Promise<void> {
  switch (how) {
    case 'C:':
      client.send(`${text}\r\n`);
      return;
    case 'C!':
      client.send(unescape(text));
      return;
    case 'S:':
      expectMatch(text, await nextLine(client));
      return;
    case 'S...':
      await skipTo(scene, client, text);
      return;
    default:
      throw new Error('not a step of a dialog');
  }
}

async function clientOf(scene: Scene, number: number): Promise<LineClient> {
  while (scene.clients.length < number) scene.clients.push(await LineClient.open(scene.server.port));
  return scene.clients[number - 1] as LineClient;
}

async function skipTo(scene: Scene, client: LineClient, pattern: string): Promise<void> {
  for (;;) {
    const line = await nextLine(client);
    if (line === undefined) throw new Error('connection closed');
    if (scene.unwanted !== undefined && matches(scene.unwanted, line)) throw new Error(`unwanted: ${line}`);
    if (!matches(pattern, line)) {
      if (/^[a-z]\d+ /.test(line)) throw new Error(`got: ${line}`);
      continue;
    }
    scene.unwanted = undefined;
    return;
  }
}

function nextLine(client: LineClient): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), waitMilliseconds);
  });
  return Promise.race([client.line(), late]).finally(() => clearTimeout(timer));
}

async function waitForLog(server: TestServer, pattern: string): Promise<void> {
  const end = Date.now() + waitMilliseconds;
  while (!server.log.lines.some((line) => matches(pattern, line))) {
    if (Date.now() > end) throw new Error('not in the log');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function expectMatch(pattern: string, line: string | undefined): void {
  if (line === undefined || !matches(pattern, line)) throw new Error(`got: ${line ?? 'the end of the connection'}`);
}

/** `*` stands for any text; a `*` at the beginning followed by a blank is IMAP's own. */
function matches(pattern: string, line: string): boolean {
  const escaped = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const body = escaped.startsWith('\\* ')
    ? `\\*${escaped.slice(2).replaceAll('\\*', '.*')}`
    : escaped.replaceAll('\\*', '.*');
  // `\x2a` in a dialog is a star of IMAP's, `\x80` an octet.
  return new RegExp(`^${body.replaceAll(/\\\\(x[0-9a-f]{2})/g, '\\$1')}$`).test(line);
}

function unescape(text: string): string {
  return text.replaceAll(/\\(r|n|0|\\|x[0-9a-f]{2})/g, (_, code: string) => {
    if (code === 'r') return '\r';
    if (code === 'n') return '\n';
    if (code === '0') return '\0';
    return code === '\\' ? '\\' : String.fromCharCode(Number.parseInt(code.slice(1), 16));
  });
}
