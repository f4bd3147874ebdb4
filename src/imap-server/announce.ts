// Tells a client what has changed in its selected folder (RFC 3501 §7.3, §7.4): EXPUNGE where allowed, then EXISTS,
// new keywords, and flags that others changed. The first two and the first flags go out without waiting, so
// that new mail reaches an IDLE client in the same turn of the event loop.

import { systemFlags } from '../mailstore/types.ts';
import type { SelectedFolder } from './selected-folder.ts';
import type { SessionContext } from './session-context.ts';
import { TimeSlice } from './time-slice.ts';

/** Between looks at the clock and at the client. */
const stepLines = 256;

export async function announceChanges(
  session: SessionContext,
  selected: SelectedFolder,
  keepNumbers: boolean,
): Promise<void> {
  const { output } = session;
  if (!keepNumbers) for (const sequence of selected.takeExpunged()) output.line(`* ${sequence} EXPUNGE`);
  const knownBefore = selected.announcedUid;
  const arrived = selected.takeArrived();
  if (arrived !== undefined) output.line(`* ${arrived} EXISTS`);
  if (selected.takeNewKeywords()) announceFlags(session, selected);
  const flagged = selected.takeFlagged(knownBefore + 1);
  if (flagged.length === 0) return;
  const slice = new TimeSlice(session.server.clock);
  let step = 0;
  for (const uid of flagged) {
    const index = selected.view.indexOf(uid);
    if (index !== -1) output.line(flagsLine(session, selected, index, false));
    if (++step % stepLines !== 0) continue;
    if (output.isBlocked) await output.ready();
    if (slice.isOver) await slice.pause();
  }
}

/** `* n FETCH (...)` with what a flag change tells; `index` is the message's place in the view. */
export function flagsLine(session: SessionContext, selected: SelectedFolder, index: number, withUid: boolean): string {
  const { view } = selected;
  const uid = view.uidAt(index);
  const uidText = withUid ? `UID ${uid} ` : '';
  const modseq = session.isCondstoreEnabled ? ` MODSEQ (${view.modseqAt(index)})` : '';
  return `* ${selected.sequenceOf(uid)} FETCH (${uidText}FLAGS (${view.flagsText(view.flagsAt(index))})${modseq})`;
}

/** FLAGS and PERMANENTFLAGS: at SELECT, and again when somebody used a new keyword. */
export function announceFlags(session: SessionContext, selected: SelectedFolder): void {
  const names = [...systemFlags, ...selected.view.keywords].join(' ');
  session.output.line(`* FLAGS (${names})`);
  session.output.line(`* OK [PERMANENTFLAGS (${selected.isReadOnly ? '' : `${names} \\*`})] Flags permitted.`);
}
