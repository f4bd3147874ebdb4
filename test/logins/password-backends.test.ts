// Several places where passwords are checked, and files of users: who is asked when, and what a failure means. What the
// variables of a template become is compared with a real Dovecot.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loginValues } from '../../src/auth/backends/login-values.ts';
import { parsePasswd } from '../../src/auth/backends/passwd-file.ts';
import { expandTemplate, parseTemplate } from '../../src/auth/backends/variables.ts';
import { verifyPassword } from '../../src/auth/password-scheme.ts';
import * as backends from '../../src/main/login-backends.ts';
import { Settings } from '../../src/settings/settings.ts';
import { canRunDovecot } from '../imap-dialogs/private-dovecot.ts';
import { AuthClient } from './auth-client.ts';
import { crypted, logIn, LoginRig } from './login-rig.ts';

describe('places where passwords are checked', () => {
  let rig: LoginRig;
  beforeAll(async () => {
    rig = await LoginRig.open(['anna@example.com', 'bert@example.com', 'off@example.com']);
    await rig.directory.mailboxes.set('off@example.com', { enabled: false });
  });
  afterAll(() => rig.close());

  const open = (backends: string) => rig.logins({ posthaste_auth_backends: backends });

  test('are asked one after the other', async () => {
    const one = rig.write('one', 'anna@example.com:{PLAIN}one\nbert@example.com:{PLAIN}one\n');
    const two = rig.write('two', 'anna@example.com:{PLAIN}two\noff@example.com:{PLAIN}two\n');
    const logins = open(`passwd-file:${one}, directory, passwd-file:${two}`);
    for (const password of ['one', 'of the directory', 'two']) {
      expect(await logIn(logins, 'Anna@example.com', password)).toBe('anna@example.com');
    }
    expect(await logIn(logins, 'bert@example.com', 'two')).toBe('denied: password mismatch');
    expect(await logIn(logins, 'x@example.com', 'two')).toBe('denied: unknown user');
    // Switched off here is switched off, whoever has the password.
    expect(await logIn(logins, 'off@example.com', 'two')).toBe('denied: disabled');
    expect(await logIn(logins, 'off@example.com', 'of the directory')).toBe('denied: disabled');
    const strict = open(`{ passwd-file:${one}, result_failure=return-fail }, directory`);
    expect(await logIn(strict, 'anna@example.com', 'of the directory')).toBe('denied: password mismatch');
    const some = open(
      `{ passwd-file:${one} username_filter=bert@* }, { directory, username_filter={!bert@* *@example.com} }`,
    );
    expect(await logIn(some, 'anna@example.com', 'one')).toBe('denied: password mismatch');
    expect(await logIn(some, 'anna@example.com', 'of the directory')).toBe('anna@example.com');
    expect(await logIn(some, 'bert@example.com', 'of the directory')).toBe('denied: password mismatch');
    const denied = rig.write('denied', 'bert@example.com:\n');
    const denying = open(`{ passwd-file:${denied}, deny=yes }, directory`);
    expect(await logIn(denying, 'bert@example.com', 'of the directory')).toMatch(/^denied: denied by passwd-file:/);
    expect(await logIn(denying, 'anna@example.com', 'of the directory')).toBe('anna@example.com');
    rmSync(denied);
    expect(await logIn(denying, 'anna@example.com', 'of the directory')).toMatch(/^temporary: .*there is no such file/);
  });

  test('a file says more than a password', async () => {
    const file = rig.write(
      'more',
      [
        '# comment',
        '',
        'des:$1$saltsalt$nonsense[34]',
        `anna:${crypted('six')}:5000:5000::/home/anna::userdb_mail=maildir:~/Maildir allow_nets=192.0.2.0/24`,
        'anna:{PLAIN}the second line',
        'bert:{PLAIN}b:e:1::::user=%n@example.com',
        'locked:',
        'star:*',
        'net:{PLAIN}net::::::allow_nets=198.51.100.0/24,local',
        'hex:5ebe2294ecd0e0f08eab7690d2a6ee69',
        'crypt:vpvKh.SaNbR6s[13]\r',
      ].join('\n'),
    );
    const logins = open(`{ passwd-file:${file}, username_format=%n, scheme=PLAIN-MD5 }`);
    const smtp = { service: 'smtp' } as const;
    expect(await logIn(logins, 'bert@anything', 'b')).toBe('bert@example.com');
    expect(await logIn(logins, 'hex@x', 'secret', smtp)).toBe('hex@x (no mailbox)');
    expect(await logIn(logins, 'crypt@x', 'pass', smtp)).toBe('crypt@x (no mailbox)');
    expect(await logIn(logins, 'locked@x', '', smtp)).toMatch(/^denied: no password/);
    expect(await logIn(logins, 'net@x', 'net', smtp)).toMatch(/^denied: 192.0.2.1 is not in allow_nets/);
    expect(await logIn(logins, 'net@x', 'net', { ...smtp, remoteAddress: '' })).toBe('net@x (no mailbox)');
    const crypt = open(`{ passwd-file:${file}, username_format=%n }`);
    expect(await logIn(crypt, 'anna@x', 'six', smtp)).toBe('anna@x (no mailbox)');
    expect(await logIn(crypt, 'anna@x', 'the second line', smtp)).toBe('denied: password mismatch');
    expect(await logIn(crypt, 'star@x', '*', smtp)).toBe('denied: password mismatch');
  });

  test('a changed file holds at the next login; one that is gone is no wrong password', async () => {
    const file = rig.write('changing', 'anna@example.com:{PLAIN}old\n');
    const logins = open(`passwd-file:${file}`);
    expect(await logIn(logins, 'anna@example.com', 'old')).toBe('anna@example.com');
    writeFileSync(`${file}.new`, 'anna@example.com:{PLAIN}new\n');
    renameSync(`${file}.new`, file);
    expect(await logIn(logins, 'anna@example.com', 'old')).toBe('denied: password mismatch');
    expect(await logIn(logins, 'anna@example.com', 'new')).toBe('anna@example.com');
    // While it is being written, nobody is unknown because his line is not there yet.
    writeFileSync(file, '');
    const early = logIn(logins, 'anna@example.com', 'newer');
    await sleep(20);
    writeFileSync(file, 'anna@example.com:{PLAIN}newer\n');
    expect(await early).toBe('anna@example.com');
    rmSync(file);
    expect(await logIn(logins, 'anna@example.com', 'newer')).toMatch(/^temporary: .*there is no such file/);
    mkdirSync(file);
    expect(await logIn(logins, 'anna@example.com', 'newer')).toMatch(/^temporary: /);
  });

  test('a file for each domain, and no way out of their folder', async () => {
    mkdirSync(join(rig.folder, 'auth/example.com'), { recursive: true });
    rig.write('auth/example.com/passwd', 'anna:{PLAIN}x\n');
    rig.write('passwd', 'anna:{PLAIN}stolen\n');
    const logins = open(`{ passwd-file:${rig.folder}/auth/%d/passwd, username_format=%n }`);
    expect(await logIn(logins, 'anna@example.com', 'x')).toBe('anna@example.com');
    expect(await logIn(logins, 'anna@other.example', 'x')).toBe('denied: unknown user');
    for (const domain of ['..', '../auth/example.com', '.', '', '/', 'x/../..']) {
      expect(await logIn(logins, `anna@${domain}`, 'stolen')).toBe('denied: unknown user');
    }
  });

  test('a reload asks other places; a mistake leaves all as it was', async () => {
    const file = rig.write('reloaded', 'anna@example.com:{PLAIN}file\n');
    const logins = open('directory');
    expect(await logIn(logins, 'anna@example.com', 'file')).toBe('denied: password mismatch');
    logins.reload(Settings.defaults({ posthaste_auth_backends: `directory, passwd-file:${file}` }), backends);
    expect(await logIn(logins, 'anna@example.com', 'file')).toBe('anna@example.com');
    expect(() => logins.reload(Settings.defaults({ posthaste_auth_backends: 'pam' }), backends)).toThrow(
      'pam: must be',
    );
    expect(await logIn(logins, 'anna@example.com', 'file')).toBe('anna@example.com');
  });

  test('survives any file and any name', async () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parsePasswd(text)));
    const logins = open(`passwd-file:${rig.write('any', 'anna@example.com:{PLAIN}x\n')}`);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), async (login, password) => {
        expect(await logIn(logins, login, password)).toMatch(/^denied: /);
      }),
      { numRuns: 30 },
    );
  }, 20_000);

  test.each([
    ['pam', /pam: must be directory, sql:FILE/],
    ['sql:', /sql: needs a file|needs a file/],
    ['sql:relative', /named from \/ on/],
    ['sql:/nowhere', /ENOENT.*nowhere/],
    ['{ directory, scheme=PLAIN }', /there is no attribute scheme/],
    ['{ passwd-file:/x, result_failure=maybe }', /must be continue or return-fail/],
    ['passwd-file:/x/%y', /%y means nothing/],
  ])('%s is a mistake', (text, message) => expect(() => open(text)).toThrow(message));

  test('sums as tables of other programs have them', async () => {
    expect(await verifyPassword('secret', '{MD5}5ebe2294ecd0e0f08eab7690d2a6ee69')).toBe(true);
    expect(await verifyPassword('secret', '{MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==')).toBe(true);
    expect(await verifyPassword('secret', `{MD5}${crypted('secret', '-1')}`)).toBe(true);
    expect(await verifyPassword('secret', '{SHA}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4')).toBe(true);
    expect(await verifyPassword('secret', '{PLAIN-MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==')).toBe(true);
    expect(await verifyPassword('Secret', '{MD5}5ebe2294ecd0e0f08eab7690d2a6ee69')).toBe(false);
  });
});

// Skipped where Dovecot (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(!canRunDovecot())('a real Dovecot (package dovecot-core) has the same values', () => {
  // One word each: none of them has a blank.
  const templates = (
    '%1u %2.1Lu %-3.2n %05n %1.06n %0.-2u %RUu %Mn %Nu %64Nu %3.1000Nu %Hu %777RHn %Dd %Eu %Xn %4.10Xn %s a%%b ' +
    '%{domain_first} %{domain_last} %{username} %U{domain} %{orig_user} %{auth_domain} %{login_user} %-100.3u %100.3u ' +
    '%{userdb:no:else} %{sha256:user} %{md5;truncate=20:username} %{sha512;rounds=3,salt=ab:domain} %{sha1;format=base64:user}'
  ).split(' ');
  const logins = ['anna@example.com', 'Mixed.Case+x@Sub.Example.COM', 'bare', '12345@a.b', "o'h@two@ats"];

  test('of every variable and modifier', async () => {
    const folder = mkdtempSync('/tmp/variables-');
    chmodSync(folder, 0o755);
    const file = join(folder, 'dovecot.conf');
    const fields = templates.map((template, index) => `f${index}=${template}`).join(' ');
    writeFileSync(
      file,
      `protocols =\nbase_dir = ${folder}/run\nstate_dir = ${folder}/state\nlog_path = ${folder}/log\nauth_username_chars =\nssl = no\nfirst_valid_uid = 1\nmail_location = maildir:/tmp\npassdb {\n  driver = static\n  args = password=x\n}\nuserdb {\n  driver = static\n  args = uid=nobody gid=nogroup home=/h ${fields}\n}\nservice anvil {\n  chroot =\n}\nservice stats {\n  chroot =\n}\n`,
    );
    const dovecot = spawn('/usr/sbin/dovecot', ['-F', '-c', file], { stdio: 'ignore' });
    try {
      while (!existsSync(join(folder, 'run/auth-userdb'))) await sleep(20);
      for (const login of logins) {
        const all = await askUserdb(join(folder, 'run/auth-userdb'), login);
        const values = loginValues(login.toLowerCase(), { login, service: 'other', remoteAddress: '' });
        for (const [index, template] of templates.entries()) {
          const ours = expandTemplate(parseTemplate(template, 'test'), (name) =>
            name === 'service' ? 'lmtp' : values(name),
          );
          expect(ours, `${template} of ${login}`).toBe(all.get(`f${index}`) ?? '');
        }
      }
    } finally {
      dovecot.kill('SIGTERM');
      await once(dovecot, 'exit');
      rmSync(folder, { recursive: true, force: true });
    }
  }, 30_000);
});

/** Over the protocol that we serve, too. */
async function askUserdb(path: string, login: string): Promise<Map<string, string>> {
  const client = await AuthClient.open(path);
  client.send(`VERSION\t1\t1\nUSER\t1\t${login}\tservice=lmtp\n`);
  for (let line = await client.line(); line !== undefined; line = await client.line()) {
    if (!line.startsWith('USER\t1\t')) continue;
    client.destroy();
    return new Map(
      line
        .split('\t')
        .slice(3)
        .map((word) => word.split(/=(.*)/s, 2) as [string, string]),
    );
  }
  throw new Error('no answer');
}
