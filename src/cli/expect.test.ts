// posthaste expect over a folder of its own, with no data folder and no server.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, expect, test } from 'vitest';
import type { CommandContext, CommandError } from './context.ts';
import { register } from './expect.ts';

const folder = mkdtempSync(join(tmpdir(), 'expect-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'expectations');

writeFileSync(
  join(folder, 'main.cf'),
  `compatibility_level = 3.6
myhostname = mx.h.test
mydestination = localhost
recipient_delimiter = +
virtual_mailbox_domains = m.test
virtual_mailbox_maps = inline:{{a@m.test=x},{b@m.test=y}}
virtual_alias_maps = inline:{{team@m.test = a@m.test, b@m.test, c@far.test}}
smtpd_sasl_auth_enable = yes
relayhost = [hub.test]:26
`,
);
writeFileSync(
  join(folder, 'master.cf'),
  `smtp inet n - n - - smtpd
submission inet n - n - - smtpd
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
`,
);

interface Run {
  readonly lines: readonly string[];
  readonly failure?: CommandError;
}

async function run(text: string, ...options: string[]): Promise<Run> {
  writeFileSync(file, text);
  const lines: string[] = [];
  const context: CommandContext = {
    configDirectory: folder,
    json: options.includes('--json'),
    print: (line) => lines.push(line),
    warn: (line) => lines.push(line),
  };
  const program = new Command().exitOverride();
  register(program, context);
  try {
    await program.parseAsync(['expect', file, ...options.filter((one) => one !== '--json')], { from: 'user' });
    return { lines };
  } catch (error) {
    return { lines, failure: error as CommandError };
  }
}

const right = `# who gets what
team@m.test -> c@far.test via smtp:[hub.test]:26, b@m.test, a@m.test via virtual
a+x@m.test -> a+x@m.test
no@m.test -> 550 5.1.1
c@far.test -> 454 4.7.1 Relay access denied
c@far.test login ann service submission -> c@far.test via smtp
`;

test('all as expected: exit 0', async () => {
  const { lines, failure } = await run(right);
  expect(failure).toBeUndefined();
  expect(lines).toEqual([`${file}: all 5 as expected`]);
});

test('what is otherwise is told with its line; exit 1', async () => {
  const { lines, failure } = await run('\nteam@m.test -> a@m.test\nno@m.test -> 250\n');
  expect(failure).toMatchObject({ exitCode: 1, message: `${file}: 0 as expected, 2 not` });
  expect(lines).toEqual([
    `${file}:2: team@m.test\n  expected a@m.test\n  found    a@m.test, b@m.test via virtual, c@far.test via smtp:[hub.test]:26`,
    `${file}:3: no@m.test\n  expected 250\n  found    550 5.1.1 <no@m.test>: Recipient address rejected: User unknown in virtual mailbox table`,
  ]);
});

test('--json prints an object a line, good ones too', async () => {
  const { lines } = await run('a@m.test -> 250\n', '--json');
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    place: `${file}:1`,
    address: 'a@m.test',
    expected: '250',
    found: 'a@m.test via virtual',
    ok: true,
  });
});

test('--record fills in and mends, leaves what holds, and then all is as expected', async () => {
  await run(`${right}b@m.test\n  no@m.test  ->  250\n`, '--record');
  const recorded = readFileSync(file, 'utf8');
  expect(recorded).toBe(`${right}b@m.test -> b@m.test via virtual\n  no@m.test -> 550 5.1.1\n`);
  expect((await run(recorded)).failure).toBeUndefined();
});

test('a line that cannot be understood: exit 2, nothing is asked', async () => {
  const { lines, failure } = await run('a@m.test 250\n');
  expect(failure?.exitCode).toBe(2);
  expect(lines[0]).toMatch(/expectations:1: "250" is none of from, client/);
});
