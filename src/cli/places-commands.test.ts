// transport, bcc, access, relay-recipient, catch-all, tag and the options of alias, as people type them.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Directory } from '../directory/directory.ts';
import { systemClock } from '../lib/clock.ts';
import { writeFirstConfiguration } from '../settings/first-start.ts';
import { register as access } from './access.ts';
import { register as alias } from './alias.ts';
import { register as bcc } from './bcc.ts';
import { register as catchAll } from './catch-all.ts';
import type { CommandContext } from './context.ts';
import { register as domain } from './domain.ts';
import { register as list } from './list.ts';
import { register as mailbox } from './mailbox.ts';
import { register as relayRecipient } from './relay-recipient.ts';
import { register as tag } from './tag.ts';
import { register as transport } from './transport.ts';

let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'places-commands-'));
  await writeFirstConfiguration(join(folder, 'etc'), {
    dataDirectory: folder,
    loopback: true,
    hostname: 'mx.host.example',
  });
  const directory = await Directory.open(join(folder, 'directory.db'), { clock: systemClock, actor: 'test' });
  await directory.domains.add('example.com');
  await directory.mailboxes.add({ address: 'anna@example.com', passwordHash: '!' });
  await directory.lists.add({ address: 'team@example.com', owners: ['anna@example.com'] });
  directory.close();
});

afterEach(() => rmSync(folder, { recursive: true }));

async function run(line: string | readonly string[], options: { json?: boolean; input?: string } = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const context: CommandContext = {
    configDirectory: join(folder, 'etc'),
    json: options.json === true,
    input: Readable.from(options.input ?? ''),
    print: (text) => void out.push(text),
    warn: (text) => void err.push(text),
  };
  const program = new Command('posthaste').exitOverride().configureOutput({ writeErr: () => undefined });
  for (const register of [transport, bcc, access, relayRecipient, catchAll, tag, alias, domain, mailbox, list]) {
    register(program, context);
  }
  await program.parseAsync(typeof line === 'string' ? line.split(' ') : [...line], { from: 'user' });
  return { out: out.join('\n'), err: err.join('\n') };
}

const objects = async (line: string): Promise<unknown[]> => {
  const { out } = await run(line, { json: true });
  return out
    .split('\n')
    .filter(Boolean)
    .map((one) => JSON.parse(one) as unknown);
};

describe('transport', () => {
  it('adds, shows what applies, changes and removes', async () => {
    expect(await run('transport add .partner.example smtp:[192.0.2.25]:587')).toEqual({
      out: 'mail for .partner.example goes by smtp:[192.0.2.25]:587',
      err: '',
    });
    expect((await run('transport list')).out).toMatch(
      /^PLACE +TRANSPORT +SINCE\n\.partner\.example +smtp:\[192\.0\.2\.25\]:587 /,
    );
    expect(await objects('transport show anna@mail.partner.example')).toEqual([
      {
        place: 'anna@mail.partner.example',
        key: '.partner.example',
        transport: 'smtp:[192.0.2.25]:587',
        source: 'directory:transports .partner.example',
      },
    ]);
    await expect(run('transport show elsewhere.example')).rejects.toThrow(/goes the usual way/);
    expect((await run('transport set .partner.example smtp:')).out).toContain('by smtp:');
    expect((await run('transport remove .partner.example')).out).toContain('the usual way again');
    await expect(run('transport remove .partner.example')).rejects.toThrow(/there is no transport/);
  });

  it('warns of what does not work, and asks twice for what takes mailboxes', async () => {
    expect((await run('transport add far.example smpt:')).err).toMatch(/no service smpt in master\.cf/);
    expect((await run('transport add nobody@example.com relay:')).err).toMatch(/nobody@example\.com does not exist/);
    await expect(run('transport add * smtp:[192.0.2.1]')).rejects.toThrow(/mailboxes in example\.com too .*--force/);
    expect((await run('transport add * smtp:[192.0.2.1] --force')).err).toBe('');
  });
});

describe('bcc', () => {
  it('adds, lists, changes and removes', async () => {
    expect(await run('bcc add --sender @example.com anna@example.com')).toEqual({
      out: 'anna@example.com gets a copy of the mail of @example.com',
      err: '',
    });
    expect((await run('bcc add --recipient anna@example.com gone@example.com')).err).toMatch(
      /gone@example\.com does not exist/,
    );
    expect((await run('bcc list --sender')).out.split('\n')).toHaveLength(2);
    expect(await objects('bcc list')).toHaveLength(2);
    expect((await run('bcc set --recipient anna@example.com x@far.example')).out).toContain('x@far.example gets');
    expect((await run('bcc remove --sender @example.com')).out).toBe('nobody gets a copy of the mail of @example.com');
    await expect(run('bcc add @example.com anna@example.com')).rejects.toThrow(/give --sender or --recipient/);
  });
});

describe('access', () => {
  it('adds, lists, shows, changes and removes', async () => {
    expect(await run('access add --sender spam.example REJECT no thanks --note why')).toEqual({
      out: 'sender spam.example: REJECT no thanks',
      err: '',
    });
    expect(await objects('access list --sender')).toMatchObject([
      { stage: 'sender', pattern: 'spam.example', action: 'REJECT no thanks', note: 'why' },
    ]);
    expect(await objects('access list --client')).toEqual([]);
    expect((await run('access set --sender spam.example --note because')).out).toContain('REJECT no thanks');
    expect((await run('access show --sender spam.example')).out).toMatch(/note: +because/);
    expect((await run('access remove --sender spam.example')).out).toContain('no rule');
    await expect(run('access add spam.example REJECT')).rejects.toThrow(/give one of --client/);
    await expect(run('access set --sender spam.example')).rejects.toThrow(/nothing to change/);
  });

  it('warns of rules that never match, and of filters that do not exist', async () => {
    expect((await run('access add --helo .example.net REJECT')).err).toMatch(
      /write example\.net, which stands for its subdomains/,
    );
    expect((await run('access add --sender x.example FILTER scan:dummy')).err).toMatch(/no service scan in master\.cf/);
  });
});

it('says which line an older main.cf lacks', async () => {
  mkdirSync(join(folder, 'old'));
  const text =
    'myhostname = mx.host.example\nposthaste_data_directory = ..\nsmtpd_sender_restrictions = permit_mynetworks\n';
  writeFileSync(join(folder, 'etc', 'main.cf'), text);
  for (const [line, missing] of [
    ['transport add far.example smtp:', 'transport_maps = directory:transports'],
    ['bcc add --recipient a@far.example anna@example.com', 'recipient_bcc_maps = directory:recipient-bcc'],
    [
      'access add --sender x.example REJECT',
      'smtpd_sender_restrictions = check_sender_access directory:sender-access, permit_mynetworks',
    ],
  ] as const) {
    expect((await run(line)).err).toContain(`has no effect yet: posthaste postconf -e "${missing}"`);
  }
});

describe('relay-recipient', () => {
  it('adds, lists and removes, and says that a domain takes everybody', async () => {
    await run('domain add relay.example --class relay');
    const added = await run('relay-recipient add -', { input: '# people\nanna@relay.example\n\nben@relay.example\n' });
    expect(added.out).toBe('2 added');
    expect(added.err).toBe(
      'relay.example takes mail for every address until: posthaste domain set relay.example --recipients listed',
    );
    expect((await run('domain set relay.example --recipients listed')).err).toBe('');
    expect((await run('domain show relay.example')).out).toMatch(/recipients: +listed/);
    expect((await run('relay-recipient list --domain relay.example')).out).toMatch(
      /\nanna@relay\.example .*\nben@relay\.example /,
    );
    await run('relay-recipient remove anna@relay.example ben@relay.example');
    expect((await run('domain set relay.example --recipients listed')).err).toMatch(/all mail is refused until/);
  });
});

describe('catch-all', () => {
  it('shows, sets, lists and decides', async () => {
    expect((await run('catch-all set example.com propose')).err).toMatch(/no catch-all: add one with/);
    await run('alias add @example.com anna@example.com');
    expect((await run('catch-all refuse spam@example.com')).out).toBe('spam@example.com refused from now on');
    expect(
      (await run('catch-all accept -', { input: 'a@example.com\nb@example.com\nc@example.com\nd@example.com\n' })).out,
    ).toBe('4 names accepted');
    expect(await objects('catch-all show example.com')).toEqual([
      { domain: 'example.com', mode: 'propose', targets: ['anna@example.com'], proposed: 0, accepted: 4, refused: 1 },
    ]);
    expect(await objects('catch-all list --state refused')).toMatchObject([
      { address: 'spam@example.com', messages: 0 },
    ]);
    expect((await run('catch-all forget spam@example.com')).out).toBe('spam@example.com forgotten');
    expect((await run('domain list')).out).toContain('catch-all proposes');
    await expect(run('catch-all set example.com maybe')).rejects.toThrow();
    expect((await run('alias remove @example.com')).out).toBe('@example.com removed');
  });
});

describe('aliases', () => {
  it('are switched off, and say who may write', async () => {
    expect((await run('alias add all@example.com anna@example.com --post listed')).err).toMatch(/nobody may write/);
    const set = await run('alias set all@example.com --poster boss@example.com @far.example --disable');
    expect(set.out).toBe('all@example.com → anna@example.com (disabled; boss@example.com, @far.example may write)');
    expect((await run('alias show all@example.com')).out).toMatch(
      /enabled: no\npost: +boss@example\.com, @far\.example may write/,
    );
    expect((await run('alias set all@example.com --enable --post anyone --add x@far.example')).out).toBe(
      'all@example.com → anna@example.com, x@far.example',
    );
  });
});

describe('tags', () => {
  it('are put on everything, and lists show what has them', async () => {
    await run('alias add info@example.com anna@example.com');
    for (const line of [
      'domain set example.com',
      'mailbox set anna@example.com',
      'alias set info@example.com',
      'list set team@example.com',
    ]) {
      await run(`${line} --tag Customer-17 --tag north`);
      await run(`${line} --untag north`);
    }
    expect((await run('tag list')).out).toMatch(/\ncustomer-17 +1 +1 +1 +1$/);
    expect(await objects('tag list customer-17')).toHaveLength(4);
    for (const kind of ['domain', 'mailbox', 'alias', 'list']) {
      expect(await objects(`${kind} list --tag customer-17`)).toHaveLength(1);
      expect(await objects(`${kind} list --tag north`)).toEqual([]);
    }
    expect(await objects('mailbox list --tag customer-17 --domain other.example')).toEqual([]);
    expect((await run('mailbox show anna@example.com')).out).toMatch(/tags: +customer-17/);
    // Only a tag was changed, so nothing else of the object is an event.
    const directory = await Directory.open(join(folder, 'directory.db'), { clock: systemClock, actor: 'test' });
    const actions = (await directory.events({ limit: 1000 })).map(({ action }) => action);
    directory.close();
    expect(actions.filter((action) => action.endsWith('.set') && !action.startsWith('setting'))).toEqual(
      Array.from({ length: 8 }, () => 'tag.set'),
    );
  });
});
