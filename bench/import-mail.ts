// sh scripts/with-node bench/import-mail.ts [messages]: how fast a Maildir of messages of 4 KiB is imported through a running
// server and exported again: messages a second, CPU of the command and of the server, and the command's memory.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fillDirectory } from '../test/harness/fill-directory.ts';
import { PosthasteProcess } from '../test/harness/posthaste-process.ts';
import { cpuSeconds } from './process-tree.ts';

const messages = Number(process.argv[2] ?? 10_000);
const program = fileURLToPath(new URL('../src/main/main.ts', import.meta.url));
const text = `Subject: bench\n\n${`${'x'.repeat(76)}\n`.repeat(52)}`;

function makeMaildir(folder: string): void {
  for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(folder, part), { recursive: true });
  let list = `3 V1700000000 N${messages + 1}\n`;
  for (let uid = 1; uid <= messages; uid++) {
    const name = `17000000${uid}.M1P1.host,S=${text.length}`;
    writeFileSync(join(folder, 'cur', `${name}:2,${uid % 3 === 0 ? 'S' : ''}`), text);
    list += `${uid} :${name}\n`;
  }
  writeFileSync(join(folder, 'dovecot-uidlist'), list);
}

interface Run {
  readonly seconds: number;
  readonly output: string;
  readonly peakMiB: number;
}

async function run(server: PosthasteProcess, args: readonly string[]): Promise<Run> {
  const began = performance.now();
  const child = spawn('/usr/bin/env', [
    'time',
    '-f',
    '%U %S %M',
    process.execPath,
    program,
    '-c',
    server.configFolder,
    ...args,
  ]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await new Promise((resolve) => child.once('exit', resolve));
  const [, kibibytes = '0'] = / (\d+)\n*$/.exec(output) ?? [];
  return { seconds: (performance.now() - began) / 1000, output: output.trim(), peakMiB: Number(kibibytes) / 1024 };
}

const folder = mkdtempSync('/var/tmp/import-bench-');
try {
  makeMaildir(join(folder, 'source'));
  const server = await PosthasteProcess.create({ folder: join(folder, 'host') });
  await fillDirectory(server, { mailboxes: ['anna@home.test'], password: 'secret' });
  await server.start();
  for (const args of [
    ['import', 'maildir', join(folder, 'source'), 'anna@home.test'],
    ['import', 'maildir', join(folder, 'source'), 'anna@home.test'],
    ['export', 'maildir', 'anna@home.test', join(folder, 'target')],
  ]) {
    const before = cpuSeconds([server.pid]);
    const { seconds, output, peakMiB } = await run(server, args);
    const cpu = cpuSeconds([server.pid]) - before;
    const rate = Math.round(messages / seconds);
    console.log(`${args.slice(0, 2).join(' ')}: ${seconds.toFixed(1)} s, ${rate} messages/s with the proof`);
    console.log(
      `  server ${cpu.toFixed(1)} s of CPU; the command's user, system, memory: ${peakMiB.toFixed(0)} MiB at most`,
    );
    console.log(output.replaceAll(/^/gm, '  '));
  }
  await server.stop();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
