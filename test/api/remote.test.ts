// The command line on a host elsewhere: the same commands give the same output as on the host itself.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as access from '../../src/cli/access.ts';
import * as admin from '../../src/cli/admin.ts';
import * as alias from '../../src/cli/alias.ts';
import * as aliasDomain from '../../src/cli/alias-domain.ts';
import * as appPassword from '../../src/cli/app-password.ts';
import * as apply from '../../src/cli/apply.ts';
import * as bcc from '../../src/cli/bcc.ts';
import * as catchAll from '../../src/cli/catch-all.ts';
import * as certificate from '../../src/cli/certificate.ts';
import { type CommandContext, CommandError } from '../../src/cli/context.ts';
import * as domain from '../../src/cli/domain.ts';
import * as dump from '../../src/cli/dump.ts';
import * as explain from '../../src/cli/explain.ts';
import * as history from '../../src/cli/history.ts';
import * as list from '../../src/cli/list.ts';
import * as lockout from '../../src/cli/lockout.ts';
import * as mailbox from '../../src/cli/mailbox.ts';
import * as plan from '../../src/cli/plan.ts';
import * as queue from '../../src/cli/queue.ts';
import * as quota from '../../src/cli/quota.ts';
import * as relayRecipient from '../../src/cli/relay-recipient.ts';
import { RemoteHost } from '../../src/cli/remote-host.ts';
import * as revert from '../../src/cli/revert.ts';
import * as senderLogin from '../../src/cli/sender-login.ts';
import * as tag from '../../src/cli/tag.ts';
import * as token from '../../src/cli/token.ts';
import * as trace from '../../src/cli/trace.ts';
import * as transport from '../../src/cli/transport.ts';
import * as webhook from '../../src/cli/webhook.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { ApiServer } from './api-server.ts';

const modules = [
  access,
  admin,
  alias,
  aliasDomain,
  appPassword,
  apply,
  bcc,
  catchAll,
  certificate,
  domain,
  dump,
  explain,
  history,
  list,
  lockout,
  mailbox,
  plan,
  queue,
  quota,
  relayRecipient,
  revert,
  senderLogin,
  tag,
  token,
  trace,
  transport,
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

async function runWords(words: readonly string[], context: CommandContext): Promise<void> {
  const command = new Command().exitOverride();
  for (const { register } of modules) register(command, context);
  await command.parseAsync(words, { from: 'user' });
}

async function run(line: string, isRemote: boolean, json = false): Promise<string[]> {
  const lines: string[] = [];
  const context: CommandContext = {
    configDirectory: api.folder,
    isConfigNamed: true,
    json,
    ...(isRemote ? { remote } : {}),
    print: (text) => lines.push(text),
    warn: (text) => lines.push(`! ${text}`),
    run: runWords,
  };
  try {
    await runWords(line.split(' '), context);
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
  expect(await say('domain set example.com --tag gold')).toContain('example.com');
  expect(await say('mailbox set bob@example.com --tag gold')).toBe('bob@example.com changed');
  expect(await say('tag list gold')).toMatch(/domain +example\.com\nmailbox +bob@example\.com$/);
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

test('transports, copies, rules, recipients and catch-alls of a host elsewhere', async () => {
  const say = async (line: string) => (await run(line, true)).join('\n');
  expect(await say('transport add partner.example smtp:[192.0.2.25]')).toBe(
    'mail for partner.example goes by smtp:[192.0.2.25]',
  );
  expect(await say('transport set partner.example smtp:[192.0.2.26]')).toContain('[192.0.2.26]');
  expect(await say('transport show partner.example')).toMatch(/^1 transport show is for the host itself/);
  expect(await say('bcc add --sender sales@example.com bob@example.com')).toBe(
    'bob@example.com gets a copy of the mail of sales@example.com',
  );
  expect(await say('access add --sender spammer@example.net REJECT')).toBe('sender spammer@example.net: REJECT');
  expect(await say('access set --sender spammer@example.net HOLD')).toBe('sender spammer@example.net: HOLD');
  expect(await say('access add --sender x@example.net nonsense')).toMatch(/^1 /);
  expect(await say('domain add relay.example --class relay')).toContain('relay.example');
  expect(await say('relay-recipient add anna@relay.example ben@relay.example')).toBe(
    '2 added\n! relay.example takes mail for every address until: posthaste domain set relay.example --recipients listed',
  );
  expect(await say('relay-recipient remove ben@relay.example')).toBe('1 removed');
  expect(await say('alias add @example.com bob@example.com')).toContain('@example.com');
  expect(await say('catch-all set example.com propose')).toBe(
    'the catch-all of example.com takes and notes names that nobody has decided on',
  );
  expect(await say('catch-all refuse old@example.com older@example.com')).toBe(
    'old@example.com, older@example.com refused from now on',
  );
  expect(await say('catch-all forget older@example.com')).toContain('forgotten');
  expect(await say('mailbox add carol@example.com')).toContain('carol@example.com added');
  expect(await say('mailbox rename carol@example.com caroline@example.com --keep-alias')).toMatch(
    /^carol@example\.com is caroline@example\.com from now on/,
  );
  expect(await say('alias remove carol@example.com')).toContain('carol@example.com');
  expect(await say('alias restore carol@example.com')).toContain('carol@example.com → caroline@example.com');
});

test('a change is planned, undone and described there', async () => {
  const say = async (line: string) => (await run(line, true)).join('\n');
  const before = await say('dump');
  const planned = 'plan -- mailbox remove caroline@example.com';
  expect(await say(planned)).toContain('caroline@example.com and any +extension');
  // The host itself goes on after the change, and warns of what still names the address.
  expect(await run(planned, false)).toEqual(expect.arrayContaining(await run(planned, true)));
  expect(await say('plan -- mailbox set caroline@example.com --tag x')).toMatch(/^2 tags mean nothing to mail/);
  expect(await say('plan --days 3 -- domain remove example.net')).toMatch(/^2 --days is for the host itself/);
  expect(await say('plan -- app-password remove bob@example.com telephone')).toMatch(/^1 a plan cannot try/);
  const wanted = join(folder, 'wanted.yaml');
  writeFileSync(wanted, before.replace('bob@example.com', 'caroline@example.com'));
  expect(await say(`plan ${wanted}`)).toMatch(/^\d+ changes?:/);
  expect(await say(`apply ${wanted} --plan`)).toMatch(/^\d+ changes?:/);
  expect(await say('dump')).toBe(before);
  expect(await say(`apply ${wanted} --yes`)).toMatch(/changed, 0 removed/);
  expect(await say('dump')).not.toBe(before);
  const [last] = await api.directory.history({ limit: 1 });
  expect(await say(`plan -- revert ${last?.revision}`)).toContain('change');
  expect(await say(`revert ${last?.revision} --yes`)).toContain('is undone');
  expect(await say('dump')).toBe(before);
  expect(await say('dump --with-hashes')).toMatch(/^2 --with-hashes is for the host itself/);
  expect(await say('domain remove relay.example --recursive --yes')).toContain('no longer hosted');
  expect(await say('domain list --removed')).toContain('relay.example');
  expect(await say('domain restore relay.example')).toContain('relay.example is hosted again');
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
    'transport list',
    'bcc list',
    'bcc list --sender',
    'access list',
    'access list --sender',
    'access show --sender spammer@example.net',
    'relay-recipient list',
    'relay-recipient list --domain relay.example',
    'catch-all show example.com',
    'catch-all list',
    'catch-all list --state refused',
    'dump --domain example.com',
    'history --limit 3',
    'history bob@example.com',
    'list show team@example.com',
    'list members list team@example.com',
    'sender-login list',
    'app-password list',
    'app-password list bob@example.com',
    'app-password show bob@example.com telephone',
    'admin list',
    'admin show dora',
    'tag list',
    'tag list gold',
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
      expect([line, (await run(line, true, json)).join('\n')]).toEqual([
        line,
        (await run(line, false, json)).join('\n'),
      ]);
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

test('a host that cannot be trusted, or that does not know the token, is told with what mends it', async () => {
  const { certificate, key } = await createSelfSigned('localhost', Date.now());
  const other = createServer({ cert: certificate, key }, (_request, response) => response.end('{}')).listen(0);
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const untrusted = await runProcess(['--host', `https://localhost:${port}`, '--token-file', tokenFile, 'status']);
  expect(untrusted).toMatchObject({ status: 1, output: expect.stringContaining('NODE_EXTRA_CA_CERTS=FILE') });
  other.close();
  const wrong = join(folder, 'wrong');
  writeFileSync(wrong, 'pht_wrong', { mode: 0o600 });
  const unknown = await runProcess(['--host', api.origin, '--token-file', wrong, 'domain', 'list']);
  expect(unknown).toMatchObject({ status: 1, output: expect.stringContaining('posthaste token add') });
});

test('a token that others may read is not used, nor one sent without encryption', () => {
  const open = join(folder, 'open');
  writeFileSync(open, 'pht_x');
  chmodSync(open, 0o644);
  expect(() => new RemoteHost(api.origin, open)).toThrow('chmod 600');
  expect(() => new RemoteHost('http://mail.example.com', tokenFile)).toThrow('https://');
});
