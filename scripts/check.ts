// npm run check: everything about the code that can be told without running it. All checks run, each says
// `ok` or shows what is wrong; the exit status is 1 when any of them failed.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findHouseRuleBreaches } from './house-rules.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Check {
  readonly name: string;
  /** Returns what is wrong; '' when all is well. */
  readonly run: () => string;
}

const settingsDocument = 'scripts/generate-settings-doc.ts';

const checks: readonly Check[] = [
  { name: 'types', run: () => runTool('tsc', ['--noEmit', '-p', '.']) },
  { name: 'types of the page', run: () => runTool('tsc', ['--noEmit', '-p', 'web']) },
  { name: 'types of its tests', run: () => runTool('tsc', ['--noEmit', '-p', 'test/web']) },
  {
    name: 'lint',
    run: () => runTool('oxlint', ['--type-aware', '--quiet', 'src', 'test', 'bench', 'scripts', 'web/src']),
  },
  { name: 'format', run: () => runTool('biome', ['format', '.']) },
  { name: 'house rules', run: () => findHouseRuleBreaches(root).join('\n') },
  { name: 'dead code', run: () => runTool('knip', ['--no-progress']) },
  ...(existsSync(join(root, settingsDocument))
    ? [{ name: 'docs/settings.md', run: () => runCommand(process.execPath, [settingsDocument, '--check']) }]
    : []),
  {
    name: 'web/src/api-operations.ts',
    run: () => runCommand(process.execPath, ['scripts/generate-api-client.ts', '--check']),
  },
  { name: 'words of the page', run: () => runCommand(process.execPath, ['scripts/page-words.ts']) },
  { name: 'docs/lint.md', run: () => runCommand(process.execPath, ['scripts/generate-lint-doc.ts', '--check']) },
];

function runTool(name: string, args: readonly string[]): string {
  return runCommand(join(root, 'node_modules/.bin', name), args);
}

/** The tools of node_modules/.bin start `node` from PATH: it must be this one, not the machine's. */
function runCommand(command: string, args: readonly string[]): string {
  const path = `${join(process.execPath, '..')}:${process.env['PATH'] ?? ''}`;
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', env: { ...process.env, PATH: path } });
  if (result.status === 0) return '';
  return `${result.stdout}${result.stderr}`.trim() || (result.error?.message ?? `ended with status ${result.status}`);
}

console.log(`node    ${process.version}`);
let failed = 0;
for (const { name, run } of checks) {
  const complaint = run();
  if (complaint === '') {
    console.log(`ok      ${name}`);
  } else {
    failed++;
    console.log(`FAILED  ${name}\n${complaint}\n`);
  }
}
console.log(failed === 0 ? 'all checks passed' : `${failed} of ${checks.length} checks failed`);
process.exitCode = failed === 0 ? 0 : 1;
