// What a mailbox answers while its owner is away: the row, and what may stand in it. Who gets the answer, and who never
// does, is decided when a message has been delivered (delivery/vacation.ts).

import type { SqliteConnection, Statement } from '../database/sqlite.ts';
import type { DirectoryDatabase } from './database.ts';
import { refuse } from './refusal.ts';

export interface VacationInfo {
  /** '' is `Auto: ` and the subject of the message that is answered. */
  readonly subject: string;
  readonly text: string;
  /** Milliseconds since 1970; absent: at once, and without an end. */
  readonly from?: number;
  readonly until?: number;
  /** One sender hears once in so many days. */
  readonly days: number;
}

/** `0` for `from` and `until` opens the time again; what is absent stays as it was. */
export type VacationSettings = Partial<VacationInfo>;

export const defaultVacationDays = 7;
/** The ledger of who has been answered is kept so long (RFC 5230 §4.1 lets a site set its maximum). */
export const maxVacationDays = 30;
const maxTextOctets = 32 * 1024;
const maxSubjectCharacters = 255;
/** The last moment that a Date can hold: what `vacation_until` says of a vacation without an end. */
const endless = 8_640_000_000_000_000;

/** The vacation after the change; undefined: none. Refuses what cannot be sent. */
export function changedVacation(
  before: VacationInfo | undefined,
  change: VacationSettings | null,
): VacationInfo | undefined {
  if (change === null) return undefined;
  const text = change.text ?? before?.text;
  if (text === undefined || text.trim() === '') refuse('a vacation needs a text: give --vacation or --vacation-file');
  const subject = (change.subject ?? before?.subject ?? '').trim();
  const days = change.days ?? before?.days ?? defaultVacationDays;
  const from = change.from ?? before?.from ?? 0;
  const until = change.until ?? before?.until ?? 0;
  if (Buffer.byteLength(text) > maxTextOctets) refuse(`the text of a vacation has at most ${maxTextOctets} octets`);
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(text)) {
    refuse('the text of a vacation contains a control character');
  }
  if (/[\u0000-\u001f\u007f]/.test(subject)) refuse('the subject of a vacation is one line of text');
  if (subject.length > maxSubjectCharacters) {
    refuse(`the subject of a vacation has at most ${maxSubjectCharacters} characters`);
  }
  if (!Number.isInteger(days) || days < 1 || days > maxVacationDays) {
    refuse(`a sender is answered once in 1 to ${maxVacationDays} days`);
  }
  if (until !== 0 && until <= from) refuse('the vacation would end before it begins');
  return { subject, text, ...(from === 0 ? {} : { from }), ...(until === 0 ? {} : { until }), days };
}

/** For the mailbox's row. */
export function vacationUntil(vacation: VacationInfo | undefined): number {
  return vacation === undefined ? 0 : (vacation.until ?? endless);
}

export async function writeVacation(db: DirectoryDatabase, mailbox: number, vacation: VacationInfo | undefined) {
  await db.deleteFrom('vacation').where('mailbox_id', '=', mailbox).execute();
  await db
    .updateTable('mailbox')
    .set({ vacation_until: vacationUntil(vacation) })
    .where('id', '=', mailbox)
    .execute();
  if (vacation === undefined) return;
  const { subject, text: body, from: starts = 0, until: ends = 0, days } = vacation;
  await db.insertInto('vacation').values({ mailbox_id: mailbox, subject, body, starts, ends, days }).execute();
}

export async function readVacations(
  db: DirectoryDatabase,
  mailboxes: readonly { readonly id: number; readonly vacation_until: number }[],
): Promise<ReadonlyMap<number, VacationInfo>> {
  const ids = mailboxes.filter(({ vacation_until }) => vacation_until !== 0).map(({ id }) => id);
  if (ids.length === 0) return new Map();
  const rows = await db.selectFrom('vacation').selectAll().where('mailbox_id', 'in', ids).execute();
  return new Map(
    rows.map(({ mailbox_id, body, starts, ends, ...rest }) => [
      mailbox_id,
      toInfo([rest.subject, body, starts, ends, rest.days]),
    ]),
  );
}

type Columns = readonly [subject: string, body: string, starts: number, ends: number, days: number];

function toInfo([subject, text, from, until, days]: Columns): VacationInfo {
  return { subject, text, ...(from === 0 ? {} : { from }), ...(until === 0 ? {} : { until }), days };
}

/** What a reply is made of. */
export interface ActiveVacation extends VacationInfo {
  /** The mailbox's address as it was given, and its owner's name or ''. */
  readonly address: string;
  readonly name: string;
}

const vacationSql = `
  SELECT v.subject, v.body, v.starts, v.ends, v.days, m.shown, m.name
  FROM vacation v JOIN mailbox m ON m.id = v.mailbox_id
  WHERE v.mailbox_id = ? AND m.tombstone = 0 AND m.enabled = 1`;

export class VacationLookups {
  readonly #ask: <T>(read: () => T) => T;
  readonly #vacation: Statement;

  constructor(connection: SqliteConnection, ask: <T>(read: () => T) => T) {
    this.#ask = ask;
    this.#vacation = connection.prepare(vacationSql).raw();
  }

  /** Of a mailbox that is switched on, at this moment. Throws TemporaryError. */
  active(mailbox: number, now: number): ActiveVacation | undefined {
    const row = this.#ask(() => this.#vacation.get(mailbox) as [...Columns, string, string] | undefined);
    if (row === undefined) return undefined;
    const [subject, body, starts, ends, days, address, name] = row;
    if (now < starts || (ends !== 0 && now >= ends)) return undefined;
    return { ...toInfo([subject, body, starts, ends, days]), address, name };
  }
}
