// The writer thread: the only place that writes store.db. It takes a group, runs it, answers, and between
// groups helps the checkpoint thread to its end, so that the WAL starts over and is overwritten in place.

import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../lib/clock.ts';
import { releaseCompileCache } from '../lib/compile-cache.ts';
import type { WriteOperation } from './operations/types.ts';
import { openStoreForWriting } from './schema.ts';
import { BrokenStoreError, StoreWriter } from './store-writer.ts';
import type { WriterData, WriterMessage, WriterRequest } from './writer-protocol.ts';

releaseCompileCache();
const data = workerData as WriterData;
const port = parentPort;
if (!port) throw new Error('writer-worker runs as a worker thread');
const database = openStoreForWriting(data.file, data.synchronous);
const writer = new StoreWriter(database, data.folder);
writer.finishRemovals();
/** [0] frames in the WAL at the side thread's last checkpoint, [1] of those copied back. */
const checkpoint = new Int32Array(data.checkpointState);
let lastOwnCheckpoint = 0;

/** Pages of free space kept for reuse before any are given back to the file system. */
const keepFreePages = 4096;
const finishBelowFrames = 1000;
const worthwhileFrames = 1000;

function finishCheckpoint(): void {
  const frames = checkpoint[0] ?? 0;
  const copied = checkpoint[1] ?? 0;
  if (frames < worthwhileFrames || frames - copied > finishBelowFrames) return;
  const now = systemClock.monotonic();
  if (now - lastOwnCheckpoint < 100) return;
  lastOwnCheckpoint = now;
  const [result] = database.pragma('wal_checkpoint(PASSIVE)') as { log: number; checkpointed: number }[];
  if (result && result.log === result.checkpointed) checkpoint[0] = 0;
}

function post(message: WriterMessage): void {
  port?.postMessage(message);
}

function runGroup(operations: readonly WriteOperation[], bytes: Uint8Array): void {
  const began = systemClock.monotonic();
  try {
    const { results, changes } = writer.run(operations, bytes, systemClock.now());
    post({ kind: 'done', results, changes, milliseconds: systemClock.monotonic() - began });
  } catch (error) {
    if (error instanceof BrokenStoreError) {
      post({ kind: 'broken', message: error.message });
      return;
    }
    throw error;
  }
}

function whenIdle(): void {
  writer.keepReserve();
  const free = database.pragma('freelist_count', { simple: true }) as number;
  if (free <= keepFreePages) return;
  database.pragma('incremental_vacuum(64)');
  post({ kind: 'tidied' });
}

port.on('message', (request: WriterRequest) => {
  switch (request.kind) {
    case 'group':
      runGroup(request.operations, request.bytes);
      // This thread makes so few objects that its collector would let tens of megabytes of these gather.
      (request.bytes.buffer as ArrayBuffer).transfer(0);
      finishCheckpoint();
      break;
    case 'idle':
      try {
        whenIdle();
      } catch (error) {
        post({ kind: 'warning', message: `tidying the store failed: ${String(error)}` });
      }
      break;
    case 'close':
      database.pragma('wal_checkpoint(TRUNCATE)');
      database.close();
      post({ kind: 'closed' });
      port.close();
      break;
  }
});

post({ kind: 'ready' });
