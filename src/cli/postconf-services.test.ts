// Our postconf beside the real one: combinations of options, what they refuse, and edits of main.cf and master.cf.

import { mkdtemp, mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realPostconf } from '../../test/harness/real-postconf.ts';
import { runRealTool, runTool } from '../../test/harness/run-tool.ts';
import { register } from './postconf.ts';

const main = `# first
myhostname = mail.example.com
compatibility_level = 3.6
# note
relayhost = [a]:25
# between
  , more
myorigin=x
relayhost = again
unused_thing = 1
mydest_extra = a, b
mydestination = $myhostname, $mydest_extra
slow_destination_rate_delay = 5s
# last
`;

const master = `# services
smtp      inet  n       -       y       -       -       smtpd
#smtps    inet  n       -       y       -       -       smtpd
cleanup   unix  n       -       y       -       0       cleanup
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission -v
# within
  -o { smtpd_recipient_restrictions = permit_sasl_authenticated, reject }
  -o smtpd_banner=$bar
slow      unix  -       -       y       -       -       smtp
maildrop  unix  -       n       n       -       -       pipe
  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d \${recipient} and more words to fold the line
127.0.0.1:10025 inet n - n - 1 smtpd -o smtpd_timeout=30s
`;

let parent = '';

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'posthaste-postconf-'));
});

afterAll(() => rm(parent, { recursive: true, force: true }));

async function makeFolder(): Promise<string> {
  const directory = join(await mkdtemp(join(parent, 'case-')), 'etc');
  await mkdir(directory);
  // Postfix waits for seconds while a file is so new that its writer may not have ended.
  const longAgo = new Date(2020, 0, 1);
  for (const [name, text] of Object.entries({ 'main.cf': main, 'master.cf': master })) {
    await writeFile(join(directory, name), text);
    await utimes(join(directory, name), longAgo, longAgo);
  }
  return directory;
}

// What only ours says, or whose value is each program's own; Postfix mentions unused parameters in no particular order.
const different =
  /not supported yet|has no meaning|^posthaste_|^(config_directory|meta_directory|process_id|process_name)\b/;

function comparable(text: string, directory: string): string[] {
  return text
    .replaceAll(directory, '.')
    .split('\n')
    .filter((line) => !different.test(line));
}

async function both(args: readonly string[]) {
  const [theirs, mine] = await Promise.all([makeFolder(), makeFolder()]);
  const [real, ours] = await Promise.all([
    runRealTool({ tool: 'postconf', directory: theirs, args }),
    runTool(register, { tool: 'postconf', directory: mine, args }),
  ]);
  const files = async (directory: string) => ({
    names: (await readdir(directory)).filter((name) => !name.endsWith('.tmp')).toSorted(),
    main: await readFile(join(directory, 'main.cf'), 'utf8'),
    master: await readFile(join(directory, 'master.cf'), 'utf8'),
  });
  return {
    real: { ...real, stdout: comparable(real.stdout, theirs), stderr: comparable(real.stderr, theirs).toSorted() },
    ours: { ...ours, stdout: comparable(ours.stdout, mine), stderr: comparable(ours.stderr, mine).toSorted() },
    realFiles: await files(theirs),
    ourFiles: await files(mine),
  };
}

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(realPostconf === undefined)('beside the real postconf (package postfix)', () => {
  const shown: string[][] = [
    ['-n'],
    ['-nH'],
    ['-nh', 'myorigin', 'mydomain'],
    ['-n', 'nosuch'],
    ['-C', 'builtin', '-n'],
    ['-C', 'builtin', '-d'],
    ['-C', 'service'],
    ['-C', 'service', '-d'],
    ['-C', 'user'],
    ['-C', 'user,service', '-n'],
    ['-M', 'smtp'],
    ['-M', 'nosuch', 'smtp/inet'],
    ['-M', 'submission/*'],
    ['-Mf', 'submission', 'maildrop'],
    ['-Mx', 'submission'],
    ['-F'],
    ['-Ff'],
    ['-Fx', 'submission/inet'],
    ['-Fh', 'submission/inet/command'],
    ['-FH', '127.0.0.1:10025'],
    ['-P'],
    ['-Ph'],
    ['-PH'],
    ['-Px'],
    ['-Pf'],
    ['-P', 'submission/inet/syslog_name', '*/inet/smtpd_timeout', 'nosuch/inet/x'],
    ['-x', '-o', 'myorigin=foo', '-o', 'mydest_extra=$myorigin', 'myorigin', 'mydestination'],
    ['-n', '-o', 'myorigin=zz'],
    ['-dh', 'mail_version'],
    ['-l'],
  ];
  test.concurrent.each(shown)('postconf %j %j %j', async (...args) => {
    const { real, ours } = await both(args);
    expect(ours).toEqual(real);
  });

  const refused: string[][] = [
    ['-hH', 'myorigin'],
    ['-nd'],
    ['-M', '-n'],
    ['-MH', 'smtp'],
    ['-FX', 'submission/inet/chroot'],
    ['-P#', 'submission/inet/syslog_name'],
    ['-a', '-M'],
    ['-Xe', 'a'],
    ['-xe', 'a=b'],
    ['-C', 'foo'],
    ['-M', 'a/b/c'],
    ['-M', 'sm*'],
    ['-F', 'a/b/c/d'],
    ['-F', 'smtp/inet/bogus'],
    ['-e'],
    ['-X'],
    ['-z'],
    ['-e', 'noeq'],
    ['-e', '#x=y'],
    ['-e', 'x=a\nb'],
    ['-X', 'relayhost=x'],
    ['-X', ' '],
    ['-MX', 'smtp'],
    ['-P', 'submission/inet/newp=v w'],
    ['-T', 'nosuch'],
  ];
  test.concurrent.each(refused)('postconf %j %j is refused', async (...args) => {
    const { real, ours, ourFiles } = await both(args);
    expect(ours).toEqual(real);
    expect(ours.status).toBe(1);
    expect(ourFiles).toMatchObject({ main, master });
  });

  const edits: string[][] = [
    ['myorigin=new'],
    ['-e', 'relayhost=one', 'always_bcc=b@c.d'],
    ['-e', 'relayhost=a', 'relayhost=b'],
    ['-e', 'myorigin='],
    ['-X', 'relayhost', 'nosuch'],
    ['-#', 'relayhost', 'myorigin'],
    ['-M#', 'submission/inet'],
    ['-M#', 'smtp/*'],
    ['-MX', 'submission/inet'],
    ['-MX', 'nosuch/unix'],
    ['-M', 'submission/inet=submission inet n - y - - smtpd -o a=b -o {smtpd_banner = d e} argv={x y}'],
    ['-Me', 'new/unix=new unix - - - - - smtp'],
    ['-F', 'submission/inet/chroot=n'],
    ['-Fe', '*/unix/chroot=n', 'maildrop/unix/command=pipe user=x argv=y'],
    ['-Fe', 'submission/inet/command=smtpd -o smtpd_timeout=1'],
    ['-Fe', 'nosuch/unix/chroot=n'],
    ['-P', 'submission/inet/syslog_name=foo', 'submission/inet/smtpd_timeout=2'],
    ['-PX', 'submission/inet/syslog_name'],
    ['-PX', 'submission/inet/nosuch'],
  ];
  test.concurrent.each(edits)('postconf %j %j makes the same files', async (...args) => {
    const { real, ours, realFiles, ourFiles } = await both(args);
    expect(ourFiles).toEqual(realFiles);
    expect(ours).toEqual(real);
  });
});

test('a service that is changed stays before the comment that follows it; Postfix moves it behind', async () => {
  const directory = await makeFolder();
  await runTool(register, { tool: 'postconf', directory, args: ['-P', 'smtp/inet/smtpd_timeout=2'] });
  expect(await readFile(join(directory, 'master.cf'), 'utf8')).toContain(
    '# services\nsmtp       inet  n       -       y       -       -       smtpd\n    -o smtpd_timeout=2\n#smtps    inet',
  );
});

test('an entry or a field that master(5) does not allow is refused', async () => {
  const directory = await makeFolder();
  for (const args of [
    ['-M', 'new/unix=bad unix'],
    ['-M', 'new/unix=new foo - - - - - smtp'],
    ['-F', 'smtp/inet/chroot=maybe'],
  ]) {
    const output = await runTool(register, { tool: 'postconf', directory, args });
    expect(output).toMatchObject({ status: 1, stdout: '' });
    expect(output.stderr).toMatch(/^postconf: fatal: (bad field count|invalid (type|chroot) field)/);
  }
  expect(await readFile(join(directory, 'master.cf'), 'utf8')).toBe(master);
});
