// What tables read: texts of rows, in pieces as the worker reads a large file, and the replies of an LDAP server.

import { decodeReply, messageLength } from '../../src/tables/ldap/ldap-messages.ts';
import { TextIndex } from '../../src/tables/text-index.ts';
import { countLines, indexText, TextIndexer } from '../../src/tables/text-indexer.ts';
import type { Random } from '../harness/random.ts';
import { examples, expectSame, type Target } from './target.ts';

export const textTable: Target = {
  name: 'text-table',
  errors: [],
  maxBytes: 4_096,
  examples: examples(
    '# comment\nuser@a.test one\n@b.test two, three\n   four\n"x y"@a.test quoted\nÄ@a.test umlaut\n',
    'postmaster: root\nroot: admin@a.test,\n\tother@a.test\n"x y": |"command with blanks"\nlist::include:/list\n',
    'a 1\nA 2\n\n# c\n  # d\n b\n"open c\nno\nback\\ slash d',
  ),
  words: ['\n', ' ', '\t', ':', '"', '\\', '#', '\n ', '@', 'İ', 'a 1\n', '\0', '\r\n'],
  run(input: Buffer, random: Random): void {
    const detectAliases = random.below(2) === 0;
    const whole = indexText(Buffer.from(input), detectAliases);
    const indexer = new TextIndexer({ bytes: input.length, lines: countLines(input), detectAliases });
    for (let at = 0; at < input.length; ) {
      const end = input.indexOf(0x0a, at + random.below(80));
      indexer.write(Buffer.from(input.subarray(at, end === -1 ? input.length : end + 1)));
      at = end === -1 ? input.length : end + 1;
    }
    const pieces = indexer.end();
    const rows = [...new TextIndex(whole).entries()];
    expectSame([...new TextIndex(pieces).entries()], rows, 'rows in pieces and whole');
    expectSame(pieces.problems, whole.problems, 'problems in pieces and whole');
    const index = new TextIndex(whole);
    for (const { key, value } of rows) expectSame(index.value(index.find(key)), value, 'a row under its own key');
  },
};

const entry =
  '305f020102645a041a636e3d6a6f652c64633d6578616d706c652c64633d74657374303c301304046d61696c310b04096a6f65' +
  '40612e74657374302504086d61696c64726f703119040a6a6f6540622e74657374040b6a6f653240622e74657374';

export const ldapReply: Target = {
  name: 'ldap-reply',
  errors: ['LdapProtocolError', 'InvalidAsn1Error', 'RangeError'],
  maxBytes: 2_048,
  examples: [
    entry,
    '300c02010265070a010004000400',
    '302502010265200a010a04000400a31704156c6461703a2f2f6f746865722e746573742f64633d78',
    '301c0201037317041564633a2f2f6f746865722e746573742f64633d782f',
    '300c02010161070a013104000400',
  ].map((hex) => Buffer.from(hex, 'hex')),
  words: ['\x30', '\x31', '\x04', '\x02\x01', '\x64', '\x65', '\x0a\x01', '\x00', '\x7f'],
  run(input: Buffer): void {
    const length = messageLength(input);
    if (length !== undefined && length <= input.length) decodeReply(input.subarray(0, length));
  },
};
