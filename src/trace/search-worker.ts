// Searches the trace on a thread of its own, which ends with it: segments are read whole, and mail must not wait for that.

import { parentPort, workerData } from 'node:worker_threads';
import { type TraceQuery, TraceSearch } from './search.ts';
import { makeStories } from './story.ts';

const { folder, ...query } = workerData as TraceQuery & { readonly folder: string };
const found = new TraceSearch(folder).find(query);
parentPort?.postMessage({ stories: makeStories(found), isCut: found.isCut });
