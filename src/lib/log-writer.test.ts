import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from './clock.ts';
import { LogWriter } from './log-writer.ts';

let folder: string;
let path: string;
const clock = new FakeClock(new Date(2026, 10, 1, 9, 5, 7).getTime());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-log-'));
  path = join(folder, 'maillog');
});

afterEach(() => rmSync(folder, { recursive: true }));

const open = (json = false) =>
  new LogWriter({ destination: { kind: 'file', path }, clock, hostname: 'mx', json, pid: 123 });
const lines = (file = path) => readFileSync(file, 'utf8').split('\n').slice(0, -1);

test('lines have the form of a mail log', () => {
  const log = open();
  log.write('postfix/smtpd', 'info', 'connect from a[192.0.2.1]');
  log.write('postfix/smtpd', 'warning', 'x');
  log.close();
  expect(lines()).toEqual([
    'Nov  1 09:05:07 mx postfix/smtpd[123]: connect from a[192.0.2.1]',
    'Nov  1 09:05:07 mx postfix/smtpd[123]: warning: x',
  ]);
});

test('lines are gathered and written within some milliseconds', async () => {
  const log = open();
  log.write('a', 'info', 'x');
  expect(lines()).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(lines().length).toBe(1);
  log.close();
});

test('nothing that a stranger sends begins a line or moves a cursor', () => {
  const log = open();
  log.write('a', 'info', 'helo=<x\r\nNov  1 fake\u001b[2J\u0085>');
  log.write('a', 'info', 'y'.repeat(10_000));
  log.close();
  expect(lines()[0]).toMatch(/: helo=<x\?\?Nov {2}1 fake\?\[2J\?>$/);
  expect(lines()[1]?.length).toBeLessThan(2100);
});

test('a rotated file is opened anew, by itself and on demand', () => {
  const log = open();
  log.write('a', 'info', 'one');
  log.flush();
  renameSync(path, `${path}.1`);
  clock.advance(1_500);
  log.write('a', 'info', 'two');
  log.flush();
  renameSync(path, `${path}.2`);
  log.write('a', 'info', 'three');
  log.reopen();
  log.write('a', 'info', 'four');
  log.close();
  expect([`${path}.1`, `${path}.2`, path].map((file) => lines(file).map((line) => line.split(': ')[1]))).toEqual([
    ['one'],
    ['two', 'three'],
    ['four'],
  ]);
});

test('where the new file cannot be opened, the log goes on in the old one', () => {
  const log = open();
  log.write('a', 'info', 'one');
  log.flush();
  renameSync(path, `${path}.1`);
  mkdirSync(path);
  for (const text of ['two', 'three']) {
    clock.advance(1_500);
    log.write('a', 'info', text);
    log.flush();
  }
  log.reopen();
  log.close();
  rmdirSync(path);
  const warning = expect.stringContaining('warning: the log goes on in the file that is open: EISDIR') as string;
  expect(lines(`${path}.1`).map((line) => line.replace(/^.*?\]: (?!warning)/, ''))).toEqual([
    'one',
    warning,
    'two',
    'three',
    warning,
  ]);
});

test.runIf(process.getuid?.() === 0)('a file that was made at the start belongs to the user who writes on', () => {
  const log = open();
  log.giveTo(65_534, 65_534);
  log.close();
  expect(statSync(path).uid).toBe(65_534);
  const other = open();
  other.giveTo(1, 1);
  other.close();
  expect(statSync(path).uid).toBe(65_534);
  rmSync(path);
  symlinkSync(`${path}.1`, path);
  const linked = open();
  linked.giveTo(65_534, 65_534);
  linked.close();
  expect(statSync(`${path}.1`).uid).toBe(0);
});

test('more than can be kept is counted, not kept', () => {
  const log = open();
  for (let index = 0; index < 5_000; index++) log.write('a', 'info', 'z'.repeat(1900));
  log.close();
  const written = lines();
  expect(written.length).toBeLessThan(5_000);
  expect(written.at(-1)).toMatch(/warning: \d+ log lines dropped/);
});

test('JSON, an object a line', () => {
  const log = open(true);
  log.write('postfix/smtpd', 'info', '4bXQ8F1z2Kz: client="a"');
  log.close();
  expect(JSON.parse(lines()[0] as string)).toMatchObject({
    host: 'mx',
    program: 'postfix/smtpd',
    pid: 123,
    level: 'info',
    queueId: '4bXQ8F1z2Kz',
    text: '4bXQ8F1z2Kz: client="a"',
  });
});

test('an observer is told of every line, cleaned, with its session', () => {
  const seen: unknown[][] = [];
  const log = open();
  log.observe((...line) => seen.push(line));
  log.write('postfix/smtpd', 'info', 'a\nb', 's-1');
  log.write('postfix/qmgr', 'warning', 'c');
  log.close();
  expect(seen).toEqual([
    ['postfix/smtpd', 'info', 'a?b', 's-1'],
    ['postfix/qmgr', 'warning', 'c', undefined],
  ]);
});
