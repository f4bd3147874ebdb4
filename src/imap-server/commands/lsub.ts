// LSUB (RFC 3501 §6.3.9): subscribed names, and with `%` the parents of subscribed names as \Noselect.

import type { CommandArguments } from '../../imap/parse-command.ts';
import { printMailbox } from '../../imap/print.ts';
import { matchesPattern } from '../mailbox-pattern.ts';
import { userOf, type SessionContext } from '../session-context.ts';
import { compareNames, parentNames } from './list.ts';

export function lsub(session: SessionContext, { reference, patterns }: CommandArguments<'LSUB'>): string {
  const subscribed = new Set(session.server.store.subscriptions(userOf(session).mailboxId));
  const matches = (name: string, wildcard = ''): boolean =>
    patterns.some((pattern) => pattern.includes(wildcard) && matchesPattern(reference + pattern, name));
  const matching = [...subscribed].filter((name) => matches(name));
  // A parent is told of only where a `%` stops above its children: who asks for one name asks whether it is subscribed.
  const hidden = [...subscribed].filter((name) => !matches(name));
  const parents = [...parentNames(hidden)].filter((name) => !subscribed.has(name) && matches(name, '%'));
  for (const name of [...matching, ...parents].toSorted(compareNames)) {
    session.output.line(`* LSUB (${subscribed.has(name) ? '' : '\\Noselect'}) "/" ${printMailbox(name)}`);
  }
  return 'Lsub completed.';
}
