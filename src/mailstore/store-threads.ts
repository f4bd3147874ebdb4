// Where the threads of the store begin: a module beside this one, in sources and in compiled form alike.

import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { WriterData } from './writer-protocol.ts';

/** What they hold lives as long as a group of operations; Node would reserve as much as for a whole program. */
const threadLimits = { maxYoungGenerationSizeMb: 12 };

export function workerFile(name: string): URL {
  return new URL(`./${name}${path.extname(import.meta.filename)}`, import.meta.url);
}

export function startThread(name: string, workerData: WriterData): Worker {
  return new Worker(workerFile(name), { workerData, resourceLimits: threadLimits });
}
