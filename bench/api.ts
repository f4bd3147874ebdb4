// sh scripts/with-node bench/api.ts [SECONDS] [CONNECTIONS] [reads|changes] — what a request of the API costs: reads of a mailbox, and changes
// of one that are durable when they are answered, against a started server of its own. The server is a process of its own and the
// client a cheap one (prepared requests on raw connections that are kept), and the CPU time of each is told apart: the
// rate on a busy machine says little. (Promised: 3,000 reads and 1,000 durable changes a second on one core.)

import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Directory } from '../src/directory/directory.ts';
import { systemClock } from '../src/lib/clock.ts';
import { findFreePorts } from '../test/harness/free-ports.ts';
import { PosthasteProcess } from '../test/harness/posthaste-process.ts';
import { cpuSeconds } from './process-tree.ts';

const seconds = Number(process.argv[2] ?? 5);
const connections = Number(process.argv[3] ?? 32);
const only = process.argv[4];
const mailboxes = 1000;

const folder = mkdtempSync(join(tmpdir(), 'bench-api-'));
const [port = 0] = await findFreePorts(1);
const settings = { posthaste_http_listen: `127.0.0.1:${port}`, posthaste_http_rate_limit: '1000000000' };
const server = await PosthasteProcess.create({ folder, settings });
const file = join(server.dataFolder, 'directory.db');
const directory = await Directory.open(file, { clock: systemClock, actor: 'bench' });
await directory.domains.add('example.com');
for (let index = 0; index < mailboxes; index++) {
  await directory.mailboxes.add({ address: `user${index}@example.com`, passwordHash: '{PLAIN}x' });
}
await directory.administrators.add({ login: 'bench', role: 'host' });
const admin = directory.lookups.identities.adminByLogin('bench');
const owner = { kind: 'admin', id: admin?.id ?? 0 } as const;
const { secret } = await directory.tokens.add({ owner, name: 'bench', scopes: ['*'], expires: 0 });
directory.close();
await server.start();

interface Answer {
  readonly head: string;
  readonly length: number;
}

/** One connection: a request, its answer, the next. */
class Client {
  readonly #socket = connect({ port, host: '127.0.0.1', noDelay: true });
  #got: Buffer = Buffer.alloc(0);
  #answered: ((answer: Answer) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  constructor() {
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', (error) => this.#failed?.(error));
    this.#socket.on('close', () => this.#failed?.(new Error('closed')));
  }

  async ask(method: string, path: string, body?: string): Promise<void> {
    const more = body === undefined ? '' : `content-type: application/json\r\ncontent-length: ${body.length}\r\n`;
    const head = `${method} /api/v1${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${secret}\r\n${more}\r\n`;
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.#socket.write(head + (body ?? ''));
    });
    if (!answer.head.startsWith('HTTP/1.1 200')) throw new Error(`${method} ${path}: ${answer.head}`);
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#got = this.#got.length === 0 ? chunk : Buffer.concat([this.#got, chunk]);
    const end = this.#got.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#got.toString('latin1', 0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#got.length < end + 4 + length) return;
    this.#got = this.#got.subarray(end + 4 + length);
    this.#answered?.({ head, length });
  }
}

const clients = Array.from({ length: connections }, () => new Client());

async function run(milliseconds: number, one: (client: Client, turn: number) => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  let turn = 0;
  const end = systemClock.monotonic() + milliseconds;
  await Promise.all(
    clients.map(async (client) => {
      while (systemClock.monotonic() < end) {
        const began = systemClock.monotonic();
        await one(client, turn++);
        times.push(systemClock.monotonic() - began);
      }
    }),
  );
  return times;
}

async function measure(name: string, one: (client: Client, turn: number) => Promise<void>): Promise<void> {
  await run(1000, one);
  const before = { server: cpuSeconds([server.pid]), client: process.cpuUsage(), time: systemClock.monotonic() };
  const times = await run(seconds * 1000, one);
  const passed = (systemClock.monotonic() - before.time) / 1000;
  const { user, system } = process.cpuUsage(before.client);
  const micros = ((cpuSeconds([server.pid]) - before.server) * 1e6) / times.length;
  times.sort((a, b) => a - b);
  const at = (part: number): string => (times[Math.floor(times.length * part)] ?? 0).toFixed(1);
  console.log(
    `${name.padEnd(8)} ${Math.round(times.length / passed)}/s  p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  ` +
      `CPU of the server ${micros.toFixed(0)} µs a request (${Math.round(1e6 / micros)}/s on a core), ` +
      `of the client ${((user + system) / times.length).toFixed(0)} µs`,
  );
}

try {
  const address = (turn: number): string => encodeURIComponent(`user${turn % mailboxes}@example.com`);
  if (only !== 'changes') {
    await measure('reads', async (client, turn) => await client.ask('GET', `/mailboxes/${address(turn)}`));
  }
  if (only !== 'reads') {
    await measure('changes', async (client, turn) => {
      await client.ask('PATCH', `/mailboxes/${address(turn)}`, `{"name":"Name ${turn}"}`);
    });
  }
} finally {
  for (const client of clients) client.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
