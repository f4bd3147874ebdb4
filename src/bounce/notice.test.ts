// Notices against what Postfix sent for the same mail (fixtures/), and who wants them.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { headerLength } from './header-end.ts';
import { composeNotice, type Notice, type NoticeRecipient } from './notice.ts';
import { builtinTemplates, expandTemplate } from './template.ts';
import { wantsNotice } from './wishes.ts';

// What Postfix 3.7 sent for the same mail, see fixtures/.
const golden = (name: string) =>
  readFileSync(new URL(`fixtures/${name}.eml`, import.meta.url), 'utf8').replace(/\r?\n/g, '\r\n');

const message = `Received: from client.example (localhost [127.0.0.1])
\tby mx.example.com (Postfix) with ESMTP id QIDA;
\tSat, 21 Nov 2026 12:00:18 +0000 (UTC)
From: a@b.example
Subject: hi
Message-Id: <1@b.example>
Date: Sat, 21 Nov 2026 12:00:18 +0000 (UTC)

Body text
`.replace(/\n/g, '\r\n');
const header = Buffer.from(message).subarray(0, headerLength(Buffer.from(message)));

const refused: NoticeRecipient = {
  recipient: 'nobody@fail.example',
  original: 'nobody@fail.example',
  orcpt: '',
  action: 'failed',
  status: '5.3.0',
  reason: 'host 127.0.0.1[127.0.0.1] said: 500 5.3.0 Error: command failed (in reply to RCPT TO command)',
  remoteMta: '127.0.0.1',
  diagnostic: '500 5.3.0 Error: command failed',
};
const now = Date.UTC(2026, 10, 21, 12, 0, 18);
const parameters = {
  parameter: (name: string) => (name === 'myhostname' ? 'mx.example.com' : undefined),
  seconds: (name: string) => (name === 'delay_warning_time' ? 1 : 5 * 86_400),
  isUnicode: true,
};
function template(name: 'failure' | 'delay' | 'success') {
  const builtin = builtinTemplates()[name];
  return { ...builtin, charset: 'utf-8', text: expandTemplate(builtin, parameters) };
}
const notice: Notice = {
  kind: 'failure',
  queueId: 'QIDB',
  now,
  hostname: 'mx.example.com',
  myorigin: 'mx.example.com',
  mailName: 'Postfix',
  template: template('failure'),
  to: 'joe@local.example',
  messageId: '<20261121120018.QIDB@mx.example.com>',
  lifetimeSeconds: 5 * 86400,
  about: { queueId: 'QIDA', sender: 'joe@local.example', arrival: now, envid: 'E+2B1', smtputf8: false },
  recipients: [
    refused,
    { ...refused, recipient: 'other@fail.example', original: 'other@fail.example', orcpt: 'rfc822;o+2B40x@y.example' },
  ],
  returned: { headersOnly: false, content: Buffer.from(message) },
};

describe('notices read as those of Postfix', () => {
  test('a failure with the whole message', () => {
    expect(composeNotice(notice).toString()).toBe(golden('failure'));
  });

  test('a delay warning with the header', () => {
    const reason = 'connect to 127.0.0.1[127.0.0.1]:18026: Connection refused';
    const { remoteMta, diagnostic, ...rest } = refused;
    expect([remoteMta, diagnostic]).not.toContain(undefined);
    const delayed: NoticeRecipient = { ...rest, action: 'delayed', status: '4.4.1', reason };
    const delay: Notice = {
      ...notice,
      kind: 'delay',
      template: template('delay'),
      about: { ...notice.about, envid: '' },
      recipients: [delayed],
      returned: { headersOnly: true, content: header },
    };
    expect(composeNotice(delay).toString()).toBe(golden('delay'));
  });

  test('a success report', () => {
    const success: Notice = {
      ...notice,
      kind: 'success',
      template: template('success'),
      about: { ...notice.about, envid: '' },
      recipients: [
        {
          recipient: 'ann@local.example',
          original: 'ann@local.example',
          orcpt: '',
          action: 'delivered',
          status: '2.0.0',
          reason: 'delivery via virtual: delivered to maildir',
        },
      ],
      returned: { headersOnly: true, content: header },
    };
    expect(composeNotice(success).toString()).toBe(golden('success'));
  });
});

test('an expanded recipient names the address it came from, and a hostile ENVID begins no field', () => {
  const text = composeNotice({
    ...notice,
    about: { ...notice.about, envid: 'a+0D+0AAction:+20x' },
    recipients: [{ ...refused, original: 'list@local.example' }],
  }).toString();
  expect(text).toContain('<nobody@fail.example> (expanded from <list@local.example>): host');
  expect(text).toContain('Original-Envelope-Id: a??Action: x\r\n');
});

test('NOTIFY decides who hears of what', () => {
  expect(wantsNotice('', 'failure')).toBe(true);
  expect(wantsNotice('', 'delay')).toBe(true);
  expect(wantsNotice('', 'success')).toBe(false);
  expect(wantsNotice('NEVER', 'failure')).toBe(false);
  expect(wantsNotice('SUCCESS,delay', 'delay')).toBe(true);
  expect(wantsNotice('SUCCESS,DELAY', 'failure')).toBe(false);
});
