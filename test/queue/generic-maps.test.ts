// smtp_generic_maps beside a real Postfix: both get the same tables and send the same messages to the same smtp-sink; what
// the sink writes down, envelope and header, is the same. Runs where Postfix is installed and we are root.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientOptions } from '../../src/delivery/smtp-options.ts';
import { SmtpAgent } from '../../src/delivery/smtp.ts';
import { ZoneResolver } from '../../src/dns/zone-resolver.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { MemoryLog, ProgramLog } from '../../src/lib/log.ts';
import { Router } from '../../src/routing/router.ts';
import { Settings } from '../../src/settings/settings.ts';
import { deliver } from '../../src/smtp-client/deliver.ts';
import { Tables } from '../../src/tables/registry.ts';
import { noRealPostfix } from '../harness/real-postfix.ts';
import { testOptions } from './client-options.ts';
import { MailSink } from './mail-sink.ts';
import { type Relay, startRelay } from './relaying-postfix.ts';
import { envelope } from './scripted-server.ts';

const rows = [
  'joe@inside.example = joe.public@outside.example',
  'ann@inside.example = "ann public"@outside.example',
  '@host.inside.example = @outside.example',
  'root = admin@outside.example',
  'eve@inside.example = eve@middle.example',
  'eve@middle.example = never@outside.example',
  'two@inside.example = first@outside.example',
];
const settings = {
  compatibility_level: '3.6',
  myhostname: 'mx.example',
  mydomain: 'example',
  myorigin: 'inside.example',
  mydestination: '',
  recipient_delimiter: '+',
  inet_interfaces: '127.0.0.1',
  smtp_generic_maps: `inline:{${rows.map((row) => `{${row}}`).join(' ')}}`,
};

const headers: readonly (readonly string[])[] = [
  ['From: Joe <joe@inside.example>', 'To: ann@inside.example, other@away.example', 'Subject: joe@inside.example'],
  [
    'From: joe+list@inside.example (Joe)',
    'Reply-To: x@host.inside.example',
    'Cc: root@inside.example, eve@inside.example',
  ],
  ['From: other@away.example', 'To: group: joe@inside.example, "A, B" <ann@inside.example>;'],
  [
    'From: "Joe Long Name" <joe@inside.example>',
    'To: aaaaaaaaaaaaaaaaaaaaaaaaaa@away.example, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb@away.example,',
    '\tcccccccccccccccccccccc@away.example, joe@inside.example, dddddddddddddddd@away.example',
    'X-Other: joe@inside.example',
  ],
  [
    'Resent-From: joe@inside.example',
    'From: joe@INSIDE.example',
    'Sender: JOE@inside.example',
    'Errors-To: <joe@inside.example>',
  ],
  ['From: joe', 'To: undisclosed-recipients:;', 'Return-Receipt-To: root'],
];
const envelopes: readonly (readonly [string, readonly string[]])[] = [
  ['joe@inside.example', ['ann@inside.example', 'x@away.example']],
  ['', ['root@inside.example', 'eve+e@inside.example']],
  ['any+ext@host.inside.example', ['two@inside.example', '"a b"@host.inside.example']],
];
const cases = headers.flatMap((lines, index) => [[lines, envelopes[index % envelopes.length]]] as const);

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostfix !== undefined)('addresses that leave (package postfix)', () => {
  let sink: MailSink;
  let postfix: Relay;
  let agent: SmtpAgent;
  let count = 0;

  beforeAll(async () => {
    sink = await MailSink.start();
    postfix = await startRelay(sink.port, { ...settings, smtp_header_checks: '' });
    const own = Settings.defaults(settings);
    const log = new MemoryLog();
    const tables = new Tables({ log, isWatching: false });
    const router = new Router({ settings: own, tables, log: new ProgramLog(log, 'test') });
    const surroundings = {
      resolver: new ZoneResolver(''),
      clock: systemClock,
      note: () => undefined,
      warn: () => undefined,
    };
    const made = clientOptions('smtp', own, {
      ...surroundings,
      tables: (of, protocol) => router.clientTables(of, protocol),
    });
    if (typeof made === 'string') throw new Error(made);
    agent = new SmtpAgent(made.options, {
      generic: router.genericMaps('smtp', own),
      filter: undefined,
      detectsEightBit: true,
      probeTarget: 'rcpt',
    });
  }, 60_000);
  afterAll(async () => {
    await agent.close();
    postfix.stop();
    await sink.stop();
  });

  /** The envelope that the sink heard and the message, without what another host adds. */
  async function received(mark: string): Promise<string> {
    for (let tries = 0; tries < 500; tries++) {
      const [found] = await sink.messages(mark);
      if (found !== undefined && found.endsWith('\n\nbody\n\n')) {
        // Postfix sorts recipients.
        const fields = found
          .split('\n')
          .filter((line) => /^X-(Mail|Rcpt)-Args/.test(line))
          .toSorted();
        return [...fields, found.slice(found.indexOf(mark) + mark.length)]
          .join('\n')
          .replaceAll(/ (SIZE|ORCPT)=\S+/g, '');
      }
      await sleep(10);
    }
    throw new Error(`the sink has no ${mark}:\n${postfix.readLog().slice(-800)}`);
  }

  test.each(cases)('%j %j', async (lines, [sender, recipients] = ['', []]) => {
    const marks = [`X-Case: theirs-${++count}`, `X-Case: ours-${count}`] as const;
    const body = (mark: string) =>
      Buffer.from(
        [mark, 'Date: Sat, 21 Nov 2026 10:00:00 +0000', 'Message-Id: <1@a.example>', ...lines, '', 'body', ''].join(
          '\r\n',
        ),
      );
    await deliver(
      `[127.0.0.1]:${postfix.port}`,
      envelope(recipients, { sender }, body(marks[0]).toString()),
      testOptions(),
    );
    const bytes = body(marks[1]);
    const reader = {
      size: bytes.length,
      read: async (from: number, to: number) => bytes.subarray(from, to),
      readAll: async () => bytes,
      close: async () => undefined,
    };
    const wishes = {
      original: '',
      transport: 'smtp',
      nexthop: '',
      notify: '',
      orcpt: '',
      state: 'pending',
      status: '',
      reason: '',
    } as const;
    const report = await agent.deliver({
      message: {
        id: 'QID',
        content: 1,
        size: bytes.length,
        sender,
        arrival: 0,
        nextAttempt: 0,
        attempts: 0,
        ret: '',
        envid: '',
        smtputf8: false,
        eightBit: false,
        warned: false,
        hold: false,
        recipients: [],
      },
      transport: 'smtp',
      nexthop: `[127.0.0.1]:${sink.port}`,
      recipients: recipients.map((recipient, id) => ({ id, recipient, ...wishes })),
      openContent: () => reader,
      mayBeRepeated: false,
      signal: new AbortController().signal,
    });
    expect(report.outcomes.map(({ kind }) => kind)).toEqual(recipients.map(() => 'delivered'));
    expect(await received(marks[1])).toBe(await received(marks[0]));
  });
});
