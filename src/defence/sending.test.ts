import { expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { MemoryLog, ProgramLog } from '../lib/log.ts';
import { AbuseAlarm, type Alarm, type UsualSending } from './abuse-alarm.ts';
import { DefenceStore } from './defence-store.ts';
import { SendingLimits, type SentHours } from './sending-limits.ts';

const hour = 3_600_000;

function open() {
  const clock = new FakeClock();
  return { clock, store: new DefenceStore({ file: undefined, clock, warn: () => undefined }) };
}

test('what a user may send within a day frees itself by the hour', () => {
  const { clock, store } = open();
  const kept = store.kept<SentHours>('sent', 100);
  const limitsOf = (login: string) =>
    login === 'free' ? { messages: 0, recipients: 0 } : { messages: 3, recipients: 10 };
  const limits = new SendingLimits({ clock, kept, limitsOf });
  expect(limits.take('anna', 4)).toBeUndefined();
  clock.advance(hour);
  expect(limits.take('anna', 6)).toBeUndefined();
  expect(limits.check('anna', 1)).toEqual({ what: 'recipients', limit: 10 });
  expect(limits.take('anna', 1)).toEqual({ what: 'recipients', limit: 10 });
  expect(limits.take('bob', 11)).toEqual({ what: 'recipients', limit: 10 });
  limits.giveBack('anna', 6);
  expect(limits.sent('anna')).toEqual({ messages: 1, recipients: 4 });
  expect(limits.take('anna', 1)).toBeUndefined();
  expect(limits.take('anna', 1)).toBeUndefined();
  expect(limits.take('anna', 1)).toEqual({ what: 'messages', limit: 3 });
  // After a restart too.
  const again = new SendingLimits({ clock, kept, limitsOf });
  expect(again.take('anna', 1)).toEqual({ what: 'messages', limit: 3 });
  clock.advance(23 * hour);
  expect(again.sent('anna')).toEqual({ messages: 2, recipients: 2 });
  expect(again.take('anna', 8)).toBeUndefined();
  for (let index = 0; index < 50; index++) expect(again.take('free', 1000)).toBeUndefined();
});

function openAlarm(holds = true) {
  const { clock, store } = open();
  const log = new MemoryLog();
  const make = (): AbuseAlarm =>
    new AbuseAlarm({
      clock,
      log: new ProgramLog(log, 'postfix/smtpd'),
      limits: () => ({ recipients: 100, growth: 5, rejected: 20, networks: 3, holds }),
      alarms: store.kept<Alarm>('alarm', 100),
      usual: store.kept<UsualSending>('usual', 100),
    });
  return { clock, log, make, alarm: make() };
}

test('an account that suddenly sends to many raises one alarm, which holds its mail until it is removed', () => {
  const { alarm, log, make } = openAlarm();
  for (let index = 0; index < 100; index++) alarm.sent('anna@example.com', 1);
  expect(alarm.list()).toEqual([]);
  for (let index = 0; index < 10; index++) alarm.sent('anna@example.com', 50);
  expect(log.lines).toEqual([
    'postfix/smtpd: warning: alarm: anna@example.com: 150 recipients within an hour, usual are 0; its mail is held: see posthaste alarm list',
  ]);
  expect(alarm.holds('anna@example.com')).toBe(true);
  expect(alarm.holds('bob@example.com')).toBe(false);
  expect(make().holds('anna@example.com')).toBe(true);
  expect(alarm.remove('ANNA@example.com')).toHaveLength(1);
  expect(alarm.holds('anna@example.com')).toBe(false);
  expect(make().list()).toEqual([]);
});

test('who always sends much raises none, until it becomes much more', () => {
  const { alarm, clock } = openAlarm();
  for (let day = 0; day < 30; day++) {
    alarm.sent('news@example.com', 90);
    clock.advance(24 * hour);
  }
  alarm.sent('news@example.com', 400);
  expect(alarm.list()).toEqual([]);
  alarm.sent('news@example.com', 100);
  expect(alarm.list()).toMatchObject([{ kind: 'recipients', text: '500 recipients within an hour, usual are 90' }]);
});

test('refused recipients and logins from many networks raise one', () => {
  const { alarm, clock } = openAlarm(false);
  for (let index = 0; index < 20; index++) alarm.rejected('anna@example.com');
  clock.advance(hour);
  for (let index = 0; index < 21; index++) alarm.rejected('bob@example.com');
  for (const network of ['a', 'b', 'a', 'c', 'b']) alarm.loggedIn('carl@example.com', network);
  expect(alarm.list()).toMatchObject([{ login: 'bob@example.com', kind: 'rejected' }]);
  alarm.loggedIn('carl@example.com', 'd');
  expect(alarm.list()).toMatchObject([{ kind: 'rejected' }, { login: 'carl@example.com', kind: 'networks' }]);
  expect(alarm.holds('bob@example.com')).toBe(false);
});
