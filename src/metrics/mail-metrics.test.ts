// What is counted from the lines of the log, and how it is printed.

import { expect, test } from 'vitest';
import { Exposition } from './exposition.ts';
import { Histogram } from './histogram.ts';
import { MailMetrics } from './mail-metrics.ts';

function print(metrics: MailMetrics): string[] {
  const page = new Exposition();
  metrics.print(page);
  return page.toString().split('\n');
}

test('lock-outs and alarms are counted by their kind', () => {
  const metrics = new MailMetrics();
  metrics.lockedOut('address');
  metrics.lockedOut('address');
  metrics.alarmed('recipients');
  expect(print(metrics)).toEqual(
    expect.arrayContaining([
      'posthaste_lockouts_total{kind="address"} 2',
      'posthaste_abuse_alarms_total{kind="recipients"} 1',
    ]),
  );
});

test('connections, refusals, logins and warnings are counted from the log', () => {
  const metrics = new MailMetrics();
  const client = 'mail.example.net[192.0.2.7]';
  metrics.logged('postfix/smtpd', 'info', `connect from ${client}`);
  metrics.logged('postfix/submission/smtpd', 'info', `connect from ${client}:4711`);
  metrics.logged('postfix/smtpd', 'info', `NOQUEUE: reject: RCPT from ${client}: 450 4.7.1 <x>: no; from=<> to=<x>`);
  metrics.logged('postfix/smtpd', 'info', `4jWwJ04sK4zpbG2: reject: RCPT from ${client}:4711: 550 5.1.1 <x>: no`);
  metrics.logged('postfix/smtpd', 'warning', `${client}: SASL PLAIN authentication failed: wrong, sasl_username=x`);
  metrics.logged('postfix/smtpd', 'info', `4jWwJ04sK4zpbG2: client=${client}, sasl_method=PLAIN, sasl_username=x`);
  metrics.logged('dovecot', 'info', 'imap-login: Info: Login: user=<x>, method=PLAIN');
  metrics.logged('dovecot', 'info', 'imap-login: Info: Disconnected (auth failed, 1 attempts in 2 secs): user=<x>');
  metrics.logged('postfix/qmgr', 'info', '4jWwJ04sK4zpbG2: removed');
  expect(print(metrics)).toEqual(
    expect.arrayContaining([
      'posthaste_smtp_connections_total{service="postfix/smtpd"} 1',
      'posthaste_smtp_connections_total{service="postfix/submission/smtpd"} 1',
      'posthaste_smtp_refusals_total{stage="RCPT",code="450"} 1',
      'posthaste_smtp_refusals_total{stage="RCPT",code="550"} 1',
      'posthaste_logins_total{protocol="smtp",result="failed"} 1',
      'posthaste_logins_total{protocol="smtp",result="ok"} 1',
      'posthaste_logins_total{protocol="imap",result="ok"} 1',
      'posthaste_logins_total{protocol="imap",result="failed"} 1',
      'posthaste_log_lines_total{level="warning"} 1',
    ]),
  );
});

test('no client can make series without end', () => {
  const metrics = new MailMetrics();
  for (let code = 0; code < 1000; code++) metrics.delivered('smtp', `made up ${code}`);
  expect(print(metrics).filter((line) => line.startsWith('posthaste_delivery_attempts_total{'))).toHaveLength(200);
});

test('buckets are cumulated and in seconds, labels escaped', () => {
  const histogram = new Histogram([10, 100]);
  for (const milliseconds of [-5, 10, 11, 5000]) histogram.observe(milliseconds);
  const page = new Exposition();
  page.histogram('x_seconds', 'Two\nlines.', [{ labels: { who: 'a"b\\c\n' }, histogram }]);
  expect(page.toString()).toBe(
    '# HELP x_seconds Two\\nlines.\n# TYPE x_seconds histogram\n' +
      'x_seconds_bucket{who="a\\"b\\\\c\\n",le="0.01"} 2\n' +
      'x_seconds_bucket{who="a\\"b\\\\c\\n",le="0.1"} 3\n' +
      'x_seconds_bucket{who="a\\"b\\\\c\\n",le="+Inf"} 4\n' +
      'x_seconds_sum{who="a\\"b\\\\c\\n"} 5.021\n' +
      'x_seconds_count{who="a\\"b\\\\c\\n"} 4\n',
  );
});
