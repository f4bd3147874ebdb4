import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMailboxName, encodeMailboxName } from './modified-utf7.ts';
import { parseCommand } from './parse-command.ts';
import { printAstring, printDateTime, printString } from './print.ts';
import { parseSequenceSet, printSequenceSet, rangesInclude, resolveSequenceSet } from './sequence-set.ts';
import { ImapSyntaxError } from './syntax-error.ts';

const parse = (text: string) => parseCommand(Buffer.from(text, 'latin1'));

describe('parseCommand', () => {
  it.each([
    ['a NOOP', 'NOOP', {}],
    ['a login {3}\r\nann "s\\"x"', 'LOGIN', { user: 'ann', password: 's"x' }],
    ['a LOGIN {3+}\r\nann {1}\r\n ', 'LOGIN', { user: 'ann', password: ' ' }],
    ['a SELECT inBox (CONDSTORE)', 'SELECT', { mailbox: 'INBOX', condstore: true }],
    ['a CREATE "x&AOQ-" (USE (\\Sent))', 'CREATE', { mailbox: 'xä', specialUses: ['\\Sent'] }],
    ['a STATUS x (messages UIDNEXT)', 'STATUS', { mailbox: 'x', items: ['MESSAGES', 'UIDNEXT'] }],
    [
      'a uid copy 1,3:* x',
      'UID COPY',
      {
        set: [
          { from: 1, to: 1 },
          { from: 3, to: Infinity },
        ],
        mailbox: 'x',
      },
    ],
    ['a STORE 1 -flags.silent \\Seen $x', 'STORE', { action: 'remove', silent: true, flags: ['\\Seen', '$x'] }],
    ['a STORE 1 (UNCHANGEDSINCE 9) FLAGS ()', 'STORE', { action: 'replace', unchangedSince: 9, flags: [] }],
    ['a AUTHENTICATE plain =', 'AUTHENTICATE', { mechanism: 'PLAIN', initialResponse: '' }],
    [
      'a APPEND x (\\Seen) " 1-Jan-2026 00:00:00 +0100" {5+}',
      'APPEND',
      { flags: ['\\Seen'], internalDate: 1_767_222_000_000, literal: { size: 5, synchronizing: false, binary: false } },
    ],
    ['a ID NIL', 'ID', {}],
    [
      'a LIST (SUBSCRIBED) "" ("a*" %) RETURN (CHILDREN STATUS (UNSEEN))',
      'LIST',
      { patterns: ['a*', '%'], selectSubscribed: true, returnStatus: ['UNSEEN'] },
    ],
  ])('reads %s', (text, name, args) => {
    const command = parse(text);
    expect(command.name).toBe(name);
    expect(command.arguments).toMatchObject(args);
  });

  it('reads FETCH items', () => {
    const { arguments: args } = parse(
      'a FETCH 1 (UID BODY BODY.PEEK[1.2.MIME] BODY[HEADER.FIELDS (A "b")]<3.4> RFC822.TEXT) (CHANGEDSINCE 7)',
    );
    expect(args).toMatchObject({
      changedSince: 7,
      items: [
        { kind: 'UID' },
        { kind: 'BODY' },
        { kind: 'section', part: [1, 2], text: 'MIME', peek: true, label: 'BODY[1.2.MIME]' },
        {
          kind: 'section',
          text: 'HEADER.FIELDS',
          fields: ['a', 'b'],
          partial: { from: 3, length: 4 },
          label: 'BODY[HEADER.FIELDS (A b)]<3>',
        },
        { kind: 'section', text: 'TEXT', peek: false, label: 'RFC822.TEXT' },
      ],
    });
    expect(parse('a FETCH 1 ( UID  FLAGS )').arguments).toMatchObject({ items: [{ kind: 'UID' }, { kind: 'FLAGS' }] });
    expect(parse('a FETCH 1 FAST').arguments).toMatchObject({
      items: [{ kind: 'FLAGS' }, { kind: 'INTERNALDATE' }, { kind: 'RFC822.SIZE' }],
    });
  });

  it('reads SEARCH keys', () => {
    expect(
      parse('a SEARCH CHARSET utf-8 OR NOT SEEN 2:3 (FROM x SINCE 1-Feb-2026) MODSEQ "/flags/\\\\Seen" all 5')
        .arguments,
    ).toEqual({
      charset: 'utf-8',
      key: {
        kind: 'and',
        keys: [
          {
            kind: 'or',
            left: { kind: 'not', key: { kind: 'flag', flag: '\\Seen', isSet: true } },
            right: { kind: 'sequence', set: [{ from: 2, to: 3 }] },
          },
          {
            kind: 'and',
            keys: [
              { kind: 'header', field: 'from', text: 'x' },
              { kind: 'internal-date', relation: 'since', date: { year: 2026, month: 2, day: 1 } },
            ],
          },
          { kind: 'modseq', modseq: 5 },
        ],
      },
    });
  });

  it.each([
    '',
    'a',
    'a ',
    'a NOPE',
    '+ NOOP',
    'a LOGIN x',
    'a LOGIN {9}\r\nx y',
    'a FETCH 0 FLAGS',
    'a FETCH 1 BODY[MIME]',
    'a FETCH 1 BODY[]<0.0>',
    'a FETCH 1 constructor',
    'a SEARCH',
    'a SEARCH constructor',
    `a SEARCH ${'('.repeat(5000)}`,
    `a SEARCH ${'NOT '.repeat(5000)}ALL`,
    'a STORE 1 FLAGS',
    'a APPEND x {5}\r\nhello',
    'a SELECT "x',
    'a toString',
    'a FETCH 99999999999 FLAGS',
  ])('refuses %s', (text) => {
    expect(() => parse(text)).toThrow(ImapSyntaxError);
  });

  it('throws nothing but syntax errors, and knows the tag', () => {
    const word = fc.constantFrom(
      'a',
      ' ',
      '(',
      ')',
      '"',
      '\\',
      '{3}\r\n',
      '{3+}',
      'FETCH',
      'SEARCH',
      'UID',
      'BODY[',
      ']',
      '<1.2>',
      '1:*',
      'OR',
      'NOT',
      'LIST',
      'RETURN',
      'APPEND',
      '\0',
      '%',
      'NIL',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (words) => {
        try {
          parse(words.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(ImapSyntaxError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('sequence sets', () => {
  it('resolves without expanding', () => {
    expect(resolveSequenceSet(parseSequenceSet('7:*,1:4294967295,3'), 5)).toEqual([{ from: 1, to: 5 }]);
    expect(resolveSequenceSet(parseSequenceSet('9:*'), 5)).toEqual([{ from: 5, to: 5 }]);
    expect(resolveSequenceSet(parseSequenceSet('2,4:5,1'), 9)).toEqual([
      { from: 1, to: 2 },
      { from: 4, to: 5 },
    ]);
    expect(resolveSequenceSet(parseSequenceSet('*'), 0)).toEqual([]);
  });

  it('answers like a set of numbers', () => {
    const piece = fc.oneof(
      fc.integer({ min: 1, max: 30 }).map(String),
      fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 })).map(([from, to]) => `${from}:${to}`),
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
        const ranges = resolveSequenceSet(parseSequenceSet(pieces.join(',')), 20);
        for (let number = 1; number <= 20; number++) {
          const isNamed = pieces.some((text) => {
            const [from = 0, to = from] = text.split(':').map(Number);
            return number >= Math.min(from, to) && number <= Math.max(from, to);
          });
          expect(rangesInclude(ranges, number)).toBe(isNamed);
        }
      }),
    );
  });

  it('prints numbers in their order', () => {
    expect(printSequenceSet([1, 2, 3, 7, 5, 6])).toBe('1:3,7,5:6');
  });
});

describe('mailbox names', () => {
  it.each([
    ['Entw&APw-rfe', 'Entwürfe'],
    ['a&-b', 'a&b'],
    ['~peter/mail/&U,BTFw-/&ZeVnLIqe-', '~peter/mail/台北/日本語'],
    ['R&D', 'R&D'],
    ['a&b', 'a&b'],
  ])('decodes %s', (wire, name) => {
    expect(decodeMailboxName(wire)).toBe(name);
  });

  it('comes back the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        if (!name.isWellFormed()) return;
        expect(decodeMailboxName(encodeMailboxName(name))).toBe(name);
        expect(encodeMailboxName(name)).toMatch(/^[\x20-\x7e]*$/);
      }),
    );
  });
});

describe('printing', () => {
  it('quotes where it may and uses literals where it must', () => {
    expect(printString('a"b\\')).toBe('"a\\"b\\\\"');
    expect(printString('ä')).toBe('{1}\r\nä');
    expect(printString('a\nb')).toBe('{3}\r\na\nb');
    expect(printAstring('nil')).toBe('"nil"');
    expect(printAstring('a b')).toBe('"a b"');
    expect(printAstring('INBOX')).toBe('INBOX');
    expect(printDateTime(Date.UTC(2026, 0, 2, 3, 4, 5))).toBe('" 2-Jan-2026 03:04:05 +0000"');
  });
});
