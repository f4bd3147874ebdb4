import { expect, test } from 'vitest';
import { Settings } from '../settings/settings.ts';
import { readNoticePolicy } from './notice-policy.ts';

const read = (overrides: Record<string, string>) => {
  const warnings: string[] = [];
  const policy = readNoticePolicy(Settings.defaults({ myhostname: 'mx.example', ...overrides }), (text) =>
    warnings.push(text),
  );
  return { policy, warnings };
};

test('the defaults are Postfix’s', () => {
  const { policy, warnings } = read({});
  expect([...policy.classes]).toEqual(['resource', 'software']);
  expect(policy.doubleBounceSender).toBe('double-bounce@mx.example');
  expect(policy.templates.failure.text[0]).toBe('This is the mail system at host mx.example.');
  expect(warnings).toEqual([]);
});

test('an unknown word in notify_classes stops the start', () => {
  expect(() => read({ notify_classes: 'bounce, nonsense' })).toThrow('unknown class "nonsense"');
});

test('a template file that is not there leaves the built-in texts', () => {
  const { policy, warnings } = read({ bounce_template_file: '/nowhere/bounce.cf' });
  expect(policy.templates.failure.subject).toBe('Undelivered Mail Returned to Sender');
  expect(warnings.join()).toContain('the built-in templates are used');
});

test('names of hosts are shown as people write them', () => {
  const { policy } = read({ myhostname: 'mx.xn--bcher-kva.example', smtputf8_enable: 'yes' });
  expect(Buffer.from(policy.templates.failure.text[0] ?? '', 'latin1').toString()).toContain('mx.bücher.example');
  expect(policy.templates.failure.charset).toBe('utf-8');
  expect(read({ smtputf8_enable: 'no' }).policy.templates.failure.charset).toBe('us-ascii');
});
