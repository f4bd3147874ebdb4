// TLS for a server under test, from settings as a real one has it; its own certificate is made once in a run.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/lib/clock.ts';
import { MemoryLog, ProgramLog } from '../../src/lib/log.ts';
import { ServiceTls } from '../../src/main/server-tls.ts';
import { Settings } from '../../src/settings/settings.ts';
import type { ServerTls } from '../../src/tls/server-tls.ts';

let folder: string | undefined;
/** Making a key takes a while. */
let first: Promise<unknown> | undefined;

export async function openServerTls(
  settings: Readonly<Record<string, string>> = {},
  log = new MemoryLog(),
): Promise<ServerTls> {
  const dataDirectory = (folder ??= makeFolder());
  const parts = { dataDirectory, hostname: 'mx.example.com', clock: systemClock, sniRow: async () => undefined };
  const open = () =>
    new ServiceTls({ ...parts, log: new ProgramLog(log, 'test') }).open(Settings.defaults(settings), false);
  await (first ??= open());
  return await open();
}

function makeFolder(): string {
  const made = mkdtempSync(join(tmpdir(), 'posthaste-tls-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  return made;
}
