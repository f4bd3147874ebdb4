// Reads a text table's file into an index: small files here, large ones in a worker, so that reloading a million
// rows (about 0.4 s) never holds up a session.

import { readFile, stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import type { TextIndexData } from './text-index.ts';
import { indexText } from './text-indexer.ts';

// Indexed in less than 10 ms.
const inlineBytes = 1 << 19;
// Offsets are 32 bits wide.
const maxBytes = 1_500_000_000;

export async function loadText(path: string, detectAliases: boolean): Promise<TextIndexData> {
  const { size } = await stat(path);
  if (size > maxBytes) throw new Error(`${path} is larger than ${maxBytes} bytes`);
  if (size <= inlineBytes) return indexText(await readFile(path), detectAliases);
  // The build turns .ts into .js but leaves strings alone.
  const file = import.meta.url.endsWith('.ts') ? './text-index-worker.ts' : './text-index-worker.js';
  return await new Promise((resolve, reject) => {
    const worker = new Worker(new URL(file, import.meta.url), { workerData: { path, detectAliases } });
    worker.once('message', (data: TextIndexData) => resolve(data));
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error(`${path}: the indexing thread ended early`)));
  });
}
