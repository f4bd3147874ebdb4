// A fixed small sample of `npm run faults`: a real server, cut down under load, loses nothing and doubles nothing.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canMount, runDiskFull } from './faults/disk-full.ts';
import { FaultRun, type FaultRunOptions } from './faults/fault-run.ts';
import { endKinds, isClean } from './faults/ledger.ts';
import { cutPoints } from './faults/steps.ts';
import { formatJudgement } from './faults/sums.ts';

const hasCompiler = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0;
const timeout = 180_000;

describe('a server that is cut down under load', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'posthaste-faults-'));
    // Others than root must get through.
    chmodSync(folder, 0o755);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const points = hasCompiler ? cutPoints : (['random', 'start'] as const);
  const sample = { seed: 1, synchronous: 'FULL', points, sessions: 6, loadMilliseconds: [200, 600] } as const;

  async function expectNothingLost(options: FaultRunOptions): Promise<void> {
    const { judgement } = await new FaultRun(options).run();
    expect(isClean(judgement), formatJudgement(judgement)).toBe(true);
    expect(judgement.accepted).toBeGreaterThan(options.rounds);
    if (options.kind === 'power-cut') return;
    for (const kind of endKinds) expect(judgement.expected[kind], kind).toBeGreaterThan(0);
  }

  test('kill -9: every recipient of every 250 is served exactly once', { timeout }, () =>
    expectNothingLost({ ...sample, folder: join(folder, 'kill'), kind: 'kill', rounds: cutPoints.length }),
  );

  // Skipped where there is no C compiler (scripts/install-test-servers); CI installs it and counts a skip as a failure.
  test.skipIf(!hasCompiler)(
    'power cut (needs gcc): what was not synced is gone, and nothing is missed',
    { timeout },
    () => {
      const options = { folder: join(folder, 'cut'), kind: 'power-cut', rounds: 4 } as const;
      return expectNothingLost({ ...sample, ...options, points: ['mark', 'random', 'bounce', 'random'] });
    },
  );

  // Skipped where no file system can be mounted (needs root and a loop device); CI has both and counts a skip as a failure.
  test.skipIf(!canMount)(
    'full disk (needs root): 452, expunging makes room, mail is taken again',
    { timeout },
    async () => {
      const { problems } = await runDiskFull(join(folder, 'full'));
      expect(problems).toEqual([]);
    },
  );
});
