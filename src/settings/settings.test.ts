// The typed accessors, their errors, and the views of services and transports.

import { expect, test } from 'vitest';
import { parseMainCf } from './main-cf.ts';
import { Settings } from './settings.ts';

const read = (text: string): Settings =>
  Settings.fromDefinitions(parseMainCf(text, '/etc/main.cf').definitions.values());

test('each kind has its accessor', () => {
  const settings = read(`
mydestination = $myhostname, localhost
myhostname = mx.example.com
smtpd_timeout = 2m
bounce_queue_lifetime = 2
delay_warning_time = 3
smtpd_recipient_limit = 7
soft_bounce = YES
`);
  expect(settings.text('mydestination')).toBe('mx.example.com, localhost');
  expect(settings.list('mydestination')).toEqual(['mx.example.com', 'localhost']);
  expect(settings.text('mydomain')).toBe('example.com');
  expect(settings.seconds('smtpd_timeout')).toBe(120);
  expect(settings.seconds('bounce_queue_lifetime')).toBe(172_800);
  expect(settings.seconds('delay_warning_time')).toBe(10_800);
  expect(settings.integer('smtpd_recipient_limit')).toBe(7);
  expect(settings.flag('soft_bounce')).toBe(true);
  expect(settings.origin('soft_bounce')).toEqual({ kind: 'file', file: '/etc/main.cf', line: 8 });
  expect(settings.origin('relayhost')).toEqual({ kind: 'default' });
});

test('unknown names and wrong accessors do not compile', () => {
  const settings = Settings.defaults();
  // @ts-expect-error: no such parameter
  expect(settings.text('smtpd_timeuot')).toBe('');
  // @ts-expect-error: a time is not a number
  expect(() => settings.integer('maximal_queue_lifetime')).toThrow('must be a whole number');
  // @ts-expect-error: a yes/no is not a text
  expect(settings.text('soft_bounce')).toBe('no');
});

test.each([
  ['smtpd_recipient_limit', 'many', 'must be a whole number of at least 1'],
  ['smtpd_recipient_limit', '0', 'must be a whole number of at least 1'],
  ['smtpd_recipient_limit', '99999999999999999999', 'must be a whole number'],
  ['smtpd_timeout', '5x', 'must be a number with one of s m h d w, as 30s (s when no letter is given)'],
  ['smtpd_timeout', '-5s', 'must be a number with one of s m h d w'],
  ['soft_bounce', 'maybe', 'must be yes or no'],
  ['myhostname', 'bad host name', "must be a host's name, as mail.example.com"],
  ['myorigin', '${', 'truncated macro reference'],
  ['myorigin', '$myorigin', 'unreasonable macro call nesting'],
])('%s = %s is refused with file, line and what is allowed', (name, value, reason) => {
  const settings = read(`\n\n${name} = ${value}\n`);
  const check = (): void => settings.check(name);
  expect(check).toThrow(`/etc/main.cf:3: ${name} = ${value}: `);
  expect(check).toThrow(reason);
  expect(check).toThrow(expect.objectContaining({ name: 'SettingsError', parameter: name }) as Error);
});

test('a service sees its own values, main.cf those of main.cf', () => {
  const main = read('smtpd_banner = $myhostname $greeting\ngreeting = hello\nmyhostname = a.b');
  const origin = { kind: 'file', file: 'master.cf', line: 4 } as const;
  const service = main.withOverrides({ greeting: 'submission' }, origin);
  expect(main.text('smtpd_banner')).toBe('a.b hello');
  expect(service.text('smtpd_banner')).toBe('a.b submission');
  expect(service.origin('greeting')).toEqual(origin);
});

test("a transport's parameter, unset, is the default_ one", () => {
  const settings = Settings.defaults({ default_destination_concurrency_limit: '9', slow_destination_rate_delay: '5' });
  expect(settings.transportInteger('slow', 'destination_concurrency_limit')).toBe(9);
  expect(settings.transportInteger('local', 'destination_concurrency_limit')).toBe(2);
  expect(settings.transportSeconds('slow', 'destination_rate_delay')).toBe(5);
  expect(settings.transportSeconds('slow', 'transport_rate_delay')).toBe(0);
  expect(settings.transportText('slow', 'destination_concurrency_positive_feedback')).toBe('1');
});

test('names of this host that refer to each other end', () => {
  expect(Settings.defaults({ myhostname: 'mx.$mydomain' }).text('myhostname')).toBe('mx.localdomain');
  expect(Settings.defaults({ myhostname: 'single' }).text('mydomain')).toBe('localdomain');
});
