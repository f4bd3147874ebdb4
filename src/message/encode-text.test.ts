import { expect, test } from 'vitest';
import { encodePhrase, encodeTextBody, encodeUnstructured } from './encode-text.ts';
import { decodeHeaderText } from './encoded-word.ts';
import { decodeQuotedPrintable } from './transfer-encoding.ts';

const unfold = (text: string) => text.replaceAll('\r\n', '');

test.each([
  ['', ''],
  ['Auto: hello', 'Auto: hello'],
  ['two  blanks\tand a tab', 'two  blanks and a tab'],
  ['a\r\nBcc: x@y', 'a Bcc: x@y'],
  ['=?x', '=?utf-8?B?PT94?='],
  ['Grüße', '=?utf-8?B?R3LDvMOfZQ==?='],
])('the subject %j', (text, encoded) => {
  expect(encodeUnstructured(text, 9)).toBe(encoded);
});

test.each(['äöü'.repeat(100), `${'word '.repeat(60)}end`, '🙂'.repeat(50), 'x'.repeat(300)])(
  'a long subject comes back whole from short lines: %s',
  (text) => {
    const encoded = encodeUnstructured(text, 9);
    for (const word of encoded.split(/\s+/)) if (word.startsWith('=?')) expect(word.length).toBeLessThanOrEqual(75);
    if (!text.startsWith('xx')) for (const line of encoded.split('\r\n')) expect(line.length).toBeLessThanOrEqual(76);
    expect(decodeHeaderText(unfold(encoded))).toBe(text);
  },
);

test.each([
  ['Anna Adams', 'Anna Adams'],
  ['Adams, Anna "A"', '"Adams, Anna \\"A\\""'],
  ['Änne', '=?utf-8?B?w4RubmU=?='],
])('the name %j', (text, encoded) => {
  expect(encodePhrase(text, 6)).toBe(encoded);
});

test('short ASCII stays as it is, with CRLF', () => {
  expect(encodeTextBody('one\ntwo\r\nthree\r\r\n\n')).toEqual({ encoding: '7bit', body: 'one\r\ntwo\r\nthree\r\n' });
});

test.each(['Grüße = viele \nEnde\t', 'x'.repeat(1000), `${'ü'.repeat(200)}\n.\nFrom me`])('%s comes back', (text) => {
  const { encoding, body } = encodeTextBody(text);
  expect(encoding).toBe('quoted-printable');
  expect(body).toMatch(/^[\r\n\t\u0020-\u007e]*\r\n$/);
  for (const line of body.split('\r\n')) expect(line.length).toBeLessThanOrEqual(76);
  for (const line of body.split('\r\n')) expect(line).not.toMatch(/[ \t]$/);
  expect(Buffer.from(decodeQuotedPrintable(Buffer.from(body))).toString()).toBe(`${text.replaceAll('\n', '\r\n')}\r\n`);
});
