// Which aliases would send mail round in a circle, and are refused with the circle named.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { directoryOpener } from '../../test/harness/directory-opener.ts';
import { Directory } from './directory.ts';

const openDirectory = directoryOpener();

let folder: string;
let directory: Directory;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'directory-loops-'));
  directory = await openDirectory(join(folder, 'directory.db'), { clock: new FakeClock(), actor: 'tester' });
});

afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true });
});

describe('loops (V5)', () => {
  beforeEach(async () => {
    for (const name of ['a.example', 'b.example']) await directory.domains.add(name);
    await directory.domains.add('m.example');
  });

  const alias = (address: string, ...targets: string[]) => directory.aliases.add(address, targets);

  it('refuses a → b → a and names it', async () => {
    await alias('a@a.example', 'b@a.example');
    await expect(alias('b@a.example', 'a@a.example')).rejects.toThrow('b@a.example → a@a.example → b@a.example');
    expect(await directory.aliases.show('b@a.example')).toBeUndefined();
    await expect(directory.aliases.set('a@a.example', ['x@a.example', 'A@A.example'])).resolves.toBeDefined();
  });

  it('allows a → a, b (keep a copy) and a → b, b → b', async () => {
    await alias('a@a.example', 'a@a.example', 'b@a.example');
    await alias('b@a.example', 'b@a.example');
    await alias('c@a.example', 'a@a.example', 'b@a.example', 'c@a.example');
  });

  it('refuses a loop through an alias domain', async () => {
    await directory.aliasDomains.add('alias.example', 'a.example');
    await expect(alias('x@a.example', 'x@alias.example')).rejects.toThrow(/loop/);
    await alias('y@a.example', 'y@later.example');
    await expect(directory.aliasDomains.add('later.example', 'a.example')).rejects.toThrow(
      'y@later.example → y@a.example → y@later.example',
    );
    expect(await directory.aliasDomains.list()).toHaveLength(1);
  });

  it('refuses catch-alls that lead to each other', async () => {
    await alias('@a.example', '@b.example');
    await expect(alias('@b.example', '@a.example')).rejects.toThrow('@b.example → @a.example → @b.example');
  });

  it('refuses a whole-domain alias that meets an alias leading back', async () => {
    await alias('x@b.example', 'x@a.example');
    await expect(alias('@a.example', '@b.example')).rejects.toThrow('x@a.example → x@b.example → x@a.example');
  });

  it('refuses a loop that needs an extension', async () => {
    await alias('b+x@a.example', 'a+x@a.example');
    await expect(alias('a@a.example', 'b@a.example')).rejects.toThrow(
      /a\+x@a.example → b\+x@a.example → a\+x@a.example/,
    );
  });

  it('refuses a removal that would let a catch-all close a loop', async () => {
    await directory.mailboxes.add({ address: 'm@m.example', passwordHash: '' });
    await alias('z@a.example', 'm@m.example');
    await alias('@m.example', 'z@a.example');
    await expect(directory.mailboxes.remove('m@m.example')).rejects.toThrow('m@m.example → z@a.example → m@m.example');
    expect(directory.mailboxByAddress('m@m.example')).toBeDefined();
  });

  it('refuses a loop of many', async () => {
    for (let index = 0; index < 40; index++) await alias(`c${index}@a.example`, `c${index + 1}@a.example`);
    await expect(alias('c40@a.example', 'c0@a.example')).rejects.toThrow(
      /loop: c40@a.example → c0@a.example → c1@a.example/,
    );
  });

  it('refuses an alias whose chain is longer than mail can follow (virtual_alias_recursion_limit)', async () => {
    const numbers = Array.from({ length: 1000 }, (_, index) => index + 1);
    const domain = "(SELECT id FROM domain WHERE name = 'a.example')";
    const aliases = numbers.map((id) => `(${id}, ${domain}, 'c${id}', 'c${id}@a.example', 0)`);
    const targets = numbers.map((id) => `(${id}, 0, 'c${id + 1}@a.example', 'a.example', 'c${id + 1}')`);
    openDirectory.execute(
      folder,
      `INSERT INTO alias (id, domain_id, localpart, shown, created) VALUES ${aliases.join(', ')};
       INSERT INTO alias_target (alias_id, position, address, domain, localpart) VALUES ${targets.join(', ')};`,
    );
    await expect(alias('start@a.example', 'c1@a.example')).rejects.toThrow(/chain of more than 1000 aliases/);
    await expect(alias('start@a.example', 'c5@a.example')).resolves.toBeDefined();
  });
});
