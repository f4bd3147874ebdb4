// npm run bench -- [--quick] [--runs 3] [--seconds 6] [--folder DIR] [--only throughput,relay,recipients,latency,memory,idle]
// [--peers A,B|none] [--out DIR]
// Measures Posthaste beside real Postfix and Dovecot, on the same machine and file system in the same invocation,
// and writes results.md and results.json. Peers that are not installed are left out (scripts/install-test-servers).

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { closeOnSignal } from '../test/harness/close-on-signal.ts';
import { mountBenchFileSystem } from './file-system.ts';
import { measureIdleLatency, type IdleLatency } from './idle-latency.ts';
import { measureLatency } from './latency.ts';
import { recipientLoadSettings } from './mail-server.ts';
import { measureMemory } from './memory.ts';
import { Postfix } from './postfix.ts';
import { Posthaste } from './posthaste.ts';
import { measureRecipients } from './recipients.ts';
import { runRelayRows } from './relay-servers.ts';
import { type BenchResults, formatReport } from './report.ts';
import type { LoadShape } from './smtp-run.ts';
import { measureThroughput } from './throughput.ts';
import { writeUserFiles } from './users.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    runs: { type: 'string' },
    seconds: { type: 'string' },
    folder: { type: 'string', default: '/var/tmp/posthaste-bench' },
    only: { type: 'string', default: 'throughput,relay,recipients,memory,latency,idle' },
    peers: { type: 'string', default: 'A,B' },
    out: { type: 'string' },
  },
});

const report = (line: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);
const parts = new Set(values.only.split(','));
const isQuick = values.quick;

const kib = 1_024;
const quickShapes: readonly LoadShape[] = [
  { sessions: 10, bytes: 4 * kib, mode: 'new' },
  { sessions: 10, bytes: 4 * kib, mode: 'reuse' },
];
const fullShapes: readonly LoadShape[] = [
  ...quickShapes,
  { sessions: 1, bytes: 4 * kib, mode: 'new' },
  { sessions: 1, bytes: 4 * kib, mode: 'reuse' },
  { sessions: 50, bytes: 4 * kib, mode: 'new' },
  { sessions: 50, bytes: 4 * kib, mode: 'reuse' },
  { sessions: 10, bytes: 64 * kib, mode: 'new' },
  { sessions: 10, bytes: 64 * kib, mode: 'reuse' },
  { sessions: 10, bytes: kib * kib, mode: 'reuse' },
];

const relayShapes: readonly LoadShape[] = [
  ...quickShapes,
  { sessions: 50, bytes: 4 * kib, mode: 'reuse' },
  { sessions: 10, bytes: 64 * kib, mode: 'new' },
];

function firstLine(command: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return `${stdout ?? ''}${stderr ?? ''}`.split('\n')[0]?.trim() ?? '';
}

function isInstalled(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}

interface Place {
  readonly disk: ReturnType<typeof mountBenchFileSystem>;
  readonly userFiles: string;
}

/** Each is among the peers before it starts, so that it is stopped whatever happens. */
async function startPeers(peers: Postfix[], folder: string, userFiles: string): Promise<void> {
  for (const kind of ['B', 'A'] as const) {
    const needed = kind === 'A' ? ['postfix', 'mariadbd'] : ['postfix', 'dovecot'];
    if (!values.peers.split(',').includes(kind)) continue;
    if (process.getuid?.() !== 0 || !needed.every(isInstalled)) {
      report(`peer ${kind} is left out: it needs root and ${needed.join(', ')} (scripts/install-test-servers)`);
      continue;
    }
    const peer = new Postfix({ folder: join(folder, kind), userFiles, kind });
    peers.push(peer);
    report(`starting ${peer.name}`);
    await peer.start();
  }
}

async function measure(ours: Posthaste, peers: readonly Postfix[], { disk, userFiles }: Place): Promise<BenchResults> {
  // On a fresh start, before anything else has grown the process.
  const memory = parts.has('memory') ? await measureMemory(ours) : undefined;
  const throughput = parts.has('throughput')
    ? await measureThroughput({
        ours,
        peers,
        shapes: isQuick ? quickShapes : fullShapes,
        runs: Number(values.runs ?? (isQuick ? 1 : 3)),
        seconds: Number(values.seconds ?? (isQuick ? 3 : 6)),
        report,
      })
    : [];
  const relay = parts.has('relay')
    ? await runRelayRows({
        folder: disk.folder,
        hasPostfix: values.peers !== 'none' && process.getuid?.() === 0 && isInstalled('postfix'),
        userFiles,
        shapes: isQuick ? quickShapes.slice(0, 1) : relayShapes,
        runs: Number(values.runs ?? (isQuick ? 1 : 3)),
        seconds: Number(values.seconds ?? (isQuick ? 3 : 6)),
        report,
      })
    : [];
  const idle: IdleLatency[] = [];
  if (parts.has('idle')) {
    const messages = isQuick ? 50 : 200;
    const common = { messages, pauseMilliseconds: 50 };
    idle.push(
      await measureIdleLatency({ server: 'Posthaste', smtpPort: ours.smtpPort, imapPort: ours.imapPort, ...common }),
    );
    const dovecot = peers.find((peer) => peer.imapPort > 0);
    if (dovecot) {
      const { smtpPort, imapPort } = dovecot;
      idle.push(
        await measureIdleLatency({ server: 'Dovecot', smtpPort, imapPort, messages: 50, pauseMilliseconds: 300 }),
      );
    }
  }
  const latency = parts.has('latency')
    ? await measureLatency({
        server: ours,
        messagesPerSecond: 2_000,
        seconds: isQuick ? 10 : 60,
        mailboxMessages: isQuick ? 20_000 : 100_000,
        report,
      })
    : undefined;
  // Last: a hundred thousand recipients in one transaction are no load that a server has, and its heap remembers them.
  const recipients = parts.has('recipients')
    ? await measureRecipients({
        ours,
        peers,
        folder: disk.folder,
        userFiles,
        runs: Number(values.runs ?? (isQuick ? 1 : 3)),
        seconds: Number(values.seconds ?? 4),
        report,
      })
    : [];
  const versions: Record<string, string> = { Node: process.version };
  if (peers.length > 0) {
    versions['Postfix'] = firstLine('postconf', '-c', peers[0]?.configFolder ?? '', '-h', 'mail_version');
    versions['Dovecot'] = firstLine('dovecot', '--version').split(' ')[0] ?? '';
    versions['MariaDB'] = /\d+\.\d+\.\d+/.exec(firstLine('mariadbd', '--version'))?.[0] ?? '';
  }
  const fileSystem = disk.description;
  const date = new Date().toISOString().slice(0, 10);
  return { date, fileSystem, versions, throughput, relay, recipients, latency, memory, idle };
}

async function main(): Promise<void> {
  const work = resolve(values.folder);
  const disk = mountBenchFileSystem(work, isQuick ? 8_192 : 20_480);
  report(`${disk.folder}: ${disk.description}`);
  const userFiles = join(work, 'users');
  writeUserFiles(userFiles);
  for (const name of ['posthaste', 'A', 'B', 'relay'])
    rmSync(join(disk.folder, name), { recursive: true, force: true });
  if (!isInstalled('smtp-source')) throw new Error('smtp-source is missing: run scripts/install-test-servers');
  const ours = await Posthaste.create(join(disk.folder, 'posthaste'), { settings: recipientLoadSettings });
  const peers: Postfix[] = [];
  const stop = async (): Promise<void> => {
    await ours.stop();
    for (const peer of peers) await peer.stop();
  };
  closeOnSignal(stop);
  try {
    if (['throughput', 'recipients', 'idle'].some((part) => parts.has(part)))
      await startPeers(peers, disk.folder, userFiles);
    await ours.start();
    const results = await measure(ours, peers, { disk, userFiles });
    const out = resolve(values.out ?? work);
    mkdirSync(out, { recursive: true });
    const page = formatReport(results);
    writeFileSync(join(out, 'results.md'), page);
    writeFileSync(join(out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
    console.log(page);
    report(`written to ${out}/results.md and results.json`);
  } finally {
    await stop();
  }
}

await main();
