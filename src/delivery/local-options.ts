// What local(8) is told by main.cf about the files and commands that it delivers to.

import { existsSync } from 'node:fs';
import { type ExtensionRules } from '../address/extension.ts';
import { type LockStyle, lockStyles } from '../maildir/file-lock.ts';
import { extensionRules } from '../routing/routing-settings.ts';
import { keptEnvironment } from '../settings/kept-environment.ts';
import type { Settings } from '../settings/settings.ts';

export interface LocalOptions {
  readonly extensions: ExtensionRules;
  readonly hostname: string;
  /** mailbox_size_limit; 0 is none. */
  readonly limit: number;
  readonly locking: {
    readonly locks: readonly LockStyle[];
    readonly lockAttempts: number;
    readonly lockDelayMilliseconds: number;
    readonly staleLockMilliseconds: number;
  };
  /** strict_mailbox_ownership. */
  readonly mustOwn: boolean;
  readonly mailboxCommand: string;
  readonly homeMailbox: string;
  readonly spoolDirectory: string;
  readonly defaultPrivileges: string;
  readonly showsOriginals: boolean;
  /** The words of prepend_delivered_header: command, file, forward. */
  readonly deliveredHeaders: ReadonlySet<string>;
  readonly shell: string;
  readonly timeLimitMilliseconds: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly environmentFilter: string;
  /** command_execution_directory with its macros; '' for `usualDirectory`. */
  readonly executionDirectory: string;
  readonly executionDirectoryFilter: string;
  readonly usualDirectory: string;
}

/** A reason where nothing can be delivered so. */
export function readLocalOptions(settings: Settings): LocalOptions | string {
  const limit = settings.integer('mailbox_size_limit');
  const messageLimit = settings.integer('message_size_limit');
  if (limit > 0 && (messageLimit === 0 || limit < messageLimit)) {
    return 'mailbox_size_limit is smaller than message_size_limit';
  }
  const locks = readLocks(settings, 'mailbox_delivery_lock');
  if (typeof locks === 'string') return locks;
  return {
    extensions: extensionRules(settings),
    hostname: settings.text('myhostname'),
    limit,
    locking: readLocking(settings, locks),
    mustOwn: settings.flag('strict_mailbox_ownership'),
    mailboxCommand: settings.text('mailbox_command'),
    homeMailbox: settings.text('home_mailbox'),
    spoolDirectory: settings.text('mail_spool_directory'),
    defaultPrivileges: settings.text('default_privs'),
    showsOriginals: settings.flag('enable_original_recipient'),
    deliveredHeaders: new Set(settings.list('prepend_delivered_header')),
    shell: settings.text('local_command_shell'),
    timeLimitMilliseconds: settings.seconds('command_time_limit') * 1000,
    environment: commandEnvironment(settings),
    environmentFilter: settings.text('command_expansion_filter'),
    executionDirectory: settings.text('command_execution_directory'),
    executionDirectoryFilter: settings.text('execution_directory_expansion_filter'),
    usualDirectory: usualDirectory(settings),
  };
}

/** A reason where one of them is none. */
export function readLocks(
  settings: Settings,
  parameter: 'mailbox_delivery_lock' | 'virtual_mailbox_lock',
): readonly LockStyle[] | string {
  const locks = settings.list(parameter);
  const unknown = locks.find((lock) => !lockStyles.some((style) => style === lock));
  if (unknown !== undefined) return `${parameter}: "${unknown}" is none of ${lockStyles.join(', ')}`;
  return lockStyles.filter((style) => locks.includes(style));
}

export function readLocking(settings: Settings, locks: readonly LockStyle[]): LocalOptions['locking'] {
  return {
    locks,
    lockAttempts: settings.integer('deliver_lock_attempts'),
    lockDelayMilliseconds: settings.seconds('deliver_lock_delay') * 1000,
    staleLockMilliseconds: settings.seconds('stale_lock_time') * 1000,
  };
}

/** A clean one: what export_environment names, and the usual PATH. */
export function commandEnvironment(settings: Settings): Record<string, string> {
  const kept: Record<string, string> = { PATH: '/usr/bin:/bin' };
  for (const [name, value] of Object.entries(keptEnvironment(settings, 'export_environment'))) {
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

/** Where commands run that say nothing else. */
export function usualDirectory(settings: Settings): string {
  const directory = settings.text('queue_directory');
  return existsSync(directory) ? directory : '/';
}
