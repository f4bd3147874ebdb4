// SMTP: command lines with their paths and parameters, and the end of a message after DATA.

import { parseBdat } from '../../src/smtp/bdat.ts';
import { isHeaderLine, parseCommandLine, printable } from '../../src/smtp/command-line.ts';
import { DotReader } from '../../src/smtp/dot-reader.ts';
import { parseMailParameters, parseRcptParameters } from '../../src/smtp/parameters.ts';
import { parsePath } from '../../src/smtp/path.ts';
import { decodeXtext, encodeXtext } from '../../src/smtp/xtext.ts';
import type { Random } from '../harness/random.ts';
import { cutIntoChunks, examples, expectSame, expectTrue, type Target } from './target.ts';

const offered = { smtputf8: true, dsn: true, auth: true };

/** `MAIL FROM:`, `RCPT TO:`, `BDAT` and everything else that may stand on a line. */
export const smtpLine: Target = {
  name: 'smtp-line',
  errors: [],
  maxBytes: 4_096,
  examples: examples(
    'EHLO client.example.test',
    'MAIL FROM:<sender@example.test> SIZE=12345 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+3D314159 AUTH=<>',
    'mail from: sender@example.test',
    'MAIL FROM:<>',
    'RCPT TO:<"quoted user"@example.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;user+40host@example.test',
    'RCPT TO:<@relay.test,@other.test:user@example.test>',
    'RCPT TO:<user@[127.0.0.1]>',
    'RCPT TO:<user@[IPv6:2001:db8::1]>',
    'RCPT TO:<用户@例子.test>',
    'BDAT 1234 LAST',
    'AUTH PLAIN AHVzZXIAcGFzcw==',
    'GET / HTTP/1.1',
    'Subject: hello',
    'XCLIENT ADDR=127.0.0.1 NAME=host',
  ),
  words: [
    'MAIL FROM:',
    'RCPT TO:',
    '<',
    '>',
    '@',
    ':',
    ',',
    '"',
    '\\',
    ' ',
    '+',
    '=',
    ';',
    'NOTIFY=',
    'ORCPT=',
    'rfc822;',
    '[',
    ']',
    'IPv6:',
    '+2B',
  ],
  run(input: Buffer): void {
    const line = input.toString('latin1');
    const { verb, rest } = parseCommandLine(line);
    isHeaderLine(line);
    expectTrue(!/[\u0000-\u001f\u007f]/.test(printable(line)), 'printable leaves a control character');
    for (const keyword of ['FROM', 'TO'] as const) {
      const result = parsePath(keyword, verb === 'MAIL' || verb === 'RCPT' ? rest : line);
      if (result.kind !== 'path') continue;
      const { address, parameters } = result.path;
      expectTrue(address.length <= line.length + 2 + line.length, 'an address grows without bound');
      parseMailParameters(parameters, offered);
      parseRcptParameters(parameters, offered);
    }
    const chunk = parseBdat(rest);
    expectTrue(chunk === undefined || Number.isSafeInteger(chunk.size), 'a chunk size that is no number');
    expectSame(decodeXtext(encodeXtext(line)), line, 'xtext there and back');
    decodeXtext(line);
  },
};

/** RFC 5321 §4.5.2 told simply: the first CRLF.CRLF ends it, a dot that begins a line goes. */
function readSimply(input: Buffer): { end: number; content: string } {
  const text = `\r\n${input.toString('latin1')}`;
  const at = text.indexOf('\r\n.\r\n');
  const end = at < 0 ? -1 : at + 3;
  return {
    end,
    content: text
      .slice(0, at < 0 ? undefined : at + 2)
      .replace(/\r\n\./g, '\r\n')
      .slice(2),
  };
}

/** The end of a message, however the network cuts it: the defence against smuggling. */
export const smtpData: Target = {
  name: 'smtp-data',
  errors: [],
  maxBytes: 16_384,
  examples: examples(
    'Subject: a\r\n\r\nbody\r\n.\r\n',
    '.\r\n',
    '..\r\n...\r\n.\r\nMAIL FROM:<next@example.test>\r\n',
    'a\n.\nb\r\n.\nc\n.\r\nd\r.\re\r\n.\r\n',
    '\r\r\n.\r\n',
    'x\r\n.\r\r\n.x\r\n.\r\n',
  ),
  words: ['.', '\r\n', '\r\n.', '.\r\n', '\r\n.\r\n', '\n.\n', '\n.\r\n', '\r\n.\n', '\r.\r', '..', '\r', '\n'],
  run(input: Buffer, random: Random): void {
    const expected = readSimply(input);
    const slices: Buffer[] = [];
    const reader = new DotReader((slice) => slices.push(Buffer.from(slice)));
    let end = -1;
    let offset = 0;
    for (const chunk of cutIntoChunks(input, random)) {
      const found = reader.read(chunk, 0);
      if (found >= 0) {
        end = offset + found;
        break;
      }
      offset += chunk.length;
    }
    expectSame(end, expected.end, 'where the message ends');
    const content = Buffer.concat(slices).toString('latin1');
    if (end >= 0) expectSame(content, expected.content, 'its content');
    else expectTrue(content.length <= input.length, 'more content than input');
  },
};
