// Reverse questions, over a real directory and the real resolver.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeFirstConfiguration } from '../settings/first-start.ts';
import type { CommandContext } from './context.ts';
import { register as registerDependents } from './dependents.ts';
import { withDirectory } from './directory-session.ts';
import { register as registerReaches } from './reaches.ts';

const folder = mkdtempSync(join(tmpdir(), 'reaches-'));
const context = (json: boolean, lines: string[]): CommandContext => ({
  configDirectory: join(folder, 'etc'),
  json,
  print: (line) => lines.push(line),
  warn: (line) => lines.push(line),
});

async function run(json: boolean, ...args: string[]): Promise<string[]> {
  const lines: string[] = [];
  const program = new Command().exitOverride();
  registerReaches(program, context(json, lines));
  registerDependents(program, context(json, lines));
  await program.parseAsync(args, { from: 'user' });
  return lines;
}

beforeAll(async () => {
  await writeFirstConfiguration(join(folder, 'etc'), {
    dataDirectory: folder,
    loopback: true,
    hostname: 'mx.host.example',
  });
  await withDirectory(context(false, []), false, ({ directory }) =>
    directory.whole('tester', async ({ domains, mailboxes, aliases, aliasDomains, lists, senderRights }) => {
      await domains.add('example.com');
      await domains.add('names.example', { class: 'alias' });
      for (const name of ['anna', 'bert'])
        await mailboxes.add({ address: `${name}@example.com`, passwordHash: '{PLAIN}x' });
      await aliasDomains.add('example.org', 'example.com');
      await aliases.add('sales@example.com', ['anna@example.com', 'bert@example.com']);
      await aliases.add('info@names.example', ['sales@example.com']);
      await aliases.add('@names.example', ['anna@example.com']);
      await aliases.add('off@names.example', ['anna@example.com'], { active: false });
      await mailboxes.set('bert@example.com', { forward: { mode: 'both', to: ['anna@example.com'] } });
      await lists.add({ address: 'news@example.com', owners: ['bert@example.com'], members: ['anna@example.com'] });
      await senderRights.add('boss@far.test', 'anna@example.com', true);
    }),
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

it('names every address that reaches a mailbox, and who may send as it', async () => {
  const [line = ''] = await run(true, 'reaches', 'anna@example.org');
  const { address, reaching, maySend } = JSON.parse(line) as {
    address: string;
    reaching: { address: string; by: string; arrives: boolean }[];
    maySend: { login: string }[];
  };
  expect(address).toBe('anna@example.com');
  const arriving = new Map(reaching.filter(({ arrives }) => arrives).map((one) => [one.address, one.by]));
  expect(Object.fromEntries(arriving)).toEqual({
    'anna@example.com': 'own',
    'anna@example.org': 'alias-domain',
    'sales@example.com': 'alias',
    'sales@example.org': 'alias-domain',
    'info@names.example': 'alias',
    '*@names.example': 'catch-all',
    'bert@example.com': 'forward',
    'bert@example.org': 'alias-domain',
    'owner-news@example.com': 'list-owner',
    'owner-news@example.org': 'alias-domain',
    'postmaster@example.com': 'alias',
    'abuse@example.com': 'alias',
    'root@example.com': 'alias',
    'postmaster@example.org': 'alias-domain',
    'abuse@example.org': 'alias-domain',
    'root@example.org': 'alias-domain',
    'news@example.com': 'list',
    // It is as if it were not there, and the catch-all leads here too.
    'off@names.example': 'alias',
  });
  expect(maySend.map(({ login }) => login)).toEqual(['anna@example.com']);
});

it('pages, and says that there is more', async () => {
  const first = await run(false, 'reaches', 'anna@example.com', '--limit', '3');
  const second = await run(false, 'reaches', 'anna@example.com', '--limit', '3', '--page', '2');
  expect(first.filter((line) => line.startsWith('  ')).length).toBe(3);
  expect(second.filter((line) => line.startsWith('  ')).some((line) => first.includes(line))).toBe(false);
  expect(first.at(-1)).toBe('there is more: --page 2, or a larger --limit');
});

it('says what names an address or a domain', async () => {
  expect(await run(false, 'dependents', 'anna@example.com')).toEqual([
    'aliases that lead there: 6',
    '  @names.example',
    '  abuse@example.com',
    '  off@names.example',
    '  postmaster@example.com',
    '  root@example.com',
    '  sales@example.com',
    'mailboxes that are forwarded there: 1',
    '  bert@example.com',
    'lists that it is a member, an owner or a poster of: 1',
    '  news@example.com (member)',
    'addresses that its login may, or may not, send as: 1',
    '  boss@far.test',
  ]);
  const lines = await run(false, 'dependents', 'example.com', '--limit', '1');
  expect(lines.slice(0, 4)).toEqual(['alias domains: 1', '  example.org', 'mailboxes: 2', '  anna@example.com']);
  expect(lines).toContain('aliases of other domains that lead into it: 3');
  expect(await run(false, 'dependents', 'nobody@example.com')).toEqual(['nothing names nobody@example.com']);
});
