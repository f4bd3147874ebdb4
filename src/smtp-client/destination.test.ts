// Next hops in all the forms of smtp(8) and lmtp(8).

import { expect, test } from 'vitest';
import { parseDestination, splitDestinations } from './destination.ts';

test.each([
  ['example.com', { kind: 'inet', host: 'example.com', port: undefined, useMx: true }],
  ['example.com:2525', { kind: 'inet', host: 'example.com', port: 2525, useMx: true }],
  ['example.com:submission', { kind: 'inet', host: 'example.com', port: 587, useMx: true }],
  ['[mail.example.com]', { kind: 'inet', host: 'mail.example.com', port: undefined, useMx: false }],
  ['[192.0.2.1]:26', { kind: 'inet', host: '192.0.2.1', port: 26, useMx: false }],
  ['[ipv6:2001:db8::1]:26', { kind: 'inet', host: '2001:db8::1', port: 26, useMx: false }],
  ['[2001:db8::1]', { kind: 'inet', host: '2001:db8::1', port: undefined, useMx: false }],
  ['192.0.2.1', { kind: 'inet', host: '192.0.2.1', port: undefined, useMx: false }],
  ['[]', 'empty host name in next-hop destination: []'],
  ['example.com:nothing', 'unknown service in next-hop destination: example.com:nothing'],
  ['unix:/x', 'bad next-hop destination: unix:/x'],
])('smtp: %s', (text, destination) => {
  expect(parseDestination(text, 'smtp')).toEqual(destination);
});

test.each([
  ['unix:/var/run/lmtp', { kind: 'unix', path: '/var/run/lmtp' }],
  ['inet:mail.example.com:24', { kind: 'inet', host: 'mail.example.com', port: 24, useMx: false }],
  ['mail.example.com', { kind: 'inet', host: 'mail.example.com', port: undefined, useMx: false }],
])('lmtp: %s', (text, destination) => {
  expect(parseDestination(text, 'lmtp')).toEqual(destination);
});

test('several next hops stand separated by commas or blanks', () => {
  expect(splitDestinations('[a]:1, [b] c')).toEqual(['[a]:1', '[b]', 'c']);
});
