// Reads all of the server's sources once, its worker threads' too, so that Node keeps what it makes of them: a start that
// has to do it takes twice as long, and 35 MB more for as long as it runs. with-node runs this after it has installed
// the libraries.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryLog, ProgramLog } from '../src/lib/log.ts';
import { openMailstore } from '../src/mailstore/store.ts';

process.argv = [...process.argv.slice(0, 1), 'posthaste', '--version'];
await import('../src/main/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'posthaste-'));
const store = await openMailstore({
  folder,
  inlineLimit: 0,
  log: new ProgramLog(new MemoryLog(), 'posthaste'),
  onBroken: (error) => console.error(error),
});
await store.close();
rmSync(folder, { recursive: true });
await import('../src/main/server.ts');
await import('../src/cli/start.ts');
