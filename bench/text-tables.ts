// node bench/text-tables.ts [ROWS] — a text table of many aliases: how long it takes to load and to load again after
// an edit, how much memory the process has at most meanwhile, for how long the event loop stands still, and what a
// lookup costs in tables of other sizes. (Promised: a million rows in 1.5 s and 250 MB, no stall over 20 ms.)

import { execFileSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryLog, ProgramLog } from '../src/lib/log.ts';
import { TextTable } from '../src/tables/text-table.ts';

const rows = Number(process.argv[2] ?? 1_000_000);
const folder = mkdtempSync(join(tmpdir(), 'text-tables-'));
const log = new ProgramLog(new MemoryLog(), 'bench');
const delay = monitorEventLoopDelay({ resolution: 1 });
let peak = 0;

/** By another process, so that the memory of this one is the table's. */
function writeAliases(path: string, count: number, generation: number): void {
  const script = `const [path, count, generation] = process.argv.slice(1);
    let text = '';
    for (let index = 0; index < Number(count); index++)
      text += 'user' + index + '@example.test target' + index + '-' + generation + '@elsewhere.test\\n';
    require('node:fs').writeFileSync(path + '.new', text);`;
  execFileSync(process.execPath, ['-e', script, path, String(count), String(generation)]);
  renameSync(`${path}.new`, path);
}

async function measure(what: string, act: () => Promise<unknown>): Promise<void> {
  peak = 0;
  delay.reset();
  const start = performance.now();
  await act();
  const milliseconds = performance.now() - start;
  await sleep(200);
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
  const memory = `memory ${megabytes(process.memoryUsage.rss())}, at most ${megabytes(peak)}`;
  console.log(`${what}: ${milliseconds.toFixed(0)} ms, ${memory}, longest stall ${(delay.max / 1e6).toFixed(1)} ms`);
}

async function lookupMicroseconds(table: TextTable, count: number): Promise<string> {
  const lookups = 200_000;
  const start = performance.now();
  for (let index = 0; index < lookups; index++) await table.lookup(`user${(index * 7919) % count}@example.test`);
  return (((performance.now() - start) * 1000) / lookups).toFixed(2);
}

async function open(count: number): Promise<TextTable> {
  const path = join(folder, `aliases-${count}`);
  writeAliases(path, count, 1);
  return new TextTable({ type: 'hash', path, isWatched: true, log, onChange: () => undefined });
}

const watchMemory = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 2);
try {
  const path = join(folder, 'aliases');
  writeAliases(path, rows, 1);
  console.log(`before: memory ${Math.round(process.memoryUsage.rss() / 1e6)} MB`);
  delay.enable();
  let changes = 0;
  const onChange = (): void => {
    changes++;
  };
  const table = new TextTable({ type: 'hash', path, isWatched: true, log, onChange });
  await measure(`${rows} rows loaded`, async () => await table.ready());
  for (let generation = 2; generation <= 4; generation++) {
    const before = changes;
    writeAliases(path, rows, generation);
    await measure('loaded again after an edit', async () => {
      while (changes === before) await sleep(1);
    });
  }
  table.close();
  for (const count of [1000, 10_000, 100_000, 1_000_000]) {
    const one = await open(count);
    await one.ready();
    console.log(`a lookup among ${count} rows: ${await lookupMicroseconds(one, count)} µs`);
    one.close();
  }
} finally {
  clearInterval(watchMemory);
  rmSync(folder, { recursive: true });
}
