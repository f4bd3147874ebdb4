// The bench's results as a Markdown page, with ratios to the peers, and what was promised beside what was measured.

import { cpus, totalmem } from 'node:os';
import type { IdleLatency } from './idle-latency.ts';
import type { LatencyResult } from './latency.ts';
import type { MemoryResult } from './memory.ts';
import type { RelayRow } from './relay.ts';
import type { RecipientRow } from './recipients.ts';
import type { LoadShape } from './smtp-run.ts';
import { describeShape, type Spread, type ThroughputRow } from './throughput.ts';

export interface BenchResults {
  readonly date: string;
  readonly fileSystem: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly throughput: readonly ThroughputRow[];
  readonly relay: readonly RelayRow[];
  readonly recipients: readonly RecipientRow[];
  readonly latency: LatencyResult | undefined;
  readonly memory: MemoryResult | undefined;
  readonly idle: readonly IdleLatency[];
}

export function formatReport(results: BenchResults): string {
  const { date, fileSystem, versions, throughput, relay, recipients, latency, memory, idle } = results;
  const [processor] = cpus();
  const machine = `${cpus().length} × ${processor?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `Measured ${date} on ${machine}, ${fileSystem}; ${software.join(', ')}.`,
    'Load generator and servers share the processors. Rates are medians of runs (least–most), in messages a second that a reader can see; CPU is that of the server with all its processes.',
    '',
    ...(throughput.length > 0 ? [formatThroughput(throughput)] : []),
    ...(relay.length > 0 ? [formatRelay(relay)] : []),
    ...(recipients.length > 0 ? [formatRecipients(recipients)] : []),
    ...(latency ? [formatLatency(latency)] : []),
    ...(memory ? [formatMemory(memory, latency)] : []),
    ...(idle.length > 0 ? [formatIdle(idle)] : []),
  ].join('\n');
}

function formatThroughput(rows: readonly ThroughputRow[]): string {
  const lines = [
    '| load | server | readable/s | accepted/s | CPU ms a message | Posthaste is |',
    '| --- | --- | --- | --- | --- | --- |',
  ];
  for (const row of rows) {
    const ours = rows.find((other) => isOurs(other) && isSameShape(other.shape, row.shape));
    const ratio =
      ours && !isOurs(row)
        ? `${(ours.delivered.median / row.delivered.median).toFixed(1)} × as fast, ${(row.cpuMilliseconds / ours.cpuMilliseconds).toFixed(1)} × less CPU`
        : '';
    lines.push(
      `| ${describeShape(row.shape)} | ${row.server} | ${formatSpread(row.delivered)} | ${Math.round(row.accepted.median)} | ${row.cpuMilliseconds.toFixed(2)} | ${ratio} |`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function formatRelay(rows: readonly RelayRow[]): string {
  const lines = [
    '| in → queue → out to smtp-sink | server | relayed/s | CPU ms a message | Posthaste is |',
    '| --- | --- | --- | --- | --- |',
  ];
  for (const row of rows) {
    const ours = rows.find((other) => other.server === 'Posthaste' && other.load === row.load);
    const ratio =
      ours && ours !== row
        ? `${(ours.relayed.median / row.relayed.median).toFixed(1)} × as fast, ${(row.cpuMilliseconds / ours.cpuMilliseconds).toFixed(1)} × less CPU`
        : '';
    lines.push(
      `| ${row.load} | ${row.server} | ${formatSpread(row.relayed)} | ${row.cpuMilliseconds.toFixed(2)} | ${ratio} |`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** What of ours stands beside a peer: the tables that are of the same kind. */
const counterparts: readonly (readonly [peer: RegExp, ours: string])[] = [
  [/^A:/, 'Posthaste + MariaDB'],
  [/^B:/, 'Posthaste, text tables'],
];

function formatRecipients(rows: readonly RecipientRow[]): string {
  const lines = [
    '| RCPT, pipelined, 10 sessions | server | recipients/s | CPU µs each | Posthaste with the same tables is |',
    '| --- | --- | --- | --- | --- |',
  ];
  const median = ({ rates }: RecipientRow): number => rates[rates.length >> 1] ?? 0;
  for (const row of rows) {
    const { kind, server, rates } = row;
    const name = counterparts.find(([peer]) => peer.test(server))?.[1];
    const ours = rows.find((other) => other.server === name && other.kind === kind);
    const ratio = ours === undefined ? '' : `${(median(ours) / median(row)).toFixed(1)} × as fast`;
    const spread = formatSpread({ median: median(row), least: rates[0] ?? 0, most: rates.at(-1) ?? 0 });
    lines.push(
      `| ${kind} | ${server.replace(/ → Dovecot LMTP/, ', lmdb')} | ${spread} | ${Math.round(row.cpuMicroseconds)} | ${ratio} |`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function isOurs(row: ThroughputRow): boolean {
  return row.server === 'Posthaste';
}

function isSameShape(a: LoadShape, b: LoadShape): boolean {
  return a.bytes === b.bytes && a.mode === b.mode && a.sessions === b.sessions;
}

function formatSpread({ median, least, most }: Spread): string {
  return `**${Math.round(median)}** (${Math.round(least)}–${Math.round(most)})`;
}

function formatLatency(latency: LatencyResult): string {
  const { sentPerSecond, refused, median, p99, max, longestFlush, fetchedMessages, fetchSeconds, walMiB, isComplete } =
    latency;
  return [
    '| under 2,000 messages/s, one client fetching 100,000 messages, one that holds a long read | measured | promised |',
    '| --- | --- | --- |',
    `| sent a second; refused; all readable | ${Math.round(sentPerSecond)}; ${refused}; ${isComplete ? 'yes' : 'NO'} | 2,000; 0; yes |`,
    `| final dot → 250: median | ${median.toFixed(1)} ms | |`,
    `| p99 | ${p99.toFixed(1)} ms | ≤ 25 ms |`,
    `| max | ${max.toFixed(1)} ms | ≤ 150 ms |`,
    `| meanwhile, the disk's longest flush of one block | ${longestFlush.toFixed(1)} ms | |`,
    `| ${fetchedMessages} messages with bodies fetched in | ${fetchSeconds.toFixed(1)} s | |`,
    `| write-ahead log afterwards | ${walMiB.toFixed(0)} MiB | ≤ 256 MiB |`,
    '',
  ].join('\n');
}

function formatMemory(memory: MemoryResult, latency: LatencyResult | undefined): string {
  const { idleMiB, largeBodiesMiB, largeBodies, largeBodyBytes } = memory;
  return [
    '| resident memory | measured | promised |',
    '| --- | --- | --- |',
    `| idle, 31,000 addresses | ${idleMiB.toFixed(0)} MiB | ≤ 120 MiB |`,
    ...(latency ? [`| under the load above, at most | ${latency.residentMiB.toFixed(0)} MiB | ≤ 250 MiB |`] : []),
    `| ${largeBodies} × ${largeBodyBytes / 1_000_000} MB in at once, then read | ${largeBodiesMiB.toFixed(0)} MiB | ≤ 250 MiB |`,
    '',
  ].join('\n');
}

function formatIdle(idle: readonly IdleLatency[]): string {
  return [
    '| 250 → `* EXISTS` at an IDLE client | median | p99 | max | promised |',
    '| --- | --- | --- | --- | --- |',
    ...idle.map(
      ({ server, median, p99, max }) =>
        `| ${server} | ${median.toFixed(1)} ms | ${p99.toFixed(1)} ms | ${max.toFixed(1)} ms | ${server === 'Posthaste' ? 'median ≤ 2 ms, p99 ≤ 20 ms' : ''} |`,
    ),
    '',
  ].join('\n');
}
