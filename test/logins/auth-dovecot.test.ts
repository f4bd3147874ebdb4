// A real Dovecot that has no auth service of its own: its login, IMAP and LMTP processes and doveadm ask ours, over the
// sockets that would be its. Then one that is a proxy in front of our IMAP server.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fillDirectory } from '../harness/fill-directory.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { ImapConnection } from '../harness/imap-connection.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { canRunDovecot } from '../imap-dialogs/private-dovecot.ts';
import { RawClient } from '../smtp-dialogs/test-server.ts';
import { LoginRig } from './login-rig.ts';

/** One whose auth listeners are switched off (mode = 0): their places are free for ours. */
class Dovecot {
  readonly folder = mkdtempSync('/tmp/auth-dovecot-');
  imapPort = 0;
  lmtpPort = 0;
  #child: ChildProcess | undefined;

  async start(): Promise<void> {
    chmodSync(this.folder, 0o755);
    mkdirSync(join(this.folder, 'mail'));
    chmodSync(join(this.folder, 'mail'), 0o777);
    [this.imapPort = 0, this.lmtpPort = 0] = await findFreePorts(2);
    writeFileSync(this.#file, this.#configuration());
    this.#child = spawn('/usr/sbin/dovecot', ['-F', '-c', this.#file], { stdio: 'ignore' });
    // Not by a connection: a login process that starts now would miss its auth socket.
    while (!existsSync(join(this.folder, 'log')) || !this.log().includes('starting up')) await sleep(20);
  }

  socket(name: string): string {
    return join(this.folder, 'run', name);
  }

  /** The lines that doveadm(1) prints; we answer its questions meanwhile. */
  async doveadm(...args: readonly string[]): Promise<string[]> {
    const { stdout } = await promisify(execFile)('doveadm', ['-c', this.#file, ...args], { encoding: 'utf8' });
    return stdout.trim().split('\n');
  }

  log(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8');
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #file(): string {
    return join(this.folder, 'dovecot.conf');
  }

  #configuration(): string {
    const free = ['login/login', 'auth-login', 'auth-userdb', 'auth-master', 'auth-client'];
    const unchrooted = ['anvil', 'stats'].map((name) => `service ${name} {\n  chroot =\n}\n`);
    return `protocols = imap lmtp
base_dir = ${this.folder}/run
state_dir = ${this.folder}/state
log_path = ${this.folder}/log
instance_name = posthaste-auth-test-${this.imapPort}
ssl = no
listen = 127.0.0.1
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
first_valid_uid = 1
passdb {
  driver = static
  args = password=never
}
userdb {
  driver = static
  args = uid=1 gid=1 home=/never
}
service auth {
${free.map((name) => `  unix_listener ${name} {\n    mode = 0\n  }\n`).join('')}}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${this.imapPort}
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    port = ${this.lmtpPort}
  }
}
${unchrooted.join('')}`;
  }
}

async function login(port: number, user: string, password: string): Promise<{ imap: ImapConnection; answer: string }> {
  const imap = await ImapConnection.open({ port });
  const { status, text } = await imap.command(`LOGIN "${user}" "${password}"`);
  return { imap, answer: `${status} ${text.replace(/\[CAPABILITY [^\]]*\] /, '')}` };
}

const sockets = (dovecot: Dovecot, names: readonly string[]): string =>
  names.map((name) => `{ unix:${dovecot.socket(name)}, mode=0666 }`).join(' ');

// Skipped where Dovecot (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
describe.skipIf(!canRunDovecot())('a Dovecot without an auth service (packages dovecot-imapd, dovecot-lmtpd)', () => {
  const dovecot = new Dovecot();
  let rig: LoginRig;

  beforeAll(async () => {
    await dovecot.start();
    rig = await LoginRig.open(['anna@example.com', 'bert@example.com']);
    const logins = rig.logins({
      posthaste_auth_listen: sockets(dovecot, ['login/login', 'auth-client']),
      posthaste_auth_userdb_listen: sockets(dovecot, ['auth-login', 'auth-userdb', 'auth-master']),
      posthaste_auth_userdb_fields: `uid=nobody gid=nogroup home=${dovecot.folder}/mail/%d/%n`,
    });
    await logins.listen();
  }, 30_000);
  afterAll(async () => {
    await rig.close();
    await dovecot.stop();
  });

  test('lets in by our directory, and nobody else', async () => {
    const { imap, answer } = await login(dovecot.imapPort, 'Anna@example.com', 'of the directory');
    expect(answer).toBe('OK Logged in');
    expect((await imap.command('SELECT INBOX')).status).toBe('OK');
    imap.destroy();
    for (const [user, password] of [
      ['anna@example.com', 'wrong'],
      ['nobody@example.com', 'of the directory'],
    ] as const) {
      const other = await login(dovecot.imapPort, user, password);
      expect(other.answer).toBe('NO [AUTHENTICATIONFAILED] Authentication failed.');
      other.imap.destroy();
    }
  }, 30_000);

  test('delivers to whom our directory knows', async () => {
    const client = await RawClient.open(dovecot.lmtpPort);
    await client.reply();
    await client.command('LHLO test');
    await client.command('MAIL FROM:<a@b.example>');
    expect(await client.command('RCPT TO:<bert@example.com>')).toMatch(/^250/);
    expect(await client.command('RCPT TO:<nobody@example.com>')).toMatch(/^550 5\.1\.1/);
    await client.command('DATA');
    expect(await client.command('Subject: x\r\n\r\nhello\r\n.')).toMatch(/^250/);
    client.destroy();
    expect(readdirSync(join(dovecot.folder, 'mail/example.com/bert/Maildir/new'))).toHaveLength(1);
  });

  test('and its doveadm lists and tests them', async () => {
    expect(await dovecot.doveadm('user', '*')).toEqual(['anna@example.com', 'bert@example.com']);
    const tested = await dovecot.doveadm('auth', 'test', 'anna@example.com', 'of the directory');
    expect(tested[0]).toContain('auth succeeded');
    await expect(dovecot.doveadm('auth', 'test', 'anna@example.com', 'wrong')).rejects.toThrow('Command failed');
    expect(dovecot.log()).not.toContain('Error');
  });
});

// Skipped where Dovecot (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
describe.skipIf(!canRunDovecot())('a Dovecot proxy in front of our IMAP server (package dovecot-imapd)', () => {
  const dovecot = new Dovecot();
  let posthaste: PosthasteProcess;

  beforeAll(async () => {
    await dovecot.start();
    const folder = join(dovecot.folder, 'posthaste');
    const settings = {
      posthaste_auth_listen: sockets(dovecot, ['login/login']),
      posthaste_auth_failure_delay: '0',
    };
    const first = await PosthasteProcess.create({ folder, settings });
    const proxied = {
      ...settings,
      posthaste_auth_login_fields: `proxy=y host=127.0.0.1 port=${first.imapPort} proxy_nopipelining=y`,
    };
    posthaste = await PosthasteProcess.create({
      folder,
      settings: { ...proxied, posthaste_imap_listen: `127.0.0.1:${first.imapPort}` },
    });
    posthaste.imapPort = first.imapPort;
    await posthaste.start();
    await fillDirectory(posthaste, { mailboxes: ['anna@example.com'], password: 'of the directory' });
  }, 60_000);
  afterAll(async () => {
    await posthaste?.stop();
    await dovecot.stop();
  });

  test('hands the login on', async () => {
    const { imap, answer } = await login(dovecot.imapPort, 'anna@example.com', 'of the directory');
    expect(answer).toBe('OK Logged in');
    const { untagged } = await imap.command('ID NIL');
    expect(JSON.stringify(untagged)).toMatch(/Posthaste/i);
    expect((await imap.command('SELECT INBOX')).status).toBe('OK');
    imap.destroy();
    const wrong = await login(dovecot.imapPort, 'anna@example.com', 'wrong');
    expect(wrong.answer).toBe('NO [AUTHENTICATIONFAILED] Authentication failed.');
    wrong.imap.destroy();
    expect(dovecot.log()).toContain('Started proxying to <127.0.0.1>');
  }, 30_000);
});
