// FETCH and UID FETCH (RFC 3501 §6.4.5, §6.4.8), with CHANGEDSINCE and MODSEQ (RFC 7162 §3.1.4).

import type { FetchItem } from '../../imap/fetch-items.ts';
import type { CommandArguments } from '../../imap/parse-command.ts';
import { FetchResponder } from '../fetch/fetch-responder.ts';
import { ImapRefusal } from '../refusal.ts';
import { selectedOf, type SessionContext } from '../session-context.ts';
import { enableCondstore } from './enable.ts';

type Arguments = CommandArguments<'FETCH'>;

export function fetch(session: SessionContext, args: Arguments): Promise<string> {
  return fetchMessages(session, args, false);
}

export function uidFetch(session: SessionContext, args: Arguments): Promise<string> {
  return fetchMessages(session, args, true);
}

async function fetchMessages(session: SessionContext, args: Arguments, byUid: boolean): Promise<string> {
  const selected = selectedOf(session);
  const items = itemsToSend(args, byUid);
  if (items.some((item) => item.kind === 'MODSEQ')) enableCondstore(session);
  const { uids, hasGhosts } = selected.uidsOf(args.set, byUid);
  const { changedSince } = args;
  const { view } = selected;
  const wanted =
    changedSince === undefined ? uids : uids.filter((uid) => view.modseqAt(view.indexOf(uid)) > changedSince);
  const responder = new FetchResponder(session, selected, items);
  await responder.respond(wanted);
  if (responder.hasUnreadable) {
    throw new ImapRefusal('NO', 'UNAVAILABLE', 'Some messages cannot be read at the moment.');
  }
  if ((hasGhosts || responder.hasMissing) && !byUid && changedSince === undefined) {
    throw new ImapRefusal('NO', 'EXPUNGEISSUED', 'Some of the requested messages no longer exist.');
  }
  return 'Fetch completed.';
}

/** UID FETCH answers with the UID, CHANGEDSINCE with the MODSEQ, whether they were asked for or not. */
function itemsToSend(args: Arguments, byUid: boolean): readonly FetchItem[] {
  const items = [...args.items];
  const has = (kind: FetchItem['kind']): boolean => items.some((item) => item.kind === kind);
  if (byUid && !has('UID')) items.unshift({ kind: 'UID' });
  if (args.changedSince !== undefined && !has('MODSEQ')) items.push({ kind: 'MODSEQ' });
  return items;
}
