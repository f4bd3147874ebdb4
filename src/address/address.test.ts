// Addresses as words: both forms, extensions, standard form, domains, the lists that aliases hold.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddressList } from './address-list.ts';
import { isHostname, isIpv6, isValidDomain, literalAddress } from './domain.ts';
import { addExtension, type ExtensionRules, splitExtension } from './extension.ts';
import { fold, foldKey, toExternal, toInternal } from './form.ts';
import { standardForm } from './standard-form.ts';

describe('the two forms', () => {
  test.each([
    ['a@b.test', 'a@b.test'],
    ['a b@c.test', '"a b"@c.test'],
    ['a..b@c.test', '"a..b"@c.test'],
    ['a@b@c.test', '"a@b"@c.test'],
    ['@c.test', '""@c.test'],
    ['c"d\\e@x.test', '"c\\"d\\\\e"@x.test'],
    ['jürg@x.test', 'jürg@x.test'],
  ])('%s is %s on the wire', (internal, external) => {
    expect(toExternal(internal)).toBe(external);
    expect(toInternal(external)).toBe(internal);
  });

  test('external and back is the same address, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string(), fc.domain(), (localpart, domain) => {
        expect(toInternal(toExternal(`${localpart}@${domain}`))).toBe(`${localpart}@${domain}`);
      }),
    );
  });

  test('folding ignores case beyond ASCII too', () => {
    expect(fold('ÄB@C')).toBe('äb@c');
    expect(fold('Straße')).not.toBe(fold('STRASSE'));
  });

  test('keys of tables are folded as ICU folds them', () => {
    expect(foldKey('ÄB@C')).toBe('äb@c');
    expect(foldKey('Straße')).toBe('strasse');
    expect(foldKey('ΟΔΟΣ')).toBe('οδοσ');
    expect(foldKey('οδος')).toBe('οδοσ');
    expect(foldKey('ı')).toBe('ı');
    expect(foldKey('\u{ab70}')).toBe('\u{13a0}');
    expect(foldKey('\u{10400}')).toBe('\u{10428}');
  });
});

describe('extensions', () => {
  const plus: ExtensionRules = { delimiters: '+', ownerRequestSpecial: true, doubleBounceSender: 'double-bounce' };
  const both: ExtensionRules = { ...plus, delimiters: '+-' };
  test.each([
    ['u+x@d', plus, 'u@d', '+x'],
    ['u+@d', plus, 'u@d', '+'],
    ['u-x+y@d', both, 'u@d', '-x+y'],
    ['u+a+b', plus, 'u', '+a+b'],
  ])('%s splits', (address, rules, bare, extension) => {
    expect(splitExtension(address, rules)).toEqual({ bare, extension });
    expect(addExtension(bare, extension)).toBe(address);
  });
  test.each(['u@d', '+u@d', 'postmaster', 'MAILER-DAEMON@d', 'double-bounce@d', 'owner-l-x@d', 'l-request@d'])(
    '%s stays whole',
    (address) => expect(splitExtension(address, both)).toBeUndefined(),
  );
});

describe('standard form', () => {
  const rules = {
    appendAtMyorigin: true,
    myorigin: 'or.test',
    appendDotMydomain: false,
    mydomain: 'dom.test',
    swapBangpath: true,
    allowPercentHack: true,
  };
  test.each([
    ['u@d.test', 'u@d.test'],
    ['u', 'u@or.test'],
    ['@a,@b:u@d.test', 'u@d.test'],
    ['site!u', 'u@site'],
    ['u%site', 'u@site'],
    ['a%b@d.test', 'a%b@d.test'],
    ['u@d.test.', 'u@d.test'],
    ['u@d.test..', 'u@d.test..'],
    ['@', ''],
    ['', ''],
  ])('%s becomes %s', (given, standard) => expect(standardForm(given, rules)).toBe(standard));

  test('a domain without a dot gets mydomain where asked', () => {
    const appending = { ...rules, appendDotMydomain: true };
    expect(standardForm('u@host', appending)).toBe('u@host.dom.test');
    expect(standardForm('u@[1.2.3.4]', appending)).toBe('u@[1.2.3.4]');
  });
});

describe('domains', () => {
  test.each(['a.test', 'x_y.test', 'bücher.test', '1a'])('%s is a name', (name) => expect(isHostname(name)).toBe(true));
  test.each(['', '1.2.3.4', '12', '-a.test', 'a-.test', 'a..b', `${'a'.repeat(64)}.test`, 'a b', 'x.test:25'])(
    '%s is none',
    (name) => expect(isHostname(name)).toBe(false),
  );
  test('address literals', () => {
    expect(literalAddress('[1.2.3.4]')).toBe('1.2.3.4');
    expect(literalAddress('[IPv6:::1]')).toBe('::1');
    expect(isValidDomain('[::1]')).toBe(false);
    expect(isValidDomain('[1.2.3]')).toBe(false);
    expect(['::', '1::', '::ffff:1.2.3.4', '1:2:3:4:5:6:7:8'].every(isIpv6)).toBe(true);
    expect(['1:2', ':::', '1::2::3', '1:2:3:4:5:6:7:8:9', 'g::'].some(isIpv6)).toBe(false);
  });
});

describe('address lists', () => {
  test.each([
    ['a@x, b@y c@z', ['a@x', 'b@y', 'c@z']],
    ['Joe Doe <j@x>, (c) k@x (d)', ['j@x', 'k@x']],
    ['list: a@x, b@x;', ['a@x', 'b@x']],
    ['a@x; b@x', ['a@x', 'b@x']],
    ['"a b"@x', ['a b@x']],
    ['a @ x', ['a@x']],
    ['u@[1.2.3.4]', ['u@[1.2.3.4]']],
    ['|cmd arg', ['|cmd', 'arg']],
    [':include:/f', [':include:/f']],
    ['<@a,@b:u@c>', ['u@c']],
    ['<>', ['']],
    ['(nothing)', []],
    [' , ,', []],
  ])('%s', (text, addresses) => expect(parseAddressList(text)).toEqual(addresses));

  test('never fails, never loops', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'a b @ . , : ; < > ( ) [ ] " \\ % !'.split(' '), ' ') }),
        (text) => void parseAddressList(text),
      ),
    );
  });
});
