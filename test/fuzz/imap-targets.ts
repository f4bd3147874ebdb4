// IMAP: a whole command with its literals, sequence sets, mailbox names.

import { decodeMailboxName, encodeMailboxName } from '../../src/imap/modified-utf7.ts';
import { parseCommand } from '../../src/imap/parse-command.ts';
import { parseSequenceSet, printSequenceSet, resolveSequenceSet } from '../../src/imap/sequence-set.ts';
import { examples, expectSame, expectTrue, type Target } from './target.ts';

export const imapCommand: Target = {
  name: 'imap-command',
  errors: ['ImapSyntaxError'],
  maxBytes: 16_384,
  examples: examples(
    'a1 LOGIN "user@example.test" "pass\\"word"',
    'a1 LOGIN {4}\r\nuser {4+}\r\npass',
    'a2 SELECT INBOX (CONDSTORE)',
    'a3 FETCH 1:*,5 (FLAGS UID ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (From To)]<0.1000> BODY[1.2.MIME])',
    'a3 UID FETCH 1:4294967295 (FLAGS) (CHANGEDSINCE 12345 VANISHED)',
    'a4 SEARCH CHARSET UTF-8 OR (SEEN FROM "x") NOT (SINCE 1-Jan-2026 LARGER 100 UID 1:5) HEADER Subject {3}\r\nabc',
    'a5 STORE 1:3 (UNCHANGEDSINCE 9) +FLAGS.SILENT (\\Seen $Junk keyword)',
    'a6 APPEND "Sent &ZeVnLIqe-" (\\Seen) "21-Nov-2026 12:00:00 +0100" {5}\r\nhello',
    'a7 LIST (SUBSCRIBED) "" ("%" "*") RETURN (CHILDREN STATUS (MESSAGES UNSEEN))',
    'a8 STATUS INBOX (MESSAGES UIDNEXT HIGHESTMODSEQ)',
    'a9 UID MOVE 3,5:7 Trash',
    'b1 ID ("name" "x" "version" NIL)',
    'b2 AUTHENTICATE PLAIN AHVzZXIAcGFzcw==',
    'b3 RENAME a b',
    'b4 ENABLE CONDSTORE UTF8=ACCEPT',
    'b5 GETQUOTAROOT INBOX',
    'b6 NOOP',
  ),
  words: [
    '(',
    ')',
    '[',
    ']',
    '<',
    '>',
    '{',
    '}',
    '"',
    '\\',
    '*',
    '%',
    ':',
    ',',
    ' ',
    '{0}\r\n',
    '{5}\r\n',
    '{99999999999}\r\n',
    'NIL',
    'OR ',
    'NOT ',
    'BODY[',
    'BODY.PEEK[',
    'HEADER.FIELDS (',
    '1.',
    '&AAA-',
  ],
  run(input: Buffer): void {
    const { tag } = parseCommand(input);
    expectTrue(tag.length > 0, 'a command without a tag');
  },
};

export const imapSet: Target = {
  name: 'imap-set',
  errors: ['ImapSyntaxError'],
  maxBytes: 8_192,
  examples: examples('1', '1:*', '*', '3,5:7,9:2', '4294967295:1', '1,2,3,4,5,6,7,8,9,10'),
  words: [':', ',', '*', '1', '4294967295', '0', '1:', ',*'],
  run(input: Buffer): void {
    const set = parseSequenceSet(input.toString('latin1'));
    const ranges = resolveSequenceSet(set, 50);
    const numbers = new Set<number>();
    for (const { first, last } of ranges.map(readRange)) {
      expectTrue(first >= 1 && last >= first && Number.isFinite(last), `a range ${first}:${last}`);
      for (let number = first; number <= Math.min(last, 200); number++) numbers.add(number);
    }
    const sorted = [...numbers].sort((a, b) => a - b);
    const again = new Set<number>();
    for (const { first, last } of resolveSequenceSet(parseSequenceSet(printSequenceSet(sorted) || '1'), 200).map(
      readRange,
    )) {
      for (let number = first; number <= last; number++) again.add(number);
    }
    if (sorted.length > 0)
      expectSame(
        [...again].sort((a, b) => a - b),
        sorted,
        'a set printed and read again',
      );
  },
};

/** The names of a range's ends are the parser's own affair. */
function readRange(range: object): { first: number; last: number } {
  const [first = 0, last = 0] = Object.values(range).map(Number);
  return { first, last };
}

export const mailboxName: Target = {
  name: 'imap-mailbox-name',
  errors: ['ImapSyntaxError'],
  maxBytes: 2_048,
  examples: examples('INBOX', 'Sent &- Drafts', '&ZeVnLIqe-', '&Jjo-!', 'a/b/c', '&2D3eAA-', '日本語 & more'),
  words: ['&', '-', '&-', '&A', '&AGE-', '/', ',', '+'],
  run(input: Buffer): void {
    decodeMailboxName(input.toString('latin1'));
    const name = input.toString('utf8');
    expectSame(decodeMailboxName(encodeMailboxName(name)), name, 'a name there and back');
  },
};
