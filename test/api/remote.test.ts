// The command line on a host elsewhere: the same commands give the same output as on the host itself.

import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as admin from '../../src/cli/admin.ts';
import * as alias from '../../src/cli/alias.ts';
import * as aliasDomain from '../../src/cli/alias-domain.ts';
import * as appPassword from '../../src/cli/app-password.ts';
import * as certificate from '../../src/cli/certificate.ts';
import { type CommandContext, CommandError } from '../../src/cli/context.ts';
import * as domain from '../../src/cli/domain.ts';
import * as explain from '../../src/cli/explain.ts';
import * as list from '../../src/cli/list.ts';
import * as lockout from '../../src/cli/lockout.ts';
import * as mailbox from '../../src/cli/mailbox.ts';
import * as queue from '../../src/cli/queue.ts';
import * as quota from '../../src/cli/quota.ts';
import { RemoteHost } from '../../src/cli/remote-host.ts';
import * as senderLogin from '../../src/cli/sender-login.ts';
import * as token from '../../src/cli/token.ts';
import * as trace from '../../src/cli/trace.ts';
import * as webhook from '../../src/cli/webhook.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { ApiServer } from './api-server.ts';

const modules = [
  admin,
  alias,
  aliasDomain,
  appPassword,
  certificate,
  domain,
  explain,
  list,
  lockout,
  mailbox,
  queue,
  quota,
  senderLogin,
  token,
  trace,
  webhook,
];
const program = fileURLToPath(new URL('../../src/main/main.ts', import.meta.url));
let api: ApiServer;
let folder: string;
let tokenFile: string;
let remote: RemoteHost;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remote-'));
  api = await ApiServer.start();
  await api.directory.administrators.add({ login: 'anna', role: 'host' });
  tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${await api.token('anna')}\n`, { mode: 0o600 });
  remote = new RemoteHost(api.origin, tokenFile);
});
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true, force: true });
});

async function run(line: string, isRemote: boolean, json = false): Promise<string[]> {
  const lines: string[] = [];
  const context: CommandContext = {
    configDirectory: api.folder,
    isConfigNamed: true,
    json,
    ...(isRemote ? { remote } : {}),
    print: (text) => lines.push(text),
    warn: (text) => lines.push(`! ${text}`),
  };
  const command = new Command().exitOverride();
  for (const { register } of modules) register(command, context);
  try {
    await command.parseAsync(line.split(' '), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    lines.push(`${error.exitCode} ${error.message}`);
  }
  return lines;
}

test('what is done there is done, and said in the same words', async () => {
  const say = async (line: string) => (await run(line, true)).join('\n');
  expect(await say('domain add example.com')).toMatch(/^example\.com is hosted \(class mailbox\)\nnext: /);
  expect(await say('domain add example.com')).toMatch(/^1 example\.com is already hosted: look at it with: posthaste/);
  expect(await say('mailbox add bob@example.com --name Bob')).toMatch(/^bob@example\.com added\npassword: \w{5}-/);
  expect(await say('mailbox set bob@example.com --quota 1G')).toBe('bob@example.com changed');
  expect(await say('alias add sales@example.com bob@example.com nobody@example.com')).toMatch(
    /^sales@example\.com → bob@example\.com, nobody@example\.com\n! nobody@example\.com does not exist yet/,
  );
  expect(await say('alias-domain add example.net example.com')).toContain('example.net');
  expect(await say('list add team@example.com --owner bob@example.com')).toContain('team@example.com');
  expect(await say('list members add team@example.com x@elsewhere.test')).toContain('1');
  expect(await say('sender-login add sales@example.com bob@example.com')).toBe(
    'bob@example.com may send as sales@example.com',
  );
  expect(await say('app-password add bob@example.com telephone')).toMatch(/\npassword: \w{5}-/);
  expect(await say('admin add dora --domain example.com')).toMatch(/^dora administers example\.com\npassword: /);
  expect(await say('token add dora backup --scope *:read')).toMatch(/\nsecret: pht_/);
  expect(await say('webhook add hook https://example.com/x')).toMatch(/\nsecret: phw_/);
  expect(await say('mailbox show nobody@example.com')).toMatch(
    /^1 there is no mailbox nobody@example\.com: add it with/,
  );
  expect(await say('mailbox add gone@example.com')).toContain('added');
  expect(await say('mailbox remove gone@example.com')).toMatch(
    /^gone@example\.com removed; until .*: posthaste mailbox restore/,
  );
  expect(await say('mailbox restore gone@example.com')).toBe('gone@example.com is back with its mail');
});

test('what is looked at there looks the same as on the host itself', async () => {
  const smtp = await SmtpConnection.open(api.smtpPort);
  const dialog = ['EHLO x.test', 'MAIL FROM:<a@x.test>', 'RCPT TO:<bob@example.com>', 'DATA'];
  for (const line of dialog) await smtp.command(line);
  expect((await smtp.command('Subject: x\r\n\r\nhello\r\n.')).code).toBe(250);
  const lines = [
    'domain list',
    'domain show example.com',
    'alias-domain list',
    'alias-domain show example.net',
    'mailbox list',
    'mailbox list --domain example.com',
    'mailbox list --removed',
    'alias list',
    'alias show sales@example.com',
    'list list',
    'list show team@example.com',
    'list members list team@example.com',
    'sender-login list',
    'app-password list',
    'app-password list bob@example.com',
    'app-password show bob@example.com telephone',
    'admin list',
    'admin show dora',
    'token list dora',
    'webhook list',
    'webhook show hook',
    'explain bob@example.com',
    'explain --sender x@y.test sales@example.com',
    'quota list',
    'queue list',
    'lockout list',
    'alarm list',
    'certificate list',
    'trace bob@example.com',
  ];
  for (const line of lines) {
    for (const json of [false, true]) {
      expect([line, await run(line, true, json)]).toEqual([line, await run(line, false, json)]);
    }
  }
});

async function runProcess(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  return await new Promise<{ status: number; output: string }>((resolve) => {
    const env = { ...process.env, ...environment };
    execFile(process.execPath, [program, ...args], { env }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
  });
}

test('the program takes the host and the token by options or from the environment', async () => {
  const named = await runProcess(['--host', api.origin, '--token-file', tokenFile, 'domain', 'list']);
  expect(named).toMatchObject({ status: 0, output: expect.stringContaining('example.com') });
  const environment = { POSTHASTE_HOST: api.origin, POSTHASTE_TOKEN_FILE: tokenFile };
  expect((await runProcess(['status'], environment)).output).toContain('connections');
  const local = await runProcess(['lint'], environment);
  expect(local).toMatchObject({ status: 2, output: expect.stringContaining('the files of the host itself') });
  const nowhere = await runProcess(['--host', 'https://localhost:1', '--token-file', tokenFile, 'domain', 'list']);
  expect(nowhere).toMatchObject({ status: 75, output: expect.stringContaining('cannot be asked') });
});

test('a token that others may read is not used, nor one sent without encryption', () => {
  const open = join(folder, 'open');
  writeFileSync(open, 'pht_x');
  chmodSync(open, 0o644);
  expect(() => new RemoteHost(api.origin, open)).toThrow('chmod 600');
  expect(() => new RemoteHost('http://mail.example.com', tokenFile)).toThrow('https://');
});
