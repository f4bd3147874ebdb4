// A real Postfix with smtpd_sasl_type = dovecot whose logins we judge, with swaks as the client; and the same logins at
// our own SMTP and IMAP: the directory, a passwd-file and a dovecot-sql.conf.ext one after the other.

import Database from 'better-sqlite3';
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fillDirectory } from '../harness/fill-directory.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { ImapConnection } from '../harness/imap-connection.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { noRealPostfix, RealPostfix } from '../harness/real-postfix.ts';
import { masterCf } from '../queue/relaying-postfix.ts';
import { crypted } from './login-rig.ts';

const reason = noRealPostfix ?? (existsSync('/usr/bin/swaks') ? undefined : 'needs swaks');

// Skipped where Postfix or swaks (scripts/install-test-servers) is not there; CI installs them and counts a skip as a failure.
describe.skipIf(reason !== undefined)(`a Postfix that asks us${reason === undefined ? '' : ` (${reason})`}`, () => {
  let folder: string;
  let postfix: RealPostfix;
  let posthaste: PosthasteProcess;

  beforeAll(async () => {
    folder = mkdtempSync('/var/tmp/posthaste-auth-');
    chmodSync(folder, 0o755);
    const [port = 0] = await findFreePorts(1);
    postfix = new RealPostfix(join(folder, 'postfix'), port);
    const spool = join(postfix.folder.spool, 'private');
    mkdirSync(spool, { recursive: true, mode: 0o700 });
    // As Postfix makes it, which refuses to start with another's.
    execFileSync('chown', ['postfix', spool]);
    const database = new Database(join(folder, 'users.db'));
    database.exec('CREATE TABLE users (email text, password text)');
    database.prepare('INSERT INTO users VALUES (?, ?)').run('carl@example.com', crypted('of carl'));
    database.prepare('INSERT INTO users VALUES (?, ?)').run('bert@example.com', crypted('of bert in sql'));
    database.close();
    writeFileSync(
      join(folder, 'sql.conf'),
      `driver = sqlite\nconnect = ${join(folder, 'users.db')}\ndefault_pass_scheme = CRYPT\npassword_query = SELECT email AS user, password FROM users WHERE email = '%u'\n`,
    );
    writeFileSync(join(folder, 'users'), 'dora@example.com:{PLAIN}of dora\nbert@example.com:{PLAIN}of bert\n');
    posthaste = await PosthasteProcess.create({
      folder: join(folder, 'posthaste'),
      settings: {
        posthaste_auth_backends: `directory, passwd-file:${join(folder, 'users')}, sql:${join(folder, 'sql.conf')}`,
        posthaste_auth_listen: `{ unix:${join(spool, 'auth')}, mode=0660, user=postfix, group=postfix }`,
        posthaste_auth_failure_delay: '0',
        smtpd_sasl_auth_enable: 'yes',
        smtpd_sasl_type: 'directory',
        smtpd_relay_restrictions: 'permit_sasl_authenticated, reject',
        default_transport: 'discard',
      },
    });
    await posthaste.start();
    await fillDirectory(posthaste, {
      mailboxes: ['anna@example.com', 'bert@example.com'],
      password: 'of the directory',
    });
    const settings = {
      ...postfix.settings,
      compatibility_level: '3.6',
      myhostname: 'mx.example',
      mydestination: '',
      inet_interfaces: '127.0.0.1',
      mynetworks: '',
      smtpd_sasl_auth_enable: 'yes',
      smtpd_sasl_type: 'dovecot',
      smtpd_sasl_path: 'private/auth',
      smtpd_relay_restrictions: 'permit_sasl_authenticated, reject',
      default_transport: 'discard',
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
    await postfix.start(lines.join(''), masterCf(port));
  }, 60_000);

  afterAll(async () => {
    postfix.stop();
    await posthaste?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The reply that ends the login where it fails, or else the last one. */
  function swaks(port: number, mechanism: string, user: string, password: string): Promise<string> {
    const args = ['--server', `127.0.0.1:${port}`, '--from', user, '--to', 'x@elsewhere.example', '--auth', mechanism];
    const login = ['--auth-user', user, '--auth-password', password, '--suppress-data', '--timeout', '20'];
    return new Promise((resolve) => {
      execFile('swaks', [...args, ...login], { encoding: 'utf8' }, (_error, stdout) => {
        const replies = stdout.split('\n').flatMap((line) => /^<[-~*]+\s+(\d{3} .*)/.exec(line)?.[1] ?? []);
        const failed = /^<[~-]?\*+\s+(\d{3} .*)/m.exec(stdout)?.[1];
        resolve(failed ?? replies.filter((line) => !line.startsWith('221')).at(-1) ?? stdout);
      });
    });
  }

  const users: readonly (readonly [string, string])[] = [
    ['anna@example.com', 'of the directory'],
    ['bert@example.com', 'of the directory'],
    ['bert@example.com', 'of bert'],
    ['bert@example.com', 'of bert in sql'],
    ['carl@example.com', 'of carl'],
    ['Dora@Example.Com', 'of dora'],
  ];

  test.each(users)(
    '%s logs in with "%s"',
    async (user, password) => {
      for (const port of [postfix.port, posthaste.smtpPort]) {
        for (const mechanism of ['PLAIN', 'LOGIN']) {
          expect(await swaks(port, mechanism, user, password)).toMatch(/^250 2\.0\.0 /);
        }
      }
      expect(postfix.readLog()).toContain(`sasl_method=LOGIN, sasl_username=${user.toLowerCase()}`);
    },
    30_000,
  );

  test('wrong passwords are wrong, and the log says so', async () => {
    for (const port of [postfix.port, posthaste.smtpPort]) {
      expect(await swaks(port, 'PLAIN', 'anna@example.com', 'wrong')).toMatch(/^535 5\.7\.8 /);
      expect(await swaks(port, 'LOGIN', 'nobody@example.com', 'wrong')).toMatch(/^535 5\.7\.8 /);
    }
    expect(posthaste.logTail(50)).toContain(
      'auth client: smtp login of <anna@example.com> from 127.0.0.1 denied: password mismatch',
    );
    expect(posthaste.logLines().join('\n')).not.toContain('of the directory');
  });

  test('at our own IMAP who has a mailbox reads mail, and who has none is told so', async () => {
    const login = async (user: string, password: string): Promise<string> => {
      const imap = await ImapConnection.open({ port: posthaste.imapPort });
      const { status, text } = await imap.command(`LOGIN "${user}" "${password}"`);
      imap.destroy();
      return `${status} ${text.replace(/\[CAPABILITY [^\]]*\] /, '')}`;
    };
    expect(await login('bert@example.com', 'of bert in sql')).toBe('OK Logged in');
    expect(await login('anna@example.com', 'of the directory')).toBe('OK Logged in');
    expect(await login('carl@example.com', 'of carl')).toBe(
      'NO [CONTACTADMIN] There is no mailbox for this login on this server.',
    );
    expect(await login('carl@example.com', 'wrong')).toMatch(/^NO \[AUTHENTICATIONFAILED\]/);
    rmSync(join(folder, 'users'));
    expect(await login('dora@example.com', 'of dora')).toMatch(/^NO \[UNAVAILABLE\]/);
    expect(await login('carl@example.com', 'of carl')).toMatch(/^NO \[CONTACTADMIN\]/);
    expect(await swaks(posthaste.smtpPort, 'PLAIN', 'dora@example.com', 'of dora')).toMatch(/^454 4\.7\.0 /);
    writeFileSync(join(folder, 'users'), 'dora@example.com:{PLAIN}of the new dora\n');
    expect(await login('dora@example.com', 'of the new dora')).toMatch(/^NO \[CONTACTADMIN\]/);
    expect(await login('dora@example.com', 'of dora')).toMatch(/^NO \[AUTHENTICATIONFAILED\]/);
  });

  test('what cannot be found out Postfix is told so; a server that was killed is asked again when it is back', async () => {
    rmSync(join(folder, 'users'));
    expect(await swaks(postfix.port, 'PLAIN', 'dora@example.com', 'of dora')).toMatch(/^454 4\.7\.0 /);
    await posthaste.kill();
    expect(await swaks(postfix.port, 'PLAIN', 'anna@example.com', 'of the directory')).not.toMatch(/^(250|535)/);
    await posthaste.start();
    expect(await swaks(postfix.port, 'PLAIN', 'anna@example.com', 'of the directory')).toMatch(/^250 2\.0\.0 /);
  }, 60_000);
});
