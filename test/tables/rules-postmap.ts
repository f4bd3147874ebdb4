// Random pcre:, regexp: and cidr: tables through the real postmap(1) and through ours: the same answers, and the same
// complaints for the same lines. A fixed sample runs with the tests (rules-postmap.test.ts); by hand, with a count:
//
//   node test/tables/rules-postmap.ts 1000 [SEED]

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryLog } from '../../src/lib/log.ts';
import { Tables } from '../../src/tables/registry.ts';
import { Random } from '../harness/random.ts';
import { RealPostmap } from '../harness/real-postmap.ts';
import { type RandomRules, randomRules, type RuleType } from './random-rules.ts';

/** What one side says. */
interface Answers {
  readonly values: readonly string[];
  readonly warnings: readonly string[];
}

const types: readonly RuleType[] = ['pcre', 'regexp', 'cidr'];

/** A text for each table that differs. */
export async function compareRandomRules(count: number, seed: number): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'posthaste-rules-'));
  try {
    const postmap = new RealPostmap(folder);
    const differences: string[] = [];
    for (let index = 0; index < count; index++) {
      const rules = randomRules(new Random(seed + index), types[index % types.length] as RuleType);
      const path = join(folder, `table-${index}`);
      writeFileSync(path, rules.text);
      const [theirs, ours] = await Promise.all([askPostmap(postmap, rules, path), askOurs(rules, path)]);
      const difference = describeDifference(theirs, ours);
      if (difference !== '') differences.push(`seed ${seed + index}, ${rules.type}:\n${rules.text}\n${difference}`);
    }
    return differences;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function askPostmap(postmap: RealPostmap, { type, keys }: RandomRules, path: string): Promise<Answers> {
  const { stdout, stderr } = await postmap.queryAll(`${type}:${path}`, keys);
  const values = stdout.split('\n').filter((line) => line !== '');
  const isAboutRule = (line: string): boolean => line.includes(`map ${path}`) || line.includes(`${path}: logical line`);
  return { values, warnings: stderr.split('\n').filter(isAboutRule).map(shorten) };
}

async function askOurs({ type, keys }: RandomRules, path: string): Promise<Answers> {
  const log = new MemoryLog();
  const tables = new Tables({ log, isWatching: false });
  try {
    const table = tables.open(`${type}:${path}`);
    const values: string[] = [];
    for (const key of keys) {
      const result = await table.lookup(key).catch((error: Error) => error);
      // postmap ends at the first error.
      if (result instanceof Error) break;
      if (result.kind === 'found') values.push(`${key}\t${result.value}`);
    }
    return { values, warnings: log.lines.map(shorten) };
  } finally {
    tables.close();
  }
}

/** Which line: the words differ where an engine's own error is quoted. */
function shorten(line: string): string {
  return /line [0-9]+/.exec(line)?.[0] ?? 'logical line';
}

function describeDifference(theirs: Answers, ours: Answers): string {
  const lines: string[] = [];
  for (const value of theirs.values) if (!ours.values.includes(value)) lines.push(`- ${value}`);
  for (const value of ours.values) if (!theirs.values.includes(value)) lines.push(`+ ${value}`);
  const complaints = (answers: Answers): string => [...new Set(answers.warnings)].toSorted().join(', ');
  if (complaints(theirs) !== complaints(ours)) {
    lines.push(`- warnings ${complaints(theirs)}`, `+ warnings ${complaints(ours)}`);
  }
  return lines.join('\n');
}

if (import.meta.main) {
  const [count = '300', seed = '1'] = process.argv.slice(2);
  const differences = await compareRandomRules(Number(count), Number(seed));
  for (const difference of differences) console.log(`${difference}\n`);
  console.log(`${count} tables, ${differences.length} different`);
  process.exitCode = differences.length === 0 ? 0 : 1;
}
