// What stands before a command is the program's, what stands behind it the command's own.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  mkdirSync,
  readFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PosthasteProcess } from '../../test/harness/posthaste-process.ts';
import { Directory } from '../directory/directory.ts';
import { systemClock } from '../lib/clock.ts';

let folder = '';
let posthaste: PosthasteProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-command-line-'));
  posthaste = await PosthasteProcess.create({ folder });
  (await Directory.open(join(posthaste.dataFolder, 'directory.db'), { clock: systemClock, actor: 'test' })).close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]) {
  const program = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
  const input = 'a good password\n';
  const { status, stdout, stderr } = spawnSync(program, ['-c', posthaste.configFolder, ...args], {
    input,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('--host behind a command is no other host', () => {
  expect(run('admin', 'add', 'root', '--host', '--password-stdin')).toEqual({
    status: 0,
    stdout: 'root administers the host\n',
    stderr: '',
  });
  expect(run('admin', 'list', '--json').stdout).toContain('"role":"host"');
});

test('--host before it is, and needs a token', () => {
  const { status, stderr } = run('--host', 'https://mail.example.com', 'domain', 'list');
  expect(status).toBe(2);
  expect(stderr).toContain('--token-file');
});

test('a pipe that begins to speak late is waited for', async () => {
  // A pipe of the shell's, as in `posthaste dump | posthaste apply -`; what spawn() makes is a socket.
  const program = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
  const command = `(sleep 2; echo 'settings: {}') | '${program}' -c '${posthaste.configFolder}' apply - --yes`;
  const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [status] = (await once(child, 'close')) as [number];
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('what Node itself does not take is said in its words, and no other Node is fetched', () => {
  const program = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
  const env = { ...process.env, NODE_OPTIONS: '--no-such-option' };
  const { status, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8', env });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr:
      'posthaste: Node.js does not start with what is set in NODE_OPTIONS: --no-such-option is not allowed in NODE_OPTIONS; change or unset NODE_OPTIONS\n',
  });
});

test('folders and users that cannot be used are told in one line', () => {
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  const said = (config: string, command: string) => {
    const program = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
    return spawnSync(program, ['-c', config, command], { encoding: 'utf8', timeout: 20_000 }).stderr;
  };
  const cannotWrite = `main.cf and master.cf cannot be written in ${file}`;
  expect(said(file, 'start')).toBe(`posthaste: ${cannotWrite} (EEXIST): name a folder of your own with -c\n`);
  expect(said(file, 'status')).toBe(`posthaste: ${file} is no folder: name the folder with main.cf\n`);
  const own = join(folder, 'own');
  cpSync(posthaste.configFolder, own, { recursive: true });
  appendFileSync(join(own, 'main.cf'), `posthaste_data_directory = ${file}/data\n`);
  expect(said(own, 'start')).toMatch(/^posthaste: the data folder \S+ cannot be made \(ENOTDIR\): change .*\n$/m);
  // Where a folder cannot be made in a folder that is there, and where no file can.
  appendFileSync(join(own, 'main.cf'), 'posthaste_data_directory = /proc/posthaste/data\n');
  expect(said(own, 'start')).toMatch(/^posthaste: the data folder \S+ cannot be made \(ENOENT\): change .*\n$/m);
  expect(said('/proc/posthaste', 'start')).toMatch(/^posthaste: main.cf and master.cf cannot be written in .*\n$/);
  if (process.getuid?.() !== 0) return;
  appendFileSync(join(own, 'main.cf'), 'posthaste_data_directory = /proc\n');
  expect(said(own, 'start')).toMatch(/^posthaste: no file can be written in the data folder \/proc: change .*\n$/m);
  appendFileSync(join(own, 'main.cf'), `posthaste_data_directory = ${own}/data\nposthaste_user = no-such-user\n`);
  expect(said(own, 'start')).toMatch(/^posthaste: posthaste_user: there is no user no-such-user: add it .*\n$/m);
});

test('commands that a message names are those that can be typed here', () => {
  const typed = `bin/posthaste -c ${posthaste.configFolder}`;
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const program = join(cwd, 'bin/posthaste');
  const said = (...args: string[]) => spawnSync(program, args, { cwd, encoding: 'utf8' }).stderr;
  expect(said('-c', posthaste.configFolder, 'mailbox', 'add', 'anna@nowhere.example')).toBe(
    `posthaste: nowhere.example is not hosted here: add it with: ${typed} domain add nowhere.example\n`,
  );
  expect(said('-c', join(folder, 'none'), 'status')).toContain(
    `or run \`bin/posthaste -c ${join(folder, 'none')} start\` to make one`,
  );
  expect(said('-c', posthaste.configFolder, 'queue', 'delete', 'ABC')).toBe(
    `posthaste: unknown command 'delete': see ${typed} queue --help\n`,
  );
  // Standard output names them so for a person at a terminal; a program finds the same everywhere.
  const quiet = (...args: string[]) =>
    spawnSync(program, ['-c', posthaste.configFolder, ...args], { cwd, encoding: 'utf8' }).stdout;
  const onTerminal = (command: string) =>
    spawnSync('script', ['-qec', `${typed} ${command}`, '/dev/null'], { cwd, encoding: 'utf8' }).stdout;
  expect(onTerminal('webhook --help')).toContain(`\n  ${typed} webhook list`);
  expect(onTerminal('health --help')).toContain(`\n  ${typed} --json health`);
  expect(onTerminal('start --help')).toContain('\n  bin/posthaste -c /etc/posthaste start');
  expect(quiet('webhook', '--help')).toContain('\n  posthaste webhook list');
  quiet('domain', 'add', 'lint.example');
  const mend = 'alias add postmaster@lint.example TARGET';
  expect(onTerminal('lint')).toContain(`: ${typed} ${mend}`);
  expect(quiet('lint')).toContain(`: posthaste ${mend}`);
  expect(onTerminal('--json lint')).toContain(`: posthaste ${mend}`);
  const link = join(folder, 'posthaste');
  symlinkSync(program, link);
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` };
  const { stderr } = spawnSync(link, ['-c', posthaste.configFolder, 'mailbox', 'add', 'a@no.example'], { env });
  expect(String(stderr)).toContain(`add it with: posthaste -c ${posthaste.configFolder} domain add no.example`);
});

test('what a command does not take is refused before anything is done', () => {
  expect(run('queue', 'flush', 'NOSUCH')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("too many arguments for 'flush'") as string,
  });
  expect(run('queue', 'foo')).toMatchObject({ status: 2, stderr: expect.stringContaining("'foo'") as string });
  for (const [command, text] of [
    ['reaches', '"" has no domain'],
    ['dependents', 'name a domain or an address'],
    ['trace', 'name a queue id'],
  ] as const) {
    const { status, stdout, stderr } = run(command, '');
    expect({ command, status, stdout }).toEqual({ command, status: 2, stdout: '' });
    expect(stderr).toContain(text);
  }
});

test('tables that cannot be are no difference between two', () => {
  expect(run('compare', 'nosuch:a', 'nosuch:a')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('unknown table type nosuch') as string,
  });
});

test('a file in the place of a folder is told in one line', async () => {
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  await posthaste.start();
  await posthaste.stop();
  expect(run('domain', 'add', 'files.test')).toMatchObject({ status: 0 });
  expect(run('mailbox', 'add', 'anna@files.test', '--password-stdin')).toMatchObject({ status: 0 });
  for (const args of [
    ['import', 'maildir', file, 'anna@files.test'],
    ['export', 'maildir', 'anna@files.test', file],
  ]) {
    const { status, stderr } = run(...args);
    expect({ args, status }).toEqual({ args, status: 1 });
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(file);
  }
});

test('a list of what a domain has says of an unknown domain nothing about all others', () => {
  for (const command of [
    ['mailbox', 'list'],
    ['alias', 'list'],
    ['quota', 'list'],
    ['relay-recipient', 'list'],
  ]) {
    const { status, stderr } = run(...command, '--domain', 'nosuch.test');
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringMatching(/^no such/) as string });
  }
});

test('lines of the log name commands so for a person at a terminal, and in a file the same everywhere', () => {
  const own = join(folder, 'log-lines');
  mkdirSync(own);
  const write = (maillog: string): string => {
    writeFileSync(join(own, 'main.cf'), `compatibility_level = 3.6\nmaillog_file = ${maillog}\n`);
    writeFileSync(join(own, 'master.cf'), '');
    writeFileSync(
      join(own, 'write.ts'),
      `import { loadConfiguration } from '${join(import.meta.dirname, '../settings/configuration.ts')}';
       import { openLog } from '${join(import.meta.dirname, 'log-output.ts')}';
       const { settings } = await loadConfiguration('${own}');
       const log = openLog(settings, (text) => text.replace('posthaste', 'bin/posthaste'));
       log.write('posthaste/master', 'warning', 'and 3 more of the kind: posthaste lint');
       log.close();`,
    );
    const command = `${process.execPath} --disable-warning=ExperimentalWarning ${join(own, 'write.ts')}`;
    return spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8' }).stdout;
  };
  expect(write('/dev/stdout')).toMatch(
    / posthaste\/master\[\d+\]: warning: and 3 more of the kind: bin\/posthaste lint\r?\n/,
  );
  const file = join(own, 'maillog');
  expect(write(file)).toBe('');
  expect(readFileSync(file, 'utf8')).toMatch(/: and 3 more of the kind: posthaste lint\n$/);
});

// Skipped where the tests do not run as root, who alone can make a network: CI does, and counts a skip as a failure.
test.skipIf(process.getuid?.() !== 0)('every address is listened to, of IPv4 and IPv6, as Postfix does', async () => {
  const [smtp, imap, metrics] = [2025, 2143, 2154];
  const token = join(folder, 'metrics-token');
  writeFileSync(token, 'a-token-of-enough-length\n');
  const all = (port: number) => `0.0.0.0:${port} [::]:${port}`;
  const server = await PosthasteProcess.create({
    folder: join(folder, 'everywhere'),
    hasOwnNetwork: true,
    settings: {
      inet_interfaces: 'all',
      inet_protocols: 'all',
      posthaste_imap_listen: all(imap),
      posthaste_metrics_listen: all(metrics),
      posthaste_metrics_token_file: token,
    },
    services: `${smtp} inet n - n - - smtpd\n`,
  });
  await server.start();
  try {
    for (const host of ['127.0.0.1', '[::1]']) {
      const curl = (url: string, ...args: string[]): string => {
        const command = [
          'nsenter',
          `--net=/proc/${server.pid}/ns/net`,
          'curl',
          '-sv',
          '--max-time',
          '20',
          ...args,
          url,
        ];
        return spawnSync(command[0] ?? '', command.slice(1), { encoding: 'utf8' }).stderr;
      };
      expect(curl(`smtp://${host}:${smtp}`, '-X', 'NOOP')).toContain('< 220 ');
      expect(curl(`imap://${host}:${imap}`, '-X', 'NOOP')).toContain('< * OK ');
      expect(curl(`http://${host}:${metrics}/metrics`)).toContain('< HTTP/1.1 401 ');
    }
  } finally {
    await server.stop();
  }
});
