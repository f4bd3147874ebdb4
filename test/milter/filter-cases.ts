// data table
// Conversations with milters, for both a real Postfix and ours.

import {
  addHeader,
  changeHeader,
  insertHeader,
  number,
  order,
  packet,
  replaceBody,
  zero,
} from '../harness/scripted-milter.ts';
import type { FilterCase } from './filtered-peers.ts';

const atEnd = (...edits: readonly Buffer[]) => [{ answers: { E: [...edits, 'c'] } }];

export const filterCases: readonly FilterCase[] = [
  { name: 'nothing is changed' },
  { name: 'a header is added', scripts: atEnd(addHeader('X-Spam', 'no')) },
  { name: 'an added header with lines', scripts: atEnd(addHeader('X-Spam', 'no\n\tfolded\nunfolded\n\n more')) },
  { name: 'an added header with an empty value', scripts: atEnd(addHeader('X-Empty', '')) },
  { name: 'inserted at 0', scripts: atEnd(insertHeader(0, 'X-Top', 'a')) },
  { name: 'inserted at 1', scripts: atEnd(insertHeader(1, 'X-Top', 'a')) },
  { name: 'inserted at 2 twice', scripts: atEnd(insertHeader(2, 'X-Top', 'a'), insertHeader(2, 'X-Top', 'b')) },
  { name: 'inserted far behind the end', scripts: atEnd(insertHeader(99, 'X-Top', 'a'), addHeader('X-After', 'b')) },
  { name: 'changed, first', scripts: atEnd(changeHeader(1, 'X-One', 'changed')) },
  { name: 'changed, index 0', scripts: atEnd(changeHeader(0, 'x-one', 'changed')) },
  { name: 'changed, second', scripts: atEnd(changeHeader(2, 'X-ONE', 'changed\n more')) },
  { name: 'changed, missing', scripts: atEnd(changeHeader(3, 'X-One', 'changed')) },
  { name: 'deleted', scripts: atEnd(changeHeader(1, 'Subject', ''), changeHeader(9, 'X-None', '')) },
  {
    name: 'our Received field cannot be changed',
    scripts: atEnd(changeHeader(1, 'Received', 'changed'), addHeader('X-Last', 'x')),
    message: ['Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000', 'Subject: x', '', 'b'],
  },
  { name: 'Received that is not there', scripts: atEnd(changeHeader(1, 'Received', 'changed')) },
  {
    name: 'inserted above, then Received changed',
    scripts: atEnd(insertHeader(0, 'X-Top', 'a'), changeHeader(1, 'Received', 'c')),
  },
  {
    name: 'leading space is asked for',
    scripts: [{ steps: 0x100000, answers: { E: [addHeader('X-A', ' b'), addHeader('X-B', 'c'), 'c'] } }],
  },
  { name: 'body replaced', scripts: atEnd(replaceBody('new\r\nbody\nwith lines')) },
  {
    name: 'body replaced in pieces',
    scripts: atEnd(replaceBody('new\r'), replaceBody('\nbody'), addHeader('X-A', 'b')),
  },
  { name: 'body replaced by nothing', scripts: atEnd(replaceBody('')) },
  {
    name: 'body replaced twice',
    scripts: atEnd(replaceBody('new\r\n'), addHeader('X-A', 'b'), replaceBody('more\r\n')),
    comesOut: 0,
  },
  { name: 'sender changed', scripts: atEnd(order('e', '<new@a.example>')) },
  { name: 'sender changed to null', scripts: atEnd(order('e', '<>', 'SIZE=1')) },
  { name: 'recipient added', scripts: atEnd(order('+', '<extra@b.example>')) },
  { name: 'recipient added with parameters', scripts: atEnd(order('2', 'extra@b.example', 'NOTIFY=NEVER')) },
  { name: 'recipient added that is an alias', scripts: atEnd(order('+', '<list@b.example>')) },
  { name: 'recipient added twice', scripts: atEnd(order('+', '<x@b.example>'), order('+', '<x@b.example>')) },
  {
    name: 'parameters of a recipient',
    scripts: atEnd(order('2', '<x@b.example>', 'NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;y@b.example X=y')),
  },
  { name: 'parameters of a sender', scripts: atEnd(order('e', '<new@a.example>', 'RET=HDRS ENVID=abc X=y')) },
  {
    name: 'inserted above, then itself changed',
    scripts: atEnd(insertHeader(0, 'X-Top', 'a'), changeHeader(1, 'X-Top', 'c'), changeHeader(1, 'X-Case', 'CASE')),
  },
  { name: 'null recipient added', scripts: atEnd(order('+', '<>')) },
  {
    name: 'recipient deleted and another added',
    scripts: atEnd(order('-', '<r@b.example>'), order('+', '<x@b.example>')),
  },
  { name: 'recipient deleted in another case', scripts: atEnd(order('-', '<R@b.example>')) },
  { name: 'all recipients deleted', scripts: atEnd(order('-', '<r@b.example>')), comesOut: 0 },
  {
    name: 'an alias deleted',
    scripts: atEnd(order('-', '<list@b.example>')),
    talk: [
      'EHLO c.example',
      'MAIL FROM:<s@a.example>',
      'RCPT TO:<list@b.example>',
      'RCPT TO:<r@b.example>',
      'DATA',
      'X-Case: CASE\r\n\r\nx\r\n.',
      'QUIT',
    ],
  },
  {
    name: 'a member of an alias deleted',
    scripts: atEnd(order('-', '<one@c.example>')),
    talk: [
      'EHLO c.example',
      'MAIL FROM:<s@a.example>',
      'RCPT TO:<list@b.example>',
      'DATA',
      'X-Case: CASE\r\n\r\nx\r\n.',
      'QUIT',
    ],
  },
  { name: 'quarantine', scripts: atEnd(order('q', 'because')), comesOut: 0 },
  { name: 'progress', scripts: [{ answers: { E: ['p', 'p', addHeader('X-A', 'b'), 'p', 'c'] } }] },
  ...(['C', 'H', 'M', 'R', 'T', 'L', 'N', 'B', 'E'] as const).flatMap((event): FilterCase[] => [
    { name: `rejected at ${event}`, scripts: [{ answers: { [event]: ['r'] } }], comesOut: 0 },
    { name: `put off at ${event}`, scripts: [{ answers: { [event]: ['t'] } }], comesOut: 0 },
    { name: `accepted at ${event}`, scripts: [{ answers: { [event]: ['a'] } }] },
    {
      name: `discarded at ${event}`,
      scripts: [{ answers: { [event]: ['d'] } }],
      comesOut: 'CH'.includes(event) ? 1 : 0,
    },
    {
      name: `a reply at ${event}`,
      scripts: [{ answers: { [event]: [order('y', '553 5.7.9 go %% away')] } }],
      comesOut: 0,
    },
    // Later Postfix takes the message all the same, and logs that it has rejected it.
    ...('CHMRT'.includes(event)
      ? [{ name: `closed at ${event}`, scripts: [{ answers: { [event]: ['4'] } }], comesOut: 0 }]
      : []),
    { name: `hung up at ${event}`, scripts: [{ hangsUpAt: event }], comesOut: 0 },
    { name: `hung up at ${event}, accept`, listener: 'accept', scripts: [{ hangsUpAt: event }] },
    { name: `hung up at ${event}, reject`, listener: 'reject', scripts: [{ hangsUpAt: event }], comesOut: 0 },
    { name: `hung up at ${event}, quarantine`, listener: 'quarantine', scripts: [{ hangsUpAt: event }], comesOut: 0 },
  ]),
  {
    name: 'lines of a reply',
    scripts: [{ answers: { R: [order('y', '451-4.7.1 one\r\n451-4.7.1 two\r\n451 4.7.1 three')] } }],
    comesOut: 0,
  },
  { name: 'a reply without a status', scripts: [{ answers: { M: [order('y', '450 later')] } }], comesOut: 0 },
  { name: 'a reply that is none', scripts: [{ answers: { M: [order('y', '250 2.0.0 Ok')] } }], comesOut: 0 },
  { name: 'a reply that contradicts itself', scripts: [{ answers: { M: [order('y', '550 4.7.1 x')] } }], comesOut: 0 },
  { name: 'silence', scripts: [{ isSilentAt: 'M' }], comesOut: 0 },
  { name: 'silence in the body', scripts: [{ isSilentAt: 'B' }], comesOut: 0 },
  { name: 'silence at the greeting', scripts: [{ isSilentAt: 'O' }], comesOut: 0 },
  {
    name: 'garbage',
    logDiffers: 'our limit is lower',
    scripts: [{ answers: { M: [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')] } }],
    comesOut: 0,
  },
  { name: 'an unknown answer', scripts: [{ answers: { M: ['?'] } }], comesOut: 0 },
  {
    name: 'data behind an answer',
    logDiffers: 'Postfix names another number',
    scripts: [{ answers: { M: [packet('c', 'x')] } }],
    comesOut: 0,
  },
  { name: 'a change before the end', scripts: [{ answers: { N: [addHeader('X-A', 'b')] } }], comesOut: 0 },
  { name: 'a header without a name', scripts: atEnd(changeHeader(1, '', 'x')), comesOut: 0 },
  {
    name: 'an index that is none',
    scripts: atEnd(packet('m', Buffer.concat([number(-5), zero('X-One', 'x')]))),
  },
  {
    name: 'a header that ends early',
    logDiffers: 'names of functions',
    scripts: atEnd(packet('h', 'X-A\0b')),
    comesOut: 0,
  },
  { name: 'connection failed', scripts: [{ answers: { M: ['f'] } }], comesOut: 0 },
  { name: 'a later version', scripts: [{ version: 7 }], comesOut: 0 },
  { name: 'unknown actions', scripts: [{ actions: 0xffff }], comesOut: 0 },
  { name: 'version 2', scripts: [{ version: 2, steps: 0 }] },
  {
    name: 'protocol 2',
    listener: 'old',
    scripts: [{ version: 2, steps: 0, answers: { E: [addHeader('X-A', 'b'), 'c'] } }],
  },
  { name: 'no events but the end', scripts: [{ steps: 0x3ff & ~0x80, answers: { E: [addHeader('X-A', 'b'), 'c'] } }] },
  {
    name: 'nothing is answered but the end',
    scripts: [{ steps: 0xff080, answers: { E: [addHeader('X-A', 'b'), 'c'] } }],
  },
  {
    name: 'skip of headers and body',
    scripts: [{ steps: 0x400, answers: { L: ['s'], B: ['s'] } }],
    message: ['A: b', 'C: d', '', 'x'.repeat(900), ...Array.from({ length: 200 }, () => 'y'.repeat(900))],
  },
  { name: 'skip of recipients', scripts: [{ answers: { R: ['s'] } }] },
  { name: 'a long body', message: ['A: b', '', ...Array.from({ length: 200 }, (_, index) => `${index}`.repeat(300))] },
  { name: 'no body', message: ['A: b'] },
  { name: 'an empty body', message: ['A: b', ''] },
  {
    name: 'no header',
    talk: [
      'EHLO c.example',
      'MAIL FROM:<s@a.example>',
      'RCPT TO:<r@b.example>',
      'DATA',
      'X-Case: CASE\r\nno header\r\n\r\nx\r\n.',
      'QUIT',
    ],
  },
  { name: 'odd headers', message: ['A:b', 'E:\tf', 'G:  h', 'I:', 'J:  ', ' k', '', 'x'] },
  {
    name: 'lists of symbols',
    scripts: [
      {
        negotiation: Buffer.concat([
          number(0),
          zero('j {client_addr}'),
          number(2),
          zero('{mail_addr}, j'),
          number(6),
          zero('j'),
          number(5),
          zero('v'),
        ]),
      },
    ],
  },
  {
    name: 'a chain',
    listener: 'two',
    scripts: [
      atEnd(addHeader('X-A', 'a'), replaceBody('first\r\n'), changeHeader(1, 'Subject', 'new'))[0] ?? {},
      atEnd(insertHeader(0, 'X-B', 'b'))[0] ?? {},
    ],
  },
  {
    name: 'a chain with an insertion',
    listener: 'two',
    scripts: [{ answers: { E: [insertHeader(0, 'X-A', 'a'), 'a'] } }, {}],
  },
  { name: 'a chain whose first refuses', listener: 'two', scripts: [{ answers: { E: ['r'] } }, {}], comesOut: 0 },
  { name: 'a chain whose second refuses', listener: 'two', scripts: [{}, { answers: { M: ['r'] } }], comesOut: 0 },
  {
    name: 'a chain whose first is quarantine',
    listener: 'two',
    scripts: [{ answers: { E: [order('q', 'x'), 'c'] } }, {}],
    comesOut: 0,
  },
  {
    name: 'two messages, an abort, an unknown command',
    talk: [
      'HELO c.example',
      'XUNKNOWN x',
      'MAIL FROM:<s@a.example>',
      'RSET',
      'MAIL FROM:<s@a.example>',
      'RCPT TO:<r@b.example>',
      'DATA',
      'X-Case: CASE\r\n\r\none\r\n.',
      'MAIL FROM:<>',
      'RCPT TO:<r2@b.example>',
      'VRFY r2@b.example',
      'DATA',
      'X-Case: CASE\r\n\r\ntwo\r\n.',
      'NOOP',
      'EHLO again.example',
      'QUIT',
    ],
    comesOut: 2,
  },
  {
    name: 'a client that a filter has refused',
    scripts: [{ answers: { C: ['r'] } }],
    talk: [
      'EHLO c.example',
      'NOOP',
      'VRFY r@b.example',
      'ETRN b.example',
      'AUTH PLAIN',
      'XUNKNOWN',
      'MAIL FROM:<s@a.example>',
      'RSET',
      'QUIT',
    ],
    comesOut: 0,
  },
  {
    name: 'a recipient that is refused',
    listener: 'rejects',
    talk: [
      'EHLO c.example',
      'MAIL FROM:<s@a.example>',
      'RCPT TO:<no@b.example>',
      'RCPT TO:<r@b.example>',
      'DATA',
      'X-Case: CASE\r\n\r\nx\r\n.',
      'QUIT',
    ],
  },
  {
    name: 'a recipient that is refused, told',
    listener: 'rejects',
    scripts: [{ steps: 0x800 }],
    talk: [
      'EHLO c.example',
      'MAIL FROM:<s@a.example>',
      'RCPT TO:<no@b.example>',
      'RCPT TO:<r@b.example>',
      'DATA',
      'X-Case: CASE\r\n\r\nx\r\n.',
      'QUIT',
    ],
  },
  {
    name: 'a field of PREPEND',
    listener: 'rejects',
    scripts: atEnd(insertHeader(1, 'X-Second', 'a'), changeHeader(1, 'X-P', 'new'), changeHeader(1, 'Received', 'x')),
    talk: [
      'EHLO c.example',
      'MAIL FROM:<s@a.example>',
      'RCPT TO:<prepend@b.example>',
      'DATA',
      'X-Case: CASE\r\n\r\nx\r\n.',
      'QUIT',
    ],
  },
  {
    name: 'a lost client',
    talk: ['EHLO c.example', 'MAIL FROM:<s@a.example>', 'RCPT TO:<r@b.example>', 'HANGUP'],
    comesOut: 0,
  },
  {
    name: 'unknown command refused',
    scripts: [{ answers: { U: ['r'] } }],
    talk: ['EHLO c.example', 'XUNKNOWN a b', 'QUIT'],
    comesOut: 0,
  },
];

const byUser = (one: Omit<FilterCase, 'submits'> & { readonly to?: readonly string[] }): FilterCase => ({
  submits: ['-f', 's@a.example', ...(one.to ?? ['r@b.example'])],
  message: ['From: s@a.example', 'Date: Sun, 22 Nov 2026 03:00:00 +0000', 'Message-Id: <1@a.example>', '', 'hello'],
  ...one,
});

/** Mail of the sendmail command, with non_smtpd_milters. */
export const localCases: readonly FilterCase[] = [
  byUser({ name: 'nothing is changed' }),
  byUser({ name: 'two recipients, one an alias', to: ['list@b.example', 'r@b.example'] }),
  byUser({
    name: 'changes',
    scripts: atEnd(
      addHeader('X-A', 'a'),
      insertHeader(0, 'X-B', 'b'),
      changeHeader(1, 'From', 'new@a.example'),
      replaceBody('other\r\n'),
      order('e', '<from@a.example>'),
      order('+', '<more@b.example>'),
      order('-', '<r@b.example>'),
    ),
  }),
  byUser({ name: 'discarded', scripts: [{ answers: { E: ['d'] } }], comesOut: 0 }),
  byUser({ name: 'discarded at MAIL', scripts: [{ answers: { M: ['d'] } }], comesOut: 0 }),
  byUser({ name: 'quarantine', scripts: atEnd(order('q', 'x')), comesOut: 0 }),
  byUser({ name: 'accepted at RCPT', scripts: [{ answers: { R: ['a'] } }] }),
  byUser({ name: 'accepted at the connection', scripts: [{ answers: { C: ['a'] } }] }),
  byUser({
    name: 'fields that are missing',
    message: ['Subject: x', 'From: s@a.example', '', 'hello'],
    scripts: [
      {
        answers: {
          E: [
            changeHeader(1, 'Message-Id', '<new@a.example>'),
            changeHeader(1, 'Date', 'Sun, 22 Nov 2026 03:00:00 +0000'),
            'c',
          ],
        },
      },
    ],
  }),
];

/** With tables of patterns for what milters add. */
export const headerCheckCases: readonly FilterCase[] = [
  { name: 'no pattern', scripts: atEnd(addHeader('X-Other', 'a')) },
  { name: 'ignored', scripts: atEnd(addHeader('X-Ignore', 'a'), addHeader('X-After', 'b')) },
  { name: 'a change that is ignored', scripts: atEnd(changeHeader(1, 'X-One', 'ignore me')) },
  { name: 'replaced', scripts: atEnd(insertHeader(1, 'X-Replace', 'a')) },
  { name: 'rejected', scripts: atEnd(addHeader('X-Reject', 'a')), comesOut: 0 },
  { name: 'rejected with a text', scripts: atEnd(addHeader('X-Refuse', 'a')), comesOut: 0 },
  { name: 'put off', scripts: atEnd(addHeader('X-Later', 'a')), comesOut: 0 },
  { name: 'discarded', scripts: atEnd(addHeader('X-Discard', 'a')), comesOut: 0 },
  { name: 'held', scripts: atEnd(addHeader('X-Hold', 'a')), comesOut: 0 },
  { name: 'redirected', scripts: atEnd(addHeader('X-Redirect', 'a')) },
  { name: 'filtered', scripts: atEnd(addHeader('X-Filter', 'a')) },
  { name: 'warned of', scripts: atEnd(addHeader('X-Warn', 'a\n\tb'), addHeader('X-Info', 'a')) },
  { name: 'a field of the client', message: ['X-Reject: mine', '', 'hello'] },
  { name: 'a mistake', scripts: atEnd(addHeader('X-Mistake', 'a')) },
];
