// What only the page and the API need of a running server, loaded with them: looking through the queue, acts on all that a
// filter means, and the events of what changes.

import path from 'node:path';
import { LiveEvents } from '../admin/live-events.ts';
import type { ServerParts } from '../admin/server-parts.ts';
import type { ControlRequest } from '../cli/control.ts';
import { systemClock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import { QueueScans } from '../mailstore/queue-scans.ts';
import { storeFile } from '../mailstore/store-reader.ts';
import { QueueJobs } from '../queue/queue-jobs.ts';
import { dataDirectoryOf } from '../settings/configuration.ts';
import type { HttpParts } from './http.ts';

/** Queued messages that are counted for each event. */
const maxCounted = 5000;
const maxHeaderBytes = 64 * 1024;

export type QueueView = ServerParts['queue'] & { close(): Promise<void> };

export function openQueueView({ state, answer, store }: HttpParts, log: ProgramLog): QueueView {
  const file = path.join(dataDirectoryOf(state().configuration), storeFile);
  const activeIds = async () => (await answer({ command: 'queue-active' })) as string[];
  const scans = new QueueScans(file, systemClock, activeIds);
  const jobs = new QueueJobs({
    ids: async (filter, after, limit) => await scans.ids(filter, after, limit),
    apply: async (change, ids) => (await answer({ command: 'queue-change', change, ids })) as string[],
    clock: systemClock,
    log,
  });
  return {
    list: (after, limit) => store.queueList(after, limit),
    message: (id) => store.queueMessage(id),
    header: async (id) => {
      const message = store.queueMessage(id);
      if (message === undefined) return undefined;
      const content = store.openContent(message.content);
      try {
        return headerOf(Buffer.from(await content.read(0, Math.min(content.size, maxHeaderBytes))), content.size);
      } finally {
        await content.close();
      }
    },
    scans,
    jobs,
    close: async () => {
      jobs.close();
      await scans.close();
    },
  };
}

/** Up to the empty line (RFC 5322 §2.1). */
function headerOf(bytes: Buffer, size: number): { readonly text: string; readonly isCut: boolean } {
  const text = bytes.toString('utf8');
  const end = /\r?\n\r?\n/.exec(text)?.index;
  return { text: text.slice(0, end).replaceAll('\r\n', '\n'), isCut: end === undefined && size > bytes.length };
}

export function openLiveEvents(
  { directory, store, observation, activeCount, state, answer, log: writer }: HttpParts,
  log: ProgramLog,
): LiveEvents {
  const ask = async <Value>(request: ControlRequest) => (await answer(request)) as Value;
  const live = new LiveEvents({
    directory,
    log,
    queue: () => ({ ...store.queueNumbers(maxCounted), active: activeCount() }),
    deliveries: () => ({ ...observation.metrics.totals }),
    alarms: async () => await ask<readonly { readonly login: string }[]>({ command: 'alarms' }),
    lockouts: async () => (await ask<readonly unknown[]>({ command: 'lockouts' })).length,
    settings: state,
  });
  writer.observe((_program, _level, text) => live.logged(text));
  return live;
}
