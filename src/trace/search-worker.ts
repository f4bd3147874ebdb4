// Searches the trace on a thread of its own, which ends with it: segments are read whole, and mail must not wait for that.

import { parentPort, workerData } from 'node:worker_threads';
import { listStories } from './list.ts';
import { TraceSearch } from './search.ts';
import type { TraceJob } from './search-aside.ts';
import { makeStories } from './story.ts';

const { folder, query, list } = workerData as TraceJob & { readonly folder: string };
if (list !== undefined) parentPort?.postMessage(listStories(folder, list));
else if (query !== undefined) {
  const found = new TraceSearch(folder).find(query);
  parentPort?.postMessage({ stories: makeStories(found), isCut: found.isCut });
}
