// GETQUOTA and GETQUOTAROOT (RFC 2087, RFC 9208): one quota root a mailbox, named as Dovecot names it. SETQUOTA is the
// administrator's business and is refused.

import type { CommandArguments } from '../../imap/parse-command.ts';
import { printMailbox, printString } from '../../imap/print.ts';
import { findFolder } from '../folders.ts';
import { ImapRefusal } from '../refusal.ts';
import { userOf, type SessionContext } from '../session-context.ts';

const rootName = 'User quota';
const resourceUnit = 1024;

export async function getQuota(session: SessionContext, { root }: CommandArguments<'GETQUOTA'>): Promise<string> {
  const limit = await session.server.quotaLimit(userOf(session).mailboxId);
  if (root !== rootName || limit === undefined)
    throw new ImapRefusal('NO', 'NONEXISTENT', 'Quota root does not exist.');
  printQuota(session, limit);
  return 'Getquota completed.';
}

export async function getQuotaRoot(
  session: SessionContext,
  { mailbox }: CommandArguments<'GETQUOTAROOT'>,
): Promise<string> {
  const folder = findFolder(session, mailbox);
  const limit = await session.server.quotaLimit(userOf(session).mailboxId);
  const root = limit === undefined ? '' : ` ${printString(rootName)}`;
  session.output.line(`* QUOTAROOT ${printMailbox(folder.name)}${root}`);
  if (limit !== undefined) printQuota(session, limit);
  return 'Getquotaroot completed.';
}

export function setQuota(): string {
  throw new ImapRefusal('NO', 'NOPERM', 'The quota is set by the administrator.');
}

function printQuota(session: SessionContext, limit: number): void {
  const { bytes } = session.server.store.usage(userOf(session).mailboxId);
  const usage = Math.ceil(bytes / resourceUnit);
  session.output.line(`* QUOTA ${printString(rootName)} (STORAGE ${usage} ${Math.floor(limit / resourceUnit)})`);
}

/**
 * Refuses what would bring the mailbox over its quota. Returns the limit in octets, for the store: others may be adding
 * mail at the same time.
 */
export async function checkQuota(session: SessionContext, moreBytes: number): Promise<number | undefined> {
  const { mailboxId } = userOf(session);
  const limit = await session.server.quotaLimit(mailboxId);
  if (limit === undefined) return undefined;
  if (session.server.store.usage(mailboxId).bytes + moreBytes > limit) {
    throw new ImapRefusal('NO', 'OVERQUOTA', 'Quota exceeded (mailbox for user is full).');
  }
  return limit;
}
