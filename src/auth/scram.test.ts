// The words and keys of SCRAM, by the examples of the standards.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deriveScramKeys, isScramProof, serverSignature } from './scram-keys.ts';
import { parseClientFinal, parseClientFirst } from './scram-words.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

describe('the examples', () => {
  it.each([
    {
      // RFC 5802 §5.
      hash: 'sha1',
      first: 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL',
      server: 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
      final: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
      signature: 'rmF9pqV8S7suAoZWja4dJRkFsKQ=',
    },
    {
      // RFC 7677 §3.
      hash: 'sha256',
      first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
      server: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
      final:
        'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
      signature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    },
  ] as const)('of $hash', async ({ hash, first, server, final, signature }) => {
    const opening = parseClientFirst(bytes(first));
    expect(opening).toMatchObject({ binding: 'n', authzid: '', login: 'user', gs2Header: 'n,,' });
    const end = parseClientFinal(bytes(final));
    const salt = Buffer.from(/s=([^,]+)/.exec(server)?.[1] ?? '', 'base64');
    const keys = await deriveScramKeys(hash, 'pencil', salt, 4096);
    const message = `${opening?.bare},${server},${end?.withoutProof}`;
    expect(isScramProof(hash, keys.storedKey, message, end?.proof ?? Buffer.alloc(0))).toBe(true);
    expect(isScramProof(hash, keys.storedKey, `${message}x`, end?.proof ?? Buffer.alloc(0))).toBe(false);
    expect(isScramProof(hash, keys.storedKey, message, Buffer.alloc(3))).toBe(false);
    expect(serverSignature(hash, keys.serverKey, message)).toBe(signature);
  });
});

describe('words', () => {
  it('reads names with commas and equals signs, and what comes before them', () => {
    expect(parseClientFirst(bytes('p=tls-exporter,a=bo=2Cb,n=an=3Dna,r=x,z=ext'))).toEqual({
      binding: 'p',
      bindingType: 'tls-exporter',
      authzid: 'bo,b',
      login: 'an=na',
      nonce: 'x',
      gs2Header: 'p=tls-exporter,a=bo=2Cb,',
      bare: 'n=an=3Dna,r=x,z=ext',
    });
  });

  it.each([
    '',
    'n,,',
    'n,,n=,r=x',
    'n,,n=a',
    'n,,n=a,r=',
    'n,,n=a=2,r=x',
    'n,,n=a\0b,r=x',
    'n,,m=must,n=a,r=x',
    'x,,n=a,r=x',
    'p=,,n=a,r=x',
    'n,a=x=,n=a,r=x',
    `n,,n=a,r=${'x'.repeat(300)}`,
    'n,,n=a,r=x y',
    'n,n=a,r=x',
  ])('refuses %j', (text) => expect(parseClientFirst(bytes(text))).toBeUndefined());

  it('refuses names that are not UTF-8', () => {
    expect(parseClientFirst(Buffer.concat([bytes('n,,n='), Buffer.from([0xc3, 0x28]), bytes(',r=x')]))).toBeUndefined();
  });

  it.each([
    '',
    'c=biws',
    'c=biws,r=x',
    'r=x,c=biws,p=AA==',
    'c=biws,r=x,p=A',
    'c=b!,r=x,p=AA==',
    'c=biws,r=x,p=AA==,z=1',
  ])('refuses the end %j', (text) => expect(parseClientFinal(bytes(text))).toBeUndefined());

  it('survives anything', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        parseClientFirst(Buffer.from(octets));
        parseClientFinal(Buffer.from(octets));
      }),
    );
  });
});
