// Mail that only passes: SMTP in, the queue, SMTP (or LMTP) out to Postfix's smtp-sink(1), ours and a real Postfix's turn
// about. A message counts when the sink has it; the CPU is the server's until its queue is empty.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from '../test/harness/free-ports.ts';
import { isListening } from '../test/harness/posthaste-process.ts';
import { cpuSeconds } from './process-tree.ts';
import { type LoadShape, runToEnd } from './smtp-run.ts';
import { describeShape, type Spread, spread } from './throughput.ts';

/** A server that sends everything on to the sink. */
export interface RelayServer {
  readonly name: string;
  readonly smtpPort: number;
  rootPids(): readonly number[];
}

export interface RelayRow {
  readonly load: string;
  readonly server: string;
  readonly messages: number;
  readonly relayed: Spread;
  readonly cpuMilliseconds: number;
}

/** smtp-sink(1), which counts what it gets. */
export class RelaySink {
  readonly port: number;
  readonly protocol: 'smtp' | 'lmtp';
  readonly #process: ChildProcess;
  messages = 0;

  static async start(protocol: 'smtp' | 'lmtp' = 'smtp'): Promise<RelaySink> {
    const [port = 0] = await findFreePorts(1);
    const sink = new RelaySink(port, protocol);
    while (!(await isListening(port))) await sleep(20);
    return sink;
  }

  private constructor(port: number, protocol: 'smtp' | 'lmtp') {
    this.port = port;
    this.protocol = protocol;
    const user = process.getuid?.() === 0 ? ['-u', 'root'] : [];
    const args = [...(protocol === 'lmtp' ? ['-L'] : []), '-c', ...user, `127.0.0.1:${port}`, '1000'];
    this.#process = spawn('smtp-sink', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let last = '';
    this.#process.stdout?.setEncoding('latin1').on('data', (text: string) => {
      last = (last + text).slice(-200);
      const counts = [...last.matchAll(/mesg=(\d+)\s/g)];
      this.messages = Number(counts.at(-1)?.[1] ?? this.messages);
    });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.kill();
    await once(this.#process, 'exit');
  }
}

export interface RelayOptions {
  readonly servers: readonly RelayServer[];
  readonly sink: RelaySink;
  readonly shapes: readonly LoadShape[];
  readonly runs: number;
  readonly seconds: number;
  readonly report: (line: string) => void;
}

const firstCount = 500;
const maxCount = 20_000;
const warmMilliseconds = 10_000;
/** What is left to record when the sink has the last message. */
const settleMilliseconds = 500;

export async function measureRelay(options: RelayOptions): Promise<RelayRow[]> {
  const rows: RelayRow[] = [];
  for (const server of options.servers) await warm(server, options);
  for (const shape of options.shapes) {
    const load = `${options.sink.protocol === 'lmtp' ? 'to LMTP: ' : ''}${describeShape(shape)}`;
    const counts = new Map<RelayServer, number>();
    for (const server of options.servers) counts.set(server, await chooseCount(server, shape, options));
    const results = new Map<RelayServer, RelayResult[]>(options.servers.map((server) => [server, []]));
    for (let run = 0; run < options.runs; run++) {
      for (const server of options.servers) {
        const result = await runRelay(server, options.sink, shape, counts.get(server) ?? firstCount);
        results.get(server)?.push(result);
        const cpu = result.cpuMilliseconds.toFixed(2);
        options.report(`relay, ${load}: ${server.name}: ${Math.round(result.perSecond)}/s, ${cpu} ms`);
      }
    }
    for (const server of options.servers) {
      const list = results.get(server) ?? [];
      rows.push({
        load,
        server: server.name,
        messages: counts.get(server) ?? 0,
        relayed: spread(list.map(({ perSecond }) => perSecond)),
        cpuMilliseconds: spread(list.map(({ cpuMilliseconds }) => cpuMilliseconds)).median,
      });
    }
  }
  return rows;
}

/** A server that has been up for a while: runs of the first load that do not count. */
async function warm(server: RelayServer, { shapes, sink, report }: RelayOptions): Promise<void> {
  const [shape] = shapes;
  if (shape === undefined) return;
  report(`warming ${server.name}`);
  const end = performance.now() + warmMilliseconds;
  while (performance.now() < end) await runRelay(server, sink, shape, firstCount);
}

interface RelayResult {
  readonly perSecond: number;
  readonly cpuMilliseconds: number;
}

/** Two runs that do not count: a first guess, and half a run that warms the server. */
async function chooseCount(server: RelayServer, shape: LoadShape, { sink, seconds }: RelayOptions): Promise<number> {
  let count = firstCount;
  for (const duration of [seconds / 2, seconds]) {
    const { perSecond } = await runRelay(server, sink, shape, count);
    count = Math.min(maxCount, Math.max(count, Math.round((perSecond * duration) / 10) * 10));
  }
  return count;
}

async function runRelay(
  server: RelayServer,
  sink: RelaySink,
  { sessions, bytes, mode }: LoadShape,
  count: number,
): Promise<RelayResult> {
  const goal = sink.messages + count;
  const args = ['-s', String(sessions), '-m', String(count), '-l', String(bytes), '-N'];
  args.push('-f', 'sender@client.test', '-t', 'user@elsewhere.test', ...(mode === 'reuse' ? ['-d'] : []));
  args.push(`127.0.0.1:${server.smtpPort}`);
  const cpuBefore = cpuSeconds(server.rootPids());
  const started = performance.now();
  await runToEnd('smtp-source', args);
  while (sink.messages < goal) {
    if (performance.now() - started > 300_000) {
      throw new Error(`${server.name}: ${goal - sink.messages} of ${count} messages have not arrived`);
    }
    await sleep(5);
  }
  const elapsed = performance.now() - started;
  await sleep(settleMilliseconds);
  const cpu = cpuSeconds(server.rootPids()) - cpuBefore;
  return { perSecond: (count / elapsed) * 1_000, cpuMilliseconds: (cpu / count) * 1_000 };
}
