// A page of docs/ that is made from the sources: written by `node scripts/NAME.ts`, compared with `--check`.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `page` below docs/. With --check: writes nothing, and ends with status 1 when the page is stale. */
export function generatePage(page: string, script: string, text: string): void {
  const file = join(import.meta.dirname, '..', 'docs', page);
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
    return;
  }
  let existing = '';
  try {
    existing = readFileSync(file, 'utf8');
  } catch {
    // Missing is stale.
  }
  if (existing === text) return;
  console.error(`docs/${page} is stale: run \`node scripts/${script}\``);
  process.exitCode = 1;
}
