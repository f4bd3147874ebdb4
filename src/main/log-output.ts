// Where the log goes, by the settings: maillog_file as in Postfix, else posthaste_log_target.

import os from 'node:os';
import { systemClock } from '../lib/clock.ts';
import { type LogDestination, LogWriter } from '../lib/log-writer.ts';
import type { Settings } from '../settings/settings.ts';

/** `asTyped`: what a person at the terminal reads; files and syslog have the same lines everywhere. */
export function openLog(settings: Settings, asTyped?: (text: string) => string): LogWriter {
  const to = destination(settings);
  return new LogWriter({
    destination: to,
    ...(asTyped !== undefined && to.kind === 'stdout' && process.stdout.isTTY ? { asTyped } : {}),
    clock: systemClock,
    hostname: os.hostname().split('.')[0] ?? 'localhost',
    json: settings.text('posthaste_log_format') === 'json',
    pid: process.pid,
  });
}

function destination(settings: Settings): LogDestination {
  const file = settings.text('maillog_file');
  if (file !== '' && file !== '/dev/stdout') return { kind: 'file', path: file };
  if (file === '' && settings.text('posthaste_log_target') === 'syslog') {
    return { kind: 'syslog', facility: settings.text('syslog_facility') };
  }
  return { kind: 'stdout' };
}
