import { expect, test } from 'vitest';
import { parseBdat } from './bdat.ts';
import { parseMailParameters, parseRcptParameters } from './parameters.ts';
import { formatReply, replies } from './reply.ts';
import { decodeXtext, encodeXtext } from './xtext.ts';

const all = { smtputf8: true, dsn: true, auth: true };

test('MAIL parameters', () => {
  const words = ['SIZE=12', 'BODY=8BITMIME', 'SMTPUTF8', 'RET=hdrs', 'ENVID=a+2Bb', 'AUTH=a+3Db'];
  expect(parseMailParameters(words, all)).toEqual({
    size: 12,
    eightBit: true,
    smtputf8: true,
    ret: 'HDRS',
    envid: 'a+2Bb',
  });
  expect(parseMailParameters(['AUTH=<>', 'AUTH=<>'], all)).toMatchObject({ code: 503 });
  expect(parseMailParameters(['SMTPUTF8'], { ...all, smtputf8: false })).toMatchObject({ code: 555 });
  expect(parseMailParameters(['RET=FULL'], { ...all, dsn: false })).toBe(replies.dsnDisabled);
  expect(parseMailParameters([`ENVID=${'x'.repeat(101)}`], all)).toBe(replies.badEnvid);
});

test('RCPT parameters', () => {
  expect(parseRcptParameters(['NOTIFY=delay,FAILURE', 'ORCPT=utf-8;ü@x'], all)).toEqual({
    notify: 'FAILURE,DELAY',
    orcpt: 'utf-8;ü@x',
  });
  expect(parseRcptParameters(['NOTIFY=FAILURE,FAILURE'], all)).toBe(replies.badNotify);
  expect(parseRcptParameters(['ORCPT=rfc822;a b'], all)).toBe(replies.badOrcpt);
});

test('xtext is read and written', () => {
  expect(encodeXtext('a+b=c d')).toBe('a+2Bb+3Dc+20d');
  expect(decodeXtext('a+2Bb+3Dc+20d')).toBe('a+b=c d');
  expect(decodeXtext('a+2')).toBeUndefined();
  expect(decodeXtext('a b')).toBeUndefined();
});

test('BDAT arguments', () => {
  expect(parseBdat('12')).toEqual({ size: 12, isLast: false });
  expect(parseBdat(' 0  last ')).toEqual({ size: 0, isLast: true });
  for (const wrong of ['', 'x', '-1', '1 2', '1 LAST x', '9999999999999999']) expect(parseBdat(wrong)).toBeUndefined();
});

test('replies of several lines', () => {
  expect(formatReply({ code: 250, status: '', text: 'a\nb' })).toBe('250-a\r\n250 b\r\n');
  expect(formatReply(replies.ok)).toBe('250 2.0.0 Ok\r\n');
});
