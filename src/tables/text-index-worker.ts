// Indexes a large text table away from the event loop: reads the file, sends the index, ends.

import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { indexText } from './text-index.ts';

const { path, detectAliases } = workerData as { readonly path: string; readonly detectAliases: boolean };
const data = indexText(readFileSync(path), detectAliases);
parentPort?.postMessage(data, [data.arena.buffer, data.slots.buffer]);
