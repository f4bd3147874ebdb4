// The queue commands beside Postfix's own: the same mail waits in a real Postfix and in ours, and each command is put to
// both; what they print must be the same but for ids, times and sizes, and so must their exit statuses.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { register as registerPostqueue } from '../../src/cli/postqueue.ts';
import { register as registerPostsuper } from '../../src/cli/postsuper.ts';
import { register as registerSendmail } from '../../src/cli/sendmail.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { noRealPostfix, RealPostfix } from '../harness/real-postfix.ts';
import { runRealTool, runTool, type ToolOutput } from '../harness/run-tool.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'queue-tools-'));
let ours: PosthasteProcess;
let real: RealPostfix;
const registers = {
  postqueue: registerPostqueue,
  postsuper: registerPostsuper,
  sendmail: registerSendmail,
  mailq: registerSendmail,
};

type Compared = 'postqueue' | 'postsuper';

/** Nobody listens on its port. */
let deadPort = 0;
const master = `pickup unix n - n 60 1 pickup
proxymap unix - - n - - proxymap
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
showq unix n - n - - showq
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`;

beforeAll(async () => {
  const [port = 0, dead = 0] = await findFreePorts(2);
  deadPort = dead;
  const settings = {
    myhostname: 'mx.tools.test',
    mydestination: '',
    mynetworks: '127.0.0.0/8',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    relay_domains: 'one.example, two.example',
    relay_transport: `smtp:[127.0.0.1]:${deadPort}`,
    default_transport: `smtp:[127.0.0.1]:${deadPort}`,
    smtpd_relay_restrictions: 'permit_mynetworks, reject',
  };
  ours = await PosthasteProcess.create({ folder: path.join(folder, 'ours'), settings });
  await ours.start();
  await fill(ours.smtpPort);
  if (noRealPostfix !== undefined) return;
  rmSync(folder + '-real', { recursive: true, force: true });
  real = new RealPostfix(`${folder}-real`, port);
  const all = { compatibility_level: '3.6', enable_long_queue_ids: 'yes', ...settings, ...real.settings };
  const main = Object.entries(all).map(([name, value]) => `${name} = ${value}\n`);
  await real.start(main.join(''), `127.0.0.1:${port} inet n - n - - smtpd\n${master}`);
  await fill(port);
}, 60_000);

afterAll(async () => {
  real?.stop();
  await ours.stop();
  for (const one of [folder, `${folder}-real`]) rmSync(one, { recursive: true, force: true });
});

/** Three messages, by their senders: two recipients, the null sender, and one recipient. */
async function fill(port: number): Promise<void> {
  for (const [sender, recipients] of [
    ['joe@away.example', ['ann@one.example', 'bob@one.example']],
    ['', ['eve@two.example']],
    ['tom@away.example', ['"odd one"@one.example']],
  ] as const) {
    const connection = await SmtpConnection.open(port);
    for (const line of ['EHLO x', `MAIL FROM:<${sender}>`, ...recipients.map((one) => `RCPT TO:<${one}>`), 'DATA']) {
      connection.send(`${line}\r\n`);
      expect((await connection.reply()).code).toBeLessThan(400);
    }
    connection.send(`Subject: hi\r\n\r\n${'x'.repeat(500)}\r\n.\r\nQUIT\r\n`);
    expect((await connection.reply()).code).toBe(250);
    await connection.reply();
  }
}

function runOurs(tool: keyof typeof registers, args: readonly string[], input = ''): Promise<ToolOutput> {
  return runTool(registers[tool], { tool, directory: ours.configFolder, args, input });
}

function runReal(tool: string, args: readonly string[], input = ''): Promise<ToolOutput> {
  return runRealTool({ tool, directory: real.folder.etc, args, input });
}

/** Ids by sender: the two servers' differ. */
async function ids(run: (tool: 'postqueue', args: readonly string[]) => Promise<ToolOutput>) {
  const { stdout } = await run('postqueue', ['-j']);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const { sender, queue_id: id } = JSON.parse(line) as { sender: string; queue_id: string };
      return [sender, id] as const;
    }),
  );
}

/** What may differ is replaced by something as wide; messages in the order of their senders. */
function normalized({ status, stdout, stderr }: ToolOutput): ToolOutput {
  const replace = (text: string): string =>
    text
      .replace(/[0-9A-Za-z]{15}(?=[ !#*"]|: )/g, (id) => (/z[0-9A-Za-z]{4}$/.test(id) ? 'Q'.repeat(15) : id))
      .replace(/[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d/g, 'DATE')
      .replace(/(Q{15}\S* +?) {0,4}\d{3,4}(?= DATE)/g, '$1 SIZE')
      .replace(/("arrival_time"|"message_size"): \d+/g, '$1: N')
      .replace(/-- \d+ Kbytes/, '-- N Kbytes');
  const parts = stdout.startsWith('{') ? stdout.split(/(?<=\n)/) : splitMessages(stdout);
  return { status, stdout: parts.map(replace).toSorted().join(''), stderr: replace(stderr) };
}

function splitMessages(text: string): string[] {
  return text.split(/(?<=\n\n|-\n)/);
}

/** Both tools, with `SENDER` in the arguments standing for that message's id. */
async function both(tool: 'postqueue' | 'postsuper' | 'mailq' | 'sendmail', args: readonly string[], input = '') {
  const answers: ToolOutput[] = [];
  for (const run of [runOurs, runReal] as const) {
    const known = await ids(run);
    const named = (word: string): string =>
      word.replace(/\b(\S+@away\.example)/g, (sender) => known.get(sender) ?? sender);
    answers.push(normalized(await run(tool, args.map(named), input.split('\n').map(named).join('\n'))));
  }
  return answers as [ToolOutput, ToolOutput];
}

async function settled(): Promise<void> {
  const count = async (run: typeof runOurs): Promise<number> =>
    ((await run('postqueue', ['-j'])).stdout.match(/"queue_name": "deferred".*"delay_reason"/g) ?? []).length;
  await expect.poll(async () => [await count(runOurs), await count(runReal)], { timeout: 20_000 }).toEqual([3, 3]);
}

describe('posthaste queue watch', () => {
  const command = ['scripts/with-node', 'src/main/main.ts', '-c'];

  /** Runs until `isEnough` has seen enough of what it prints, then sends Ctrl-C. */
  async function watch(program: string, args: readonly string[], isEnough: (text: string) => boolean) {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      if (!isEnough(text) && isEnough(text + more)) {
        if (program === 'sh') child.kill('SIGINT');
        else child.stdin.write('\x03');
      }
      text += more;
    });
    const [status] = (await once(child, 'close')) as [number];
    return { status, text };
  }

  test('prints lines where there is no terminal, and ends well with Ctrl-C', async () => {
    const args = [...command, ours.configFolder, 'queue', 'watch'];
    const { status, text } = await watch('sh', args, (shown) => shown.split('\n').length > 2);
    expect(status).toBe(0);
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(2);
    for (const line of lines) {
      expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d messages=\d+ active=\d+ deferred=\d+ hold=0/);
    }
    expect(lines[1]).toMatch(/ in=[\d.]+ out=[\d.]+/);
  });

  test('keeps its place on a terminal, and gives the screen back', async () => {
    const words = ['sh', ...command, ours.configFolder, 'queue', '--watch'].join(' ');
    const views = (shown: string): number => shown.split('\x1b[H').length - 2;
    const args = ['-qfec', `stty rows 24 cols 80; exec ${words}`, '/dev/null'];
    const { status, text } = await watch('script', args, (shown) => views(shown) === 2 && shown.endsWith('\x1b[J'));
    expect(status).toBe(0);
    expect(text.startsWith('\x1b[?1049h')).toBe(true);
    expect(text.trimEnd().endsWith('\x1b[?1049l')).toBe(true);
    expect(text).toMatch(/Queue {2}\d{4}-/);
    expect(text).toMatch(/ TOTAL +\d+/);
    expect(text).not.toContain('\x1b[2J');
  });
});

const qshape = existsSync('/usr/sbin/qshape') ? '/usr/sbin/qshape' : undefined;

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostfix !== undefined)(`as Postfix's own (${noRealPostfix ?? 'compared'})`, () => {
  test('postqueue -p and -j, mailq and sendmail -bp', async () => {
    await settled();
    for (const [tool, args] of [
      ['postqueue', ['-p']],
      ['postqueue', ['-j']],
    ] as const) {
      const [own, other] = await both(tool, args);
      expect(own).toEqual(other);
      expect(own.stdout).toContain('Connection refused');
    }
    const [own] = await both('postqueue', ['-p']);
    expect(normalized(await runOurs('mailq', []))).toEqual(own);
    expect(normalized(await runOurs('sendmail', ['-bp']))).toEqual(own);
  });

  // Skipped where qshape (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
  test
    .skipIf(qshape === undefined)
    .each([['deferred', 'hold'], ['-s', 'deferred'], ['-b', '4', '-t', '7', 'deferred'], ['-l', 'deferred'], ['hold']])(
    'queue shape %s %s %s %s %s',
    async (...args) => {
      const { stdout } = spawnSync(String(qshape), ['-c', real.folder.etc, ...args], { encoding: 'utf8' });
      expect(await queueCommand(['shape', ...args])).toBe(stdout);
    },
  );

  test.each([
    ['postsuper', ['-h', 'joe@away.example', '-h', 'NOSUCH']],
    ['postsuper', ['-h', 'joe@away.example']],
    ['postqueue', ['-p']],
    ['postqueue', ['-j']],
    ['postsuper', ['-e', 'joe@away.example', '-e', 'joe@away.example']],
    ['postqueue', ['-p']],
    ['postsuper', ['-d', 'joe@away.example', 'deferred', 'active']],
    ['postsuper', ['-h', '../bad', '-h', 'with blank']],
    ['postsuper', ['-H', '-'], 'joe@away.example\n\n'],
    ['postsuper', ['-h', 'ALL']],
    ['postsuper', ['-H', 'ALL', 'deferred']],
    ['postsuper', ['-H', 'ALL', 'hold']],
    ['postsuper', ['-d', 'ALL', 'nosuch']],
    ['postsuper', ['-x']],
    ['postsuper', ['-d']],
    ['postqueue', []],
    ['postqueue', ['-p', '-f']],
    ['postqueue', ['-p', 'more']],
    ['postqueue', ['-y']],
    ['postqueue', ['-i', 'NOSUCH']],
    ['postqueue', ['-i', 'bad id']],
    ['postqueue', ['-s', 'b ad']],
    ['postqueue', ['-s', 'two.example']],
    ['postqueue', ['-f']],
    ['postsuper', ['-d', '-', '-r', '-'], 'tom@away.example\n'],
    ['postsuper', ['-d', 'ALL']],
  ] as [Compared, string[], string?][])('%s %j', async (tool, args, input) => {
    if (args.includes('-d') && args.length > 2) await settledSoon();
    const [own, other] = await both(tool, args, input);
    expect(own).toEqual(other);
  });

  test('what is left is empty', async () => {
    const [own, other] = await both('postqueue', ['-p']);
    expect(own).toEqual(other);
  });
});

/** What `posthaste queue …` prints. */
async function queueCommand(args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('sh', [
    'scripts/with-node',
    'src/main/main.ts',
    '-c',
    ours.configFolder,
    'queue',
    ...args,
  ]);
  expect(stderr).toBe('');
  return stdout;
}

/** Nothing is being sent any more: what Postfix calls active is for a moment only. */
async function settledSoon(): Promise<void> {
  await expect
    .poll(async () => (await runReal('postqueue', ['-j'])).stdout, { timeout: 10_000 })
    .not.toContain('"active"');
}
