// Our postmap and postalias beside Postfix's, on files that people and typing errors make.

import { chmod, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realPostconf } from '../../test/harness/real-postconf.ts';
import { runRealTool, runTool, type ToolOutput } from '../../test/harness/run-tool.ts';
import { register as registerPostalias } from './postalias.ts';
import { register as registerPostmap } from './postmap.ts';

let directory = '';

const virtual = `# comment
a@example.com  b@example.com
A@example.com  c@example.com
nokey
bad"quote x
key: value
"q k"@x.y  z
   continued   text\t
é@x.y	w
  lone
two  words here
`;

const good = 'a@b.c d@e.f\nb two words\nB. x\n';

const aliases = `# comment
postmaster: root
Root:   a@b.c,  d , "|/bin/cmd a b"
x.y : z
"quo ted": u
  more, v
bad@dom: x
multi, key: x
nocolon
empty:
list: :include:/etc/list , /var/mail/x,"/file with space"
owner-list:foo
paren: b (c2), <c@d.e>, Name <f@g.h>
POSTMASTER: dup
e: ""
`;

const message = `From: a@b
Subject: hello
 folded
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=xx

pre
--xx
Content-Type: text/plain

body1
--xx
Content-Type: message/rfc822

Subject: inner
From: c@d

innerbody
--xx--
post
`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'posthaste-postmap-'));
  const files: Record<string, string | Buffer> = {
    'main.cf':
      'compatibility_level = 3.6\nmyhostname = mail.example.com\nalias_database = hash:$config_directory/aliases\n',
    'master.cf': '',
    virtual,
    aliases,
    // With an index of Postfix's, for questions.
    asked: virtual,
    listed: good,
    odd: Buffer.from('  start x\nok v\r\nbad\xff v\n\\"k v\nlast w', 'latin1'),
    good,
    empty: '',
    names: 'host one, two\n',
    nets: '10.0.0.0/8 net\n',
    indexed: good,
    rules: '/^from:/ FROM\n/inner/ INNER\n',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  const longAgo = new Date(2020, 0, 1);
  for (const name of Object.keys(files)) await utimes(join(directory, name), longAgo, longAgo);
  if (realPostconf === undefined) return;
  for (const type of ['hash', 'lmdb']) {
    for (const file of ['asked', 'listed'])
      await runRealTool({ tool: 'postmap', directory, args: inFolder([`${type}:%${file}`]) });
  }
  // Of this one only the index is there.
  await runRealTool({ tool: 'postmap', directory, args: inFolder(['lmdb:%indexed']) });
  await rm(join(directory, 'indexed'));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

function inFolder(args: readonly string[]): string[] {
  return args.map((arg) => arg.replace('%', `${directory}/`));
}

function ours(tool: 'postmap' | 'postalias' | 'newaliases', args: readonly string[], input = ''): Promise<ToolOutput> {
  const register = tool === 'postmap' ? registerPostmap : registerPostalias;
  return runTool(register, { tool, directory, args, input });
}

/** `%` in arguments stands for the folder. */
function postmap(args: readonly string[], input = ''): Promise<ToolOutput> {
  return ours('postmap', inFolder(args), input);
}

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(realPostconf === undefined)('beside the real ones (package postfix)', () => {
  const types = ['hash', 'btree', 'lmdb', 'cdb'];
  const cases = types.flatMap((type) => ['virtual', 'odd', 'good', 'empty'].map((file) => [type, file] as const));

  test.each(cases)('postmap %s:%s warns of the same', async (type, file) => {
    const args = inFolder([`${type}:%${file}`]);
    const mine = await postmap(args);
    const real = await runRealTool({ tool: 'postmap', directory, args });
    expect({ ...mine, stdout: '' }).toEqual(real);
    expect(mine.stdout).toMatch(type === 'cdb' ? /^$/ : /no index is needed, Posthaste reads the text itself/);
  });

  test.each(types)('postalias %s:aliases warns of the same', async (type) => {
    const args = inFolder([`${type}:%aliases`]);
    const mine = await ours('postalias', args);
    expect({ ...mine, stdout: '' }).toEqual(await runRealTool({ tool: 'postalias', directory, args }));
  });

  test.each([[], ['-N'], ['-f'], ['-p']])('a cdb is the same, byte for byte %j', async (...options) => {
    for (const file of ['virtual', 'good', 'empty']) {
      const args = inFolder([...options, `cdb:%${file}`]);
      const mine = await postmap(args);
      const written = await readFile(join(directory, `${file}.cdb`));
      const real = await runRealTool({ tool: 'postmap', directory, args });
      expect(written.equals(await readFile(join(directory, `${file}.cdb`)))).toBe(true);
      expect(mine).toEqual(real);
    }
  });

  test('a cdb of aliases answers Postfix', async () => {
    await ours('postalias', inFolder(['cdb:%aliases']));
    for (const key of ['root', 'quo ted', '@', 'list', 'none']) {
      const args = inFolder(['-q', key, 'cdb:%aliases']);
      const real = await runRealTool({ tool: 'postalias', directory, args });
      expect(real.status, key).toBe(key === 'none' ? 1 : 0);
      if (key === 'root') expect(real.stdout).toBe('a@b.c, d, "|/bin/cmd a b"\n');
    }
  });

  test.each([
    ['-r', 'c@example.com\n'],
    ['-w', 'b@example.com\n'],
  ])('of two rows with %s', async (option, expected) => {
    await postmap([option, 'cdb:%virtual']);
    expect(
      (await runRealTool({ tool: 'postmap', directory, args: inFolder(['-q', 'a@example.com', 'cdb:%virtual']) }))
        .stdout,
    ).toBe(expected);
  });

  const queries: string[][] = [
    ['-q', 'a@example.com', 'hash:%asked'],
    ['-q', 'A@EXAMPLE.com', 'hash:%asked'],
    ['-q', 'nosuch', 'hash:%asked'],
    ['-q', '"q k"@x.y', 'lmdb:%asked'],
    ['-q', 'É@x.y', 'hash:%asked'],
    ['-q', 'key:', '%asked'],
    ['-q', 'two', 'static:no', 'hash:%asked'],
    ['-q', 'two', 'inline:{one=1}', 'hash:%asked'],
    ['-q', 'x', 'static:{ a b }'],
    ['-q', 'root', 'unix:passwd.byname'],
    ['-q', 'b', 'texthash:%listed'],
    ['-q', 'From: you', 'regexp:%rules'],
    ['-q', 'an inner text', 'pcre:%rules'],
    ['-q', '10.1.2.3', 'cidr:%nets'],
    ['-q', '11.1.2.3', 'cidr:%nets'],
    ['-q', 'x', 'unionmap:{static:a,inline:{x=y},inline:{z=z}}'],
    ['-q', 'x', 'pipemap:{static:b,hash:%listed}'],
    ['-q', 'x', 'randmap:{one}'],
    ['-s', 'inline:{one=1,two=2}'],
    ['-s', 'lmdb:%indexed'],
    ['-q', 'b', 'lmdb:%indexed'],
    ['-q', 'root', 'texthash:%nosuch2', 'static:x'],
    ['-s'],
    ['-s', 'static:x'],
    ['-s', 'proxy:hash:%listed'],
    ['-s', 'texthash:%listed'],
    ['-q', 'a', '-s', '%listed'],
    ['-q', 'a', '-d', 'b', '%listed'],
    ['-h', '%listed'],
    ['-z'],
    ['-q'],
    [],
    ['%nosuch'],
    ['static:%listed'],
    ['pcre:%listed'],
    ['proxy:hash:%listed'],
    ['-c', '/nosuch/folder', '-q', 'x', 'static:y', 'nothing'],
  ];
  test.concurrent.each(queries)('postmap %j', async (...args) => {
    const words = inFolder(args);
    const real = await runRealTool({ tool: 'postmap', directory, args: words });
    const mine = await ours('postmap', words);
    const sorted = (text: string): string[] => text.split('\n').toSorted();
    expect({ ...mine, stdout: sorted(mine.stdout), stderr: '' }).toEqual({
      ...real,
      stdout: sorted(real.stdout),
      stderr: '',
    });
    // Of a folder that is missing each says so in its own words.
    if (!words.some((word) => word.includes('/nosuch'))) expect(mine.stderr).toBe(real.stderr);
  });

  const messageOptions: string[][] = [['-h'], ['-b'], ['-hb'], ['-hm'], ['-bm'], ['-h', '-b', '-m'], ['-m'], []];
  test.concurrent.each(messageOptions)('keys of a message %j', async (...options) => {
    for (const table of ['static:Y', 'regexp:%rules']) {
      const args = inFolder([...options, '-q', '-', table]);
      const real = await runRealTool({ tool: 'postmap', directory, args, input: message });
      expect(await ours('postmap', args, message)).toEqual(real);
    }
  });

  test('many keys from standard input', async () => {
    for (const input of ['a@example.com\nA@EXAMPLE.COM\nnosuch\n', 'nosuch\n', '', 'two']) {
      const args = inFolder(['-q', '-', 'hash:%asked', 'inline:{nosuch2=x}']);
      expect(await ours('postmap', args, input)).toEqual(
        await runRealTool({ tool: 'postmap', directory, args, input }),
      );
    }
  });

  test('postalias -q and -s show what an index would hold', async () => {
    await runRealTool({ tool: 'postalias', directory, args: inFolder(['lmdb:%aliases']) });
    for (const key of ['root', 'Root', 'list', 'paren', 'x.y', 'none']) {
      const args = inFolder(['-q', key, 'lmdb:%aliases']);
      expect(await ours('postalias', args), key).toEqual(await runRealTool({ tool: 'postalias', directory, args }));
    }
    const args = inFolder(['-q', '-', 'lmdb:%aliases']);
    const input = 'root\nX.Y\n';
    expect(await ours('postalias', args, input)).toEqual(
      await runRealTool({ tool: 'postalias', directory, args, input }),
    );
  });
});

test('a cdb is no more readable than its text', async () => {
  await chmod(join(directory, 'names'), 0o640);
  await postmap(['cdb:%names']);
  expect((await stat(join(directory, 'names.cdb'))).mode & 0o777).toBe(0o640);
  await postmap(['-p', 'cdb:%names']);
  expect((await stat(join(directory, 'names.cdb'))).mode & 0o777).toBe(0o644);
});

test('-F: values stand for the content of files', async () => {
  await writeFile(join(directory, 'one'), 'first\n');
  await writeFile(join(directory, 'two'), 'second');
  await writeFile(join(directory, 'keys'), `host ${directory}/one, ${directory}/two\nbad ${directory}/nosuch\n`);
  expect((await postmap(['-F', '-q', 'host', 'hash:%keys'])).stdout).toBe('first\n\nsecond\n');
  const failed = await postmap(['-F', '-q', 'bad', 'hash:%keys']);
  expect(failed).toMatchObject({ status: 1, stdout: '' });
  expect(failed.stderr).toContain('No such file or directory');
  expect((await postmap(['-F', '-q', 'x', 'inline:{x=aGVsbG8=}'])).stdout).toBe('hello\n');
});

test('a key that comes twice makes a texthash useless', async () => {
  const output = await postmap(['texthash:%virtual']);
  expect(output.status).toBe(1);
  expect(output.stderr).toContain(`line 3: duplicate entry: "A@example.com": the table cannot be used`);
});

test('an index cannot be changed: edit the text', async () => {
  for (const option of [['-d', 'a'], ['-i']]) {
    const output = await postmap([...option, 'hash:%good']);
    expect(output).toMatchObject({ status: 1, stdout: '' });
    expect(output.stderr).toContain(`edit ${directory}/good`);
  }
});

test('could not be found out is no "not found": a line says why', async () => {
  const output = await postmap(['-q', 'x', 'fail:reason', 'static:y']);
  expect(output).toMatchObject({ status: 1, stdout: '' });
  expect(output.stderr).toMatch(/^postmap: fatal: table fail:reason: query error: /);
});

test('newaliases checks what alias_database names', async () => {
  const output = await ours('newaliases', ['-oQ/x']);
  expect(output.status).toBe(0);
  expect(output.stdout).toMatch(/aliases: 8 entries; no index is needed/);
  expect(output.stderr).toContain('postalias: warning: ');
});

test('--json', async () => {
  const run = { tool: 'postmap', directory, args: ['-q', 'x', 'static:y'], json: true };
  expect((await runTool(registerPostmap, run)).stdout).toBe('{"key":"x","value":"y","table":"static:y"}\n');
});
