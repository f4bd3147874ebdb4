// Our postconf beside the real one, on the kinds of files that people have.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { realPostconf, runRealPostconf, withConfiguration } from '../../test/harness/real-postconf.ts';
import { MemoryLog } from '../lib/log.ts';
import { Tables } from '../tables/registry.ts';
import { notFound } from '../tables/table.ts';
import type { CommandContext } from './context.ts';
import { register } from './postconf.ts';

async function run(
  directory: string,
  args: readonly string[],
  json = false,
): Promise<{ stdout: string; stderr: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const context: CommandContext = {
    configDirectory: directory,
    json,
    print: (line) => out.push(`${line}\n`),
    warn: (line) => err.push(`${line}\n`),
  };
  const program = new Command().exitOverride();
  register(program, context);
  await program.parseAsync(['--', 'postconf', ...args], { from: 'user' });
  return { stdout: out.join(''), stderr: err.join('') };
}

const debian = `# See /usr/share/postfix/main.cf.dist for a commented, more complete version
smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
biff = no
append_dot_mydomain = no
readme_directory = no
compatibility_level = 3.6
smtpd_tls_cert_file=/etc/ssl/certs/ssl-cert-snakeoil.pem
smtpd_tls_security_level=may
smtp_tls_session_cache_database = btree:\${data_directory}/smtp_scache
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
myhostname = mail.example.com
mydestination = $myhostname, localhost.$mydomain, , localhost
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
`;

const isp = `
myhostname=mx1.example.org
virtual_mailbox_domains = proxy:mysql:/etc/postfix/sql/domains.cf
virtual_alias_maps = proxy:mysql:/etc/postfix/sql/alias.cf,
# catch-alls come last
    proxy:mysql:/etc/postfix/sql/catchall.cf,

    pcre:{{/^abuse@/ \${own}}}, inline:{ a@b.c=d@e.f, { x@y.z = one@y.z, two@y.z } }
own = postmaster@$mydomain
smtpd_restriction_classes = greylist, strict
greylist = check_policy_service inet:127.0.0.1:10023
strict = reject_unknown_client_hostname, $more
more = reject_invalid_helo_hostname
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination, check_recipient_access hash:/etc/postfix/classes, permit
slow_destination_rate_delay = 5s
dovecot_destination_recipient_limit = 1
maximal_queue_lifetime = \${stress?{1d}:{5d}}
`;

const master = `smtp      inet  n       -       y       -       -       smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  -o { smtpd_recipient_restrictions = permit_sasl_authenticated, reject }
  -o smtpd_client_restrictions=$mua_client_restrictions -v
slow      unix  -       -       y       -       -       smtp
dovecot   unix  -       n       n       -       -       pipe
  flags=DRhu user=vmail:vmail argv=/usr/lib/dovecot/deliver -f \${sender} -d \${recipient} -o x=1 and more words
[::1]:10025 inet n - n - 10 smtpd
`;

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(realPostconf === undefined)('beside the real postconf (package postfix)', () => {
  const files: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'of Debian': { 'main.cf': debian, 'master.cf': master },
    'of a provider': { 'main.cf': isp, 'master.cf': master },
    'with one line': { 'main.cf': 'relayhost = [smtp.example.net]:587' },
    empty: {},
  };
  const options = ['-n', '-nf', '-nx', '-nh', '-nH', '-M', '-Mf', '-d', '-df', '-x', '-f'];
  // What the package, the process and our own parameters decide.
  const different = /^(posthaste_|(config_directory|meta_directory|process_id|process_name)\b)/;
  const comparable = (output: string): string[] =>
    output
      .replace(/\n +(?=\S)/g, '\n\t')
      .replace(/^posthaste_.*(?:\n\t.*)*\n/gm, '')
      .split('\n')
      .filter((line) => !different.test(line));

  test.each(Object.entries(files))('files %s', async (_, content) => {
    await withConfiguration(content, async (directory) => {
      for (const option of options) {
        const ours = comparable((await run(directory, [option])).stdout);
        expect(ours, option).toEqual(comparable(runRealPostconf(directory, [option]).stdout));
      }
    });
  });

  test('an unknown name', async () => {
    await withConfiguration({}, async (directory) => {
      const args = ['nosuch_name', 'relayhost'];
      expect(await run(directory, args)).toEqual(runRealPostconf(directory, args));
    });
  });
});

test('-e changes main.cf and refuses a value that could not be used', async () => {
  await withConfiguration({ 'main.cf': '# note\nmyorigin = a\n' }, async (directory) => {
    await run(directory, ['-e', 'relayhost = [x]:25', 'myorigin=b']);
    const expected = '# note\nmyorigin = b\nrelayhost = [x]:25\n';
    expect(await readFile(join(directory, 'main.cf'), 'utf8')).toBe(expected);
    await expect(run(directory, ['-e', 'smtpd_timeout=soon'])).rejects.toThrow(
      'smtpd_timeout = soon: must be a number',
    );
    await expect(run(directory, ['-e', 'nothing'])).rejects.toThrow(`missing '=' after attribute name: "nothing"`);
    await expect(run(directory, ['-e', 'a=b\nc=d'])).rejects.toThrow('accepts no multi-line input');
    expect(await readFile(join(directory, 'main.cf'), 'utf8')).toBe(expected);
  });
});

test('-e tells of a name that nothing reads', async () => {
  await withConfiguration({}, async (directory) => {
    const { stderr } = await run(directory, ['-e', 'relayhots=x', 'myorigin=y']);
    expect(stderr).toContain('unknown parameter relayhots: nothing reads it (did you mean relayhost?)');
  });
});

test('-m lists the table types that open', async () => {
  const directoryTable = () => ({ name: '', kind: 'fixed' as const, lookup: () => Promise.resolve(notFound) });
  const tables = new Tables({ log: new MemoryLog(), isWatching: false, openers: { directory: directoryTable } });
  await withConfiguration({}, async (directory) => {
    const { stdout } = await run(directory, ['-m']);
    expect(() => tables.open('nosuch:x')).toThrow(`(supported: ${stdout.trim().replaceAll('\n', ', ')})`);
  });
});

test('--json tells where a value stands', async () => {
  await withConfiguration({ 'main.cf': '\nmyorigin = a\n' }, async (directory) => {
    const { stdout } = await run(directory, ['myorigin', 'soft_bounce'], true);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { name: 'myorigin', value: 'a', from: `${directory}/main.cf:2`, status: 'supported' },
      { name: 'soft_bounce', value: 'no', from: 'default', status: 'supported' },
    ]);
  });
});

test('findings go to standard error with their line', async () => {
  await withConfiguration({ 'main.cf': 'typo = 1\n' }, async (directory) => {
    const { stdout, stderr } = await run(directory, ['-n']);
    expect(stdout).not.toContain('typo');
    expect(stderr).toBe(`postconf: warning: ${directory}/main.cf: unused parameter: typo=1\n`);
  });
});

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(realPostconf === undefined)('-b and -t show the texts of bounces', () => {
  const own = `# own
failure_template = <<EOF
charset: iso-8859-1
From: MAILER-DAEMON (My Mailer)
Subject: Oops $myhostname
Postmaster-Subject: PM: Oops

Hi $myhostname of \${mydomain} $$5 \${delay_warning_time_minutes} $maximal_queue_lifetime_days \\n
 [$relayhost] \${myorigin?x} end

EOF
odd_template = <<X
a
X
delay_template = <<Y

only text
Y
success_template = <<Z
Subject: x
Z
verify_template = <<Z
X-Odd: a

b
Z
`;
  test.each(['-b', '-t'])('postconf %s', async (mode) => {
    const main =
      'compatibility_level = 3.6\nmyhostname = mx.example.com\nmydomain = example.com\ndelay_warning_time = 2h\n';
    await withConfiguration({ 'main.cf': main, 'bounce.cf': own }, async (directory) => {
      for (const file of [[], [join(directory, 'bounce.cf')]]) {
        const real = runRealPostconf(directory, [mode, ...file]);
        const ours = await run(directory, [mode, ...file]);
        expect(ours.stdout).toBe(real.stdout);
        expect(ours.stderr.split('\n').length > 1).toBe(file.length > 0);
      }
    });
  });
});
