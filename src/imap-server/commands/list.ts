// LIST (RFC 3501 §6.3.8) with LIST-EXTENDED (RFC 5258), SPECIAL-USE (RFC 6154), CHILDREN (RFC 3348) and LIST-STATUS (RFC 5819).

import type { CommandArguments } from '../../imap/parse-command.ts';
import { printMailbox } from '../../imap/print.ts';
import type { FolderRow } from '../../mailstore/types.ts';
import { matchesPattern } from '../mailbox-pattern.ts';
import { userOf, type SessionContext } from '../session-context.ts';
import { enableCondstore } from './enable.ts';
import { statusLine } from './status.ts';

type Arguments = CommandArguments<'LIST'>;

/** A name to list: a folder, a subscription to one that is gone, or a parent of what is selected. */
interface Listed {
  readonly name: string;
  readonly folder: FolderRow | undefined;
  readonly isSubscribed: boolean;
  /** It is selected itself, not only a descendant of it (RECURSIVEMATCH). */
  readonly isMatch: boolean;
  readonly hasSelectedChild: boolean;
}

export function list(session: SessionContext, args: Arguments): string {
  const { output, server } = session;
  if (!args.isExtended && args.patterns[0] === '') {
    // §6.3.8: the separator and the root of the reference.
    output.line('* LIST (\\Noselect) "/" ""');
    return 'List completed.';
  }
  const { mailboxId } = userOf(session);
  const folders = server.store.folders(mailboxId);
  const subscribed = new Set(server.store.subscriptions(mailboxId));
  const parents = parentNames(folders.map((folder) => folder.name));
  if (args.returnStatus.includes('HIGHESTMODSEQ')) enableCondstore(session);
  for (const listed of selectNames(folders, subscribed, args)) {
    output.line(listLine(listed, parents, args));
    const { folder } = listed;
    if (args.returnStatus.length > 0 && folder?.selectable && listed.isMatch) {
      output.line(statusLine(server.store, folder, args.returnStatus));
    }
  }
  return 'List completed.';
}

function selectNames(folders: readonly FolderRow[], subscribed: ReadonlySet<string>, args: Arguments): Listed[] {
  const byName = new Map(folders.map((folder) => [folder.name, folder]));
  const names = new Set([...byName.keys(), ...(args.selectSubscribed ? subscribed : [])]);
  const isSelected = (name: string): boolean =>
    (!args.selectSubscribed || subscribed.has(name)) &&
    (!args.selectSpecialUse || (byName.get(name)?.specialUse ?? null) !== null);
  const selected = [...names].filter((name) => isSelected(name));
  const selectedParents = args.recursiveMatch ? parentNames(selected) : new Set<string>();
  const candidates = new Set([...selected, ...selectedParents]);
  return [...candidates]
    .filter((name) => args.patterns.some((pattern) => matchesPattern(args.reference + pattern, name)))
    .map((name) => ({
      name,
      folder: byName.get(name),
      isSubscribed: subscribed.has(name),
      isMatch: isSelected(name),
      hasSelectedChild: selectedParents.has(name),
    }))
    .toSorted((left, right) => compareNames(left.name, right.name));
}

function listLine(listed: Listed, parents: ReadonlySet<string>, args: Arguments): string {
  const { folder, name } = listed;
  const attributes: string[] = [];
  if (folder === undefined) attributes.push('\\NonExistent');
  else if (!folder.selectable) attributes.push('\\Noselect');
  attributes.push(parents.has(name) ? '\\HasChildren' : '\\HasNoChildren');
  if (args.returnSubscribed && listed.isSubscribed) attributes.push('\\Subscribed');
  // RFC 6154 §2: plain LIST may show the special use too, and clients look there.
  if (folder?.specialUse) attributes.push(folder.specialUse);
  const childInfo = listed.hasSelectedChild ? ' ("CHILDINFO" ("SUBSCRIBED"))' : '';
  return `* LIST (${attributes.join(' ')}) "/" ${printMailbox(name)}${childInfo}`;
}

/** Every proper prefix at a separator. */
export function parentNames(names: readonly string[]): Set<string> {
  const parents = new Set<string>();
  for (const name of names) {
    for (let at = name.indexOf('/'); at !== -1; at = name.indexOf('/', at + 1)) parents.add(name.slice(0, at));
  }
  return parents;
}

/** INBOX first, then by code point. */
export function compareNames(left: string, right: string): number {
  if (left === 'INBOX' || right === 'INBOX') return left === right ? 0 : left === 'INBOX' ? -1 : 1;
  return left < right ? -1 : left > right ? 1 : 0;
}
