// Scripts of failures, beside a real Postfix: both send the same message to next hops that fail in the same way, at every
// stage of a session, and must come to the same outcome, status and reason for every recipient, and try the same ones again.

import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePorts } from '../harness/free-ports.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { noRealPostfix, RealPostfix } from '../harness/real-postfix.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { masterCf } from './relaying-postfix.ts';
import { polite, type Script, ScriptedServer } from './scripted-server.ts';

/** The polite server, but for these lines. */
const but = (...changes: Script): Script => [...changes, ...polite];
const plain = ['EHLO', '250 mx.example'] as const;

const failures: Readonly<Record<string, Script>> = {
  'nothing fails': polite,
  'greeting 421': but(['', '421 4.3.2 too busy']),
  'greeting 554': but(['', '554 5.7.1 go away']),
  'greeting cut': but(['', 'CLOSE']),
  'greeting is garbage': but(['', 'hello there']),
  'EHLO 500, HELO taken': but(['EHLO', '500 5.5.1 what?'], ['HELO', '250 mx.example']),
  'EHLO and HELO 500': but(['EHLO', '500 5.5.1 what?'], ['HELO', '501 5.5.2 no']),
  'EHLO 421': but(['EHLO', '421 4.7.0 not you']),
  'EHLO cut': but(['EHLO', 'CLOSE']),
  'MAIL 451': but(['MAIL', '451 4.7.1 later']),
  'MAIL 550': but(['MAIL', '550 5.7.1 not from you']),
  'MAIL 552': but(['MAIL', '552 5.3.4 too big']),
  'MAIL cut': but(['MAIL', 'CLOSE']),
  'MAIL 451 without pipelining': but(plain, ['MAIL', '451 4.7.1 later']),
  'MAIL 550 without pipelining': but(plain, ['MAIL', '550 not from you']),
  'RCPT cut at the second': but(['RCPT TO:<BAD', 'CLOSE']),
  'RCPT without pipelining': but(plain),
  'RCPT cut without pipelining': but(plain, ['RCPT TO:<BAD', 'CLOSE']),
  'RCPT 421': but(['RCPT TO:<BAD', '421 4.4.2 bye']),
  'RCPT 552, full': but(['RCPT TO:<BAD', '552 5.2.2 mailbox full']),
  'RCPT 552, too many': but(['RCPT TO:<BAD', '552 5.5.3 too many recipients']),
  'RCPT without status codes': but(['RCPT TO:<BAD', '550 no such user'], ['RCPT TO:<BUSY', '450 busy']),
  'RCPT in two lines': but(['RCPT TO:<BAD', '550-5.1.1 no such user\n550 5.1.1 here']),
  'RCPT with a wrong status class': but(['RCPT TO:<BAD', '550 4.1.1 odd'], ['RCPT TO:<BUSY', '450 5.2.1 odd']),
  'all RCPT 550': but(['RCPT', '550 5.1.1 nobody']),
  'all RCPT 450': but(['RCPT', '450 4.2.0 greylisted']),
  'DATA 451': but(['DATA', '451 4.3.0 not now']),
  'DATA 554': but(['DATA', '554 5.5.1 no']),
  'DATA cut': but(['DATA', 'CLOSE']),
  'DATA 250': but(['DATA', '250 2.0.0 odd']),
  'dot 451': but(['.', '451 4.3.0 not now']),
  'dot 552': but(['.', '552 5.2.2 full']),
  'dot 554': but(['.', '554 5.7.1 spam']),
  'dot 554 without status': but(['.', '554 spam']),
  'dot in two lines': but(['.', '250-2.0.0 Ok:\n250 2.0.0 queued as X']),
  'dot cut': but(['.', 'CLOSE']),
  'dot garbage': but(['.', 'what was that']),
  'QUIT cut': but(['QUIT', 'CLOSE']),
};
const users = ['good', 'bad', 'busy'];

/** Where we differ, and for whom. */
const ownOutcomes: Readonly<Record<string, { readonly users: readonly string[]; readonly text: string }>> = {
  // Postfix waits for a line that is a reply until its time is up.
  'greeting is garbage': {
    users,
    text: 'dsn=4.5.0, status=deferred (protocol error from 127.0.0.1[127.0.0.1] while receiving the initial server greeting: non-SMTP response: hello there)',
  },
  // Postfix joins lines that are no replies to the next one, and takes the 221 after QUIT for the final dot's.
  'dot garbage': {
    users: ['good'],
    text: 'dsn=4.5.0, status=deferred (protocol error from 127.0.0.1[127.0.0.1] while sending end of data -- message may be sent more than once: non-SMTP response: what was that)',
  },
  // RFC 5321 §4.5.3.1.10: to be taken as 452.
  'RCPT 552, too many': {
    users: ['bad'],
    text: 'dsn=4.5.3, status=deferred (host 127.0.0.1[127.0.0.1] said: 552 5.5.3 too many recipients (in reply to RCPT TO command))',
  },
};
const names = Object.keys(failures);

interface Outcome {
  readonly user: string;
  readonly relay: string;
  readonly text: string;
}

/** One of the two, with the servers that it sends to. */
interface Side {
  readonly port: number;
  readLog(): string;
  flush(): Promise<void>;
}

const settings = (transport: string): Record<string, string> => ({
  compatibility_level: '3.6',
  myhostname: 'mx.relay.test',
  mydestination: '',
  mynetworks: '127.0.0.0/8',
  inet_interfaces: '127.0.0.1',
  inet_protocols: 'ipv4',
  virtual_alias_domains: '',
  virtual_alias_maps: '',
  virtual_mailbox_domains: '',
  transport_maps: transport,
  // One failure must not colour the next scenario's, and each message is tried alone.
  default_destination_concurrency_failed_cohort_limit: '0',
  smtp_helo_timeout: '3s',
  minimal_backoff_time: '300s',
});

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostfix !== undefined)(`failures beside Postfix (${noRealPostfix ?? 'real'})`, () => {
  const folder = mkdtempSync('/tmp/failures-');
  const servers: ScriptedServer[] = [];
  let postfix: RealPostfix;
  let posthaste: PosthasteProcess;
  const outcomes: Record<'postfix' | 'posthaste', Outcome[]> = { postfix: [], posthaste: [] };
  const again: Record<'postfix' | 'posthaste', string[]> = { postfix: [], posthaste: [] };

  async function openServers(): Promise<string> {
    const rows: string[] = [];
    for (const [index, name] of names.entries()) {
      const server = new ScriptedServer(failures[name] ?? polite);
      servers.push(server);
      rows.push(`{ d${index}.test = smtp:[127.0.0.1]:${await server.listen()} }`);
    }
    return `inline:{ ${rows.join(', ')} }`;
  }

  async function sendAndFlush(side: Side): Promise<{ first: Outcome[]; second: string[] }> {
    for (const index of names.keys()) await send(side.port, index);
    await waitFor(() => attempts(side.readLog()).length >= names.length * users.length);
    await sleep(200);
    const first = attempts(side.readLog());
    await side.flush();
    const deferred = first.filter(({ text }) => text.includes('status=deferred'));
    await waitFor(() => attempts(side.readLog()).length >= first.length + deferred.length);
    const second = attempts(side.readLog()).slice(first.length);
    return { first, second: second.map(({ user }) => user).sort() };
  }

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    const [port = 0] = await findFreePorts(1);
    postfix = new RealPostfix(join(folder, 'postfix'), port);
    const main = { ...settings(await openServers()), ...postfix.settings };
    await postfix.start(lines(main), masterCf(port));
    const theirs = await sendAndFlush({
      port,
      readLog: () => postfix.readLog(),
      flush: () => run('postqueue', '-c', postfix.folder.etc, '-f'),
    });
    outcomes.postfix = theirs.first;
    again.postfix = theirs.second;
    for (const server of servers.splice(0)) await server.close();
    posthaste = await PosthasteProcess.create({
      folder: join(folder, 'posthaste'),
      settings: settings(await openServers()),
      services: 'retry unix - - n - - error\n',
    });
    await posthaste.start();
    const ours = await sendAndFlush({
      port: posthaste.smtpPort,
      readLog: () => posthaste.logLines().join('\n'),
      flush: () => run('sh', 'scripts/with-node', 'src/main/main.ts', '-c', posthaste.configFolder, 'queue', 'flush'),
    });
    outcomes.posthaste = ours.first;
    again.posthaste = ours.second;
  }, 90_000);

  afterAll(async () => {
    postfix?.stop();
    await posthaste?.stop();
    for (const server of servers) await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(names.map((name, index) => [name, index] as const))('%s', (name, index) => {
    const of = (side: 'postfix' | 'posthaste') =>
      outcomes[side].filter(({ user }) => user.endsWith(`@d${index}.test`)).sort((a, b) => (a.user < b.user ? -1 : 1));
    const own = ownOutcomes[name];
    const expected = of('postfix').map((one) =>
      own?.users.some((user) => one.user.startsWith(`${user}@`)) ? { ...one, text: own.text } : one,
    );
    expect(of('posthaste')).toEqual(expected);
    expect(of('posthaste')).toHaveLength(users.length);
  });

  test('the same recipients are tried again', () => {
    const own = ['good@d' + names.indexOf('dot garbage'), 'bad@d' + names.indexOf('RCPT 552, too many')];
    expect(again.posthaste).toEqual([...again.postfix, ...own.map((name) => `${name}.test`)].sort());
  });
});

async function run(command: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(command, args);
}

async function send(port: number, index: number): Promise<void> {
  const connection = await SmtpConnection.open(port);
  await connection.command('EHLO client.test');
  await connection.command('MAIL FROM:<>');
  for (const user of users) await connection.command(`RCPT TO:<${user}@d${index}.test> NOTIFY=NEVER`);
  await connection.command('DATA');
  const { code } = await connection.command('From: a@b.test\r\nSubject: x\r\n\r\nbody\r\n.');
  expect(code).toBe(250);
  await connection.quit();
}

/** Of every line about a recipient what both must say alike. */
function attempts(log: string): Outcome[] {
  return log.split('\n').flatMap((line) => {
    const [, user, relay, text] = / to=<([^>]+)>, (?:orig_to=<[^>]*>, )?relay=(\S+), .*(dsn=.*)$/.exec(line) ?? [];
    if (user === undefined || relay === undefined || text === undefined) return [];
    const withoutPort = (part: string) => part.replaceAll(/(127\.0\.0\.1\]):\d+/g, '$1:PORT');
    return [{ user, relay: withoutPort(relay), text: withoutPort(text) }];
  });
}

async function waitFor(isDone: () => boolean): Promise<void> {
  for (let waited = 0; !isDone() && waited < 30_000; waited += 50) await sleep(50);
}

function lines(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}
