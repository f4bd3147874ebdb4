import { expect, test } from 'vitest';
import type { OpenOptions } from '../routing/open-maps.ts';
import { Settings } from '../settings/settings.ts';
import { Tables } from '../tables/registry.ts';
import { MemoryLog } from '../lib/log.ts';
import { ContentChecks } from './content-checks.ts';
import { noActions } from './message-actions.ts';

async function check(settings: Record<string, string>, message: string, step = message.length) {
  const all = Settings.defaults({ compatibility_level: '3.6', ...settings });
  const registry = new Tables({
    log: new MemoryLog(),
    isWatching: false,
    openers: {},
    proxyReadMaps: [],
    environment: {},
  });
  const open: OpenOptions = { settings: all, registry, warn: () => undefined };
  const out: Buffer[] = [];
  const lines: string[] = [];
  const actions = noActions();
  const one = new ContentChecks(open, false).begin({
    actions,
    logged: 'from c',
    queueId: 'Q',
    info: (text) => lines.push(text),
    warn: (text) => lines.push(text),
    emit: (octets) => out.push(octets),
  });
  for (let at = 0; at < message.length; at += step) {
    one.write(Buffer.from(message.slice(at, at + step), 'latin1'));
    await one.waiting;
  }
  one.end();
  await one.waiting;
  return { text: Buffer.concat(out).toString('latin1'), refusal: one.refusal, lines, actions };
}

const nothing = { header_checks: 'regexp:{{/^never/ REJECT}}', body_checks: 'regexp:{{/^never/ REJECT}}' };
const message = [
  'From: a',
  'Subject: folded',
  '\tonce',
  'Content-Type: multipart/mixed; boundary=q',
  '',
  '--q',
  'Content-Type: message/rfc822',
  '',
  'X: y',
  '',
  'inner body \xe4',
  '',
  '--q--',
  `long ${'x'.repeat(5000)}`,
  '',
].join('\r\n');

test('a message that no rule concerns passes octet for octet, however it is cut', async () => {
  for (const step of [1, 2, 3, 7, 64, 4096, message.length]) {
    expect((await check(nothing, message, step)).text).toBe(message);
  }
});

test('every cut finds the same field, part and line', async () => {
  const settings = {
    header_checks: 'regexp:{{/^Subject:/ WARN}}',
    mime_header_checks: 'regexp:{{/^Content-Type:/ WARN}}',
    nested_header_checks: 'regexp:{{/^X:/ WARN}}',
    body_checks: 'regexp:{{/^inner/ WARN}}',
  };
  const whole = (await check(settings, message)).lines;
  expect(whole.map((line) => line.split(' ')[3])).toEqual(['Subject:', 'Content-Type:', 'X:', 'inner']);
  for (const step of [1, 5, 33]) expect((await check(settings, message, step)).lines).toEqual(whole);
});

test('a hundred thousand parts are walked through, and the last is still seen', { timeout: 20_000 }, async () => {
  const parts = '--q\r\nContent-Type: text/plain\r\n\r\nx\r\n'.repeat(100_000);
  const text = `Content-Type: multipart/mixed; boundary=q\r\n\r\n${parts}--q\r\nX-Virus: 1\r\n\r\nx\r\n--q--\r\n`;
  const found = await check({ mime_header_checks: 'regexp:{{/^X-Virus/ REJECT virus}}' }, text, 65_536);
  expect(found.refusal).toEqual({ code: 550, status: '5.7.1', text: 'virus' });
  expect(found.text === text).toBe(true);
});

test('nesting beyond the limit is refused, ten thousand deep too', async () => {
  let text = '';
  for (let depth = 0; depth < 10_000; depth++) {
    text += `Content-Type: multipart/mixed; boundary=b${depth}b\r\n\r\n--b${depth}b\r\n`;
  }
  const found = await check(nothing, `${text}\r\nx\r\n`, 65_536);
  expect(found.refusal).toEqual({ code: 554, status: '5.6.0', text: 'MIME nesting exceeds safety limit' });
  const shallow = text.split('Content-Type').slice(0, 101).join('Content-Type');
  expect((await check(nothing, `${shallow}\r\nx\r\n`)).refusal).toBeUndefined();
});

test('a header of twenty megabytes in one field is looked at up to its limit', { timeout: 20_000 }, async () => {
  const before = process.memoryUsage().rss;
  const field = `X: ${'y'.repeat(20_000_000)}\r\n`;
  const found = await check(
    { header_checks: 'regexp:{{/^Subject: bad/ REJECT}}' },
    `${field}Subject: bad\r\n\r\nx\r\n`,
    65_536,
  );
  expect(found.refusal?.code).toBe(550);
  expect(found.text.length).toBe(field.length + 'Subject: bad\r\n\r\nx\r\n'.length);
  expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000);
});

test('body_checks look at so much of each part', async () => {
  const settings = { body_checks: 'regexp:{{/^bad/ REJECT}}', body_checks_size_limit: '10' };
  expect((await check(settings, 'A: b\r\n\r\n1234567890\r\nbad\r\n')).refusal).toBeUndefined();
  expect((await check(settings, 'A: b\r\n\r\n123456789\r\nbad\r\n')).refusal?.code).toBe(550);
});

test('a table that cannot be asked refuses for now', async () => {
  expect((await check({ header_checks: 'fail:1' }, 'A: b\r\n\r\nx\r\n')).refusal?.code).toBe(451);
});

test('FILTER names the way that the message takes', async () => {
  const [good, bad] = ['smtp:[127.0.0.1]:10025', 'nowhere'].map((to) =>
    check({ header_checks: `regexp:{{/^A:/ FILTER ${to}}}` }, 'A: b\r\n\r\nx\r\n'),
  );
  expect((await good)?.actions.filter).toBe('smtp:[127.0.0.1]:10025');
  expect((await bad)?.actions.filter).toBeUndefined();
  expect((await bad)?.refusal).toBeUndefined();
});
