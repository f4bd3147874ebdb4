import { describe, expect, it } from 'vitest';
import { parseAddressList } from './address-list.ts';
import { decodeCharset, isKnownCharset } from './charset.ts';
import { decodeHeaderText } from './encoded-word.ts';
import { parseHeaderFields } from './header-field.ts';
import { parseMessageDate } from './message-date.ts';
import { decodedParameter, parseParameterizedValue } from './parameters.ts';
import { decodeBase64, decodeQuotedPrintable, newTransferDecoder } from './transfer-encoding.ts';

describe('header fields', () => {
  it('unfolds and tells where each stands', () => {
    const header = 'Subject: a\r\n b\r\nX : y\r\ngarbage\r\nFrom:z\r\n\r\n';
    const fields = parseHeaderFields(header);
    expect(fields.map(({ name, body }) => [name, body])).toEqual([
      ['Subject', 'a b'],
      ['X', 'y'],
      ['From', 'z'],
    ]);
    expect(header.slice(fields[0]?.from, fields[0]?.to)).toBe('Subject: a\r\n b\r\n');
  });

  it('passes over long runs without a colon in linear time', () => {
    const started = performance.now();
    expect(parseHeaderFields(`${'x\n'.repeat(100_000)}a: b\n`)).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('address lists', () => {
  it.each([
    ['a@b', [[undefined, 'a', 'b']]],
    [
      '"A, B" <a@b>, c@d (Name)',
      [
        ['A, B', 'a', 'b'],
        ['Name', 'c', 'd'],
      ],
    ],
    [
      'g: a@b, c@d;',
      [
        [undefined, 'g', undefined],
        [undefined, 'a', 'b'],
        [undefined, 'c', 'd'],
        [undefined, undefined, undefined],
      ],
    ],
    ['a . b @ c . d', [[undefined, 'a.b', 'c.d']]],
    ['A <>', [['A', 'MISSING_MAILBOX', 'MISSING_DOMAIN']]],
    ['a b@c', [['a b', 'MISSING_MAILBOX', 'MISSING_DOMAIN']]],
    ['<a@b@c>', [[undefined, 'a', 'SYNTAX_ERROR']]],
    ['', []],
  ])('reads %s', (text, expected) => {
    expect(parseAddressList(text).map(({ name, mailbox, host }) => [name, mailbox, host])).toEqual(expected);
  });

  it('reads a source route', () => {
    expect(parseAddressList('<@x,@y:a@b>')).toEqual([{ name: undefined, route: '@x,@y', mailbox: 'a', host: 'b' }]);
  });

  it('is linear in nested comments and quotes', () => {
    const started = performance.now();
    parseAddressList('('.repeat(100_000));
    parseAddressList('"\\'.repeat(100_000));
    parseAddressList('a <'.repeat(50_000));
    parseAddressList('a,'.repeat(50_000));
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('encoded words (RFC 2047)', () => {
  it.each([
    ['=?utf-8?q?Gr=C3=BCn?=', 'Grün'],
    ['=?ISO-8859-1?B?R3L8bg==?=', 'Grün'],
    ['a =?utf-8?q?b?= =?utf-8?q?c?= d', 'a bc d'],
    ['=?utf-8?q?=C3?= =?utf-8?q?=BC?=', 'ü'],
    ['=?utf-8*de?q?a_b?=', 'a b'],
    ['=?x-unknown?q?a?= =?=', 'a =?='],
    ['=?utf-8?x?a?=', '=?utf-8?x?a?='],
    [Buffer.from('ü').toString('latin1'), 'ü'],
  ])('decodes %s', (text, expected) => {
    expect(decodeHeaderText(text)).toBe(expected);
  });
});

describe('parameters (RFC 2045, RFC 2231)', () => {
  it('reads values, quotes, comments', () => {
    expect(parseParameterizedValue('text/plain (x); charset="a\\"b"; format=flowed')).toEqual({
      value: 'text/plain',
      parameters: [
        { name: 'charset', value: 'a"b' },
        { name: 'format', value: 'flowed' },
      ],
    });
  });

  it('joins continuations and decodes', () => {
    const value = parseParameterizedValue("attachment; filename*0*=utf-8''%e2%82%ac; filename*1=.txt");
    expect(value?.parameters).toEqual([{ name: 'filename*', value: "utf-8''%e2%82%ac.txt" }]);
    expect(decodedParameter(value?.parameters ?? [], 'filename')).toBe('€.txt');
  });
});

describe('dates', () => {
  it.each([
    ['Mon, 5 Jan 2026 23:00:00 -0500', { year: 2026, month: 1, day: 5 }],
    ['05 January 99', { year: 1999, month: 1, day: 5 }],
    ['Thu 1-Feb-26 x', { year: 2026, month: 2, day: 1 }],
    ['Mon,5 Jan 2026 10:00:00 +0000', { year: 2026, month: 1, day: 5 }],
    ['yesterday', undefined],
  ])('reads %s', (text, expected) => {
    expect(parseMessageDate(text)).toEqual(expected);
  });
});

describe('transfer encodings', () => {
  it('decodes quoted-printable in any pieces', () => {
    const bytes = Buffer.from('a=C3=BC=\r\nb=\nc= =zz=');
    const whole = Buffer.from(decodeQuotedPrintable(bytes)).toString();
    expect(whole).toBe('aübc= =zz=');
    for (let cut = 0; cut <= bytes.length; cut++) {
      const decoder = newTransferDecoder('Quoted-Printable');
      const pieces = [decoder.write(bytes.subarray(0, cut)), decoder.write(bytes.subarray(cut)), decoder.end()];
      expect(Buffer.concat(pieces).toString()).toBe(whole);
    }
  });

  it('decodes base64 in any pieces', () => {
    const bytes = Buffer.from(
      `${Buffer.from('hello, world')
        .toString('base64')
        .replace(/(.{5})/g, '$1\r\n')}`,
    );
    for (let cut = 0; cut <= bytes.length; cut++) {
      const decoder = newTransferDecoder('BASE64');
      const pieces = [decoder.write(bytes.subarray(0, cut)), decoder.write(bytes.subarray(cut)), decoder.end()];
      expect(Buffer.concat(pieces).toString()).toBe('hello, world');
    }
    expect(Buffer.from(decodeBase64(Buffer.from('aGk='))).toString()).toBe('hi');
  });
});

describe('charsets', () => {
  it('reads what it knows and never throws', () => {
    expect(decodeCharset(Buffer.from([0xe4]), 'ISO-8859-1')).toBe('ä');
    expect(decodeCharset(Buffer.from([0xe4]), 'no-such-charset')).toBe('ä');
    expect(isKnownCharset('KOI8-R')).toBe(true);
    expect(isKnownCharset('klingon')).toBe(false);
  });
});
