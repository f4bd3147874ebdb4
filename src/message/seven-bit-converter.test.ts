// What 8-bit mail becomes, for every cut of the input; test/queue/eight-bit-conversion.test.ts compares it with Postfix.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BodyEncoder } from '../smtp-client/body-encoder.ts';
import { SevenBitConverter } from './seven-bit-converter.ts';

const limits = { nesting: 100, boundaryLength: 2048, headerLength: 300 };

function convert(text: string, step: number): string {
  const converter = new SevenBitConverter(limits);
  const bytes = Buffer.from(text, 'latin1');
  const parts: Buffer[] = [];
  for (let from = 0; from < bytes.length; from += step) parts.push(converter.write(bytes.subarray(from, from + step)));
  return Buffer.concat([...parts, converter.end()]).toString('latin1');
}

const line = fc.constantFrom(
  '',
  '',
  '--b',
  '--b--',
  'Content-Transfer-Encoding: 8bit',
  'Content-Type: multipart/mixed; boundary=b',
  'Content-Type: message/rfc822',
  ' folded \xe9',
  'caf\xe9 = \t',
  `X-Long: ${'x'.repeat(400)}`,
  'stray \r and \n here \xe9',
  '\xe9'.repeat(2100),
);

/** As it is sent: a stray CR or LF in what passes untouched is the encoder's business. */
function sent(text: string, step: number): string {
  return new BodyEncoder(0).encode(Buffer.from(convert(text, step), 'latin1')).toString('latin1');
}

test('the cut of the input does not matter', () => {
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 20 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 50 }),
      (lines, ends, step) => {
        const text = lines.join('\r\n') + (ends ? '\r\n' : '');
        expect(sent(text, step)).toBe(sent(text, text.length || 1));
      },
    ),
    { numRuns: 500 },
  );
});

test('a part that says 8bit is 7-bit afterwards, in lines of at most 76', () => {
  const octets = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
  fc.assert(
    fc.property(fc.array(octets), (lines) => {
      const head = 'Content-Transfer-Encoding: 8bit\r\n\r\n';
      const output = convert(head + lines.map((one) => one.replace(/[\r\n]/g, '')).join('\r\n'), 7);
      expect(output).toMatch(/^Content-Transfer-Encoding: quoted-printable\r\n\r\n[\t\r\n -~]*$/);
      for (const one of output.split('\r\n')) {
        expect(one.length).toBeLessThanOrEqual(76);
        expect(one).not.toMatch(/[ \t]$/);
      }
    }),
  );
});

test('a field without end is not kept', () => {
  const converter = new SevenBitConverter(limits);
  let length = converter.write(Buffer.from('Content-Type: text/plain')).length;
  for (let count = 0; count < 1000; count++) length += converter.write(Buffer.from('\r\n and so on')).length;
  expect(length).toBeGreaterThan(10_000);
});
