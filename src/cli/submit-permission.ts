// Whether the caller of sendmail is one of authorized_submit_users (postdrop(1)): told at once, before anything is written.
// The server asks again, as whoever writes into the maildrop folder need not have called sendmail.

import { openMatchList } from '../routing/open-maps.ts';
import { Decision } from '../routing/decision.ts';
import { type Configuration, dataDirectoryOf } from '../settings/configuration.ts';
import type { CommandContext } from './context.ts';
import { toolLog } from './tool.ts';
import { openToolTables } from './tool-tables.ts';

export async function maySubmit(
  context: CommandContext,
  configuration: Configuration,
  user: string | undefined,
): Promise<boolean> {
  const { settings } = configuration;
  if (settings.text('authorized_submit_users') === 'static:anyone') return true;
  const dataDirectory = dataDirectoryOf(configuration);
  const opened = await openToolTables({ settings, dataDirectory }, toolLog('sendmail', context), false);
  try {
    const open = { settings, registry: opened.tables, warn: (text: string) => context.warn(`sendmail: ${text}`) };
    const list = openMatchList(open, 'authorized_submit_users', 'exact');
    return await list.matches(new Decision(false), 'access', user ?? 'unknown');
  } finally {
    opened.close();
  }
}
