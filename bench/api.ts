// How many requests the API answers: reads of a mailbox, and changes of one that are durable when they are answered, by
// concurrent clients on loopback against a started server of its own. `node bench/api.ts [SECONDS] [CLIENTS]`.

import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Directory } from '../src/directory/directory.ts';
import { systemClock } from '../src/lib/clock.ts';
import { findFreePorts } from '../test/harness/free-ports.ts';
import { PosthasteProcess } from '../test/harness/posthaste-process.ts';

const seconds = Number(process.argv[2] ?? 5);
const clients = Number(process.argv[3] ?? 32);
const mailboxes = 1000;

const folder = mkdtempSync(join(tmpdir(), 'bench-api-'));
const [port = 0] = await findFreePorts(1);
const settings = { posthaste_http_listen: `127.0.0.1:${port}`, posthaste_http_rate_limit: '0' };
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

const agent = new Agent({ keepAlive: true, maxSockets: clients });

async function ask(method: string, path: string, body?: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${secret}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    const asked = request({ agent, port, host: '127.0.0.1', method, path: `/api/v1${path}`, headers }, (response) => {
      response.resume();
      response.on('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`${method} ${path}: ${response.statusCode}`));
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

async function measure(name: string, one: (turn: number) => Promise<void>): Promise<void> {
  const times: number[] = [];
  let turn = 0;
  const start = systemClock.monotonic();
  const end = start + seconds * 1000;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (systemClock.monotonic() < end) {
        const began = systemClock.monotonic();
        await one(turn++);
        times.push(systemClock.monotonic() - began);
      }
    }),
  );
  const passed = (systemClock.monotonic() - start) / 1000;
  times.sort((a, b) => a - b);
  const at = (part: number): string => (times[Math.floor(times.length * part)] ?? 0).toFixed(1);
  console.log(`${name.padEnd(8)} ${Math.round(times.length / passed)}/s  p50 ${at(0.5)} ms  p99 ${at(0.99)} ms`);
}

try {
  const address = (turn: number): string => encodeURIComponent(`user${turn % mailboxes}@example.com`);
  await measure('reads', async (turn) => await ask('GET', `/mailboxes/${address(turn)}`));
  await measure('writes', async (turn) => await ask('PATCH', `/mailboxes/${address(turn)}`, `{"name":"Name ${turn}"}`));
} finally {
  agent.destroy();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
