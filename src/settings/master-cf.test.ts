// The syntax of master.cf.

import { expect, test } from 'vitest';
import { parseMasterCf } from './master-cf.ts';

test('all fields, with - for their defaults', () => {
  const { services, findings } = parseMasterCf(
    '# c\nsmtp inet - - - - - smtpd\nflush unix n n y 1000? 0 flush\n\nvac unix - n n - 5 pipe\n  flags=R user=v\n# x\n  argv=/bin/x -f ${sender} { a  b } -o c\n',
    'm',
  );
  expect(findings).toEqual([]);
  expect(services).toMatchObject([
    {
      name: 'smtp',
      type: 'inet',
      private: false,
      unprivileged: true,
      chroot: false,
      wakeupSeconds: 0,
      command: 'smtpd',
      line: 2,
    },
    { private: false, unprivileged: false, chroot: true, wakeupSeconds: 1000, wakeupOnlyIfUsed: true, maxProcesses: 0 },
    { name: 'vac', private: true, maxProcesses: 5, line: 5 },
  ]);
  expect(services[0]?.maxProcesses).toBeUndefined();
  expect(services[2]?.args).toEqual(['flags=R', 'user=v', 'argv=/bin/x', '-f', '${sender}', 'a  b', '-o', 'c']);
});

test('overrides in both forms; the last wins', () => {
  const { services } = parseMasterCf(
    '465 inet n - n - - smtpd -v\n  -o a=1 -o { b = x, y }\n  -oc=3 -o a=\n  -o d=permit_mynetworks,reject -D',
  );
  expect(services[0]?.overrides).toEqual({ a: '', b: 'x, y', c: '3', d: 'permit_mynetworks,reject' });
  expect(services[0]?.args).toEqual(['-v', '-D']);
});

test.each([
  ['smtp inet n - n - -', 'bad field count'],
  ['smtp inet x - n - - smtpd', 'invalid private field "x"'],
  ['smtp tcp n - n - - smtpd', 'invalid type field "tcp"'],
  ['smtp inet n - n -1 - smtpd', 'invalid wakeup field "-1"'],
  ['smtp inet n - n - 1k smtpd', 'invalid max_proc field "1k"'],
  ['smtp inet n - n - - smtpd -o', '-o needs name=value'],
  ['smtp inet n - n - - smtpd -o abc', "-o abc: missing '='"],
  ['smtp inet n - n - - smtpd { a', "missing '}'"],
  ['smtp inet n - n - - smtpd {a}b', "syntax error after '}'"],
  ['  smtp inet n - n - - smtpd', 'logical line must not start with whitespace'],
])('%s is left out: %s', (line, reason) => {
  const { services, findings } = parseMasterCf(
    `# one\n\n${line}\nok unix - - n - - smtp`.replace(/^# one\n\n {2}/, '  '),
  );
  expect(services.map((service) => service.name).filter((name) => name === 'smtp')).toEqual([]);
  expect(findings[0]).toMatchObject({ severity: 'error' });
  expect(findings[0]?.text).toContain(reason);
});

test('a service that is defined twice is told, and the last counts', () => {
  const { services, findings } = parseMasterCf('a unix - - n - - smtp\na inet n - n - - smtpd\na unix - - n - - error');
  expect(services.map(({ name, command }) => `${name} ${command}`)).toEqual(['a error', 'a smtpd']);
  expect(findings).toMatchObject([{ severity: 'warning', line: 3, text: expect.stringContaining('line 1') as string }]);
});
