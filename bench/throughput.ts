// The load matrix, ours and the peers' turn about in the same invocation, so that whatever else the machine does
// hits all of them. Medians of the runs; every message is counted where a reader finds it.

import { setTimeout as sleep } from 'node:timers/promises';
import type { MailServer } from './mail-server.ts';
import { type LoadResult, type LoadShape, runSmtpSource } from './smtp-run.ts';

export interface ThroughputRow {
  readonly shape: LoadShape;
  readonly server: string;
  readonly runs: number;
  readonly messages: number;
  readonly accepted: Spread;
  readonly delivered: Spread;
  readonly cpuMilliseconds: number;
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface ThroughputOptions {
  readonly ours: MailServer;
  readonly peers: readonly MailServer[];
  readonly shapes: readonly LoadShape[];
  readonly runs: number;
  /** A run takes about this long; the message count follows from a first short run. */
  readonly seconds: number;
  readonly report: (line: string) => void;
}

const maxMessages = 20_000;
const warmMilliseconds = 20_000;
const warmMessages = 500;

export async function measureThroughput(options: ThroughputOptions): Promise<ThroughputRow[]> {
  const rows: ThroughputRow[] = [];
  for (const server of [options.ours, ...options.peers]) await warm(server, options);
  for (const shape of options.shapes) rows.push(...(await measureShape(shape, options)));
  return rows;
}

/** A server that has been up for a while: twenty seconds of the first load, which do not count. */
async function warm(server: MailServer, { shapes, report }: ThroughputOptions): Promise<void> {
  const [shape] = shapes;
  if (shape === undefined) return;
  report(`warming ${server.name}`);
  const end = performance.now() + warmMilliseconds;
  while (performance.now() < end) await runSmtpSource(server, shape, warmMessages);
  await server.takeDelivered(warmMessages);
}

async function measureShape(shape: LoadShape, options: ThroughputOptions): Promise<ThroughputRow[]> {
  // The peers take bodies of 1 MiB at a rate of tens a second; that row is about ours.
  const servers = shape.bytes > 500_000 ? [options.ours] : [options.ours, ...options.peers];
  const counts = new Map<MailServer, number>();
  for (const server of servers) counts.set(server, await chooseCount(server, shape, options.seconds));
  const results = new Map<MailServer, LoadResult[]>(servers.map((server) => [server, []]));
  for (let run = 0; run < options.runs; run++) {
    for (const server of servers) {
      const count = counts.get(server) ?? 0;
      const result = await runSmtpSource(server, shape, count);
      const delivered = await server.takeDelivered(count);
      if (delivered !== count) throw new Error(`${server.name}: ${count} accepted, ${delivered} readable`);
      results.get(server)?.push(result);
      options.report(`${describeShape(shape)}: ${server.name}: ${Math.round(result.deliveredPerSecond)}/s`);
      await sleep(500);
    }
  }
  return servers.map((server) => summarise(server, shape, results.get(server) ?? []));
}

/** Two runs that do not count: a first guess at the rate, and half a run that warms the server. */
async function chooseCount(server: MailServer, shape: LoadShape, seconds: number): Promise<number> {
  let count = Math.max(shape.sessions * 2, shape.bytes > 500_000 ? 40 : 200);
  for (const duration of [seconds / 2, seconds]) {
    const { deliveredPerSecond } = await runSmtpSource(server, shape, count);
    await server.takeDelivered(count);
    count = Math.min(maxMessages, Math.max(count, Math.round((deliveredPerSecond * duration) / 10) * 10));
  }
  return count;
}

function summarise(server: MailServer, shape: LoadShape, results: readonly LoadResult[]): ThroughputRow {
  return {
    shape,
    server: server.name,
    runs: results.length,
    messages: results[0]?.messages ?? 0,
    accepted: spread(results.map((result) => result.acceptedPerSecond)),
    delivered: spread(results.map((result) => result.deliveredPerSecond)),
    cpuMilliseconds: spread(results.map((result) => result.cpuMilliseconds)).median,
  };
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[sorted.length >> 1] ?? 0, least: sorted[0] ?? 0, most: sorted.at(-1) ?? 0 };
}

export function describeShape({ sessions, bytes, mode }: LoadShape): string {
  const size = bytes >= 1_048_576 ? `${bytes / 1_048_576} MiB` : `${bytes / 1_024} KiB`;
  return `${size}, ${sessions} ${sessions === 1 ? 'client' : 'clients'}, ${mode === 'new' ? 'a session per message' : 'sessions reused'}`;
}
