// sender-login as people type it, over a directory of its own.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Directory } from '../directory/directory.ts';
import { systemClock } from '../lib/clock.ts';
import { register } from './sender-login.ts';

let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sender-login-'));
  mkdirSync(join(folder, 'etc'));
  writeFileSync(
    join(folder, 'etc', 'main.cf'),
    'myhostname = mx.host.example\nposthaste_data_directory = $config_directory/..\nrecipient_delimiter = +\n',
  );
  const directory = await Directory.open(join(folder, 'directory.db'), { clock: systemClock, actor: 'test' });
  await directory.domains.add('example.com');
  await directory.mailboxes.add({ address: 'anna@example.com', passwordHash: '*' });
  directory.close();
});

afterEach(() => rmSync(folder, { recursive: true }));

async function run(line: string, { json = false } = {}): Promise<{ out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const program = new Command('posthaste').exitOverride();
  register(program, {
    configDirectory: join(folder, 'etc'),
    json,
    print: (text) => void out.push(text),
    warn: (text) => void err.push(text),
  });
  await program.parseAsync(line.split(' '), { from: 'user' });
  return { out: out.join('\n'), err: err.join('\n') };
}

it('grants, denies, lists, explains and takes back', async () => {
  const granted = await run('sender-login add boss@example.com anna@example.com');
  expect(granted.out).toBe('anna@example.com may send as boss@example.com');
  expect(granted.err).toContain('add directory:sender-logins to smtpd_sender_login_maps');
  await run('sender-login add anna@example.com other@example.net --deny');
  expect((await run('sender-login list --login anna@example.com')).out).toMatch(
    /^ADDRESS.*\nboss@example.com  anna@example.com  yes /,
  );
  expect((await run('sender-login show boss@example.com')).out).toBe(
    'address:  boss@example.com\nmay send: anna@example.com (granted)',
  );
  await run('sender-login add @example.com anna@example.com');
  // What is said of the address is named, not what its domain gives besides.
  expect((await run('sender-login show boss@example.com')).out).toContain('anna@example.com (granted)');
  await run('sender-login remove @example.com anna@example.com');
  const shown = JSON.parse((await run('sender-login show anna+x@example.com', { json: true })).out);
  expect(shown).toEqual({
    address: 'anna+x@example.com',
    answeredBy: 'anna@example.com',
    allowed: [{ login: 'anna@example.com', because: 'its own mailbox' }],
    denied: [{ login: 'other@example.net', because: 'denied' }],
  });
  await run('sender-login set boss@example.com anna@example.com --deny');
  expect((await run('sender-login show boss@example.com')).out).toContain('may send: nobody');
  await expect(run('sender-login set boss@example.com anna@example.com')).rejects.toThrow(/--grant or --deny/);
  await run('sender-login remove boss@example.com anna@example.com');
  await expect(run('sender-login remove boss@example.com anna@example.com')).rejects.toThrow(/nothing is said of/);
  expect((await run('sender-login catch-all')).out).toContain('may send as');
  expect((await run('sender-login catch-all no', { json: true })).out).toBe('{"catchAllMaySend":false}');
  expect((await run('sender-login catch-all')).out).toContain('may not send as');
});
