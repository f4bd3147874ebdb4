// npm run faults -- [--kills 200] [--power-cuts 100] [--disk-full] [--synchronous NORMAL] [--seed N] [--folder DIR]
// Cuts a real server down under load again and again; every message that got 250 must be readable by IMAP exactly
// once afterwards. Exit status 1 when one was lost, doubled or damaged. With --synchronous NORMAL power cuts must
// lose mail: that shows that the run can tell.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runDiskFull } from './disk-full.ts';
import { FaultRun, type FaultRunOptions } from './fault-run.ts';
import { formatJudgement, isClean } from './ledger.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string' },
    'power-cuts': { type: 'string' },
    'disk-full': { type: 'boolean' },
    synchronous: { type: 'string', default: 'FULL' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    folder: { type: 'string' },
  },
});

async function runOne(options: Omit<FaultRunOptions, 'report'>): Promise<boolean> {
  const started = performance.now();
  const { judgement, refusals } = await new FaultRun({ ...options, report: (line) => console.log(line) }).run();
  const seconds = Math.round((performance.now() - started) / 1_000);
  console.log(`\n${options.rounds} × ${options.kind}, synchronous=${options.synchronous}, ${seconds} s`);
  console.log(formatJudgement(judgement));
  for (const [text, count] of refusals) console.log(`refused ${count} ×: ${text}`);
  console.log('');
  return isClean(judgement);
}

async function main(): Promise<number> {
  const synchronous = values.synchronous === 'NORMAL' ? 'NORMAL' : 'FULL';
  const seed = Number(values.seed);
  const given = values.kills !== undefined || values['power-cuts'] !== undefined || values['disk-full'] === true;
  const kills = Number(values.kills ?? (given ? 0 : 200));
  const powerCuts = Number(values['power-cuts'] ?? (given ? 0 : 100));
  const folder = values.folder ? resolve(values.folder) : mkdtempSync(join(tmpdir(), 'posthaste-faults-'));
  console.log(`seed ${seed}, folder ${folder}`);
  const verdicts: boolean[] = [];
  if (kills > 0) {
    verdicts.push(await runOne({ folder: join(folder, 'kill'), rounds: kills, kind: 'kill', seed, synchronous }));
  }
  if (powerCuts > 0) {
    const options = { folder: join(folder, 'cut'), rounds: powerCuts, kind: 'power-cut', seed, synchronous } as const;
    verdicts.push(await runOne(options));
  }
  if (values['disk-full'] === true || !given) {
    const { problems, summary } = await runDiskFull(join(folder, 'full'));
    console.log(summary);
    for (const problem of problems) console.log(`disk full: ${problem}`);
    verdicts.push(problems.length === 0);
  }
  const isGood = verdicts.every(Boolean);
  if (isGood && values.folder === undefined) rmSync(folder, { recursive: true, force: true });
  console.log(isGood ? 'every promise was kept' : `PROMISES WERE BROKEN; the data is kept in ${folder}`);
  return isGood ? 0 : 1;
}

process.exitCode = await main();
