// sh scripts/with-node bench/routing.ts [DOMAINS] [USERS] — what one decision about a recipient costs in process, with the
// flags that the server runs with, in a directory of so many domains with so many mailboxes and as many aliases each.
// (Promised for 1,000 × 1,000: 15 µs at the median, 60 µs at the 99th percentile; and about the same in a small one.)

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRouting } from '../src/access/open-routing.ts';
import { openDirectoryFiles } from '../src/directory/database.ts';
import { Directory } from '../src/directory/directory.ts';
import { directoryTableOpener } from '../src/directory/tables.ts';
import { systemClock } from '../src/lib/clock.ts';
import { MemoryLog } from '../src/lib/log.ts';
import { loadConfiguration } from '../src/settings/configuration.ts';
import { writeFirstConfiguration } from '../src/settings/first-start.ts';

const domains = Number(process.argv[2] ?? 1_000);
const users = Number(process.argv[3] ?? 1_000);
const decisions = 100_000;
const folder = mkdtempSync(join(tmpdir(), 'routing-bench-'));

/** By SQL: a million rows by the directory's own commands would take an hour. */
async function fill(file: string): Promise<void> {
  const files = await openDirectoryFiles(file, false, systemClock);
  files.writer?.connection.exec(`
    BEGIN;
    WITH RECURSIVE d(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM d WHERE n < ${domains})
      INSERT INTO domain (id, name, kind, active, transport, created) SELECT n, 'd' || n || '.test', 'mailbox', 1, '', 0 FROM d;
    WITH RECURSIVE u(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM u WHERE n < ${users})
      INSERT INTO mailbox (domain_id, localpart, shown, name, password, quota, enabled, created, removed_at)
      SELECT d.id, 'u' || u.n, 'u' || u.n || '@' || d.name, '', '!', 0, 1, 0, 0 FROM domain d, u;
    WITH RECURSIVE u(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM u WHERE n < ${users})
      INSERT INTO alias (domain_id, localpart, shown, created)
      SELECT d.id, 'a' || u.n, 'a' || u.n || '@' || d.name, 0 FROM domain d, u;
    INSERT INTO alias_target (alias_id, position, address, domain, localpart)
      SELECT a.id, 0, 'u' || substr(a.shown, 2), d.name, 'u' || substr(a.localpart, 2)
      FROM alias a JOIN domain d ON d.id = a.domain_id;
    COMMIT;`);
  files.reader.close();
  files.writer?.connection.close();
}

function address(kind: string, index: number): string {
  const domain = 1 + ((index * 7_919) % domains);
  const user = 1 + ((index * 104_729) % users);
  if (kind === 'unknown') return `nobody${index}@d${domain}.test`;
  return `${kind === 'alias' ? 'a' : 'u'}${user}@d${domain}.test`;
}

try {
  const etc = join(folder, 'etc');
  await writeFirstConfiguration(etc, { dataDirectory: folder, loopback: true });
  const { settings } = await loadConfiguration(etc);
  const file = join(folder, 'directory.db');
  await fill(file);
  const directory = await Directory.open(file, { clock: systemClock, actor: 'bench' });
  const routing = openRouting({
    settings,
    log: new MemoryLog(),
    isWatching: false,
    openers: { directory: directoryTableOpener(directory) },
    revisionSources: [directory],
  });
  const policy = routing.policy(settings);
  const envelope = { sender: 'a@far.test', client: { address: '192.0.2.7' } };
  for (const kind of ['mailbox', 'alias', 'unknown']) {
    const times: number[] = [];
    for (let index = 0; index < decisions; index++) {
      const start = performance.now();
      await policy.checkRecipient(address(kind, index), envelope);
      times.push((performance.now() - start) * 1_000);
      // Lets the directory's snapshot end, as it does in the server.
      if (index % 10 === 9) await new Promise(setImmediate);
    }
    times.splice(0, decisions / 10);
    times.sort((a, b) => a - b);
    const at = (share: number) => (times[Math.floor(times.length * share)] ?? 0).toFixed(1);
    console.log(`${kind} among ${domains} × ${users}: median ${at(0.5)} µs, p99 ${at(0.99)} µs, max ${at(0.9999)} µs`);
  }
  routing.close();
  directory.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
