import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLogin, decodePlain } from './sasl.ts';

const encode = (text: string): Buffer => Buffer.from(text);

describe('SASL words', () => {
  it('reads PLAIN (RFC 4616 §4)', () => {
    expect(decodePlain(encode('\0tim\0tanstaaftanstaaf'))).toEqual({
      authzid: '',
      login: 'tim',
      password: 'tanstaaftanstaaf',
    });
    expect(decodePlain(encode('Ursel\0Kurt\0xipj3plmq'))).toEqual({
      authzid: 'Ursel',
      login: 'Kurt',
      password: 'xipj3plmq',
    });
  });

  it.each([
    encode(''),
    encode('tim'),
    encode('\0tim'),
    encode('\0tim\0'),
    encode('\0\0x'),
    encode('\0a\0b\0c'),
    encode(`\0tim\0${'A'.repeat(4000)}`),
    Buffer.from([0, 255, 0, 120]),
  ])('refuses %j', (word) => expect(decodePlain(word)).toBeUndefined());

  it('reads the answers of LOGIN', () => {
    expect(decodeLogin(encode('anna@example.com'))).toBe('anna@example.com');
    for (const word of ['', 'a\0b']) expect(decodeLogin(encode(word))).toBeUndefined();
    expect(decodeLogin(Buffer.from([0xc3, 0x28]))).toBeUndefined();
  });

  it('gives back every PLAIN that can be written', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.constant(''), word, word, (authzid, login, password) => {
        expect(decodePlain(encode(`${authzid}\0${login}\0${password}`))).toEqual({ authzid, login, password });
      }),
    );
  });

  it('survives anything', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodePlain(Buffer.from(bytes))));
  });
});
