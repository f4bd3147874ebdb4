// Parts that are opened from settings alone.

import path from 'node:path';
import { Directory } from '../directory/directory.ts';
import { systemClock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import type { Settings } from '../settings/settings.ts';
import type { RoutingState } from './routing-state.ts';
import { ServiceTls } from './server-tls.ts';

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

export function openTls(
  settings: Settings,
  dataDirectory: string,
  log: ProgramLog,
  state: () => RoutingState,
): ServiceTls {
  return new ServiceTls({
    dataDirectory,
    hostname: settings.text('myhostname'),
    clock: systemClock,
    log,
    sniRow: (maps, key) => state().sniRow(maps, key),
  });
}
