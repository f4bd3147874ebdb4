// Parts that are opened from settings alone.

import type { Directory } from '../directory/directory.ts';
import { openConfiguredDirectory } from '../directory/open-directory.ts';
import { systemClock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import type { Mailboxes } from '../queue/plan.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { Settings } from '../settings/settings.ts';
import type { Acme } from './acme.ts';
import type { RoutingState } from './routing-state.ts';
import { ServiceTls } from './server-tls.ts';

export function openDirectory(settings: Settings, dataDirectory: string, log: ProgramLog): Promise<Directory> {
  return openConfiguredDirectory(settings, dataDirectory, {
    clock: systemClock,
    actor: 'server',
    warn: (text) => log.warning(text),
    extensionRules: {
      delimiters: settings.text('recipient_delimiter'),
      ownerRequestSpecial: settings.flag('owner_request_special'),
      doubleBounceSender: settings.text('double_bounce_sender'),
    },
  });
}

export async function openTls(
  settings: Settings,
  dataDirectory: string,
  log: ProgramLog,
  state: () => RoutingState,
): Promise<ServiceTls> {
  const parts = { dataDirectory, log, clock: systemClock };
  return new ServiceTls({
    ...parts,
    hostname: settings.text('myhostname'),
    acme: await openAcme(settings, parts),
    sniRow: (maps, key) => state().sniRow(maps, key),
  });
}

/** Loaded where an authority is named. Throws SettingsError, ListenError. */
async function openAcme(settings: Settings, parts: Parameters<typeof Acme.open>[1]): Promise<Acme | undefined> {
  if (settings.text('posthaste_acme_directory') === '') return undefined;
  return await (await import('./acme.ts')).Acme.open(settings, parts);
}

/** Those that take mail. */
export function enabledMailboxes(directory: () => Directory): Mailboxes {
  return {
    mailboxByAddress: async (recipient) => {
      await directory().fresh();
      const mailbox = directory().mailboxOfAcceptedMail(recipient);
      return mailbox?.enabled ? mailbox : undefined;
    },
  };
}

/** False also where that cannot be found out now. */
export function hostsNothing(directory: Directory): boolean {
  try {
    return directory.lookups.isEmpty();
  } catch (error) {
    if (error instanceof TemporaryError) return false;
    throw error;
  }
}

/** What IMAP asks about a mailbox that somebody logs in to. */
export function mailboxRules(directory: Directory) {
  return {
    quotaLimit: async (mailbox: number) => {
      await directory.fresh();
      return directory.mailboxById(mailbox)?.quotaBytes || undefined;
    },
    // Asked once somebody has been let in, which has just compared the directory.
    maintenance: (mailbox: number) => directory.mailboxById(mailbox)?.maintenance ?? '',
  };
}

/** A listener as the status names it; without a port it is a path. */
export function toListed({
  label,
  host,
  port,
}: {
  readonly label: string;
  readonly host: string;
  readonly port: number;
}) {
  return { name: label, address: port === 0 ? host : `${host}:${port}` };
}
