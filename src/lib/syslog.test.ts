import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from './clock.ts';
import { LogWriter } from './log-writer.ts';

let folder: string;
const path = process.env['PATH'];

// A logger(1) that notes how it was called and what it was given.
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-syslog-'));
  const program = join(folder, 'logger');
  writeFileSync(program, `#!/bin/sh\nexec >"${folder}/$2.$5"\necho "$@"\nwhile read -r line; do echo "$line"; done\n`);
  chmodSync(program, 0o755);
  process.env['PATH'] = `${folder}:${path}`;
});

afterEach(() => {
  process.env['PATH'] = path;
  rmSync(folder, { recursive: true });
});

const open = () =>
  new LogWriter({ destination: { kind: 'syslog', facility: 'mail' }, clock: systemClock, hostname: 'mx', pid: 12 });

test('one child for each program and severity, for many lines', async () => {
  const log = open();
  log.write('smtpd', 'info', 'one');
  log.flush();
  log.write('smtpd', 'warning', 'two');
  log.write('smtpd', 'info', 'three');
  log.close();
  const file = (name: string) => join(folder, name);
  const isWritten = (name: string, lines: number) =>
    existsSync(file(name)) && readFileSync(file(name), 'utf8').split('\n').length > lines;
  for (let turn = 0; turn < 400 && !(isWritten('smtpd.mail.info', 3) && isWritten('smtpd.mail.warning', 2)); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(readFileSync(file('smtpd.mail.info'), 'utf8')).toBe('-t smtpd --id=12 -p mail.info\none\nthree\n');
  expect(readFileSync(file('smtpd.mail.warning'), 'utf8')).toBe('-t smtpd --id=12 -p mail.warning\nwarning: two\n');
});

test('a machine without logger(1) loses the lines, not the server', async () => {
  process.env['PATH'] = '/nowhere';
  const log = open();
  log.write('smtpd', 'info', 'one');
  log.flush();
  await new Promise((resolve) => setTimeout(resolve, 30));
  log.write('smtpd', 'info', 'two');
  log.close();
});
