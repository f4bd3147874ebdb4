// ENABLE (RFC 5161). CONDSTORE is the one extension here that changes what is sent.

import type { CommandArguments } from '../../imap/parse-command.ts';
import type { SessionContext } from '../session-context.ts';

export function enable(session: SessionContext, { capabilities }: CommandArguments<'ENABLE'>): string {
  const enabled: string[] = [];
  if (capabilities.includes('CONDSTORE')) {
    enableCondstore(session);
    enabled.push('CONDSTORE');
  }
  session.output.line(['* ENABLED', ...enabled].join(' '));
  return 'Enabled.';
}

/** RFC 7162 §3.1: the client learns the selected folder's HIGHESTMODSEQ when it begins to use mod-sequences. */
export function enableCondstore(session: SessionContext): void {
  if (session.isCondstoreEnabled) return;
  session.isCondstoreEnabled = true;
  if (session.selected === undefined) return;
  session.output.line(`* OK [HIGHESTMODSEQ ${session.selected.view.modseq}] Highest`);
}
