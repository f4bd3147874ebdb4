// Templates of Dovecot's variables: what each says; the answers are those of a real Dovecot 2.3 (static userdb).

import { describe, expect, it, test } from 'vitest';
import { SettingsError } from '../../settings/settings-error.ts';
import { loginValues } from './login-values.ts';
import { expandTemplate, parseTemplate } from './variables.ts';

const expand = (template: string, login: string): string =>
  expandTemplate(parseTemplate(template, 'test'), loginValues(login, { login, service: 'imap', remoteAddress: '' }));

describe('a template', () => {
  test.each([
    ['%1u', 'anna.bo@sub.example.com', 'a'],
    ['%2.1u', 'anna.bo@sub.example.com', 'n'],
    ['%-2.1u', 'anna.bo@sub.example.com', 'o'],
    ['%-2.2u', 'ab', 'ab'],
    ['%04n', 'ab', '00ab'],
    ['%1.04n', 'ab', '000b'],
    ['%1.04n', 'anna.bo@x', 'nna.bo'],
    ['%0.-2u', 'anna@x.y', 'anna@x'],
    ['%-3u', 'anna@x.y', 'ann'],
    ['%10.2u', 'ab', ''],
    ['%-10.2u', 'anna.bo@sub.example.com', 'xa'],
    ['%0u', 'ab', 'ab'],
    ['%05.2u', 'anna.bo@sub.example.com', 'bo'],
    ['%2.0u', '1234@x', '34@x'],
    ['%0.3n', '1234@x', '123'],
    ['%Uu', 'anna@x', 'ANNA@X'],
    ['%Ru', '1234@x', 'x@4321'],
    ['%RUu', '1234@x', 'X@4321'],
    ['%Mn', '1234@x', '81dc9bdb52d04dc20036dbd8313ed055'],
    ['%Nn', '1234@x', '52d04dc2'],
    ['%256Nn', '1234@x', 'c2'],
    ['%2.256Nn', '1234@x', 'c2'],
    ['%1000Nn', '255', '262'],
    ['%Hn', '1234@x', '34564'],
    ['%1000Hn', '255', '2bd'],
    ['%3RHu', 'o\'h"x\\y@a.b@c.d', '2'],
    ['%Dd', 'anna.bo@sub.example.com', 'sub,dc=example,dc=com'],
    ['%Eu', 'o\'h"x\\y@a.b@c.d', 'o\\\'h\\"x\\\\y@a.b@c.d'],
    ['%Xn', '1234@x', '4d2'],
    ['%06Xn', '255', '0000ff'],
    ['%Xn', 'ab', '0'],
    ['%{sha256:user}', '1234@x', '81941374773117d1d17d334cab1c1f0f62ed9d9ae80127d2b315186efd8e9e06'],
    ['%{md5;truncate=32:user}', '1234@x', '44f14111'],
    ['%{md5;format=hexuc:user}', '1234@x', '44F141119D295F447FC79ADA3C51B260'],
    ['%{sha1;salt=xy:user}', '255', 'ce9b4d5f4cda4bd198880c68c922bf81a3543beb'],
    ['%{sha1;rounds=2,salt=xy:user}', '255', 'fe0e84a26d3d4e390a22a0c857ff509d50f2f1d1'],
    ['%{sha1;format=base64:user}', '255', 'MCj1FAfYMzj3L5lLwoNXJFKod94='],
    ['%{sha512;truncate=12:user}', '255', '0b84'],
    ['%{username}@%{domain}', 'anna@x.y', 'anna@x.y'],
    ['%2U{user}', 'anna@x.y', 'AN'],
    ['a%%b%%', 'anna', 'a%b%'],
    ['%{domain_first}/%{domain_last}', 'a@a.b@c.d', 'a.b/c.d'],
    ['%d', 'x@a.b@c.d', 'a.b@c.d'],
    ['[%d]', 'anna', '[]'],
    ['%{service}', 'anna', 'imap'],
    ['%{userdb:x:def}%{passdb:y}', 'anna', 'def'],
    ['%{login_user}|%{real_rip}|%c', 'anna', '||'],
  ])('%s of %s is %s', (template, login, value) => expect(expand(template, login)).toBe(value));

  it.each([
    '%',
    '%y',
    '%1{user}x%{',
    '%{nonsense}',
    '%{if;%u;eq;x;y;n}',
    '%{env:HOME}',
    '%{sha9:user}',
    '%Zu',
    '%{md5;x=y:user}',
  ])('with %s stops the start', (template) => expect(() => parseTemplate(template, 'test')).toThrow(SettingsError));

  it('quotes the part that is used, not the whole', () => {
    const template = parseTemplate("'%1u'", 'test');
    const values = loginValues("'x", { login: "'x", service: 'imap', remoteAddress: '' });
    expect(expandTemplate(template, values, (value) => value.replaceAll("'", "''"))).toBe("''''");
  });

  it('is not read again: a name that looks like a variable stays one', () => {
    expect(expand('%u', '%d%{password}')).toBe('%d%{password}');
  });
});
