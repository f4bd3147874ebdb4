import { expect, test } from 'vitest';
import { Transcript } from './transcript.ts';

test('tells both sides, in order, and what kind of trouble there was', () => {
  const transcript = new Transcript();
  transcript.out('220 mx.example ESMTP\r\n');
  transcript.in('FOO');
  transcript.out('500 5.5.2 Error: command not recognized\r\n');
  transcript.in('RCPT TO:<x@y.example>');
  transcript.out('250-ok\r\n550 5.1.1 <x@y.example>: Recipient address rejected: User unknown\r\n');
  expect(transcript.lines).toEqual([
    'Out: 220 mx.example ESMTP',
    'In:  FOO',
    'Out: 500 5.5.2 Error: command not recognized',
    'In:  RCPT TO:<x@y.example>',
    'Out: 250-ok',
    'Out: 550 5.1.1 <x@y.example>: Recipient address rejected: User unknown',
  ]);
  expect([...transcript.troubles]).toEqual(['protocol', 'bounce']);
});

test.each([
  ['452 4.3.1 Insufficient system storage', 'resource'],
  ['451 4.3.0 Error: queue file write error', 'resource'],
  ['451 4.3.0 <x@y>: Temporary lookup failure', 'data'],
  ['451 4.3.5 Server configuration error', 'software'],
  ['554 5.7.1 <x@y>: Relay access denied', 'policy'],
  ['421 4.4.2 mx.example Error: timeout exceeded', 'protocol'],
])('%s is trouble of the class %s', (reply, trouble) => {
  const transcript = new Transcript();
  transcript.out(`${reply}\r\n`);
  expect([...transcript.troubles]).toEqual([trouble]);
});

test('the end of the server is no trouble', () => {
  const transcript = new Transcript();
  transcript.out('421 4.3.2 mx.example Service shutting down and closing transmission channel\r\n');
  expect(transcript.troubles.size).toBe(0);
});

test('holds no password', () => {
  const transcript = new Transcript();
  transcript.in('AUTH PLAIN AGFubgBzZWNyZXQ=');
  transcript.in('AUTH LOGIN');
  transcript.out('334 VXNlcm5hbWU6\r\n');
  transcript.in('YW5u');
  transcript.out('334 UGFzc3dvcmQ6\r\n');
  transcript.in('c2VjcmV0');
  transcript.in('NOOP');
  expect(transcript.lines.filter((line) => line.startsWith('In: '))).toEqual([
    'In:  AUTH PLAIN (not shown)',
    'In:  AUTH LOGIN',
    'In:  (not shown)',
    'In:  (not shown)',
    'In:  NOOP',
  ]);
});

test('is bounded, however long the session and its lines', () => {
  const transcript = new Transcript();
  for (let number = 0; number < 100_000; number++) transcript.in(`NOOP ${number} ${'x'.repeat(2000)}`);
  expect(transcript.lines.length).toBeLessThan(260);
  expect(transcript.lines[0]).toMatch(/^In: {2}NOOP 0 /);
  expect(transcript.lines.at(-1)).toMatch(/^In: {2}NOOP 99999 /);
  expect(transcript.lines.some((line) => / \(\d+ lines left out\)/.test(line))).toBe(true);
  expect(Math.max(...transcript.lines.map((line) => line.length))).toBeLessThan(520);
});
