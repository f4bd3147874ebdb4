// sendmail's options in the forms that programs use, and the lone dot that ends its input.

import { describe, expect, test } from 'vitest';
import { CommandError } from './context.ts';
import { DotReader, parseSendmailOptions } from './sendmail-options.ts';

describe('the options of sendmail', () => {
  test.each<[string[], object]>([
    [
      ['a@b', 'c@d'],
      { recipients: ['a@b', 'c@d'], mode: 'send', fromHeader: false, ignoreDots: false, sender: undefined },
    ],
    [['-ti', '-fjoe@x'], { fromHeader: true, ignoreDots: true, sender: 'joe@x' }],
    [['-t', '-oi', '-oem', '-r', 'joe@x', '-F', 'Joe Doe'], { ignoreDots: true, sender: 'joe@x', fullName: 'Joe Doe' }],
    [['-f', '', '--', '-odd@x'], { sender: '', recipients: ['-odd@x'] }],
    [
      ['-N', 'success,delay', '-R', 'hdrs', '-V', 'E1', '-B8BITMIME'],
      { notify: 'SUCCESS,DELAY', ret: 'HDRS', envid: 'E1' },
    ],
    [['-XV', 'a@b'], { verp: '', recipients: ['a@b'] }],
    [['-X', 'V-='], { verp: '-=' }],
    [['-bm', '-m', '-n', '-v', '-O', 'x=y', 'a@b'], { mode: 'send', recipients: ['a@b'] }],
    [['-bp'], { mode: 'list' }],
    [['-bi'], { mode: 'index' }],
  ])('%j', (args, expected) => {
    expect(parseSendmailOptions(args)).toMatchObject(expected);
  });

  test.each<[string[], object]>([
    [['-q'], { mode: 'flush', flush: 'all' }],
    [['-qIabc'], { mode: 'flush', flush: { id: 'abc' } }],
    [['-qRexample.com'], { mode: 'flush', flush: { site: 'example.com' } }],
    [['-q15m', 'a@b'], { mode: 'send', recipients: ['a@b'] }],
    [['-bp', '-C', '/etc/postfix'], { mode: 'list', config: '/etc/postfix' }],
    [['-o', 'i', '-e', 'm'], { ignoreDots: true, recipients: [] }],
    [['-N', 'never,delay'], { notify: '', warnings: ['bad -N option value -- ignored'] }],
    [['-R', 'x'], { ret: '', warnings: ['bad -R option value -- ignored'] }],
  ])('%j', (args, expected) => {
    expect(parseSendmailOptions(args)).toMatchObject(expected);
  });

  test.each([['-bs'], ['-bd'], ['-bx'], ['-Z'], ['-f'], ['-qI'], ['-qSx'], ['-X', '/tmp/log']])(
    'refuses %j',
    (...args) => {
      expect(() => parseSendmailOptions(args)).toThrow(CommandError);
    },
  );
});

async function read(chunks: readonly string[]): Promise<string> {
  async function* input() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  let text = '';
  for await (const chunk of new DotReader(input())) text += chunk.toString();
  return text;
}

test.each([
  [['a\n.\nb\n'], 'a\n'],
  [['a\n', '.', '\nb'], 'a\n'],
  [['a\r\n.\r\nb'], 'a\r\n'],
  [['a.\n.b\n..\n'], 'a.\n.b\n..\n'],
  [['a\n.'], 'a\n'],
  [['a'], 'a'],
])('a lone dot ends %j', async (chunks, text) => {
  expect(await read(chunks)).toBe(text);
});
