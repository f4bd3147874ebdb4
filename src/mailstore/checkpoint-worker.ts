// Copies the WAL back into store.db from a thread of its own, so that no delivery waits for it. PASSIVE never
// blocks the writer; the writer itself finishes when little is left (writer-worker.ts).

import { parentPort, workerData } from 'node:worker_threads';
import { openSqlite } from '../database/sqlite.ts';
import type { WriterData } from './writer-protocol.ts';

const data = workerData as WriterData;
const port = parentPort;
if (!port) throw new Error('checkpoint-worker runs as a worker thread');
const database = openSqlite(data.file, {
  synchronous: data.synchronous,
  manualCheckpoints: true,
  cacheKib: 1024,
  busyTimeout: 5000,
});
const state = new Int32Array(data.checkpointState);
const intervalMilliseconds = 100;
let failing = false;

function run(): void {
  try {
    const [result] = database.pragma('wal_checkpoint(PASSIVE)') as { log: number; checkpointed: number }[];
    if (result) {
      state[1] = result.checkpointed;
      state[0] = result.log;
    }
    failing = false;
  } catch (error) {
    // SQLite's automatic checkpoints fail silently; ours are an alarm, once.
    if (!failing) port?.postMessage({ kind: 'warning', message: `checkpoint failed: ${String(error)}` });
    failing = true;
  }
}

const timer = setInterval(run, intervalMilliseconds);
port.on('message', () => {
  clearInterval(timer);
  database.close();
  port.close();
});
