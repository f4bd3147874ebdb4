// Messages of clients that may end lines with LF: read as they mean it, and never so that one hides another.

import { expect, test } from 'vitest';
import { TolerantDotReader } from './line-feed-reader.ts';

function read(text: string, pieceLength: number): { content: string; rest: string } {
  let content = '';
  const reader = new TolerantDotReader((slice) => (content += slice.toString('latin1')));
  for (let at = 0; at < text.length; at += pieceLength) {
    const chunk = Buffer.from(text.slice(at, at + pieceLength), 'latin1');
    const end = reader.read(chunk, 0);
    if (end !== -1) return { content, rest: text.slice(at + end) };
  }
  return { content, rest: 'no end' };
}

test.each([
  ['LF alone', 'a\n..b\n\n.c\n.\nQUIT\n', 'a\r\n.b\r\n\r\nc\r\n', 'QUIT\n'],
  ['an empty message', '.\nX', '', 'X'],
  ['LF with some CR LF', 'a\nb\r\n.\r\nX', 'a\r\nb\r\n', 'X'],
  ['CR LF', 'a\r\n..b\r\n.\r\nX', 'a\r\n.b\r\n', 'X'],
  ['CR LF with a hidden end', 'a\r\nb\n.\nMAIL\n.\r\nc\r\n.\r\nX', 'a\r\nb\r\n.\r\nMAIL\r\n.\r\nc\r\n', 'X'],
  ['a first line without end', `${'a'.repeat(5000)}\n.\n\r\n.\r\nX`, `${'a'.repeat(5000)}\r\n.\r\n\r\n`, 'X'],
])('%s', (_what, text, content, rest) => {
  for (const pieceLength of [1, 2, 3, 7, 10_000]) expect(read(text, pieceLength)).toEqual({ content, rest });
});
