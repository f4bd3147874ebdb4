// What a real Postfix 3.7.11 made of header fields: standard form, canonical maps, masquerading, folding, groups,
// comments, quoted strings; of clients of its own and, with remote_header_rewrite_domain, of strangers.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openRouting } from '../../src/access/open-routing.ts';
import { MemoryLog } from '../../src/lib/log.ts';
import { HeaderRewriting } from '../../src/routing/header-rewriting.ts';
import { Settings } from '../../src/settings/settings.ts';

interface Group {
  readonly name: string;
  readonly main: Readonly<Record<string, string>>;
  readonly context: 'local' | 'remote';
  /** As sent, as delivered. */
  readonly fields: readonly (readonly [string, string])[];
}

const base = {
  compatibility_level: '3.6',
  myhostname: 'mx.oracle.test',
  mydomain: 'oracle.test',
  mydestination: '$myhostname, localhost.$mydomain, localhost',
  alias_maps: '',
};

const groups = JSON.parse(readFileSync(join(import.meta.dirname, 'header-answers.json'), 'utf8')) as Group[];

describe.each(groups)('$name', ({ main, context, fields }) => {
  const settings = Settings.defaults({ ...base, ...main });
  const routing = openRouting({ settings, log: new MemoryLog(), isWatching: false });
  afterAll(() => routing.close());
  const rewriting = new HeaderRewriting({ router: routing.router, context, mapsAddresses: true });

  test.each(fields)('%s', async (given, expected) => {
    const field = Buffer.from(`${given}\r\n`);
    expect(rewriting.concerns(given.slice(0, given.indexOf(':')).trim().toLowerCase())).toBe(true);
    const rewritten = (await rewriting.rewrite(field)) ?? field;
    expect(rewritten.toString()).toBe(`${expected}\r\n`);
  });
});

test('without address mappings only the standard form is made', async () => {
  const settings = Settings.defaults({ ...base, canonical_maps: 'inline:{joe@mx.oracle.test=x@y.test}' });
  const routing = openRouting({ settings, log: new MemoryLog(), isWatching: false });
  const rewriting = new HeaderRewriting({ router: routing.router, context: 'local', mapsAddresses: false });
  expect((await rewriting.rewrite(Buffer.from('From: joe\r\n')))?.toString()).toBe('From: joe@mx.oracle.test\r\n');
  expect(rewriting.rewrite(Buffer.from('From: "Joe, jr." <joe@x.test>, a@b.test\r\n'))).toBeInstanceOf(Promise);
  expect(rewriting.rewrite(Buffer.from('From: Joe <joe@x.test>, a@b.test\r\n'))).toBeUndefined();
  routing.close();
});

test('a table that fails is told, whatever the field', async () => {
  const settings = Settings.defaults({ ...base, canonical_maps: 'fail:x' });
  const routing = openRouting({ settings, log: new MemoryLog(), isWatching: false });
  const rewriting = new HeaderRewriting({ router: routing.router, context: 'local', mapsAddresses: true });
  await expect(rewriting.rewrite(Buffer.from('From: joe\r\n'))).rejects.toThrow('fail:x');
  routing.close();
});
