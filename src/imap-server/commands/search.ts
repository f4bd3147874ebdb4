// SEARCH and UID SEARCH (RFC 3501 §6.4.4), with MODSEQ (RFC 7162 §3.1.5).

import type { CommandArguments } from '../../imap/parse-command.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { parseHeaderFields } from '../../message/header-field.ts';
import type { ContentReader } from '../../mailstore/types.ts';
import { MessageRows, pageMessages } from '../fetch/message-rows.ts';
import { findBody, readRange } from '../fetch/sections.ts';
import { scanStructure } from '../fetch/structure-cache.ts';
import { searchMessage } from '../search/message-search.ts';
import { SearchProgram, type Candidate } from '../search/search-program.ts';
import type { SelectedFolder } from '../selected-folder.ts';
import { selectedOf, type SessionContext } from '../session-context.ts';
import { TimeSlice } from '../time-slice.ts';
import { enableCondstore } from './enable.ts';

type Arguments = CommandArguments<'SEARCH'>;

/** Of longer headers this much is looked at. */
const maxHeaderBytes = 256 * 1024;
/** Between looks at the clock. */
const stepMessages = 64;

export function search(session: SessionContext, args: Arguments): Promise<string> {
  return searchMessages(session, args, false);
}

export function uidSearch(session: SessionContext, args: Arguments): Promise<string> {
  return searchMessages(session, args, true);
}

async function searchMessages(session: SessionContext, args: Arguments, byUid: boolean): Promise<string> {
  const selected = selectedOf(session);
  const program = new SearchProgram(args.key, selected, args.charset);
  if (program.usesModseq) enableCondstore(session);
  const uids = await matchingUids(session, selected, program);
  let highest = 0;
  const numbers: number[] = [];
  for (const uid of uids) {
    numbers.push(byUid ? uid : selected.sequenceOf(uid));
    highest = Math.max(highest, selected.view.modseqAt(selected.view.indexOf(uid)));
  }
  const modseq = program.usesModseq && numbers.length > 0 ? ` (MODSEQ ${highest})` : '';
  session.output.line(`${['* SEARCH', ...numbers].join(' ')}${modseq}`);
  return 'Search completed.';
}

async function matchingUids(
  session: SessionContext,
  selected: SelectedFolder,
  program: SearchProgram,
): Promise<number[]> {
  const matching: number[] = [];
  const open: number[] = [];
  const slice = new TimeSlice(session.server.clock);
  let step = 0;
  for (const uid of selected.allUids()) {
    const index = selected.view.indexOf(uid);
    if (index === -1) continue;
    const truth = program.matches({ uid, index });
    if (truth === true) matching.push(uid);
    else if (truth === undefined) open.push(uid);
    if (++step % stepMessages === 0 && slice.isOver) await slice.pause();
  }
  for (let from = 0; from < open.length; from += pageMessages) {
    matching.push(...(await matchingInPage(session, selected, program, open.slice(from, from + pageMessages), slice)));
  }
  return matching.sort((left, right) => left - right);
}

/** Those of `uids` (a page) that match, looking at rows and contents. */
async function matchingInPage(
  session: SessionContext,
  selected: SelectedFolder,
  program: SearchProgram,
  uids: readonly number[],
  slice: TimeSlice,
): Promise<number[]> {
  const rows = new MessageRows(session.server.store, selected.view.folder);
  rows.load(uids);
  const matching: number[] = [];
  for (const uid of uids) {
    const row = rows.get(uid);
    const index = selected.view.indexOf(uid);
    if (row === undefined || index === -1) continue;
    const candidate: Candidate = { uid, index, row };
    const truth = program.matches(candidate) ?? (await lookInside(session, program, candidate, row.content, slice));
    if (truth) matching.push(uid);
    if (slice.isOver) {
      await slice.pause();
      // Ends here where the client is gone.
      await session.output.ready();
    }
  }
  return matching;
}

async function lookInside(
  session: SessionContext,
  program: SearchProgram,
  candidate: Candidate,
  content: number,
  slice: TimeSlice,
): Promise<boolean> {
  let reader: ContentReader | undefined;
  try {
    reader = session.server.store.openContent(content);
    const header = await readRange(reader, 0, Math.min(await findBody(reader), maxHeaderBytes));
    candidate.header = parseHeaderFields(Buffer.from(header).toString('latin1'));
    const truth = program.matches(candidate);
    if (truth !== undefined) return truth;
    const root = await scanStructure(reader, session.server.clock);
    candidate.findings = await searchMessage(reader, root, program.needles, slice);
    return program.matches(candidate) ?? false;
  } catch (error) {
    // One damaged message, or one that another session has just expunged, must not make the search of all fail; it cannot
    // be found by its text.
    if (error instanceof TemporaryError) return false;
    throw error;
  } finally {
    await reader?.close();
  }
}
