// sh scripts/with-node bench/maildir-delivery.ts: what it costs to write a message of 4 KiB into a Maildir, in milliseconds of
// CPU (the server's share and the file helper's, user and system), for mailboxes of another uid, which only root can do, and
// for those of our own. Each message goes to another Maildir of those that are there already, ten at a time.

import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Helper } from '../src/delivery/helper/on-demand.ts';
import type { FileJob, FileOutcome } from '../src/delivery/helper/protocol.ts';
import { VirtualAgent } from '../src/delivery/virtual.ts';
import { systemClock } from '../src/lib/clock.ts';
import type { ContentReader, QueueMessage, QueueRecipient } from '../src/mailstore/types.ts';
import { mailUid } from './mail-user.ts';
import { cpuSeconds } from './process-tree.ts';

const maildirs = 1000;
const atOnce = 10;
const rounds = 5;

const content = Buffer.from(`Received: by mx.test\r\nSubject: bench\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(52)}`);

function reader(): ContentReader {
  return {
    size: content.length,
    read: async (from, to) => content.subarray(from, to),
    readAll: async () => content,
    close: async () => undefined,
  };
}

async function deliver(agent: VirtualAgent, number: number): Promise<void> {
  const message = { id: `Q${number}`, sender: 'sender@client.test', arrival: systemClock.now(), size: content.length };
  const recipient = { id: 1, recipient: `u${number % maildirs}@v.test`, original: `u${number % maildirs}@v.test` };
  const report = await agent.deliver({
    message: message as QueueMessage,
    transport: 'virtual',
    nexthop: 'v.test',
    recipients: [recipient as QueueRecipient],
    openContent: reader,
    mayBeRepeated: false,
    signal: new AbortController().signal,
  });
  if (report.outcomes[0]?.kind !== 'delivered') throw new Error(report.outcomes[0]?.reason);
}

async function measure(folder: string, uid: number): Promise<void> {
  const files = new Helper<FileJob, FileOutcome>('file-helper', (reason) => console.error(reason));
  const agent = new VirtualAgent({
    files,
    clock: systemClock,
    warn: (text) => console.error(text),
    find: async (recipient) => ({
      kind: 'mailbox',
      path: `${folder}/${recipient.replace(/@.*/, '')}/`,
      isMaildir: true,
      uid,
      gid: uid,
    }),
    hostname: 'mx.test',
    limit: 0,
    locks: [],
    lockAttempts: 1,
    lockDelayMilliseconds: 0,
    staleLockMilliseconds: 0,
    mustOwn: false,
  });
  let next = 0;
  const run = async (count: number): Promise<void> => {
    const end = next + count;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (next < end) await deliver(agent, next++);
      }),
    );
  };
  const costs: number[] = [];
  const rates: number[] = [];
  // The first makes the Maildirs, and does not count.
  for (let round = 0; round <= rounds; round++) {
    const [cpu, began] = [cpuSeconds([process.pid]), performance.now()];
    await run(maildirs);
    if (round === 0) continue;
    costs.push(((cpuSeconds([process.pid]) - cpu) * 1000) / maildirs);
    rates.push((maildirs * 1000) / (performance.now() - began));
  }
  const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
  const found = readdirSync(join(folder, 'u7/new')).length;
  if (found !== rounds + 1) throw new Error(`u7 has ${found} messages`);
  const whose = uid === process.getuid?.() ? 'our own uid' : 'another uid';
  console.log(`| ${whose} | ${median(costs).toFixed(2)} ms | ${Math.round(median(rates))}/s |`);
  await files.close();
}

async function main(): Promise<void> {
  const [, , given] = process.argv;
  if (given !== undefined) return await measure(given, process.getuid?.() ?? 0);
  const folder = mkdtempSync('/var/tmp/posthaste-maildirs-');
  chmodSync(folder, 0o755);
  try {
    console.log('| Maildirs of | CPU a delivery | rate |\n|---|---|---|');
    const folders = ['own', 'other'].map((name) => join(folder, name));
    for (const one of folders) {
      mkdirSync(one);
      if (process.getuid?.() === 0) chownSync(one, mailUid, mailUid);
    }
    const [own = '', other = ''] = folders;
    if (process.getuid?.() !== 0) return await measure(own, process.getuid?.() ?? 0);
    await measure(other, mailUid);
    const user = { uid: mailUid, gid: mailUid, env: { ...process.env, HOME: own } };
    spawnSync(process.execPath, [fileURLToPath(import.meta.url), own], { ...user, stdio: 'inherit' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
