// Reads mailboxes by IMAP as a user would, and gives back every numbered copy with its bytes checked, or every recipient
// that a notice names.

import { ImapConnection } from '../harness/imap-connection.ts';
import { type Arrival, noticeAddress, unreadable } from './ledger.ts';
import { recogniseMessage, recogniseNotice } from './numbered-message.ts';

export interface MailboxReaderOptions {
  readonly port: number;
  readonly password: string;
}

interface FoundCopy {
  readonly uid: number;
  readonly arrivals: readonly Arrival[];
}

/** Remembers what it has read of each mailbox, so that a look after each round reads only what is new. */
export class MailboxReader {
  readonly #options: MailboxReaderOptions;
  readonly #seen = new Map<string, { uidValidity: number; lastUid: number; copies: FoundCopy[] }>();

  constructor(options: MailboxReaderOptions) {
    this.#options = options;
  }

  /** What the mailbox's INBOX holds. Bytes that were read in an earlier round are not read again. */
  async read(mailbox: string, holds: 'mail' | 'notices' = 'mail'): Promise<Arrival[]> {
    const connection = await ImapConnection.open({ port: this.#options.port });
    try {
      await connection.login(mailbox, this.#options.password);
      const selected = await connection.ok('SELECT INBOX');
      const uidValidity = Number(findCode(selected.untagged, /UIDVALIDITY (\d+)/));
      const before = this.#seen.get(mailbox);
      if (before && before.uidValidity !== uidValidity) throw new Error(`${mailbox}: UIDVALIDITY has changed`);
      const present = await listUids(connection);
      // What was seen and is gone now is not reported: the judgement then finds it missing, unless it was expunged.
      const copies = (before?.copies ?? []).filter((copy) => present.has(copy.uid));
      const lastUid = before?.lastUid ?? 0;
      const added = [...present].filter((uid) => uid > lastUid).sort((a, b) => a - b);
      for (let i = 0; i < added.length; i += 50) {
        copies.push(...(await fetchCopies(connection, mailbox, added.slice(i, i + 50), holds)));
      }
      this.#seen.set(mailbox, { uidValidity, lastUid: added.at(-1) ?? lastUid, copies });
      return copies.flatMap(({ arrivals }) => arrivals);
    } finally {
      await connection.logout();
    }
  }

  /** The next reads look at every byte again. */
  forget(): void {
    this.#seen.clear();
  }
}

async function listUids(connection: ImapConnection): Promise<Set<number>> {
  const uids = new Set<number>();
  const { untagged } = await connection.ok('UID FETCH 1:* (UID)');
  for (const { text } of untagged) {
    const uid = Number(/\bUID (\d+)/.exec(text)?.[1] ?? 0);
    if (uid > 0) uids.add(uid);
  }
  return uids;
}

async function fetchCopies(
  connection: ImapConnection,
  mailbox: string,
  uids: readonly number[],
  holds: 'mail' | 'notices',
): Promise<FoundCopy[]> {
  // NO where one of them cannot be read; the others come all the same.
  const { untagged } = await connection.command(`UID FETCH ${uids.join(',')} (UID BODY.PEEK[])`);
  const copies: FoundCopy[] = [];
  for (const { text, literals } of untagged) {
    const uid = Number(/\bUID (\d+)/.exec(text)?.[1] ?? 0);
    const [body] = literals;
    if (uid > 0 && body) copies.push({ uid, arrivals: arrivalsOf(body, mailbox, uid, holds) });
  }
  const read = new Set(copies.map(({ uid }) => uid));
  for (const uid of uids) {
    const where = `in ${mailbox} as uid ${uid}`;
    const nothing = { token: unreadable, kind: 'mailbox', address: mailbox, where } as const;
    if (!read.has(uid)) copies.push({ uid, arrivals: [nothing] });
  }
  return copies;
}

function arrivalsOf(body: Buffer, mailbox: string, uid: number, holds: 'mail' | 'notices'): Arrival[] {
  const where = `in ${mailbox} as uid ${uid}`;
  if (holds === 'mail') return [{ ...recogniseMessage(body), kind: 'mailbox', address: mailbox, where }];
  const { token, recipients } = recogniseNotice(body);
  return recipients.map((about) => {
    const address = noticeAddress(about, mailbox);
    return { token, kind: 'notice', address, where: `notice about ${about} ${where}` };
  });
}

function findCode(untagged: readonly { text: string }[], pattern: RegExp): string {
  for (const { text } of untagged) {
    const match = pattern.exec(text)?.[1];
    if (match !== undefined) return match;
  }
  return '';
}
