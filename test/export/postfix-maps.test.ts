// `posthaste export postfix-maps` on the three databases: every file, and every group of files that stand behind one
// parameter, answers what the directory's own table answers, asked by us and by a real Postfix.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { register } from '../../src/cli/export.ts';
import { Directory } from '../../src/directory/directory.ts';
import { directoryTableOpener } from '../../src/directory/tables.ts';
import type { Driver } from '../../src/interop/export/dialect.ts';
import { setParts, type SetPart } from '../../src/interop/export/map-files.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { MemoryLog } from '../../src/lib/log.ts';
import { derivedKeys } from '../../src/proof/derived-keys.ts';
import { type KeyAnswer, OwnSide, PostmapSide } from '../../src/proof/table-side.ts';
import { Tables } from '../../src/tables/registry.ts';
import { DirectoryServers, serverDialects } from '../harness/directory-servers.ts';
import { noRealPostmap } from '../harness/real-postmap.ts';
import { runCommand, type ToolOutput } from '../harness/run-tool.ts';
import { copyDirectory } from './copy-directory.ts';
import { fillDirectory } from './filled-directory.ts';

const folder = mkdtempSync('/var/tmp/posthaste-maps-');
chmodSync(folder, 0o755);
const file = join(folder, 'data', 'directory.db');
const servers = new DirectoryServers();
let directory: Directory;

const drivers: readonly Driver[] = [
  'sqlite',
  ...serverDialects.map((dialect) => (dialect === 'mysql' ? 'mysql' : 'pgsql') as Driver),
];

/** A configuration whose directory is the filled one, in its file or copied to a server. */
async function configure(driver: Driver): Promise<string> {
  const etc = join(folder, `etc-${driver}`);
  mkdirSync(etc, { recursive: true });
  let place = '';
  if (driver !== 'sqlite') {
    const { file: cf, server } = servers.newDatabase(driver === 'mysql' ? 'mysql' : 'postgresql');
    await copyDirectory(file, server);
    place = `posthaste_directory = ${driver}:${cf}\n`;
  }
  const common = `compatibility_level = 3.6\nrecipient_delimiter = +\nposthaste_data_directory = ${join(folder, 'data')}\n`;
  writeFileSync(join(etc, 'main.cf'), common + place);
  writeFileSync(join(etc, 'master.cf'), '');
  return etc;
}

function exportMaps(etc: string, destdir: string, ...more: string[]): Promise<ToolOutput> {
  return runCommand(register, { directory: etc, args: ['export', 'postfix-maps', '--destdir', destdir, ...more] });
}

/** The keys of every row, and some of those beside them: all would take minutes. */
const derivedStep = 29;

interface Difference {
  readonly key: string;
  readonly directory: string;
  readonly maps: string;
}

/** Where the maps answer otherwise; the order of several logins means nothing. */
async function compare(driver: Driver, maps: string, part: SetPart, by: 'us' | 'postmap'): Promise<Difference[]> {
  const tables = new Tables({ log: new MemoryLog(), isWatching: false });
  try {
    const open = directoryTableOpener(directory);
    const first = new OwnSide([part.table].flat().map((name) => open(name, tables)));
    const names = part.files.map((name) => `${driver}:${join(maps, name)}`);
    const second =
      by === 'us' ? new OwnSide(names.map((name) => tables.open(name))) : new PostmapSide(names, undefined);
    const { keys } = await first.keys();
    const own = [...new Set(keys)];
    const probes = [...own, ...derivedKeys(own, '+').filter((_key, index) => index % derivedStep === 0)];
    const [theirs, ours] = await Promise.all([first.lookUp(probes), second.lookUp(probes)]);
    const show = (answer: KeyAnswer | undefined): string => {
      if (answer?.kind !== 'found') return answer?.kind === 'error' ? answer.reason : 'not found';
      const values = answer.value.split(/, */);
      return (part.table === 'sender-logins' ? values.toSorted() : values).join(',');
    };
    return (
      probes
        .map((key, index) => ({ key, directory: show(theirs[index]), maps: show(ours[index]) }))
        // Before 3.8 Postfix speaks Latin-1 with PostgreSQL, whatever it means, and so do we (docs/driving-postfix.md).
        .filter(({ key }) => driver !== 'pgsql' || /^[\x20-\x7e]*$/.test(key))
        .filter((one) => one.directory !== one.maps)
    );
  } finally {
    tables.close();
  }
}

beforeAll(async () => {
  mkdirSync(join(folder, 'data'));
  directory = await fillDirectory(file);
  await servers.start();
}, 60_000);
afterAll(async () => {
  directory.close();
  await servers.stop();
  rmSync(folder, { recursive: true, force: true });
});

// Needs Debian's mariadb-server and postgresql: of each that is not installed the tests are left out.
describe.each(drivers)('maps over %s', (driver) => {
  let etc: string;
  const maps = join(folder, `maps-${driver}`);
  const run = (...more: string[]) => exportMaps(etc, maps, ...more);

  beforeAll(async () => {
    etc = await configure(driver);
    const { status, stderr } = await run('--driver', driver);
    expect(stderr).not.toContain('posthaste: E');
    expect(status).toBe(0);
  }, 60_000);

  // Our own tables of these types are held against Postfix's elsewhere: on servers a few do.
  const few = ['virtual-aliases', 'transports', 'mailboxes'];
  const own = setParts(driver).filter(({ table }) => driver === 'sqlite' || few.includes(String(table)));
  test.each(own.map((part) => [[part.table].flat().join(' and '), part] as const))(
    'answer as directory:%s',
    { timeout: 60_000 },
    async (_name, part) => {
      expect(await compare(driver, maps, part, 'us')).toEqual([]);
    },
  );

  // Skipped where Postfix (scripts/install-test-servers) is not there to ask; CI installs it and counts a skip as a failure.
  test
    .skipIf(noRealPostmap !== undefined)
    .each(setParts(driver).map((part) => [[part.table].flat().join(' and '), part] as const))(
    "answer a real Postfix's postmap as directory:%s",
    { timeout: 60_000 },
    async (_name, part) => {
      const differences = await compare(driver, maps, part, 'postmap');
      expect(differences).toEqual([]);
    },
  );

  test('are written 0640, stay as they are, and keep the password until a new one is asked for', async () => {
    const name = join(maps, 'sql-aliases.cf');
    const text = readFileSync(name, 'utf8');
    expect(statSync(name).mode & 0o777).toBe(0o640);
    expect(text).toMatch(/^# Made by posthaste export postfix-maps/);
    expect((await run()).stdout).toContain(', 0 of them changed');
    expect(readFileSync(name, 'utf8')).toBe(text);
    if (driver === 'sqlite') return;
    await run('--new-password');
    const [before, after] = [text, readFileSync(name, 'utf8')].map((one) => /^password = (.*)$/m.exec(one)?.[1]);
    expect(after).toHaveLength(32);
    expect(after).not.toBe(before);
  });

  test('into another folder leave the first folder its password', async () => {
    const other = join(folder, `second-${driver}`);
    expect((await exportMaps(etc, other)).status).toBe(0);
    const password = (destdir: string): string | undefined =>
      /^password = (.+)$/m.exec(readFileSync(join(destdir, 'sql-domains.cf'), 'utf8'))?.[1];
    expect(password(other)).toBe(password(maps));
    // Of a file nobody needs one.
    expect(password(other)?.length).toBe(driver === 'sqlite' ? undefined : 32);
  });

  test('never take the place of a file that somebody else has made', async () => {
    const other = join(folder, `other-${driver}`);
    mkdirSync(other);
    writeFileSync(join(other, 'sql-aliases.cf'), 'user = me\n');
    const { status, stderr } = await exportMaps(etc, other);
    expect(status).toBe(1);
    expect(stderr).toContain('sql-aliases.cf is not a file of ours');
    expect(existsSync(join(other, 'sql-domains.cf'))).toBe(false);
  });

  // Only a file is read by Postfix itself; who reads a server's tables is the account of the map.
  if (driver !== 'sqlite') return;
  // Skipped where Postfix is not there, or this is not root.
  test.skipIf(noRealPostmap !== undefined || process.getuid?.() !== 0)(
    "are read by Postfix's own user beside a writer and without one",
    async () => {
      const user = ['--reuid', 'postfix', '--regid', 'postfix', '--clear-groups'];
      const config = join(folder, 'postmap');
      mkdirSync(config, { recursive: true });
      writeFileSync(join(config, 'main.cf'), 'compatibility_level = 3.6\n');
      const ask = (): string => {
        const args = [...user, 'postmap', '-c', config, '-q', 'example.com', `sqlite:${join(maps, 'sql-domains.cf')}`];
        return spawnSync('setpriv', args, { encoding: 'utf8' }).stdout;
      };
      expect(ask()).toBe('example.com\n');
      directory.close();
      expect(ask()).toBe('example.com\n');
      directory = await Directory.open(file, { clock: systemClock, actor: 'tester' });
      expect(ask()).toBe('example.com\n');
    },
  );
});
