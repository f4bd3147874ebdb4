// The files beside a Maildir's messages, the names of messages, and the fields of an mbox: as Dovecot, Courier and others
// write them.

import { describe, expect, test } from 'vitest';
import { parseKeywords, parseMaildirQuota, parseSubscriptions, printSubscriptions } from './folder-lists.ts';
import { parseFromLine, printFromDate } from './mbox-file.ts';
import { parseMboxHeader, printMboxFields } from './mbox-headers.ts';
import { parseMessageName, printFlags } from './message-name.ts';
import { parseUidList, printUidListEntry, printUidListHeader } from './uid-list.ts';

describe('names of messages', () => {
  test.each([
    [
      '1.M2P3.host,S=10,W=12:2,FSab',
      { unique: '1.M2P3.host', flags: ['\\Flagged', '\\Seen'], keywords: [0, 1], size: 10 },
    ],
    ['1.x.host', { unique: '1.x.host', flags: [], keywords: [], size: undefined }],
    ['1.x.host:2,', { base: '1.x.host', flags: [] }],
    [
      '1.x,W=5,S=4,Q=1:2,DPRTXz',
      { unique: '1.x,Q=1', flags: ['\\Draft', '$Forwarded', '\\Answered', '\\Deleted'], keywords: [25] },
    ],
    ['a:b:2,S', { base: 'a:b', flags: ['\\Seen'] }],
  ])('%s', (name, expected) => {
    expect(parseMessageName(name)).toMatchObject(expected);
  });
  test('flags are letters in their order', () => {
    expect(printFlags(['\\Seen', '\\Deleted', '\\Flagged'], [2, 0, 30])).toBe(':2,FSTac');
  });
});

describe('uid lists', () => {
  test("Dovecot's, with a line that is being written and one that came again", () => {
    const list = parseUidList('3 V1275660208 N3 G3085f\n1 W12 P34 :1.a,S=1\n2 :2.b:2,S\n9 :1.a,S=1\n10 :3.c');
    expect(list).toMatchObject({ uidValidity: 1_275_660_208, uidNext: 10 });
    expect([...(list?.uids ?? [])]).toEqual([
      ['1.a,S=1', 9],
      ['2.b', 2],
    ]);
  });
  test("Courier's", () => {
    const list = parseUidList('1 1100000000 5\n1 1.a\n4 4.d\n');
    expect(list).toMatchObject({ uidValidity: 1_100_000_000, uidNext: 5 });
    expect(list?.uids.get('4.d')).toBe(4);
  });
  test.each(['', 'x', '2 5 6\n', '3 N5\n', '3 V0 N1\n', '3 V99999999999 N1\n', '\0\0\0'])('%j is none', (text) => {
    expect(parseUidList(text)).toBeUndefined();
  });
  test('written and read', () => {
    const text = printUidListHeader(5, 8) + printUidListEntry({ uid: 7, name: '1.a,S=3' });
    expect(parseUidList(text)).toEqual({ uidValidity: 5, uidNext: 8, uids: new Map([['1.a,S=3', 7]]) });
  });
});

test('keywords: only what a client could have set', () => {
  expect([...parseKeywords('0 $Forwarded\n1 a b\n2 x(y\nz\n25 late\n')]).toEqual([
    [0, '$Forwarded'],
    [25, 'late'],
  ]);
});

test('subscriptions in both forms', () => {
  expect(parseSubscriptions('V\t2\n\nSent\nA\tB.C\nx\u0001ty\n', '.')).toEqual([['Sent'], ['A', 'B.C'], ['x\ty']]);
  expect(parseSubscriptions('Sent\r\nA.B\n', '.')).toEqual([['Sent'], ['A', 'B']]);
  expect(parseSubscriptions(printSubscriptions([['a\tb'], ['c', 'd']]), '/')).toEqual([['a\tb'], ['c', 'd']]);
});

test('quota of Maildir++', () => {
  expect(parseMaildirQuota('1000S,20C\n5 1\n')).toEqual({ bytes: 1000, messages: 20 });
  expect(parseMaildirQuota('')).toEqual({ bytes: 0, messages: 0 });
});

describe('From_ lines', () => {
  test.each([
    ['From a@b.c Thu Jan  1 10:00:00 2026 +0100', 'a@b.c', '2026-01-01T09:00:00.000Z'],
    ['From a b Thu Jan  1 10:00 +0000 2026', 'a b', '2026-01-01T10:00:00.000Z'],
    ['From - Thu Jan 01 10:00:00 UTC 2026\r', '-', '2026-01-01T10:00:00.000Z'],
  ])('%s', (line, sender, date) => {
    const parsed = parseFromLine(line);
    expect(parsed?.sender).toBe(sender);
    expect(new Date(parsed?.date ?? 0).toISOString()).toBe(date);
  });
  test.each([
    'From me to you',
    'From a@b.c Thu Xyz  1 10:00:00 2026',
    ' From a Thu Jan  1 10:00:00 2026',
    'From: a@b.c',
  ])('%s is text', (line) => {
    expect(parseFromLine(line)).toBeUndefined();
  });
  test('written and read', () => {
    const date = Date.UTC(2026, 10, 22, 7, 8, 9);
    expect(parseFromLine(`From MAILER-DAEMON ${printFromDate(date)}\n`)?.date).toBe(date);
  });
});

test("an mbox's own fields are taken out, also folded ones, and written again", () => {
  const header = 'Subject: x\nStatus: RO\nX-Status: AD\nX-Keywords: a\n\tb\nX-UID: 5\nX-IMAPbase: 7 9\n a b\nTo: y\n\n';
  const parsed = parseMboxHeader(header);
  expect(parsed).toEqual({
    shown: 'Subject: x\nTo: y\n\n',
    flags: ['\\Seen', '\\Answered', '\\Deleted', 'a', 'b'],
    uid: 5,
    base: { uidValidity: 7, lastUid: 9 },
    isInternal: false,
  });
  const fields = printMboxFields({
    base: { uidValidity: 7, lastUid: 9, keywords: ['a', 'b'] },
    uid: 5,
    flags: ['\\Seen', '\\Answered', '\\Deleted'],
    keywords: ['a', 'b'],
  });
  expect(parseMboxHeader(`Subject: x\n${fields}To: y\n\n`)).toEqual(parsed);
});
