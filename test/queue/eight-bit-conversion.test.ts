// 8-bit mail for a server without 8BITMIME: our client and a real Postfix send the same messages to the same smtp-sink, and
// the sink has the same octets from both. Runs where Postfix is installed and we are root.

import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deliver } from '../../src/smtp-client/deliver.ts';
import { noRealPostfix } from '../harness/real-postfix.ts';
import { testOptions } from './client-options.ts';
import { MailSink } from './mail-sink.ts';
import { type Relay, startRelay } from './relaying-postfix.ts';
import { envelope } from './scripted-server.ts';

const limits = { nesting: 3, boundaryLength: 2048, headerLength: 102_400 };
const eight = 'Content-Transfer-Encoding: 8bit';
const mixed = 'Content-Type: multipart/mixed; boundary="b1"';

/** The header's other fields are added; lines are CRLF, characters octets. */
const cases: Readonly<Record<string, readonly string[]>> = {
  'plain text': [eight, 'Content-Type: text/plain; charset=utf-8', '', 'caf\xc3\xa9 = 3', 'end ', 'tab\t', '', 'last'],
  'no transfer encoding': ['Content-Type: text/plain', '', 'caf\xe9'],
  'seven bits in an 8bit part': [
    eight,
    '',
    'plain',
    '.dot',
    '=',
    'x'.repeat(200),
    `${'x'.repeat(72)} `,
    'é'.repeat(90),
  ],
  'lengths around the soft break': [eight, '', ...Array.from({ length: 8 }, (_, n) => `${'x'.repeat(70 + n)}\xe9 `)],
  binary: ['content-transfer-encoding:  BINARY (raw)', '', 'a\x00b\x7f\x01'],
  'encoded already': ['Content-Transfer-Encoding: base64', '', 'w6k=', 'caf\xe9'],
  'an unknown encoding': ['Content-Transfer-Encoding: x-uue', '', 'caf\xe9'],
  'two encodings': [eight, 'Content-Transfer-Encoding: base64', '', 'caf\xe9'],
  'a folded encoding': ['Content-Transfer-Encoding:', '  8bit', 'X-After: 1', '', 'caf\xe9'],
  multipart: [
    mixed,
    eight,
    '',
    'prolog \xe9',
    '--b1',
    eight,
    'X-Part: 1',
    '',
    'caf\xe9',
    '--b1',
    'Content-Type: text/html',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    '=C3',
    '--b1 ',
    '',
    'no encoding \xe9',
    '--b1--',
    'epilog \xe9',
    '--b1',
    eight,
    '',
    '\xe9',
  ],
  'multipart in multipart': [
    mixed,
    eight,
    '',
    '--b1',
    'Content-Type: multipart/alternative; boundary=b2',
    eight,
    '',
    '--b2',
    eight,
    '',
    '\xe9',
    '--b2--',
    '\xe9',
    '--b1',
    eight,
    '',
    '\xe9',
    '--b1--',
  ],
  'an outer boundary ends the inner multipart': [
    mixed,
    '',
    '--b1',
    'Content-Type: multipart/alternative; boundary=b2',
    '',
    '--b2',
    eight,
    '',
    '\xe9',
    '--b1',
    eight,
    '',
    '\xe9',
    '--b2',
    eight,
    '',
    '\xe9',
    '--b1--',
  ],
  'one boundary begins as the other': [
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: multipart/mixed; boundary=bb',
    '',
    '--bb',
    eight,
    '',
    '\xe9',
    '--b',
    eight,
    '',
    '\xe9',
    '--b--',
  ],
  'a message in a message': ['Content-Type: message/rfc822', eight, '', 'Subject: inner \xe9', eight, '', 'caf\xe9'],
  'a message without header': ['Content-Type: message/rfc822', eight, '', 'no header \xe9', 'x', '', '\xe9'],
  'a message that begins with its body': ['Content-Type: message/rfc822', eight, '', '', 'caf\xe9'],
  'a digest': [
    'Content-Type: multipart/digest; boundary=b1',
    eight,
    '',
    '--b1',
    '',
    'Subject: one',
    eight,
    '',
    '\xe9',
    '--b1',
    'Content-Type: text/plain',
    eight,
    '',
    '\xe9',
    '--b1--',
  ],
  'a report': [
    'Content-Type: multipart/report; boundary=b1',
    '',
    '--b1',
    'Content-Type: message/delivery-status',
    eight,
    '',
    'Reason: \xe9',
    '',
    'Status: \xe9',
    '--b1',
    'Content-Type: message/global',
    eight,
    '',
    'Subject: \xe9',
    eight,
    '',
    '\xe9',
    '--b1',
    'Content-Type: message/partial',
    eight,
    '',
    'Subject: \xe9',
    eight,
    '',
    '\xe9',
    '--b1--',
  ],
  'a part that ends in its header': [mixed, '', '--b1', eight, 'X-Part: 1', '--b1', eight, '', '\xe9', '--b1--'],
  'a part whose header is no header': [
    mixed,
    '',
    '--b1',
    eight,
    'this is \xe9 no field',
    '\xe9',
    '--b1',
    'multi \xe9',
    '--b1--',
  ],
  'a header without body': [eight, 'X-Last: 1'],
  'no boundary': ['Content-Type: multipart/mixed', eight, '', '\xe9', '--', '\xe9'],
  'an empty boundary': ['Content-Type: multipart/mixed; boundary=""', '', '--', eight, '', '\xe9', '----', '\xe9'],
  'a boundary in odd quotes': [
    'Content-Type: multipart/mixed; boundary="b \\"1\\"" (c)',
    '',
    '--b "1"',
    eight,
    '',
    '\xe9',
    '--b "1"--',
  ],
  'comments in the type': [
    'Content-Type: (a) multipart / mixed (b); charset=x; BOUNDARY = b1',
    '',
    '--b1',
    eight,
    '',
    '\xe9',
    '--b1--',
  ],
  'a damaged type': ['Content-Type: multipart; boundary=b1', eight, '', '--b1', eight, '', '\xe9', '--b1--'],
  'two types': [mixed, 'Content-Type: text/plain', eight, '', '\xe9', '--b1', eight, '', '\xe9', '--b1--'],
  'long lines': [eight, '', '\xe9'.repeat(5000), `${'x'.repeat(2047)}\xe9`, `${'x'.repeat(2048)}\xe9 `],
  'long lines as they are': ['', 'y'.repeat(5000), `--${'x'.repeat(3000)}`],
  'a long field': [
    mixed,
    `X-Long: ${'x '.repeat(1500)}`,
    ` ${'y '.repeat(1500)}`,
    '',
    '--b1',
    eight,
    '',
    '\xe9',
    '--b1--',
  ],
};

function message(mark: string, lines: readonly string[]): Buffer {
  const head = [
    `X-Case: ${mark}`,
    'From: joe@a.example',
    'Date: Sat, 21 Nov 2026 10:00:00 +0000',
    'Message-Id: <1@a.example>',
  ];
  return Buffer.from([...head, ...lines, ''].join('\r\n'), 'latin1');
}

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostfix !== undefined)('8-bit mail for a server that takes none (package postfix)', () => {
  let sink: MailSink;
  let postfix: Relay;
  let count = 0;

  beforeAll(async () => {
    sink = await MailSink.start('-8');
    postfix = await startRelay(sink.port, { mime_nesting_limit: '3' });
  }, 60_000);
  afterAll(async () => {
    postfix.stop();
    await sink.stop();
  });

  /** Sends to a port; resolves with what the sink has, from behind the mark. */
  async function throughClient(port: number, lines: readonly string[]): Promise<string> {
    const mark = `case-${++count}-`;
    const body = message(mark, lines);
    const bytes = { size: body.length, read: async (from: number, to: number) => body.subarray(from, to) };
    // Postfix gets long lines whole.
    const options = testOptions({ conversion: limits, lineLengthLimit: port === sink.port ? 998 : 0 });
    const report = await deliver(
      `[127.0.0.1]:${port}`,
      envelope(['ann@b.example'], { body: bytes, eightBit: true }),
      options,
    );
    expect(report.outcomes[0]?.kind).toBe('delivered');
    for (let tries = 0; tries < 500; tries++) {
      const [found] = await sink.messages(mark);
      const start = found?.indexOf('From: joe@a.example') ?? -1;
      // The sink ends every message with an empty line.
      if (found !== undefined && start >= 0 && found.endsWith('\n\n')) return found.slice(start);
      await sleep(10);
    }
    throw new Error(`the sink has no ${mark}:\n${postfix.readLog().slice(-800)}`);
  }

  test.each(Object.entries(cases))('%s', async (_, lines) => {
    const theirs = await throughClient(postfix.port, lines);
    expect(await throughClient(sink.port, lines)).toBe(theirs);
  });

  test.each([5, 6])('%i multiparts within each other', async (depth) => {
    const open = (level: number) => [`Content-Type: multipart/mixed; boundary=b${level}`, '', `--b${level}`];
    const lines = [...Array.from({ length: depth }, (_, level) => open(level)).flat(), eight, '', '\xe9'];
    const body = message('deep', lines);
    const bytes = { size: body.length, read: async (from: number, to: number) => body.subarray(from, to) };
    const mail = envelope([`deep${depth}@b.example`], { body: bytes, eightBit: true });
    const options = testOptions({ conversion: limits });
    const report = await deliver(`[127.0.0.1]:${sink.port}`, mail, options);
    const [ours] = report.outcomes;
    expect(ours?.kind).toBe(depth === 6 ? 'bounced' : 'delivered');
    await deliver(`[127.0.0.1]:${postfix.port}`, mail, options);
    const status = new RegExp(`to=<deep${depth}@b\\.example>.*dsn=(\\S+), status=\\w+ \\((.*)\\)$`, 'm');
    await expect
      .poll(() => status.exec(postfix.readLog())?.slice(1), { timeout: 5000 })
      .toEqual([ours?.status, ours?.reason]);
  });

  test('messages of all kinds of lines', async () => {
    const line = fc.constantFrom(
      '',
      '',
      '--b1',
      '--b2',
      '--b1--',
      '--b2--',
      eight,
      mixed,
      'Content-Type: multipart/digest; boundary=b2',
      'Content-Type: message/rfc822',
      'Content-Type: text/plain',
      'Content-Transfer-Encoding: 7bit',
      'caf\xe9 ',
      ' folded \xe9',
      'Subject: x',
      'x'.repeat(100),
    );
    const sample = fc.sample(fc.array(line, { maxLength: 25 }), { numRuns: 60, seed: 4 });
    for (let from = 0; from < sample.length; from += 15) {
      await Promise.all(
        sample.slice(from, from + 15).map(async (lines) => {
          const [theirs, ours] = await Promise.all([
            throughClient(postfix.port, lines),
            throughClient(sink.port, lines),
          ]);
          expect(ours, JSON.stringify(lines)).toBe(theirs);
        }),
      );
    }
  }, 60_000);
});
