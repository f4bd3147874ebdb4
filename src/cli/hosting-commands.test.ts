// What `posthaste domain` and `mailbox` hold beyond addresses, as people type it.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { register as registerAlias } from './alias.ts';
import { register as registerAliasDomain } from './alias-domain.ts';
import type { CommandContext } from './context.ts';
import { register as registerDomain } from './domain.ts';
import { register as registerList } from './list.ts';
import { register as registerMailbox } from './mailbox.ts';

let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hosting-commands-'));
  mkdirSync(join(folder, 'etc'));
  const main =
    'myhostname = mx.host.example\nposthaste_data_directory = $config_directory/..\nrecipient_delimiter = +\n';
  writeFileSync(join(folder, 'etc', 'main.cf'), main);
  await run('domain add example.com');
  await run('mailbox add anna@example.com');
});

afterEach(() => rmSync(folder, { recursive: true }));

interface Printed {
  readonly out: string;
  readonly err: string;
}

async function run(line: string, asJson = false): Promise<Printed> {
  const [out, err]: [string[], string[]] = [[], []];
  const context: CommandContext = {
    configDirectory: join(folder, 'etc'),
    json: asJson,
    print: (text) => void out.push(text),
    warn: (text) => void err.push(text),
  };
  const silent = { writeErr: () => undefined, writeOut: () => undefined };
  const program = new Command('posthaste').exitOverride().configureOutput(silent);
  for (const register of [registerDomain, registerAliasDomain, registerMailbox, registerAlias, registerList]) {
    register(program, context);
  }
  await program.parseAsync(line.split(' '), { from: 'user' });
  return { out: out.join('\n'), err: err.join('\n') };
}

describe('posthaste domain', () => {
  it('shows limits, and tells what is beyond them', async () => {
    await run('mailbox add ben@example.com --quota 3G');
    const { err } = await run(
      'domain set example.com --max-mailboxes 1 --max-aliases 10 --total-quota 2G --default-quota 500M --max-quota 1G',
    );
    expect(err.split('\n')).toHaveLength(4);
    expect(err).toMatch(/^example.com has 2 mailboxes, and its limit is 1: nothing is taken away\n/);
    expect((await run('domain show example.com')).out).toMatch(
      /most mailboxes: 1\nmost aliases: +10\ntotal quota: +3G of 2G given out\ndefault quota: +500M\nlargest quota: +1G\n/,
    );
    await expect(run('mailbox add carl@example.com')).rejects.toThrow(/domain set example.com --max-mailboxes/);
    expect((await run('domain set example.com --max-mailboxes unlimited --total-quota none --max-quota 0')).err).toBe(
      '',
    );
    await run('mailbox add carl@example.com');
    expect((await run('mailbox show carl@example.com')).out).toMatch(/quota: +500M/);
    await expect(run('domain set example.com --max-aliases many')).rejects.toThrow(/not a limit/);
  });

  it('sends unknown users to another host, never to this one', async () => {
    await run('domain set example.com --unknown-to smtp:[192.0.2.1]');
    expect((await run('domain show example.com')).out).toMatch(/unknown users: go to smtp:\[192.0.2.1\]/);
    expect((await run('domain list')).out).toMatch(/split$/);
    for (const self of ['mx.host.example', '[MX.host.example]:25', '[127.0.0.1]']) {
      await expect(run(`domain set example.com --unknown-to smtp:${self}`)).rejects.toThrow(/is this host/);
    }
    await run('domain set example.com --unknown-to lmtp:[127.0.0.1]:2400');
    await run('domain set example.com --no-unknown-to');
    expect((await run('domain show example.com')).out).not.toMatch(/unknown users/);
  });

  it('brings back what was removed', async () => {
    await run('alias-domain add example.org example.com');
    await run('list add team@example.com --owner anna@example.com --member x@far.test');
    for (const [kind, name] of [
      ['list', 'team@example.com'],
      ['alias', 'postmaster@example.com'],
      ['alias-domain', 'example.org'],
    ] as const) {
      await run(`${kind} remove ${name} --yes`);
      await run(`${kind} restore ${name}`);
      await run(`${kind} show ${name}`);
    }
    expect((await run('domain remove example.com --recursive')).out).toMatch(/posthaste domain restore example.com$/);
    expect((await run('domain list --removed')).out).toMatch(/^DOMAIN +REMOVED +RESTORABLE UNTIL\nexample.com +2/);
    expect((await run('domain restore example.com')).out).toBe(
      'example.com is hosted again, with 1 mailbox, 3 aliases, 1 list, alias domains: 1',
    );
    expect((await run('list members list team@example.com')).out).toContain('x@far.test');
    expect((await run('domain list --removed')).err).toBe('no removed domain');
  });
});

describe('posthaste mailbox', () => {
  it('shows a forward, protocols and when the password ends', async () => {
    await run(
      'mailbox set anna@example.com --forward x@far.test,y@far.test --protocol imap smtp --password-expires 90d',
    );
    const { out } = await run('mailbox show anna@example.com');
    expect(out).toMatch(
      /\nprotocols: +smtp, imap\npassword set: +\d{4}-.*\npassword: +expires \d{4}.*\nlast login: +never\n/,
    );
    expect(out).toMatch(/\nforward: +x@far.test, y@far.test; a copy stays$/);
    await run('mailbox set anna@example.com --forward-mode forward --must-change --any-protocol');
    expect((await run('mailbox list')).out).toMatch(/forward must-change$/);
    await run('mailbox set anna@example.com --no-forward --no-must-change --password-expires never');
    expect((await run('mailbox list')).out).not.toMatch(/forward|must|expire/);
    expect((await run('mailbox set anna@example.com --forward x@far.test', true)).out).toMatch(
      /"forward":\{"mode":"both","to":\["x@far.test"\]\}/,
    );
  });

  it.each([
    ['--forward x@far.test --forward-mode keep', /contradict/],
    ['--forward-mode both', /needs an address/],
    ['--protocol telnet', /is no protocol/],
    ['--protocol imap --any-protocol', /contradict/],
    ['--password-expires soon', /write a day/],
  ])('refuses %s', async (options, reason) => {
    await expect(run(`mailbox set anna@example.com ${options}`)).rejects.toThrow(reason);
  });

  it('is renamed, and says what still has the old name', async () => {
    await run('domain add example.net');
    const { out, err } = await run('mailbox rename anna@example.com ann@example.net');
    expect(out).toBe('anna@example.com is ann@example.net from now on\nits owner logs in as ann@example.net');
    expect(err).toMatch(/aliases still lead to it.*postmaster@example.com.*posthaste alias add anna@example.com ann@/);
    await run('alias add anna@example.com ann@example.net');
    await run('mailbox rename ann@example.net ann@example.com --keep-alias');
    expect((await run('alias show ann@example.net')).out).toContain('ann@example.com');
  });

  it('says what named it when it is removed', async () => {
    await run('mailbox add ben@example.com');
    await run('mailbox set ben@example.com --forward anna@example.com');
    const [removed] = (await run('mailbox remove anna@example.com', true)).out.split('\n');
    expect(JSON.parse(removed ?? '')).toMatchObject({
      removed: true,
      danglingAliases: ['postmaster@example.com', 'abuse@example.com', 'root@example.com'],
      forwards: ['ben@example.com'],
    });
    await run('mailbox restore anna@example.com');
    expect((await run('mailbox remove anna@example.com')).err).toContain('still forwarded to it: ben@example.com');
  });
});
