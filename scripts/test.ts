// npm test: runs every test (arguments are vitest's: file filters, -t NAME …) and ends with the one line that
// people and machines read: `N passed, N failed, N skipped`. A run without any test is a failure, and with
// CI=true so is a test that was skipped: there everything that a test may need has been installed.

import { parseCLI, startVitest } from 'vitest/node';
import type { TestModule } from 'vitest/node';

interface Tally {
  passed: number;
  failed: number;
  readonly skipped: string[];
}

function count(modules: readonly TestModule[]): Tally {
  const tally: Tally = { passed: 0, failed: 0, skipped: [] };
  for (const module of modules) {
    // A file that cannot be loaded, and a hook that fails, are failures without a failed test.
    if (module.errors().length > 0) tally.failed++;
    for (const suite of module.children.allSuites()) if (suite.errors().length > 0) tally.failed++;
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === 'passed') {
        tally.passed++;
      } else if (result.state === 'skipped') {
        const note = 'note' in result && result.note !== undefined ? `: ${result.note}` : '';
        tally.skipped.push(`${module.relativeModuleId} > ${test.fullName}${note}`);
      } else {
        tally.failed++;
      }
    }
  }
  return tally;
}

/** .ci/run's time is over: the last line must still be there, and the run must still fail. */
function endBecauseOfTime(): void {
  process.stdout.write('stopped by SIGTERM before the tests had ended\n0 passed, 1 failed, 0 skipped\n', () =>
    process.exit(1),
  );
}

async function main(): Promise<number> {
  const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)]);
  process.once('SIGTERM', endBecauseOfTime);
  const vitest = await startVitest('test', filter, { ...options, watch: false, run: true });
  const tally = count(vitest.state.getTestModules());
  const unhandled = vitest.state.getUnhandledErrors().length;
  await vitest.close();
  const skipFails = process.env['CI'] === 'true';
  for (const name of tally.skipped) console.log(`skipped${skipFails ? ' (a failure with CI=true)' : ''}: ${name}`);
  const failed = tally.failed + unhandled;
  if (tally.passed + failed + tally.skipped.length === 0) console.log('no test ran: that is a failure');
  // A filter by name (-t) skips all others on purpose.
  const ranAll = filter.length === 0 && options.testNamePattern === undefined;
  const skipsThatFail = skipFails && ranAll ? tally.skipped.length : 0;
  process.stdout.write(`${tally.passed} passed, ${failed} failed, ${tally.skipped.length} skipped\n`);
  return tally.passed === 0 || failed > 0 || skipsThatFail > 0 ? 1 : 0;
}

const status = await main();
// Something that a test left open must not keep the run from ending.
process.stdout.write('', () => process.exit(status));
