// domain, alias-domain, mailbox, alias, list and quota as people type them, through the real command line program.

import { execFile, type ExecFileException } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyPassword } from '../auth/password-scheme.ts';
import { Directory } from '../directory/directory.ts';
import { systemClock } from '../lib/clock.ts';
import { register as registerAlias } from './alias.ts';
import { register as registerAliasDomain } from './alias-domain.ts';
import type { CommandContext } from './context.ts';
import { register as registerAppPassword } from './app-password.ts';
import { register as registerDomain } from './domain.ts';
import { register as registerList } from './list.ts';
import { register as registerMailbox } from './mailbox.ts';
import { register as registerQuota } from './quota.ts';
import { formatSize, parseSize } from './sizes.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'directory-commands-'));
  mkdirSync(join(folder, 'etc'));
  writeFileSync(
    join(folder, 'etc', 'main.cf'),
    'myhostname = mx.host.example\nposthaste_data_directory = $config_directory/..\nrecipient_delimiter = +\n',
  );
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Runs `posthaste` with these words; returns what it printed. */
async function run(
  line: string | readonly string[],
  options: { json?: boolean; input?: string } = {},
): Promise<{ out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const context: CommandContext = {
    configDirectory: join(folder, 'etc'),
    json: options.json === true,
    input: Readable.from(options.input ?? ''),
    print: (text) => void out.push(text),
    warn: (text) => void err.push(text),
  };
  const program = new Command('posthaste')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, writeOut: (text) => void out.push(text) });
  for (const register of [
    registerDomain,
    registerAliasDomain,
    registerMailbox,
    registerAppPassword,
    registerAlias,
    registerList,
    registerQuota,
  ])
    register(program, context);
  await program.parseAsync(typeof line === 'string' ? line.split(' ') : [...line], { from: 'user' });
  return { out: out.join('\n'), err: err.join('\n') };
}

const json = async (line: string): Promise<unknown[]> =>
  (await run(line, { json: true })).out
    .split('\n')
    .filter(Boolean)
    .map((text) => JSON.parse(text));

describe('the five-minute tour', () => {
  it('hosts a domain, adds a mailbox with a generated password, an alias and an alias domain', async () => {
    expect((await run('domain add Example.com')).out).toBe(
      `example.com is hosted (class mailbox)\nnext: bin/posthaste -c ${join(folder, 'etc')} mailbox add USER@example.com`,
    );
    const { out } = await run('mailbox add anna@example.com --quota 1G --name Anna');
    expect(out).toMatch(
      /^anna@example.com added\npassword: (\S{5}-\S{5}-\S{5}-\S{5})\nmail for postmaster, abuse and root reaches this mailbox$/,
    );
    const password = /password: (\S+)/.exec(out)?.[1] ?? '';
    const directory = await Directory.open(join(folder, 'directory.db'), {
      clock: systemClock,
      actor: 'test',
      readonly: true,
    });
    expect(await verifyPassword(password, directory.credentials('anna@example.com')?.passwordHash ?? '')).toBe(true);
    directory.close();

    expect((await run('alias add sales@example.com anna@example.com ben@elsewhere.example')).out).toBe(
      'sales@example.com → anna@example.com, ben@elsewhere.example',
    );
    expect((await run('alias-domain add example.org example.com')).out).toBe(
      'example.org is another name for example.com',
    );
    expect((await run('domain list')).out).toBe(
      'DOMAIN       CLASS    MAILBOXES  ALIASES  CATCH-ALL  NOTE\nexample.com  mailbox          1        4  no',
    );
    expect((await run('mailbox list')).out).toMatch(/^MAILBOX.* LAST LOGIN +NOTE\nanna@example.com +Anna +1G$/);
    expect((await run('alias list --domain example.com')).out).toMatch(
      /^ALIAS +TARGETS\nabuse@example.com +anna@example.com\n/,
    );
    expect((await run('alias-domain list')).out).toBe('ALIAS DOMAIN  TARGET       NOTE\nexample.org   example.com');
    expect((await run('quota list')).out).toBe(
      'MAILBOX           USED  QUOTA  %  MESSAGES\nanna@example.com     0     1G  0         0',
    );
    expect((await run('mailbox show anna@example.com')).out).toMatch(
      /^mailbox: +anna@example.com\nname: +Anna\nquota: +1G\nenabled: +yes\nid: +1\n/,
    );
  });

  it('prints JSON where asked', async () => {
    await run('domain add example.com');
    const [added] = await json('mailbox add anna@example.com');
    expect(added).toMatchObject({
      id: 1,
      address: 'anna@example.com',
      becameAdministrator: true,
      password: expect.any(String),
    });
    expect(await json('mailbox list')).toEqual([
      expect.objectContaining({ address: 'anna@example.com', quotaBytes: 0, enabled: true }),
    ]);
    expect(await json('domain show example.com')).toMatchObject([
      { name: 'example.com', class: 'mailbox', postmaster: true },
    ]);
    expect(await json('alias list')).toHaveLength(3);
    expect(await json('alias-domain list')).toEqual([]);
    expect(await json('quota list')).toEqual([
      { address: 'anna@example.com', bytes: 0, messages: 0, quotaBytes: 0, percent: null },
    ]);
    expect((await run('mailbox list', { json: true })).out).not.toMatch(/argon2|password"/);
  });

  it('takes the password from standard input, through the installed command', async () => {
    await run('domain add example.com');
    const main = join(import.meta.dirname, '../main/main.ts');
    const args = [
      '--disable-warning=ExperimentalWarning',
      main,
      '-c',
      join(folder, 'etc'),
      'mailbox',
      'add',
      'anna@example.com',
      '--password-stdin',
    ];
    const result = await new Promise<string>((resolve, reject) => {
      const child = execFile(process.execPath, args, (error: ExecFileException | null, stdout, stderr) =>
        error ? reject(new Error(stderr)) : resolve(stdout),
      );
      child.stdin?.end('gehe im\r\nsecond line\n');
    });
    expect(result).toBe('anna@example.com added\nmail for postmaster, abuse and root reaches this mailbox\n');
    const directory = await Directory.open(join(folder, 'directory.db'), {
      clock: systemClock,
      actor: 'test',
      readonly: true,
    });
    expect(await verifyPassword('gehe im', directory.credentials('anna@example.com')?.passwordHash ?? '')).toBe(true);
    directory.close();
  });
});

describe('changes', () => {
  beforeEach(async () => {
    await run('domain add example.com');
    await run('mailbox add anna@example.com');
  });

  it('removes and restores a mailbox and says what still leads to it', async () => {
    const removed = await run('mailbox remove anna@example.com');
    expect(removed.out).toMatch(
      /^anna@example.com removed; until \d{4}-\d\d-\d\d \d\d:\d\d: posthaste mailbox restore anna@example.com$/,
    );
    expect(removed.err).toMatch(
      /these aliases still lead to it.*postmaster@example.com, abuse@example.com, root@example.com/,
    );
    expect((await run('mailbox list')).err).toMatch(/no mailbox yet/);
    expect((await run('mailbox list --removed')).out).toMatch(/anna@example.com/);
    expect((await run('mailbox restore anna@example.com')).out).toBe('anna@example.com is back with its mail');
    expect((await run('mailbox list')).out).toMatch(/anna@example.com/);
  });

  it('changes a mailbox', async () => {
    await run(['mailbox', 'set', 'anna@example.com', '--quota', 'unlimited', '--name', 'Anna Adams', '--disable']);
    expect(await json('mailbox show anna@example.com')).toMatchObject([
      { quotaBytes: 0, name: 'Anna Adams', enabled: false },
    ]);
    await run('app-password add anna@example.com telephone');
    expect((await run('mailbox set anna@example.com --password')).out).toMatch(
      /^anna@example.com changed\npassword: \S{23}\nsessions, passkeys and API tokens made before .*\n1 app password still opens it: see posthaste app-password list anna@example.com$/,
    );
  });

  it('changes and removes aliases and alias domains', async () => {
    await run('alias add s@example.com anna@example.com');
    expect((await run('alias set s@example.com --add ben@x.example --drop anna@example.com')).out).toBe(
      's@example.com → ben@x.example',
    );
    expect((await run('alias set s@example.com carl@x.example')).out).toBe('s@example.com → carl@x.example');
    expect((await run('alias show s@example.com')).out).toMatch(/^alias: +s@example.com\ntargets: +carl@x.example\n/);
    expect((await run('alias remove s@example.com')).out).toBe('s@example.com removed');
    await run('alias-domain add example.org example.com');
    await run('alias-domain set example.org --disable');
    expect((await run('alias-domain list')).out).toMatch(/example.org +example.com +disabled/);
    expect((await run('alias-domain remove example.org')).out).toBe('example.org is no longer an alias domain');
  });

  it('warns of what is allowed but seldom meant', async () => {
    expect((await run('alias add s@example.com nobody@example.com')).err).toMatch(
      /nobody@example.com does not exist yet.*mailbox add nobody@example.com/,
    );
    expect((await run('alias add anna@example.com x@y.example')).err).toMatch(
      /no longer reaches the mailbox anna@example.com.*--add anna@example.com/,
    );
    await run('domain add second.example');
    expect((await run('domain show second.example')).err).toMatch(/alias add postmaster@second.example TARGET/);
    expect((await run('domain list')).out).toMatch(/second.example .*no postmaster$/m);
  });

  it('removes a domain with all that is in it only when told to', async () => {
    await expect(run('domain remove example.com')).rejects.toThrow(/still has 1 mailbox and 3 aliases/);
    expect((await run('domain remove example.com --force')).out).toMatch(/^example.com is no longer hosted; /);
  });
});

describe('refusals say what to type', () => {
  it.each([
    ['mailbox add anna@example.com', /example.com is not hosted here: add it with: posthaste domain add example.com/],
    ['mailbox show anna@example.com', /posthaste domain add example.com/],
    ['domain show example.com', /posthaste domain add example.com/],
    ['domain add mx.host.example', /own names \(mydestination\).*postconf -e/],
    ['domain set example.com', /nothing to change/],
    ['alias-domain add example.org example.com', /posthaste domain add example.com/],
    ['mailbox set a@b.example --enable --disable', /contradict/],
    ['mailbox add anna@example.com --quota lots', /not a size: write 500M, 1G or unlimited/],
    ['alias set a@b.example', /--add and --drop/],
  ])('%s', async (line, why) => {
    await expect(run(line)).rejects.toThrow(why);
  });

  it('says how to begin before the first start', async () => {
    writeFileSync(join(folder, 'etc', 'main.cf'), 'posthaste_data_directory = /nonexistent/posthaste\n');
    await expect(run('domain list')).rejects.toThrow(
      /\/nonexistent\/posthaste does not exist: run "posthaste start" first/,
    );
    rmSync(join(folder, 'etc', 'main.cf'));
    await expect(run('domain list')).rejects.toThrow(/posthaste start/);
  });

  it('needs the running server to count anew', async () => {
    await run('domain add example.com');
    await run('mailbox add anna@example.com');
    await expect(run('quota recalculate anna@example.com')).rejects.toThrow(/no server runs.*posthaste start/);
  });

  it('has help with examples for each', async () => {
    for (const name of ['domain', 'alias-domain', 'mailbox', 'alias', 'quota']) {
      await expect(run(`${name} --help`)).rejects.toMatchObject({ exitCode: 0 });
    }
  });
});

describe('sizes', () => {
  it('reads and writes what people write', () => {
    expect(['0', '1', '1K', '500M', '1G', '1.5g', '2 GiB', 'unlimited'].map(parseSize)).toEqual([
      0,
      1,
      1024,
      524_288_000,
      2 ** 30,
      1.5 * 2 ** 30,
      2 ** 31,
      0,
    ]);
    expect([0, 1023, 1024, 1536, 2 ** 30, 5 * 2 ** 50].map(formatSize)).toEqual([
      '0',
      '1023',
      '1K',
      '1.5K',
      '1G',
      '5120T',
    ]);
    for (const text of ['', '-1', '1X', '1e9', '999999999T']) expect(() => parseSize(text)).toThrow(/not a size/);
  });
});

describe('a vacation', () => {
  const set = (...options: string[]) => run(['mailbox', 'set', 'anna@example.com', ...options]);
  beforeEach(async () => {
    await run('domain add example.com');
    await run('mailbox add anna@example.com');
  });

  it('is set, shown, changed in part and ended', async () => {
    await set('--vacation', 'Away.\nWrite to Ben.', '--vacation-from', '2026-12-24', '--vacation-until', '2026-12-31');
    const shown = (await run('mailbox show anna@example.com')).out;
    expect(shown).toContain('vacation:      from 2026-12-24 00:00, until 2027-01-01 00:00, once in 7 days to a sender');
    expect(shown).toMatch(/ Away\.\n +Write to Ben\.$/);
    expect((await run('mailbox list')).out).toMatch(/anna@example.com .* vacation$/m);
    await set('--vacation-subject', 'Grüße', '--vacation-until', 'never', '--vacation-days', '1');
    expect((await run('mailbox show anna@example.com')).out).toContain(
      'from 2026-12-24 00:00, once in 1 day to a sender',
    );
    writeFileSync(join(folder, 'text'), 'From a file\n');
    await set('--vacation-file', join(folder, 'text'));
    const [info] = await json('mailbox show anna@example.com');
    expect(info).toMatchObject({ vacation: { subject: 'Grüße', text: 'From a file\n', days: 1 } });
    await set('--no-vacation');
    expect((await run('mailbox show anna@example.com')).out).not.toContain('vacation');
  });

  it.each([
    [['--vacation', 'x', '--vacation-file', 'y'], /cannot be read/],
    [['--vacation-days', '3'], /needs a text/],
    [['--vacation', 'x', '--vacation-until', 'tomorrow'], /is not a date/],
    [['--vacation', 'x', '--vacation-from', '2026-02-01', '--vacation-until', '2026-01-01'], /before it begins/],
    [['--vacation', 'x', '--vacation-days', 'x'], /1 to 30 days/],
    [['--no-vacation', '--vacation-days', '3'], /contradict/],
  ])('%j is refused', async (options, reason) => {
    await expect(set(...options)).rejects.toThrow(reason);
  });
});

describe('a mailing list', () => {
  beforeEach(async () => {
    await run('domain add example.com');
    await run('mailbox add anna@example.com');
  });

  it('is made, shown, changed and removed', async () => {
    const made = await run('list add team@example.com --owner anna@example.com --member ben@example.com c@far.example');
    expect(made.out).toBe('team@example.com: 2 members, members may write');
    expect(made.err).toContain('ben@example.com does not exist yet');
    expect(made.err).toContain('lists are not served: add directory:transports');
    expect((await run('list members list team@example.com')).out).toBe('MEMBER\nben@example.com\nc@far.example');
    expect((await run('list members add team@example.com d@far.example')).out).toBe(
      'team@example.com: 1 added, 3 members',
    );
    const input = '# friends\n\ne@far.example\nf@far.example\n';
    await run('list members add team@example.com -', { input });
    await run('list members remove team@example.com c@far.example d@far.example');
    expect(await json('list members list team@example.com')).toEqual([
      { member: 'ben@example.com' },
      { member: 'e@far.example' },
      { member: 'f@far.example' },
    ]);
    await run('list set team@example.com --post listed --poster @far.example --name Team');
    expect((await run('list show team@example.com')).out).toMatch(
      /^list: +team@example.com\nname: +Team\nmembers: +3\npost: +@far.example may write\nowners: +anna@example.com\n/,
    );
    expect((await run('list list')).out).toMatch(/^team@example.com +Team +3 +listed +anna@example.com$/m);
    expect((await run('domain show example.com')).out).toMatch(/lists: +1/);
    await run('mailbox add e@example.com');
    await run('list members add team@example.com e@example.com');
    expect((await run('mailbox remove e@example.com')).err).toContain('these lists still have it: team@example.com');
    await run('list remove team@example.com');
    await expect(run('list show team@example.com')).rejects.toThrow(/there is no list team@example.com/);
  });

  it('needs an owner and a rule that exists', async () => {
    await expect(run('list add team@example.com')).rejects.toThrow(/--owner/);
    await expect(run('list add team@example.com --owner anna@example.com --post some')).rejects.toThrow(
      /Allowed choices/,
    );
    await run('list add team@example.com --owner anna@example.com');
    await expect(run('list set team@example.com')).rejects.toThrow(/nothing to change/);
  });
});

describe('app passwords', () => {
  it('are added, listed, changed and removed', async () => {
    await run('domain add example.com');
    await run('mailbox add anna@example.com');
    expect((await run('app-password list')).err).toContain('no app password yet');
    const { out } = await run(
      'app-password add anna@example.com scanner --protocol imap,smtp --sender @Example.com <>',
    );
    expect(out).toMatch(/^anna@example\.com has an app password "scanner"\npassword: \S{5}(-\S{5}){3}$/);
    expect((await run('app-password list anna@example.com')).out).toMatch(
      /^anna@example.com  scanner  smtp imap  @example.com <>  never    never$/m,
    );
    await run('app-password set anna@example.com scanner --any-protocol --expires 2030-01-31 --name printer');
    expect((await run('app-password show anna@example.com printer')).out).toMatch(
      /protocols: +all\nsenders: +@example.com <>\nexpires: +2030-02-01 00:00\nrecoverable: +no\n/,
    );
    expect(await json('app-password list')).toMatchObject([{ name: 'printer', protocols: [], recoverable: false }]);
    await run('app-password remove anna@example.com printer');
    expect(await json('app-password list anna@example.com')).toEqual([]);
    for (const wrong of [
      'add anna@example.com x --recoverable',
      'add anna@example.com x --protocol ftp',
      'show a@b.c x',
    ])
      await expect(run(`app-password ${wrong}`), wrong).rejects.toThrow(/./);
    await expect(run('app-password set anna@example.com x')).rejects.toThrow(/nothing to change/);
  });
});
