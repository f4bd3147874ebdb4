// sh scripts/with-node bench/many-addresses.ts [DOMAINS] [USERS] — a directory as large as it is promised to work (100,000 domains with
// 50 mailboxes and 50 aliases each, ten million addresses): how long it takes to fill, how large it is, how long it takes to open, what a lookup,
// a page of a list, a change and a plan cost then, and how much memory all of it takes. Needs some 4 GB of disk.

import { mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRouting } from '../src/access/open-routing.ts';
import { planOver } from '../src/cli/planner.ts';
import { Directory } from '../src/directory/directory.ts';
import { directoryTableOpener } from '../src/directory/tables.ts';
import { systemClock } from '../src/lib/clock.ts';
import { MemoryLog } from '../src/lib/log.ts';
import { loadConfiguration } from '../src/settings/configuration.ts';
import { writeFirstConfiguration } from '../src/settings/first-start.ts';
import { fillDirectory } from './fill-directory.ts';
import { cpuSeconds, residentMiB } from './process-tree.ts';

const domains = Number(process.argv[2] ?? 100_000);
const users = Number(process.argv[3] ?? 50);
const addresses = 2 * domains * users;
const bytesPerAddress = 500;
const folder = mkdtempSync(join(tmpdir(), 'many-addresses-'));
const any = (count: number): number => 1 + Math.floor(Math.random() * count);

async function timed<T>(what: string, work: () => Promise<T> | T): Promise<T> {
  const [start, cpu] = [performance.now(), cpuSeconds([process.pid])];
  const result = await work();
  const milliseconds = (performance.now() - start).toFixed(1);
  console.log(
    `${what}: ${milliseconds} ms, CPU ${(cpuSeconds([process.pid]) - cpu).toFixed(2)} s, memory ${residentMiB(process.pid).toFixed(0)} MiB`,
  );
  return result;
}

function tell(what: string, micros: number[]): void {
  micros.sort((a, b) => a - b);
  const at = (share: number): string => (micros[Math.floor(micros.length * share)] ?? 0).toFixed(1);
  console.log(`${what}: median ${at(0.5)} µs, p99 ${at(0.99)} µs, memory ${residentMiB(process.pid).toFixed(0)} MiB`);
}

async function fill(file: string): Promise<void> {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < 3 * bytesPerAddress * addresses) throw new Error(`${folder} has too little room`);
  const [start, cpu] = [performance.now(), cpuSeconds([process.pid])];
  await fillDirectory(file, domains, users);
  const seconds = (performance.now() - start) / 1000;
  const used = cpuSeconds([process.pid]) - cpu;
  console.log(
    `${addresses} addresses filled in ${seconds.toFixed(0)} s (${Math.round(addresses / seconds)}/s, ` +
      `CPU ${((used * 1e6) / addresses).toFixed(1)} µs each), ${(statSync(file).size / 2 ** 20).toFixed(0)} MiB`,
  );
}

async function ask(directory: Directory, etc: string): Promise<void> {
  const { settings } = await loadConfiguration(etc);
  const openers = { directory: directoryTableOpener(directory) };
  const routing = openRouting({
    settings,
    log: new MemoryLog(),
    isWatching: false,
    openers,
    revisionSources: [directory],
  });
  const policy = routing.policy(settings);
  const envelope = { sender: 'a@far.test', client: { address: '192.0.2.7' } };
  for (const [kind, prefix] of [
    ['mailbox', 'u'],
    ['alias', 'a'],
    ['nobody', 'x'],
  ] as const) {
    for (const isWarm of [false, true]) {
      const micros: number[] = [];
      for (let index = 0; index < 50_000; index++) {
        const start = performance.now();
        await policy.checkRecipient(`${prefix}${any(users)}@d${any(domains)}.test`, envelope);
        micros.push((performance.now() - start) * 1000);
        if (index % 10 === 9) await new Promise(setImmediate);
      }
      tell(`decision about a recipient, ${kind}${isWarm ? '' : ', the first time'}`, micros);
    }
  }
  routing.close();
}

async function work(directory: Directory, etc: string): Promise<void> {
  const domain = `d${any(domains)}.test`;
  await timed('first page of all domains', () => directory.domains.list({ limit: 100 }));
  await timed('first page of all mailboxes', () => directory.mailboxes.list({ limit: 100 }));
  await timed('page in the middle of all mailboxes', () =>
    directory.mailboxes.list({ after: `u1@d${domains / 2}.test`, limit: 100 }),
  );
  await timed('first page of all aliases', () => directory.aliases.list({ limit: 100 }));
  await timed('mailboxes of a domain', () => directory.mailboxes.list({ domain }));
  await timed('history', () => directory.history({ limit: 50 }));
  for (const round of ['first', 'second']) {
    await timed(`${round} change of a mailbox`, () => directory.mailboxes.set(`u1@${domain}`, { name: round }));
    await timed(`${round} new mailbox`, () =>
      directory.mailboxes.add({ address: `${round}@${domain}`, passwordHash: '!' }),
    );
    await timed(`${round} new alias`, () => directory.aliases.add(`new-${round}@${domain}`, [`u1@${domain}`]));
    await timed(`${round} new domain`, () => directory.domains.add(`${round}.test`));
    await timed(`${round} mailbox removed`, () => directory.mailboxes.remove(`${round}@${domain}`));
    await timed(`${round} domain removed`, () => directory.domains.remove(`${round}.test`));
  }
  const configuration = await loadConfiguration(etc);
  for (const round of ['first', 'second']) {
    await timed(`${round} plan of a new catch-all`, () =>
      planOver(configuration, { warn: () => undefined }, directory, {}, async (trial) => {
        await trial.aliases.add(`@${domain}`, [`u1@${domain}`]);
      }),
    );
  }
  await timed('plan of a new domain', () =>
    planOver(configuration, { warn: () => undefined }, directory, {}, async (trial) => {
      await trial.domains.add('brand-new.test');
    }),
  );
  await timed('findings', () => directory.findings());
}

try {
  const etc = join(folder, 'etc');
  await writeFirstConfiguration(etc, { dataDirectory: folder, loopback: true });
  const file = join(folder, 'directory.db');
  await fill(file);
  const open = () => Directory.open(file, { clock: systemClock, actor: 'bench' });
  (await timed('opened', open)).close();
  const directory = await timed('opened again', open);
  await ask(directory, etc);
  await work(directory, etc);
  directory.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
