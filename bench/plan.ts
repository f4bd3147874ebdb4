// sh scripts/with-node bench/plan.ts [CHANGES] — what a plan of so many changes costs (1,000 by default): aliases of a directory of
// 100 domains with 1,000 mailboxes and as many aliases each are led elsewhere, in one revision that is only tried out.
// (Promised: 1,000 changes within 10 s.)

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planOver } from '../src/cli/planner.ts';
import { Directory } from '../src/directory/directory.ts';
import { systemClock } from '../src/lib/clock.ts';
import { loadConfiguration } from '../src/settings/configuration.ts';
import { writeFirstConfiguration } from '../src/settings/first-start.ts';
import { fillDirectory } from './fill-directory.ts';

const changes = Number(process.argv[2] ?? 1000);
const [domains, users] = [100, 1000];
const folder = mkdtempSync(join(tmpdir(), 'plan-bench-'));

try {
  const etc = join(folder, 'etc');
  await writeFirstConfiguration(etc, { dataDirectory: folder, loopback: true });
  const configuration = await loadConfiguration(etc);
  const file = join(folder, 'directory.db');
  await fillDirectory(file, domains, users);
  const directory = await Directory.open(file, { clock: systemClock, actor: 'bench' });
  for (const kind of ['mailboxes', 'aliases'] as const) {
    const [start, before] = [performance.now(), process.cpuUsage()];
    const plan = await planOver(configuration, { warn: () => undefined }, directory, {}, async (trial) => {
      for (let index = 0; index < changes; index++) {
        const [user, domain] = [1 + (index % users), 1 + (index % domains)];
        if (kind === 'mailboxes') await trial.mailboxes.set(`u${user}@d${domain}.test`, { enabled: false });
        else await trial.aliases.set(`a${user}@d${domain}.test`, [`u${user}@d${domain}.test`, `far${index}@else.test`]);
      }
    });
    const { user, system } = process.cpuUsage(before);
    console.log(
      `plan of ${changes} changed ${kind}: ${((performance.now() - start) / 1000).toFixed(1)} s, ` +
        `CPU ${((user + system) / 1e6).toFixed(1)} s; ${plan.changes.length} outcomes change, ${plan.unchanged} do not`,
    );
  }
  directory.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
