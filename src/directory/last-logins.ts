// When the mailboxes of a page were last logged in to, as login-notes.ts has written it down.

import { keepQuery } from '../database/kept-query.ts';
import type { DirectoryDatabase } from './database.ts';

export interface LastLoginInfo {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** `imap`, `smtp` ... */
  readonly protocol: string;
  /** '' where the client was no network's. */
  readonly address: string;
}

const lastLoginOf = keepQuery((db: DirectoryDatabase, mailbox: number) =>
  db.selectFrom('last_login').selectAll().where('mailbox_id', '=', mailbox),
);

export async function withLastLogins<T extends { readonly id: number }>(
  db: DirectoryDatabase,
  mailboxes: readonly T[],
): Promise<(T & { readonly lastLogin?: LastLoginInfo })[]> {
  if (mailboxes.length === 0) return [];
  const ids = mailboxes.map(({ id }) => id);
  const [first = 0, ...others] = ids;
  const rows =
    others.length === 0
      ? await lastLoginOf(db, first)
      : await db.selectFrom('last_login').selectAll().where('mailbox_id', 'in', ids).execute();
  const logins = new Map(
    rows.map(({ mailbox_id, time, protocol, address }) => [mailbox_id, { time, protocol, address }]),
  );
  return mailboxes.map((mailbox) => {
    const lastLogin = logins.get(mailbox.id);
    return lastLogin === undefined ? mailbox : { ...mailbox, lastLogin };
  });
}
