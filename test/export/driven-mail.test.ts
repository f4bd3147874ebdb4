// A real Postfix and a real Dovecot on our directory, by the files that `posthaste export` writes: they answer as Posthaste
// itself does, take a user's password, deliver and serve the mail, and count the quota.

import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { register as registerExplain } from '../../src/cli/explain.ts';
import { register as registerDrive } from '../../src/cli/drive.ts';
import { register } from '../../src/cli/export.ts';
import { derivedKeys } from '../../src/proof/derived-keys.ts';
import type { Reply } from '../../src/routing/types.ts';
import type { Directory } from '../../src/directory/directory.ts';
import type { Driver } from '../../src/interop/export/dialect.ts';
import { DirectoryServers, serverDialects } from '../harness/directory-servers.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { isListening } from '../harness/posthaste-process.ts';
import { noRealPostfix, RealPostfix } from '../harness/real-postfix.ts';
import { runCommand } from '../harness/run-tool.ts';
import { canRunDovecot } from '../imap-dialogs/private-dovecot.ts';
import { LineClient } from '../imap-dialogs/test-server.ts';
import { copyDirectory } from './copy-directory.ts';
import { fillDirectory, password } from './filled-directory.ts';

const drivers: readonly Driver[] = [
  'sqlite',
  ...serverDialects.map((dialect) => (dialect === 'mysql' ? 'mysql' : 'pgsql') as Driver),
];
/** So that mail stays on this machine. */
function withoutDefaultRoute(file: string): void {
  const db = new Database(file);
  db.exec("DELETE FROM transport WHERE domain = '*'");
  db.close();
}

/** The code and status of a reply, and its words without the address. */
function summary(code: number, text: string): string {
  return `${code} ${text.replace(/^(\d\.\d+\.\d+) <.*?>: /, '$1 ')}`;
}

const cannotRun = noRealPostfix !== undefined || !canRunDovecot();

// Skipped where Postfix, Dovecot or root are missing (scripts/install-test-servers); CI has them and counts a skip as a failure.
describe.skipIf(cannotRun).each(drivers)('a real Postfix and Dovecot over %s', (driver) => {
  const folder = mkdtempSync('/var/tmp/posthaste-driven-');
  const etc = join(folder, 'etc');
  const dovecotEtc = join(folder, 'dovecot');
  const servers = new DirectoryServers();
  let directory: Directory;
  let postfix: RealPostfix;
  let dovecot: ChildProcess;
  let imapPort = 0;

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    const ports = await findFreePorts(2);
    imapPort = ports[1] ?? 0;
    postfix = new RealPostfix(join(folder, 'postfix'), ports[0] ?? 0);
    mkdirSync(join(folder, 'data'));
    const file = join(folder, 'data', 'directory.db');
    directory = await fillDirectory(file);
    withoutDefaultRoute(file);
    let place = '';
    if (driver !== 'sqlite') {
      const dialect = driver === 'mysql' ? 'mysql' : 'postgresql';
      await servers.start([dialect]);
      const { file: cf, server } = servers.newDatabase(dialect);
      await copyDirectory(file, server);
      place = `posthaste_directory = ${driver}:${cf}\n`;
    }
    mkdirSync(etc);
    writeConfiguration(place);
    for (const [kind, destdir] of [
      ['postfix', postfix.folder.etc],
      ['dovecot', dovecotEtc],
    ] as const) {
      const args = [
        'export',
        kind,
        '--destdir',
        destdir,
        '--mail-folder',
        join(folder, 'vmail'),
        '--mail-user',
        'nobody',
      ];
      const { status, stderr } = await runCommand(register, { directory: etc, args });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    }
    mkdirSync(join(folder, 'vmail'));
    chmodSync(join(folder, 'vmail'), 0o777);
    // Dovecot first: an smtpd(8) that finds nobody to ask about logins is not started again for a minute.
    mkdirSync(join(postfix.folder.spool, 'private'));
    execFileSync('chown', ['postfix', join(postfix.folder.spool, 'private')]);
    await startDovecot();
    await postfix.start(
      readFileSync(join(postfix.folder.etc, 'main.cf'), 'utf8'),
      readFileSync(join(postfix.folder.etc, 'master.cf'), 'utf8'),
    );
  }, 90_000);

  afterAll(async () => {
    postfix?.stop();
    dovecot?.kill('SIGTERM');
    directory?.close();
    await servers.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** As a first start writes it, but for the ports and what must not touch the system's Postfix. */
  function writeConfiguration(place: string): void {
    const settings = {
      compatibility_level: '3.6',
      myhostname: 'mx.posthaste.test',
      mydestination: '$myhostname',
      mynetworks: '127.0.0.9',
      inet_interfaces: '127.0.0.1',
      inet_protocols: 'ipv4',
      recipient_delimiter: '+',
      virtual_transport: 'mailstore',
      virtual_mailbox_domains: 'directory:mailbox-domains',
      virtual_mailbox_maps: 'directory:mailboxes',
      virtual_alias_domains: 'directory:alias-domains',
      virtual_alias_maps: 'directory:virtual-aliases',
      relay_domains: 'directory:relay-domains',
      relay_recipient_maps: 'directory:relay-recipients',
      transport_maps: 'directory:transports',
      local_recipient_maps: '$virtual_alias_maps',
      local_transport: "error:5.1.1 there are no mailboxes at this host's own name",
      alias_maps: '',
      smtpd_relay_restrictions: 'permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination',
      smtpd_sender_restrictions: 'reject_authenticated_sender_login_mismatch',
      smtpd_recipient_limit: '5000',
      smtpd_hard_error_limit: '5000',
      smtpd_error_sleep_time: '0',
      smtpd_sasl_type: 'directory',
      smtpd_sasl_auth_enable: 'yes',
      smtpd_sender_login_maps: 'directory:sender-logins',
      posthaste_data_directory: join(folder, 'data'),
      ...postfix.settings,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
    writeFileSync(join(etc, 'main.cf'), lines.join('') + place);
    writeFileSync(
      join(etc, 'master.cf'),
      `127.0.0.1:${postfix.port} inet n - n - - smtpd\nmailstore unix - - n - - mailstore\n`,
    );
  }

  async function startDovecot(): Promise<void> {
    const local = `base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/dovecot.log
instance_name = posthaste-driven-${imapPort}
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
protocols = imap lmtp
service imap-login {
  chroot =
  inet_listener imap {
    port = ${imapPort}
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
`;
    writeFileSync(join(dovecotEtc, 'dovecot-local.conf'), local);
    const file = join(dovecotEtc, 'dovecot.conf');
    const checked = spawnSync('doveconf', ['-n', '-c', file], { encoding: 'utf8' });
    expect(checked.stderr).toBe('');
    dovecot = spawn('/usr/sbin/dovecot', ['-F', '-c', file], { stdio: 'ignore' });
    for (let attempt = 0; !(await isListening(imapPort)); attempt++) {
      if (attempt === 500)
        throw new Error(`dovecot does not listen:\n${readFileSync(`${folder}/dovecot.log`, 'utf8')}`);
      await sleep(20);
    }
  }

  async function login(user: string, word = password): Promise<LineClient> {
    const client = await LineClient.open(imapPort);
    await client.line();
    expect((await client.command('a', `LOGIN ${user} "${word}"`)).at(-1)).toMatch(/^a OK/);
    return client;
  }

  test('a message reaches the mailbox, and its owner reads it and sees the quota', { timeout: 60_000 }, async () => {
    const sent = spawnSync(
      'swaks',
      [
        '--server',
        '127.0.0.1',
        '--port',
        String(postfix.port),
        '--from',
        'anna@example.com',
        '--to',
        'bob.builder+news@example.org',
      ].concat([
        '--auth',
        'PLAIN',
        '--auth-user',
        'both@example.com',
        '--auth-password',
        password,
        '--from',
        'both@example.com',
      ]),
      { encoding: 'utf8' },
    );
    expect(sent.stdout).toContain('250 2.0.0 Ok: queued');
    const client = await login('Bob.Builder@example.org');
    let found = '';
    for (let attempt = 0; attempt < 400 && !found.includes('EXISTS'); attempt++) {
      const lines = await client.command('b', 'SELECT INBOX');
      found = lines.some((line) => /\* 1 EXISTS/.test(line)) ? 'EXISTS' : '';
      if (found === '') await sleep(25);
    }
    expect(`${found} ${postfix.readLog().slice(found === '' ? -1500 : -1)}`).toContain('EXISTS');
    const quota = await client.command('c', 'GETQUOTAROOT INBOX');
    expect(quota.join('\n')).toMatch(/\* QUOTA "User quota" \(STORAGE \d+ 48829\)/);
    client.destroy();
  });

  test('hundreds of addresses get the reply that explain tells', { timeout: 60_000 }, async () => {
    const keys = [...new Set(directory.lookups.everyKey())];
    const beside = derivedKeys(keys, '+').filter((_key, index) => index % (driver === 'sqlite' ? 5 : 40) === 0);
    // A server's answers take longer here: its maps are asked about every row elsewhere.
    const rows = driver === 'sqlite' ? keys : keys.filter((_key, index) => index % 3 === 0);
    const addresses = [...rows, ...beside].filter((key) => /^[!-~]+$/.test(key) && /^[^<>@]+@[^<>@]+$/.test(key));
    const { stdout } = await runCommand(registerExplain, {
      directory: etc,
      args: ['explain', '--sender', 'stranger@else.test', '--client', '127.0.0.1', ...addresses],
      json: true,
    });
    const told = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { recipient: string; reply: Reply });
    const client = await LineClient.open(postfix.port);
    await client.line();
    const replies: string[] = [];
    const say = async (line: string): Promise<string> => {
      client.send(`${line}\r\n`);
      return (await client.line()) ?? '';
    };
    await say('HELO client.else.test');
    await say('MAIL FROM:<stranger@else.test>');
    for (const { recipient } of told) replies.push(await say(`RCPT TO:<${recipient}>`));
    client.destroy();
    const differences = told.flatMap(({ recipient, reply }, index) => {
      const ours = summary(reply.code, `${reply.status} ${reply.text}`);
      const theirs = summary(Number(replies[index]?.slice(0, 3)), replies[index]?.slice(4) ?? '');
      // What no table tells: Postfix takes it, and Dovecot or our list refuses it.
      const isBeyondTables = /is a mailing list|Mailbox is disabled/.test(ours) && theirs === '250 2.1.5 Ok';
      return ours === theirs || isBeyondTables ? [] : [{ recipient, ours, theirs }];
    });
    expect(told.length).toBeGreaterThan(driver === 'sqlite' ? 200 : 40);
    expect(differences).toEqual([]);
  });

  test('drive check finds what somebody has changed, and apply puts it right', async () => {
    const drive = (word: string) => runCommand(registerDrive, { directory: etc, args: ['drive', word] });
    expect(await drive('check')).toEqual({
      status: 0,
      stdout: 'everything that was exported agrees with the directory\n',
      stderr: '',
    });
    const file = join(postfix.folder.etc, 'sql-domains.cf');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, before.replace('SELECT domain', "SELECT 'x'"));
    chmodSync(join(dovecotEtc, 'dovecot-sql.conf.ext'), 0o644);
    const { status, stdout } = await drive('check');
    expect(status).toBe(1);
    expect(stdout).toContain(`${file} differs from what would be written now: posthaste export postfix`);
    expect(stdout).toContain(`dovecot-sql.conf.ext has mode 644: chmod 600`);
    expect((await drive('apply')).status).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect((await drive('check')).status).toBe(0);
  });
});
