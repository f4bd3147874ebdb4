import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfiguration } from './configuration.ts';
import { isSecret, nameRefusal, valueRefusal } from './network-edits.ts';
import { findParameter, parameterNames } from './registry.ts';

const folder = mkdtempSync(join(tmpdir(), 'posthaste-edits-'));
const main = join(folder, 'main.cf');
const text = `myhostname = mail.example.com
made_up = /srv/mail
mail_spool_directory = $made_up/$mydomain
virtual_alias_maps = hash:/etc/mail/virtual, directory:virtual-aliases
smtp_sasl_password_maps = texthash:/etc/mail/relay-passwords
db_password = moon-landing
greeting = $db_password
smtpd_milters = unix:/run/milter
`;
writeFileSync(main, text);
writeFileSync(join(folder, 'master.cf'), 'smtp inet n - n - - smtpd\n');
const before = await loadConfiguration(folder);
afterAll(() => rmSync(folder, { recursive: true }));

/** What would be said to this line at the end of main.cf. */
async function refusal(name: string, value: string): Promise<string | undefined> {
  const after = await loadConfiguration(folder, { [main]: `${text}${name} = ${value}\n` });
  return nameRefusal(name, before) ?? valueRefusal(name, before, after);
}

describe('over the network', () => {
  test('no parameter is changed that names files, commands, users, doors or who is believed', () => {
    const looksLikeIt =
      /(_files?|_directory|_directories|_path|_command|_command_maps|_privs|_shell|CAfile|CApath|_user|_owner|_group|_listen|_uid_maps|_gid_maps|_environment|_backends|_wrapper)$/;
    // A URL, and what only sounds like it.
    const harmless = new Set([
      'posthaste_acme_directory',
      'disable_vrfy_command',
      'postscreen_disable_vrfy_command',
      'require_home_directory',
      'smtp_send_xforward_command',
      'lmtp_send_xforward_command',
    ]);
    const open = parameterNames().filter(
      (name) => looksLikeIt.test(name) && !harmless.has(name) && nameRefusal(name, before) === undefined,
    );
    expect(open).toEqual([]);
  });

  test('mail itself is', async () => {
    for (const [name, value] of [
      ['smtpd_banner', '$myhostname ESMTP'],
      ['message_size_limit', '50000000'],
      ['mynetworks', '127.0.0.0/8 192.0.2.0/24 [2001:db8::]/32'],
      ['relayhost', '[smtp.example.net]:587'],
      ['smtpd_recipient_restrictions', 'permit_mynetworks, check_sender_access inline:{a.example=REJECT}, permit'],
      ['smtpd_helo_restrictions', 'check_helo_access pcre:{{/^x/ REJECT}}'],
      // It is there already.
      ['virtual_alias_maps', 'directory:virtual-aliases, hash:/etc/mail/virtual'],
      ['smtp_destination_concurrency_limit', '4'],
    ] as const) {
      expect([name, await refusal(name, value)]).toEqual([name, undefined]);
    }
  });

  test('a command, a user, a file is refused with the reason', async () => {
    expect(await refusal('mailbox_command', '/bin/sh')).toMatch(/which commands run/);
    expect(await refusal('alias_maps', 'inline:{root=|id}')).toMatch(/which commands run/);
    expect(await refusal('default_privs', 'root')).toMatch(/whose rights/);
    expect(await refusal('maillog_file', '/etc/cron.d/x')).toMatch(/files or folders/);
    expect(await refusal('posthaste_http_listen', '0.0.0.0:80')).toMatch(/doors/);
    expect(await refusal('posthaste_auth_backends', 'passwd-file:/tmp/x')).toMatch(/believed/);
  });

  test('nothing guarded changes by a detour through a name', async () => {
    expect(await refusal('mydomain', '../../etc')).toMatch(/it would change mail_spool_directory too/);
    expect(await refusal('myhostname', 'mail.other.example')).toMatch(/it would change mail_spool_directory too/);
    expect(await refusal('made_up', '/etc')).toMatch(/depends on where it is used/);
  });

  test('no value opens a file, a database or a socket that is not open yet', async () => {
    for (const value of [
      'texthash:/etc/shadow',
      'proxy:unionmap:{directory:virtual-aliases,hash:/etc/shadow}',
      'pcre:/etc/shadow',
      'mysql:/etc/mail/other.cf',
      'tcp:127.0.0.1:6379',
      'socketmap:unix:/run/docker.sock:x',
      'ENVIRON:x',
    ]) {
      expect([value, await refusal('relocated_maps', value)]).toEqual([
        value,
        expect.stringMatching(/does not use yet/),
      ]);
    }
    expect(await refusal('mydestination', '/etc/shadow')).toMatch(/does not use yet/);
    expect(await refusal('smtpd_milters', 'local:/run/docker.sock')).toMatch(/does not use yet/);
    expect(await refusal('non_smtpd_milters', 'unix:/run/milter')).toBeUndefined();
    // A table of passwords is nobody else's.
    expect(await refusal('relocated_maps', 'texthash:/etc/mail/relay-passwords')).toMatch(/does not use yet/);
  });

  test('passwords are known as such, through a name too', () => {
    const { settings } = before;
    for (const name of ['db_password', 'greeting', 'smtp_sasl_password_maps'])
      expect(isSecret(name, settings)).toBe(true);
    for (const name of ['myhostname', 'virtual_alias_maps']) expect(isSecret(name, settings)).toBe(false);
    expect(findParameter('posthaste_oauth_introspection_url')?.isSecret).toBe(true);
  });
});
