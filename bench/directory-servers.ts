// The directory on servers: how long it takes to copy it first, to start with a copy, to look up while it is compared, and to
// change it. Arguments: domains, mailboxes a domain (1000 1000). The servers are private copies on loopback.

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openServerSession } from '../src/database/server/open-session.ts';
import type { ServerDialect } from '../src/database/server/server-session.ts';
import { Directory } from '../src/directory/directory.ts';
import { createServerSchema } from '../src/directory/server/server-schema.ts';
import { replicaFile } from '../src/directory/server/replica-path.ts';
import type { DirectoryServer } from '../src/directory/server/server-settings.ts';
import { DirectoryTable } from '../src/directory/tables.ts';
import { systemClock as clock } from '../src/lib/clock.ts';
import { DirectoryServers, quickFolder } from '../test/harness/directory-servers.ts';

const [domains = 1000, mailboxes = 1000] = process.argv.slice(2).map(Number);
const lookups = 5000;
const changes = 200;

const servers = new DirectoryServers();
const folder = mkdtempSync(join(quickFolder(), 'bench-directory-'));
await servers.start();
try {
  for (const dialect of ['postgresql', 'mysql'] as const) await measure(dialect);
} finally {
  await servers.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(dialect: ServerDialect): Promise<void> {
  const { server, database } = servers.newDatabase(dialect);
  await fill(dialect, server, database);
  const file = replicaFile(mkdtempSync(join(folder, dialect)));
  const say = (text: string): void => void process.stdout.write(`${dialect}: ${text}\n`);
  const open = () => Directory.openOnServer(server, file, { clock, actor: 'bench', warn: () => undefined });
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const start = clock.monotonic();
    const result = await work();
    say(`${what}: ${(clock.monotonic() - start).toFixed(0)} ms`);
    return result;
  };
  (await timed(`first copy of ${domains * mailboxes} mailboxes`, open)).close();
  const directory = await timed('start with a copy', open);
  const table = new DirectoryTable(directory.lookups, 'virtual-aliases');
  const random = (count: number): number => Math.floor(Math.random() * count);
  const times: number[] = [];
  for (let index = 0; index < lookups; index++) {
    // One after the other, each with a comparison of its own.
    await new Promise((resolve) => setTimeout(resolve, 2));
    const start = clock.monotonic();
    await table.lookup(`user${random(mailboxes)}@domain${random(domains)}.example`);
    times.push(clock.monotonic() - start);
  }
  times.sort((a, b) => a - b);
  const at = (part: number): string => (times[Math.floor(part * times.length)] ?? 0).toFixed(2);
  say(`lookup with its comparison: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
  const start = clock.monotonic();
  for (let index = 0; index < changes; index++) {
    await directory.mailboxes.set(`user${random(mailboxes)}@domain${random(domains)}.example`, { quotaBytes: index });
  }
  say(`changes one after the other: ${(changes / ((clock.monotonic() - start) / 1000)).toFixed(0)}/s`);
  directory.close();
}

async function fill(dialect: ServerDialect, server: DirectoryServer, database: string): Promise<void> {
  const [address] = server.addresses;
  if (address === undefined) throw new Error('no address');
  await createServerSchema({ open: () => openServerSession(address), clock });
  const numbers = (count: number): string =>
    dialect === 'mysql' ? `seq_1_to_${count}` : `(SELECT generate_series(1, ${count}) AS seq) AS numbers`;
  const cast = dialect === 'mysql' ? 'char' : 'text';
  const name = (prefix: string, value: string): string => `concat('${prefix}', cast(${value} AS ${cast}))`;
  const isNode = dialect === 'mysql' ? 'SET @posthaste_node = 1' : "SET posthaste.node = 'on'";
  servers.execute(
    dialect,
    database,
    `${isNode};
     INSERT INTO domain (id, name, kind, active, transport, created)
       SELECT seq, concat(${name('domain', 'seq - 1')}, '.example'), 'mailbox', 1, '', 0 FROM ${numbers(domains)};
     INSERT INTO mailbox (id, domain_id, localpart, shown, name, password, quota, enabled, created, removed_at)
       SELECT (d.id - 1) * ${mailboxes} + seq, d.id, ${name('user', 'seq - 1')},
         concat(${name('user', 'seq - 1')}, '@', d.name), '', '{PLAIN}x', 0, 1, 0, 0 FROM domain d, ${numbers(mailboxes)};
     UPDATE change_sequence SET value = ${domains * mailboxes} WHERE name = 'mailbox';
     UPDATE change_sequence SET value = ${domains} WHERE name = 'domain';
     UPDATE change_state SET revision = revision + 1, pruned = revision + 1, stamp = stamp + 1;
     UPDATE change_state SET pruned = revision;
     INSERT INTO change_log (revision, stamp, tbl, row_key) SELECT revision, stamp, '', '[]' FROM change_state;`,
  );
}
