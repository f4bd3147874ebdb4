// What the disk itself takes while a load runs: a thread that overwrites one block of a file of its own and flushes it,
// every few milliseconds. A server that flushes before it answers can be no faster than the longest of these.

import { closeSync, fdatasyncSync, fsyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parentPort, Worker, workerData } from 'node:worker_threads';

const pauseMilliseconds = 5;

/** Returns what ends the probe and tells its longest flush, in milliseconds. */
export function startDiskProbe(folder: string): () => Promise<number> {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: join(folder, 'disk-probe') });
  const longest = new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return () => {
    worker.postMessage('stop');
    return longest;
  };
}

if (parentPort) {
  let isStopped = false;
  parentPort.once('message', () => {
    isStopped = true;
  });
  const file = workerData as string;
  const handle = openSync(file, 'w');
  const block = Buffer.alloc(4096, 1);
  writeSync(handle, block, 0, block.length, 0);
  fsyncSync(handle);
  let longest = 0;
  while (!isStopped) {
    const started = performance.now();
    writeSync(handle, block, 0, block.length, 0);
    fdatasyncSync(handle);
    longest = Math.max(longest, performance.now() - started);
    await sleep(pauseMilliseconds);
  }
  closeSync(handle);
  unlinkSync(file);
  parentPort.postMessage(longest);
}
