// Takes the census of a long queue on a thread of its own, which ends with it: a million rows are counted without
// anybody waiting.

import { parentPort, workerData } from 'node:worker_threads';
import { openSqlite } from '../database/sqlite.ts';
import { systemClock } from '../lib/clock.ts';
import { takeCensus } from './take-census.ts';

const database = openSqlite(workerData as string, { readonly: true, busyTimeout: 5000, cacheKib: 1024 });
parentPort?.postMessage(takeCensus(database, systemClock.now(), Number.MAX_SAFE_INTEGER - 1));
database.close();
