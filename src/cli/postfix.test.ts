// `postfix start | stop | reload | status | check` as scripts call it, on a server of its own, by the name of a link.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PosthasteProcess } from '../../test/harness/posthaste-process.ts';
import { runTool, type ToolOutput } from '../../test/harness/run-tool.ts';
import { register } from './postfix.ts';

let folder = '';
let directory = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-postfix-'));
  directory = (await PosthasteProcess.create({ folder })).configFolder;
  for (const name of ['postfix', 'postmap'])
    symlinkSync(fileURLToPath(new URL('../../bin/posthaste', import.meta.url)), join(folder, name));
});

afterAll(() => {
  byName('postfix', 'stop');
  rmSync(folder, { recursive: true, force: true });
});

function byName(tool: string, ...args: string[]): ToolOutput {
  const { status, stdout, stderr } = spawnSync(join(folder, tool), args, {
    encoding: 'utf8',
    env: { ...process.env, MAIL_CONFIG: directory },
  });
  return { status: status ?? -1, stdout, stderr };
}

function postfix(...args: string[]): Promise<ToolOutput> {
  return runTool(register, { tool: 'postfix', directory, args });
}

const script = 'postfix/postfix-script';

test('start, status, reload, stop', async () => {
  expect(await postfix('status')).toMatchObject({
    status: 1,
    stderr: `${script}: the Postfix mail system is not running\n`,
  });
  for (const command of ['stop', 'reload', 'flush'])
    expect(await postfix(command)).toMatchObject({
      status: 1,
      stderr: `${script}: fatal: the Postfix mail system is not running\n`,
    });
  expect(byName('postfix', 'start')).toEqual({
    status: 0,
    stdout: '',
    stderr: `${script}: starting the Postfix mail system\n`,
  });
  const status = await postfix('status');
  expect(status.status).toBe(0);
  expect(status.stderr).toMatch(/^postfix\/postfix-script: the Postfix mail system is running: PID: [1-9]\d*\n$/);
  expect((await postfix('start')).stderr).toBe(`${script}: fatal: the Postfix mail system is already running\n`);
  expect(await postfix('reload')).toMatchObject({
    status: 0,
    stderr: `${script}: refreshing the Postfix mail system\n`,
  });
  expect((await postfix('flush')).status).toBe(0);
  expect(await postfix('stop')).toMatchObject({ status: 0, stderr: `${script}: stopping the Postfix mail system\n` });
  expect((await postfix('status')).status).toBe(1);
}, 60_000);

test('a start that fails says why', async () => {
  writeFileSync(join(directory, 'posthaste.cf'), 'virtual_alias_maps = nosuchtype:x\n');
  const output = await postfix('start');
  expect(output.status).toBe(1);
  expect(output.stderr).toContain('virtual_alias_maps: "nosuchtype:x": unknown table type');
  rmSync(join(directory, 'posthaste.cf'));
}, 60_000);

test('check tells of mistakes, of what has no effect, and of files that others may write', async () => {
  expect(await postfix('check')).toEqual({ status: 0, stdout: '', stderr: '' });
  writeFileSync(join(directory, 'posthaste.cf'), 'relayhots = x\nsmtpd_timeout = soon\n');
  chmodSync(join(directory, 'posthaste.cf'), 0o666);
  const output = await postfix('check');
  const file = join(directory, 'posthaste.cf');
  expect(output.status).toBe(1);
  expect(output.stderr).toContain(`postfix: warning: ${file}, line 1: unknown parameter relayhots`);
  expect(output.stderr).toContain(`postfix: error: ${file}, line 2: smtpd_timeout = soon: must be`);
  expect(output.stderr).toContain(`${script}: warning: group or other writable: ${file}\n`);
  expect(output.stderr).toContain(`${script}: fatal: Postfix integrity check failed!`);
  rmSync(file);
});

test('what has no counterpart is refused with the reason', async () => {
  for (const args of [['logrotate'], ['set-permissions'], ['tls', 'enable-server'], ['nosuch'], []]) {
    const output = await postfix(...args);
    expect(output.status).toBe(1);
    expect(output.stderr).toMatch(/^postfix(\/postfix-script)?: fatal: /);
  }
});

test('the name of the link is the command, and --help explains it', () => {
  expect(byName('postmap', '-q', 'key', 'static:answer')).toEqual({ status: 0, stdout: 'answer\n', stderr: '' });
  expect(byName('postmap', '-q', 'key', 'inline:{other=1}')).toEqual({ status: 1, stdout: '', stderr: '' });
  expect(byName('postmap', '--help').stdout).toContain('Examples:');
});
