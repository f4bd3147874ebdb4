// A configuration folder as a whole: which file wins, and what is reported with file and line.

import { expect, test } from 'vitest';
import { withConfiguration } from '../../test/harness/real-postconf.ts';
import { loadConfiguration } from './configuration.ts';
import { listenAddresses } from './services.ts';
import { Settings } from './settings.ts';

async function findings(files: Readonly<Record<string, string>>): Promise<string[]> {
  return withConfiguration(files, async (directory) =>
    (await loadConfiguration(directory)).findings.map(
      ({ severity, file, line, text }) => `${severity} ${file.slice(directory.length + 1)}:${line} ${text}`,
    ),
  );
}

test('posthaste.cf wins over main.cf, and -o over both', async () => {
  await withConfiguration(
    {
      'main.cf': 'mail_name = one\nposthaste_imap_listen = 127.0.0.1:1\nmyorigin = $config_directory',
      'posthaste.cf': 'posthaste_imap_listen = 127.0.0.1:2',
      'master.cf': '2525 inet n - n - - smtpd\n  -o mail_name=two -o syslog_name=postfix/$service_name\n',
    },
    async (directory) => {
      const { settings, services, findings: found } = await loadConfiguration(directory);
      expect(found).toEqual([]);
      expect(settings.list('posthaste_imap_listen')).toEqual(['127.0.0.1:2']);
      expect(settings.text('myorigin')).toBe(directory);
      expect(settings.origin('posthaste_imap_listen')).toMatchObject({ file: `${directory}/posthaste.cf`, line: 1 });
      expect(services[0]?.settings.text('mail_name')).toBe('two');
      expect(services[0]?.settings.text('syslog_name')).toBe('postfix/2525');
      expect(settings.text('mail_name')).toBe('one');
    },
  );
});

test('unknown parameters are told, with the name that was meant', async () => {
  expect(await findings({ 'main.cf': 'smtpd_timeuot = 3\nvirtual_mailbox_limit_maps = x\n' })).toEqual([
    'warning main.cf:1 unknown parameter smtpd_timeuot: nothing reads it (did you mean smtpd_timeout?)',
    'warning main.cf:2 unknown parameter virtual_mailbox_limit_maps: nothing reads it',
  ]);
});

test('names of the user are known when something refers to them', async () => {
  const main = `
smtpd_restriction_classes = partners
partners = check_client_access $lists, reject
lists = inline:{a=b}
mua = permit
virtual_alias_maps = mysql:old
old_hosts = localhost
slow_destination_recipient_limit = 1
nowhere_destination_rate_delay = 1s
`;
  const master = 'slow unix - - n - - smtp\n26 inet n - n - - smtpd -o smtpd_client_restrictions=$mua -o typo_x=1\n';
  expect(await findings({ 'main.cf': main, 'master.cf': master })).toEqual([
    'warning main.cf:9 unknown parameter nowhere_destination_rate_delay: nothing reads it (master.cf has no service nowhere that this delay could be for)',
    'warning master.cf:2 unknown parameter typo_x: nothing reads it',
  ]);
});

test('what has no effect is told, unless it is the default', async () => {
  const main =
    'smtpd_dns_reply_filter = static:x\nsmtpd_proxy_timeout = 100s\ndaemon_directory = /x\nmyorigin = $nothing\n';
  expect(await findings({ 'main.cf': main })).toEqual([
    'warning main.cf:1 smtpd_dns_reply_filter is not supported yet: its value has no effect',
    'info main.cf:3 daemon_directory has no meaning here: Posthaste has no such process or file',
    'warning main.cf:4 myorigin refers to $nothing, which nothing defines',
  ]);
});

test('values that cannot be used, in main.cf and in -o', async () => {
  const files = {
    'main.cf': 'soft_bounce = maybe\n',
    'master.cf': '26 inet n - n - - smtpd -o smtpd_timeout=x\n:x inet n - n - - smtpd',
  };
  expect(await findings(files)).toEqual([
    'error main.cf:1 soft_bounce = maybe: must be yes or no',
    'error master.cf:1 smtpd_timeout = x: must be a number with one of s m h d w, as 30s (s when no letter is given)',
    'error master.cf:2 master.cf service :x: must be address:port, [address]:port or port, with a number or a known name as the port',
  ]);
});

test('commands that are unknown or not served yet', async () => {
  const master = 'a unix - - n - - mialstore\nb unix - - y - - spawn\nc unix - - n - - cleanup\n';
  expect(await findings({ 'master.cf': master })).toEqual([
    'warning master.cf:1 unknown command mialstore: service a will not run',
    'warning master.cf:2 spawn is not supported yet: service b will not run',
    'info master.cf:2 chroot has no meaning here, one process does all: set for b',
  ]);
});

test('an smtpd behind postscreen is served, one behind nothing is not', async () => {
  const behind = 'smtpd pass - - n - - smtpd\n';
  expect(await findings({ 'master.cf': `127.0.0.1:25 inet n - n - 1 postscreen\n${behind}` })).toEqual([]);
  expect(await findings({ 'master.cf': behind })).toEqual([
    'warning master.cf:1 smtpd behind another server (type pass) is not supported yet: service smtpd will not run',
  ]);
});

test('a folder without main.cf is refused with what to do', async () => {
  await expect(loadConfiguration('/nonexistent/folder')).rejects.toThrow(
    /main\.cf does not exist: name the folder with -c/,
  );
});

test('where a service listens', () => {
  const settings = Settings.defaults({ inet_interfaces: '192.0.2.1, [2001:db8::1]' });
  const at = (text: string, view = settings): string[] =>
    listenAddresses(text, view).map(({ host, port }) => `${host} ${port}`);
  expect(at('127.0.0.1:2525')).toEqual(['127.0.0.1 2525']);
  expect(at('[::1]:submission')).toEqual(['::1 587']);
  expect(at('smtp')).toEqual(['192.0.2.1 25', '2001:db8::1 25']);
  expect(at(':smtps')).toEqual(['192.0.2.1 465', '2001:db8::1 465']);
  expect(at('localhost:25')).toEqual(['127.0.0.1 25']);
  expect(at('25', Settings.defaults({ inet_protocols: 'ipv4' }))).toEqual(['0.0.0.0 25']);
  expect(at('25', Settings.defaults({ inet_protocols: 'ipv4', inet_interfaces: 'loopback-only' }))).toEqual([
    '127.0.0.1 25',
  ]);
  for (const bad of ['', '1:2:3', 'x:99999', '::1', 'a:nosuchport'])
    expect(() => at(bad)).toThrow(/must be address:port/);
});
