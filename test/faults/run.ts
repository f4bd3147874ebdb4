// npm run faults -- [--kills 1000] [--power-cuts 200] [--disk-full] [--step STEP] [--synchronous NORMAL] [--seed N] [--folder DIR]
// Cuts a real server down under load again and again, at random moments, while it starts, and at every step of a
// message's way (or only at STEP: random, start, accept, commit, expand, deliver, mark, bounce). Afterwards every recipient
// of every message that got 250 must have been served exactly once, whatever delivers to it (ledger.ts says what that
// means outside of the server). Exit status 1 when something was lost, doubled or damaged. With --synchronous NORMAL
// power cuts must lose mail: that shows that the run can tell, and is tried at the end of a full run.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runDiskFull } from './disk-full.ts';
import { FaultRun, type FaultRunOptions } from './fault-run.ts';
import { isClean, type Judgement } from './ledger.ts';
import { type CutPoint, cutPoints } from './steps.ts';
import { addJudgements, formatJudgement } from './sums.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string' },
    'power-cuts': { type: 'string' },
    'disk-full': { type: 'boolean' },
    step: { type: 'string' },
    synchronous: { type: 'string', default: 'FULL' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    folder: { type: 'string' },
  },
});

/** So long on one set of data; then everything is counted and the next begins. */
const roundsOfOneRun = 50;

async function runAll(options: Omit<FaultRunOptions, 'report'>): Promise<boolean> {
  const started = performance.now();
  const cuts = new Map<CutPoint, number>();
  let sum: Judgement | undefined;
  for (let done = 0, run = 0; done < options.rounds; done += roundsOfOneRun, run++) {
    const rounds = Math.min(roundsOfOneRun, options.rounds - done);
    const folder = join(options.folder, String(run));
    const report = (line: string) => console.log(`run ${run + 1}, ${line}`);
    const result = await new FaultRun({ ...options, folder, rounds, seed: options.seed + run, report }).run();
    sum = sum ? addJudgements(sum, result.judgement) : result.judgement;
    for (const [point, count] of result.cuts) cuts.set(point, (cuts.get(point) ?? 0) + count);
    for (const [text, count] of result.refusals) console.log(`refused ${count} ×: ${text}`);
    if (!isClean(result.judgement)) console.log(formatJudgement(result.judgement));
    else if (!values.folder) rmSync(folder, { recursive: true, force: true });
  }
  if (!sum) return true;
  const seconds = Math.round((performance.now() - started) / 1_000);
  console.log(`\n${options.rounds} × ${options.kind}, synchronous=${options.synchronous}, ${seconds} s`);
  console.log(`cut at: ${[...cuts].map(([point, count]) => `${point} ${count}`).join(', ')}`);
  console.log(`${formatJudgement(sum)}\n`);
  const missed = options.rounds >= roundsOfOneRun ? options.points.filter((point) => !cuts.has(point)) : [];
  for (const point of missed) console.log(`no round was ended at ${point}: the run says nothing of it`);
  return isClean(sum) && missed.length === 0;
}

/** With less durability power cuts must lose mail: otherwise the run could not tell. */
async function testItself(folder: string, seed: number): Promise<boolean> {
  const options = { rounds: 4, kind: 'power-cut', synchronous: 'NORMAL', points: ['random'] } as const;
  for (let attempt = 0; attempt < 3; attempt++) {
    const run = new FaultRun({ ...options, folder, seed: seed + attempt, longestDrainMilliseconds: 5_000 });
    const { judgement } = await run.run();
    rmSync(folder, { recursive: true, force: true });
    if (isClean(judgement)) continue;
    const { lost, doubled, unexpected } = judgement;
    const found = `${lost.length} lost, ${doubled.length} doubled, ${unexpected.length} unexpected`;
    console.log(`self-test, power cuts with synchronous=NORMAL: ${found}, as it must be\n`);
    return true;
  }
  console.log('self-test: power cuts with synchronous=NORMAL lose nothing, so this run says nothing either');
  return false;
}

async function main(): Promise<number> {
  const synchronous = values.synchronous === 'NORMAL' ? 'NORMAL' : 'FULL';
  const seed = Number(values.seed);
  const given = values.kills !== undefined || values['power-cuts'] !== undefined || values['disk-full'] === true;
  const kills = Number(values.kills ?? (given ? 0 : 1_000));
  const powerCuts = Number(values['power-cuts'] ?? (given ? 0 : 200));
  const points = cutPoints.filter((point) => point === (values.step ?? point));
  if (points.length === 0) throw new Error(`--step: one of ${cutPoints.join(', ')}`);
  const folder = values.folder ? resolve(values.folder) : mkdtempSync(join(tmpdir(), 'posthaste-faults-'));
  // Others than root must get through.
  if (!values.folder) chmodSync(folder, 0o755);
  console.log(`seed ${seed}, folder ${folder}`);
  const verdicts: boolean[] = [];
  const shared = { seed, synchronous, points } as const;
  if (kills > 0) {
    verdicts.push(await runAll({ ...shared, folder: join(folder, 'kill'), rounds: kills, kind: 'kill' }));
  }
  if (powerCuts > 0) {
    verdicts.push(await runAll({ ...shared, folder: join(folder, 'cut'), rounds: powerCuts, kind: 'power-cut' }));
  }
  if (!given) verdicts.push(await testItself(join(folder, 'self-test'), seed));
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
