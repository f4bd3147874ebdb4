import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePath } from './path.ts';

const address = (text: string) => {
  const result = parsePath('TO', text);
  return result.kind === 'path' ? result.path.address : result.kind;
};

test('paths as clients write them', () => {
  expect(address('TO:<a@b.example>')).toBe('a@b.example');
  expect(address('to: <a@b.example>')).toBe('a@b.example');
  expect(address('TO:a@b.example')).toBe('a@b.example');
  expect(address('TO:<>')).toBe('');
  expect(address('TO:<postmaster>')).toBe('postmaster');
  expect(address('TO:<@x.example,@y.example:a@b.example>')).toBe('a@b.example');
  expect(address('TO:<"a b"@c.example>')).toBe('"a b"@c.example');
  expect(address('TO:<"a>b"@c.example>')).toBe('"a>b"@c.example');
  expect(address('TO:<a\\@b@c.example>')).toBe('"a@b"@c.example');
  expect(address('TO:<"plain"@c.example>')).toBe('plain@c.example');
  expect(address('TO:<a@[192.0.2.1]>')).toBe('a@[192.0.2.1]');
  expect(address('TO:<a@[IPv6:2001:db8::1]>')).toBe('a@[IPv6:2001:db8::1]');
  expect(address('TO:<grå@exämple.example>')).toBe('grå@exämple.example');
});

test('paths that are none', () => {
  expect(address('TO')).toBe('bad-command');
  expect(address('TO:')).toBe('bad-command');
  expect(address('TO <a@b>')).toBe('bad-command');
  expect(address('TO:<a@b')).toBe('bad-address');
  expect(address('TO:<a@b>SIZE=1')).toBe('bad-address');
  expect(address('TO:<a@b c>')).toBe('bad-address');
  expect(address('TO:<"a@b>')).toBe('bad-address');
  expect(address('TO:<<a@b>>')).toBe('bad-address');
});

test('parameters stand behind the path', () => {
  expect(parsePath('FROM', 'FROM:<a@b>  SIZE=1\tBODY=8BITMIME ')).toEqual({
    kind: 'path',
    path: { address: 'a@b', parameters: ['SIZE=1', 'BODY=8BITMIME'] },
  });
});

test('an address read back from its own external form is the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '.', '"', '\\', ' ', '@', '<', '>', 'ü') }), (localpart) => {
      const quoted = `"${localpart.replace(/["\\]/g, '\\$&')}"`;
      const once = address(`TO:<${quoted}@b.example>`);
      expect(once).not.toBe('bad-address');
      expect(address(`TO:<${once}>`)).toBe(once);
    }),
  );
});
