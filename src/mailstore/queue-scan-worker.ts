// Looks through the queue on a thread of its own, for the page of a server that is busy with mail.

import { parentPort, workerData } from 'node:worker_threads';
import { openSqlite } from '../database/sqlite.ts';
import { systemClock } from '../lib/clock.ts';
import type { QueueFilter } from './queue-filter.ts';
import { QueueScan } from './queue-scan.ts';

export type ScanRequest = { readonly filter: QueueFilter; readonly active: readonly string[] } & (
  | { readonly kind: 'summary'; readonly now: number }
  | { readonly kind: 'list'; readonly after: string; readonly limit: number; readonly maxRecipients: number }
  | { readonly kind: 'ids'; readonly after: string; readonly limit: number }
);

const database = openSqlite(workerData as string, { readonly: true, busyTimeout: 5000, cacheKib: 16_384 });
const scan = new QueueScan(database);

parentPort?.on('message', (request: ScanRequest) => {
  const began = systemClock.monotonic();
  try {
    const value = answer(request);
    parentPort?.postMessage({ value, milliseconds: systemClock.monotonic() - began });
  } catch (error) {
    parentPort?.postMessage({ error: String(error) });
  }
});

function answer(request: ScanRequest): unknown {
  const { filter } = request;
  const active = new Set(request.active);
  if (request.kind === 'summary') return scan.summary(filter, active, request.now);
  const { after, limit } = request;
  return request.kind === 'ids'
    ? scan.ids(filter, active, after, limit)
    : scan.list(filter, active, after, limit, request.maxRecipients);
}
