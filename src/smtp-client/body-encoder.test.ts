// What DATA sends, for every cut of the input: dots, line ends, long lines.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BodyEncoder } from './body-encoder.ts';

/** Encodes `text` cut at every `step` octets. */
function encode(text: string, limit = 998, step = text.length || 1): string {
  const encoder = new BodyEncoder(limit);
  const parts: Buffer[] = [];
  const bytes = Buffer.from(text, 'latin1');
  for (let from = 0; from < bytes.length; from += step) parts.push(encoder.encode(bytes.subarray(from, from + step)));
  return Buffer.concat([...parts, encoder.finish()]).toString('latin1');
}

describe('what DATA sends', () => {
  test.each([
    ['a\r\nb\r\n', 'a\r\nb\r\n.\r\n'],
    ['', '.\r\n'],
    ['no end', 'no end\r\n.\r\n'],
    ['.\r\n', '..\r\n.\r\n'],
    ['a\r\n.b\r\n..\r\n', 'a\r\n..b\r\n...\r\n.\r\n'],
    ['a\n.\nb\r\n', 'a . b\r\n.\r\n'],
    ['a\r.\rb\r\n', 'a . b\r\n.\r\n'],
    ['a\n\r\n', 'a \r\n.\r\n'],
    ['a\r', 'a \r\n.\r\n'],
    ['\n.\r\n', ' .\r\n.\r\n'],
    ['\r\r\n', ' \r\n.\r\n'],
  ])('%j becomes %j', (input, output) => {
    for (let step = 1; step <= 4; step++) expect(encode(input, 998, step)).toBe(output);
  });

  test('a long line goes on behind a space', () => {
    expect(encode('abcdefghij\r\nxy\r\n', 4)).toBe('abcd\r\n efg\r\n hij\r\nxy\r\n.\r\n');
    expect(encode('abcdefghij\r\n', 0)).toBe('abcdefghij\r\n.\r\n');
  });
});

test('whatever comes in, only the end is a lone dot, and only CRLF ends a line', () => {
  const octets = fc.constantFrom('\r', '\n', '.', 'a', '\r\n', '\r\n.', '\0');
  fc.assert(
    fc.property(
      fc.array(octets),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 3, max: 9 }),
      (list, step, limit) => {
        const output = encode(list.join(''), limit, step);
        expect(output).toBe(encode(list.join(''), limit));
        expect(output.endsWith('.\r\n')).toBe(true);
        expect(output.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
        const lines = output.split('\r\n');
        expect(lines.slice(0, -2)).not.toContain('.');
        for (const line of lines) expect(line.replace(/^\./, '').length).toBeLessThanOrEqual(limit);
      },
    ),
    { numRuns: 2000 },
  );
});
