import { describe, expect, test } from 'vitest';
import { parseHeaderFields } from '../message/header-field.ts';
import { decodeHeaderText } from '../message/encoded-word.ts';
import { composeReply, needsUtf8 } from './vacation-reply.ts';
import { addressees, whyNoReply } from './vacation-rules.ts';

const header = (...lines: string[]) => ({
  fields: parseHeaderFields(Buffer.from(`${lines.join('\r\n')}\r\n`).toString('latin1')),
});
const person = 'dora@far.test';

describe('who is never answered (RFC 3834 §2, RFC 5230 §4.6)', () => {
  test.each([
    '',
    'dora',
    'MAILER-DAEMON@x.test',
    'owner-list@x.test',
    'list-request@x.test',
    'list-owner@x.test',
    'list-bounces@x.test',
    'list-bounces+dora=far.test@x.test',
    'bounce+1234@x.test',
    'bounces@x.test',
    'Listserv@x.test',
    'majordomo@x.test',
    'noreply@x.test',
    'No-Reply+1@x.test',
    'do_not_reply@x.test',
    'donotreply@x.test',
    'double-bounce@x.test',
  ])('<%s>', (sender) => {
    expect(whyNoReply(sender, header())).toBeDefined();
  });

  test.each([
    person,
    'postmaster@x.test',
    'requester@x.test',
    'owner@x.test',
    'noreply.jones@x.test',
    'bouncer@x.test',
  ])('<%s> is', (sender) => {
    expect(whyNoReply(sender, header('Subject: hi'))).toBeUndefined();
  });

  test.each([
    'Auto-Submitted: auto-generated',
    'auto-submitted:  Auto-Replied; owner-email="x@y"',
    'Auto-Submitted: auto-notified',
    'Auto-Submitted:',
    'Precedence: BULK',
    'Precedence: list',
    'Precedence: junk (really)',
    'List-Unsubscribe: <mailto:x@y>',
    'list-post: NO',
    'X-Mailing-List: x@y',
    'X-Auto-Response-Suppress: All',
    'X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply',
    'X-Autoreply: yes',
    'X-Spam-Flag: YES',
    'Content-Type: multipart/report;\r\n report-type=delivery-status',
  ])('%s', (field) => {
    expect(whyNoReply(person, header('From: x', field, 'Subject: hi'))).toBeDefined();
  });

  test.each([
    'Auto-Submitted: no',
    'Auto-Submitted: NO (by hand)',
    'Precedence: first-class',
    'X-Auto-Response-Suppress: DR',
    'X-Spam-Flag: NO',
    'Content-Type: multipart/mixed; boundary=x',
    'Listing: x',
  ])('%s speaks for nothing', (field) => {
    expect(whyNoReply(person, header(field))).toBeUndefined();
  });
});

test('addressees: every field and form, folded, each once', () => {
  const found = addressees(
    header(
      'From: not@this.test',
      'To: Anna <ANNA@home.test>, "B, B" <b@home.test>,',
      ' team: c@home.test, anna@home.test;',
      'cc: d@home.test (D)',
      'Bcc: "e f"@home.test',
      'Resent-To: grüße@home.test',
      'Reply-To: nor@this.test',
    ),
  );
  expect(found).toEqual([
    'anna@home.test',
    'b@home.test',
    'c@home.test',
    'd@home.test',
    'e f@home.test',
    'grüße@home.test',
  ]);
  expect(addressees(header('To: undisclosed-recipients:;', 'Cc: ,,<>'))).toEqual([]);
});

describe('the reply', () => {
  const vacation = { subject: '', text: 'Away.', days: 7, address: 'anna@home.test', name: '' };
  const compose = (lines: string[], fields: Partial<typeof vacation> = {}) =>
    composeReply({
      vacation: { ...vacation, ...fields },
      to: person,
      header: header(...lines),
      now: Date.UTC(2026, 0, 1),
      id: '1',
      hostname: 'mx.test',
    }).toString();
  const unfolded = (text: string) => text.replaceAll(/\r\n(?= )/g, '');

  test('is short and plain where everything is', () => {
    expect(compose(['Subject: hi', 'Message-Id: <a@b>']).split('\r\n').slice(1)).toEqual([
      'From: anna@home.test',
      'To: <dora@far.test>',
      'Subject: Auto: hi',
      'Message-ID: <1@mx.test>',
      'In-Reply-To: <a@b>',
      'References: <a@b>',
      'Auto-Submitted: auto-replied',
      'Precedence: bulk',
      'X-Auto-Response-Suppress: All',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 7bit',
      '',
      'Away.',
      '',
    ]);
  });

  test('has no thread where the message has no identifier, and a name where the mailbox has one', () => {
    const reply = compose(['In-Reply-To: <x@y>'], { name: 'Änne "A" Adams', subject: 'Grüße' });
    expect(reply).not.toMatch(/^(In-Reply-To|References):/m);
    expect(reply).toContain('From: =?utf-8?B?');
    expect(reply).toContain('\r\n <anna@home.test>\r\n');
    expect(decodeHeaderText(/^Subject: (.*)$/m.exec(unfolded(reply))?.[1] ?? '')).toBe('Grüße');
    expect(compose([])).toContain('\r\nSubject: Auto: your message\r\n');
  });

  test('continues a thread, not at any length', () => {
    expect(unfolded(compose(['Message-ID: <c@d>', 'In-Reply-To: <a@b>']))).toContain('References: <a@b> <c@d>\r\n');
    expect(unfolded(compose(['Message-ID: <c@d>', 'In-Reply-To: <a@b> <x@y>']))).toContain('References: <c@d>\r\n');
    const many = Array.from({ length: 500 }, (_, index) => `<${index}@x>`).join(' ');
    const references = /^References: (.*)$/m.exec(unfolded(compose(['Message-ID: <c@d>', `References: ${many}`])))?.[1];
    expect(references?.split(' ')).toHaveLength(21);
    expect(references).toMatch(/<499@x> <c@d>$/);
  });

  test('gives nothing back that could become a field, nor a subject of any length', () => {
    const reply = compose([
      `Subject: =?utf-8?q?a=0D=0ABcc:_x=40y?= ${'long '.repeat(1000)}`,
      'Message-ID: <a@b\u0001>',
    ]);
    expect(reply).not.toMatch(/^Bcc/m);
    expect(reply.length).toBeLessThan(1500);
    for (const line of reply.split('\r\n')) expect(line.length).toBeLessThan(100);
  });

  test('needs SMTPUTF8 only for an address', () => {
    expect(needsUtf8({ ...vacation, text: 'ü', name: 'ü' }, person)).toBe(false);
    expect(needsUtf8({ ...vacation, address: 'ü@home.test' }, person)).toBe(true);
    expect(needsUtf8(vacation, 'ü@far.test')).toBe(true);
  });
});
