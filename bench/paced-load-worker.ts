// The paced load in a thread of its own.

import { parentPort, Worker, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { type PacedLoadOptions, type PacedLoadResult, runPacedLoad } from './paced-load.ts';

export function startPacedLoad(options: PacedLoadOptions): Promise<PacedLoadResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: options });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

if (parentPort) parentPort.postMessage(await runPacedLoad(workerData as PacedLoadOptions));
