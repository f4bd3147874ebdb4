// Ports on loopback that nobody listens on right now, for servers that must be told their port beforehand. They are below
// those that systems give out by themselves (from 32768), so that no connection takes one before its server does.

import { createServer } from 'node:net';

const [first, last] = [10_000, 32_000];
// What one test is told another is not: the tests of one worker share this, the workers' ranges are interleaved.
const workers = 8;
const worker = Number(process.env.VITEST_POOL_ID ?? process.pid) % workers;
let next = first + Math.floor((Math.random() * (last - first)) / workers) * workers + worker;

export async function findFreePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = next;
    next = next + workers > last ? first + worker : next + workers;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
