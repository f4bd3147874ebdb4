// STORE and UID STORE (RFC 3501 §6.4.6), conditional with UNCHANGEDSINCE (RFC 7162 §3.1.3).

import type { CommandArguments } from '../../imap/parse-command.ts';
import { printSequenceSet } from '../../imap/sequence-set.ts';
import { systemFlags } from '../../mailstore/types.ts';
import { announceFlags, flagsLine } from '../announce.ts';
import { ImapRefusal } from '../refusal.ts';
import { selectedOf, type SessionContext } from '../session-context.ts';
import { enableCondstore } from './enable.ts';
import { requireWritable } from './expunge.ts';

type Arguments = CommandArguments<'STORE'>;

/** Messages that one call of the store changes: the answers to one go out while the next is worked on. */
const chunkMessages = 500;
const maxKeywordLength = 100;

export function store(session: SessionContext, args: Arguments): Promise<string> {
  return storeFlags(session, args, false);
}

export function uidStore(session: SessionContext, args: Arguments): Promise<string> {
  return storeFlags(session, args, true);
}

async function storeFlags(session: SessionContext, args: Arguments, byUid: boolean): Promise<string> {
  requireWritable(session);
  const selected = selectedOf(session);
  const { view } = selected;
  const flags = checkFlags(args.flags);
  if (args.unchangedSince !== undefined) enableCondstore(session);
  const { uids } = selected.uidsOf(args.set, byUid);
  const modified: number[] = [];
  for (let from = 0; from < uids.length; from += chunkMessages) {
    const chunk = uids.slice(from, from + chunkMessages);
    const result = await session.server.store.storeFlags(view.folder, chunk, args.action, flags, args.unchangedSince);
    modified.push(...result.modified);
    if (args.silent) for (const change of result.changed) selected.ownChange(change);
    if (args.action !== 'remove' && flags.includes('\\Deleted')) session.counters.deleted += result.changed.length;
    if (selected.takeNewKeywords()) announceFlags(session, selected);
    const refused = new Set(result.modified);
    if (!args.silent)
      printFlags(
        session,
        chunk.filter((uid) => !refused.has(uid)),
        byUid,
      );
    else if (session.isCondstoreEnabled) printModseqs(session, result.changed, byUid);
    if (session.output.isBlocked) await session.output.ready();
  }
  if (modified.length === 0) return 'Store completed.';
  const numbers = byUid ? modified : modified.map((uid) => selected.sequenceOf(uid));
  return `[MODIFIED ${printSequenceSet(numbers)}] Conditional store failed.`;
}

function printFlags(session: SessionContext, uids: readonly number[], byUid: boolean): void {
  const selected = selectedOf(session);
  for (const uid of uids) {
    const index = selected.view.indexOf(uid);
    if (index === -1) continue;
    session.output.line(flagsLine(session, selected, index, byUid));
    selected.flagsShown(uid, selected.view.modseqAt(index));
  }
}

/** RFC 7162 §3.1.3: .SILENT leaves out the flags, not the new mod-sequence. */
function printModseqs(
  session: SessionContext,
  changed: readonly { uid: number; modseq: number }[],
  byUid: boolean,
): void {
  const selected = selectedOf(session);
  for (const { uid, modseq } of changed) {
    session.output.line(`* ${selected.sequenceOf(uid)} FETCH (${byUid ? `UID ${uid} ` : ''}MODSEQ (${modseq}))`);
  }
}

/** System flags in their own spelling, \Recent (which nobody can set) left out, keywords as they are. */
export function checkFlags(flags: readonly string[]): string[] {
  const checked = new Set<string>();
  for (const flag of flags) {
    if (flag.length > maxKeywordLength) throw new ImapRefusal('BAD', '', 'Too long keyword');
    if (!flag.startsWith('\\')) {
      checked.add(flag);
      continue;
    }
    const known = systemFlags.find((name) => name.toLowerCase() === flag.toLowerCase());
    if (known !== undefined) checked.add(known);
    else if (flag.toLowerCase() !== '\\recent') throw new ImapRefusal('BAD', '', 'Invalid system flag');
  }
  return [...checked];
}
