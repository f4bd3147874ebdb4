// SELECT and EXAMINE (RFC 3501 §6.3.1, §6.3.2; RFC 7162 §3.1.1 for HIGHESTMODSEQ). \Recent is not kept (RFC 9051
// removes it): RECENT is always 0.

import type { CommandArguments } from '../../imap/parse-command.ts';
import { announceFlags } from '../announce.ts';
import { findFolder } from '../folders.ts';
import type { SessionContext } from '../session-context.ts';

export function select(session: SessionContext, args: CommandArguments<'SELECT'>): Promise<string> {
  return open(session, args, false);
}

export function examine(session: SessionContext, args: CommandArguments<'EXAMINE'>): Promise<string> {
  return open(session, args, true);
}

async function open(
  session: SessionContext,
  { mailbox, condstore }: CommandArguments<'SELECT'>,
  isReadOnly: boolean,
): Promise<string> {
  const { output } = session;
  // A failing SELECT leaves nothing selected (§6.3.1).
  if (session.selected !== undefined) output.line('* OK [CLOSED] Previous mailbox closed.');
  session.unselect();
  const selected = await session.select(findFolder(session, mailbox), isReadOnly);
  if (condstore) session.isCondstoreEnabled = true;
  announceFlags(session, selected);
  const { view } = selected;
  output.line(`* ${selected.count} EXISTS`);
  output.line('* 0 RECENT');
  const unseen = firstUnseen(view.count, (index) => view.flagsAt(index));
  if (unseen !== undefined) output.line(`* OK [UNSEEN ${unseen}] First unseen.`);
  output.line(`* OK [UIDVALIDITY ${view.uidValidity}] UIDs valid`);
  output.line(`* OK [UIDNEXT ${view.uidNext}] Predicted next UID`);
  output.line(`* OK [HIGHESTMODSEQ ${view.modseq}] Highest`);
  return isReadOnly ? '[READ-ONLY] Examine completed.' : '[READ-WRITE] Select completed.';
}

/** The sequence number of the first message without \Seen (bit 0). */
function firstUnseen(count: number, flagsAt: (index: number) => number): number | undefined {
  for (let index = 0; index < count; index++) {
    if (flagsAt(index) % 2 === 0) return index + 1;
  }
  return undefined;
}
