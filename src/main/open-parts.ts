// Parts that are opened from settings alone.

import path from 'node:path';
import { Directory } from '../directory/directory.ts';
import { systemClock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import type { Settings } from '../settings/settings.ts';
import { TlsContexts } from '../tls/certificates.ts';

export function openDirectory(settings: Settings, dataDirectory: string): Promise<Directory> {
  return Directory.open(path.join(dataDirectory, 'directory.db'), {
    clock: systemClock,
    actor: 'server',
    extensionRules: {
      delimiters: settings.text('recipient_delimiter'),
      ownerRequestSpecial: settings.flag('owner_request_special'),
      doubleBounceSender: settings.text('double_bounce_sender'),
    },
  });
}

export function openTls(settings: Settings, dataDirectory: string, log: ProgramLog): Promise<TlsContexts> {
  return TlsContexts.open({
    certFile: settings.text('smtpd_tls_cert_file'),
    keyFile: settings.text('smtpd_tls_key_file'),
    chainFiles: settings.list('smtpd_tls_chain_files'),
    dataDirectory,
    hostname: settings.text('myhostname'),
    log,
    clock: systemClock,
  });
}
