// Messages: their MIME structure (the same however the octets arrive), and everything that a header may hold.

import { parseAddressList } from '../../src/message/address-list.ts';
import { decodeHeaderText } from '../../src/message/encoded-word.ts';
import { parseHeaderFields } from '../../src/message/header-field.ts';
import { parseMessageDate } from '../../src/message/message-date.ts';
import { MimeScanner, parseMessage } from '../../src/message/mime-scanner.ts';
import { parseParameterizedValue } from '../../src/message/parameters.ts';
import type { Part } from '../../src/message/part.ts';
import { decodeBase64, decodeQuotedPrintable } from '../../src/message/transfer-encoding.ts';
import type { Random } from '../harness/random.ts';
import { cutIntoChunks, examples, expectSame, expectTrue, type Target } from './target.ts';

const mixed = [
  'From: A <a@example.test>',
  'To: group: b@example.test, "C, D" <c@example.test>;',
  'Subject: =?UTF-8?Q?caf=C3=A9?= and =?ISO-8859-1?B?4Q==?=',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="=_outer"',
  '',
  'preamble',
  '--=_outer',
  'Content-Type: text/plain; charset=utf-8; format=flowed',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'caf=C3=A9',
  '--=_outer',
  'Content-Type: multipart/alternative; boundary==_inner',
  '',
  '--=_inner',
  '',
  'plain',
  '--=_inner',
  'Content-Type: text/html',
  '',
  '<p>html</p>',
  '--=_inner--',
  '--=_outer',
  "Content-Type: application/pdf; name*0*=UTF-8''a%20; name*1=b.pdf",
  'Content-Disposition: attachment; filename="a b.pdf"; size=3',
  'Content-Transfer-Encoding: base64',
  '',
  'AAEC',
  '--=_outer',
  'Content-Type: message/rfc822',
  '',
  'Subject: inside',
  '',
  'body',
  '--=_outer--',
  'epilogue',
  '',
].join('\r\n');

export const mimeStructure: Target = {
  name: 'mime',
  errors: [],
  maxBytes: 65_536,
  examples: [...examples(mixed, mixed.replaceAll('\r\n', '\n'), 'Subject: x\r\n\r\nbody\r\n', '\r\n', '')],
  words: [
    '--=_outer',
    '--=_outer--',
    '--=_inner',
    '\r\n',
    '\r\n\r\n',
    '\n',
    'Content-Type: multipart/mixed; boundary=',
    'Content-Type: message/rfc822\r\n\r\n',
    'Content-Type: multipart/mixed; boundary="=_outer"\r\n\r\n',
    ';',
    '=',
    '"',
    '--',
    ' ',
    ':',
  ],
  run(input: Buffer, random: Random): void {
    const whole = parseMessage(input);
    checkOffsets(whole, 0, input.length);
    const scanner = new MimeScanner();
    for (const chunk of cutIntoChunks(input, random)) scanner.write(chunk);
    expectSame(scanner.finish(), whole, 'the structure of a message in pieces');
  },
};

/** Parts lie inside their parent and do not overlap. */
function checkOffsets(part: Part, from: number, to: number): void {
  const { headerFrom, bodyFrom, end, headerLines, bodyLines } = part;
  const isOrdered = from <= headerFrom && headerFrom <= bodyFrom && bodyFrom <= end && end <= to;
  expectTrue(isOrdered, `part at ${headerFrom}, ${bodyFrom}, ${end} lies outside ${from}–${to}`);
  expectTrue(headerLines >= 0 && bodyLines >= 0, 'a negative number of lines');
  let before = bodyFrom;
  for (const child of part.children) {
    checkOffsets(child, before, end);
    before = child.end;
  }
}

export const messageHeader: Target = {
  name: 'message-header',
  errors: [],
  maxBytes: 16_384,
  examples: examples(
    'From: "A \\"B\\"" (comment (nested)) <a@example.test>, =?utf-8?q?=C3=A9?= <b@example.test>\r\nTo: undisclosed-recipients:;\r\n',
    'Date: Sat, 21 Nov 2026 12:00:00 +0100 (CET)\r\nX: 21 Nov 26 1:2 EST\r\n',
    'Content-Type: text/plain; charset="utf-8"; name*=UTF-8\'en\'%e2%82%ac\r\n',
    'Subject: =?UTF-8?B?8J+YgA==?= =?UTF-8?B?8J+YgA==?= =?x-unknown?Q?=FF?=\r\n folded\r\n\tmore\r\n',
    '<@a,@b:c@d.test>, e@[127.0.0.1], "quoted local"@f.test',
  ),
  words: [
    '(',
    ')',
    '<',
    '>',
    '"',
    '\\',
    ',',
    ':',
    ';',
    '@',
    '=?',
    '?=',
    '?Q?',
    '?B?',
    "''",
    '%',
    '*0*=',
    '\r\n ',
    '=',
    '+0100',
  ],
  run(input: Buffer): void {
    const text = input.toString('latin1');
    const fields = parseHeaderFields(text);
    expectTrue(fields.length <= 10_000, 'more fields than allowed');
    for (const value of [text, input.toString('utf8')]) {
      parseAddressList(value);
      decodeHeaderText(value);
      parseMessageDate(value);
      parseParameterizedValue(value);
    }
    expectTrue(decodeBase64(input).length <= input.length + 3, 'base64 grows');
    expectTrue(decodeQuotedPrintable(input).length <= input.length + 2, 'quoted-printable grows');
  },
};
