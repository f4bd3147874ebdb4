// The tests before the greeting, beside a real postscreen(8): the same visits to both, and the same replies and log lines
// but for ports and process numbers. Runs where Postfix is installed and we are root.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Server } from '../../src/main/server.ts';
import { loadConfiguration } from '../../src/settings/configuration.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { noRealPostfix, RealPostfix } from '../harness/real-postfix.ts';
import { type Visit, visit } from './from-address.ts';

const common = {
  compatibility_level: '3.6',
  myhostname: 'mx.example.com',
  mydestination: '',
  inet_interfaces: '127.0.0.1',
  inet_protocols: 'ipv4',
  mynetworks: '127.9.9.9',
  alias_maps: '',
  local_recipient_maps: '',
  smtpd_peername_lookup: 'no',
  // Long enough for the client that goes away to be seen doing so on a busy machine.
  postscreen_greet_wait: '3s',
  postscreen_greet_action: 'enforce',
  postscreen_denylist_action: 'enforce',
  postscreen_access_list: 'permit_mynetworks, inline:{ 127.0.0.66=reject, 127.0.0.67=permit }',
  postscreen_client_connection_count_limit: '2',
};

type Planned = Omit<Visit, 'port'>;

const talk = ['EHLO c.example', 'NOOP', 'VRFY x', 'AUTH PLAIN AGEAYg==', 'XCLIENT NAME=x', 'MAIL FROM:<a@b.c>'];
const visits: Record<string, Planned> = {
  'a new client that waits is let in': { from: '127.0.0.2', commands: ['EHLO a', 'MAIL FROM:<a@b.c>', 'QUIT'] },
  'a client that has passed need not wait': { from: '127.0.0.2', commands: ['EHLO a', 'QUIT'] },
  'one that speaks too early is heard, and refused': {
    from: '127.0.0.3',
    early: 'EHLO c.example\r\n',
    commands: [...talk, 'RCPT TO:<x@example.com>', 'RCPT TO: <y@example.com> NOTIFY=NEVER', 'DATA', 'NOOP'],
  },
  'so is one on the list of those to reject': {
    from: '127.0.0.66',
    commands: [...talk, 'RCPT TO:<x@example.com>', 'RSET', 'RCPT TO:<x@example.com>', 'QUIT'],
  },
  'what is no mail at all': {
    from: '127.0.0.66',
    commands: [
      'RCPT TO:<a@b>',
      'MAIL FROM:<a@b>',
      'EHLO',
      'EHLO x',
      'ETRN x',
      'HELP',
      'STARTTLS',
      'BDAT 3 LAST',
      'foo',
    ],
  },
  'DATA at once': { from: '127.0.0.66', commands: ['DATA', 'QUIT'] },
  'a client of the list is let in': { from: '127.0.0.67', commands: ['QUIT'] },
  'and one of mynetworks': { from: '127.9.9.9', commands: ['QUIT'] },
  'too many commands': { from: '127.0.0.66', commands: ['HELO h', ...Array.from({ length: 22 }, () => 'NOOP')] },
  'one that goes away while it should wait': { from: '127.0.0.8', commands: [], leavesAfter: 100 },
};

// Skipped where there is no Postfix or we are not root (scripts/install-test-servers); CI counts a skip as a failure.
describe.skipIf(noRealPostfix !== undefined)(`postscreen ${noRealPostfix ?? ''}`, () => {
  let folder: string;
  let postfix: RealPostfix;
  let ours: Server;
  let port = 0;
  const log = (): string => join(folder, 'ours.log');

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'screen-'));
    chmodSync(folder, 0o755);
    const [postfixPort = 0, ownPort = 0] = await findFreePorts(2);
    port = ownPort;
    postfix = new RealPostfix(join(folder, 'postfix'), postfixPort);
    const master = (listen: number): string =>
      [
        `127.0.0.1:${listen} inet n - n - 1 postscreen`,
        'smtpd pass - - n - - smtpd',
        'tlsproxy unix - - n - 0 tlsproxy',
        'dnsblog unix - - n - 0 dnsblog',
        'cleanup unix n - n - 0 cleanup',
        'rewrite unix - - n - - trivial-rewrite',
        'proxymap unix - - n - - proxymap',
        'anvil unix - - n - 1 anvil',
        '',
      ].join('\n');
    const postfixOwn = 'tlsmgr unix - - n 1000? 1 tlsmgr\npostlog unix-dgram n - n - 1 postlogd\n';
    const main = (more: Record<string, string>): string =>
      Object.entries({ ...common, ...more })
        .map(([name, value]) => `${name} = ${value}\n`)
        .join('');
    await postfix.start(main(postfix.settings), master(postfixPort) + postfixOwn);
    const etc = join(folder, 'etc');
    mkdirSync(etc);
    const own = { maillog_file: log(), maillog_file_prefixes: '/', posthaste_data_directory: join(folder, 'data') };
    writeFileSync(join(etc, 'main.cf'), main(own));
    writeFileSync(join(etc, 'master.cf'), master(port));
    ours = await Server.start(await loadConfiguration(etc), () => undefined);
  }, 60_000);
  afterAll(async () => {
    await ours?.stop();
    postfix?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What postscreen has written since, without what differs from run to run. */
  function screenLines(text: string): string[] {
    return [...text.matchAll(/postscreen\[\d+\]: (.*)/g)]
      .map(([, line = '']) => line)
      .filter((line) => !line.startsWith('cache '))
      .map((line) => line.replaceAll(/\]:\d+/g, ']:PORT').replace(/ after [\d.]+ from/, ' after TIME from'));
  }

  async function both(run: (port: number) => Promise<unknown>): Promise<[unknown, unknown]> {
    return await Promise.all([run(postfix.port), run(port)]);
  }

  async function linesOf(read: () => string, from: number, count: number): Promise<string[]> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const lines = screenLines(read().slice(from));
      if (lines.length >= count) return lines;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return screenLines(read().slice(from));
  }

  for (const [name, planned] of Object.entries(visits)) {
    test(name, async () => {
      const ownLog = (): string => readFileSync(log(), 'latin1');
      const begun = [postfix.readLog().length, ownLog().length] as const;
      const [theirs, answers] = await both((listening) => visit({ ...planned, port: listening }));
      expect(answers).toEqual(theirs);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const expected = await linesOf(() => postfix.readLog(), begun[0], 2);
      expect(await linesOf(ownLog, begun[1], expected.length)).toEqual(expected);
    });
  }

  test('too many connections of one client', async () => {
    const crowd = (listening: number) =>
      Promise.all([1, 2, 3].map(() => visit({ from: '127.0.0.9', port: listening, commands: [] })));
    const [theirs, answers] = await both(crowd);
    expect((answers as string[][]).flat().sort()).toEqual((theirs as string[][]).flat().sort());
    expect(answers).toContainEqual(['S: 421 4.7.0 Error: too many connections']);
  });
});
