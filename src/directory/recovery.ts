// The way back for the owner of a mailbox who has forgotten the password: an address elsewhere, which is shown to be the
// owner's by a code that was mailed to it, and links to it that are good for half an hour and for one new password. Codes
// and links are kept as digests. What must not happen twice is decided here, in one transaction, whatever asks at once.

import { timingSafeEqual } from 'node:crypto';
import type { Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { parseAddress } from './mail-address.ts';
import { refuse, refuseMissing } from './refusal.ts';

/** Codes and links. */
export const recoveryMinutes = 30;
const goodMilliseconds = recoveryMinutes * 60_000;
/** Somebody else may ask for links too: earlier ones stay good, and there are only so many. */
const maxLinksPerHour = 3;
const hourMilliseconds = 3_600_000;
const maxTries = 5;

export interface RecoveryLink {
  readonly mailbox: number;
  /** Where it was mailed to. */
  readonly address: string;
}

export interface RecoveryStart {
  readonly address: string;
  readonly expires: number;
}

export class Recovery {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  /** The address that waits for its code. */
  async started(mailbox: number, now: number): Promise<RecoveryStart | undefined> {
    const select = this.#db.selectFrom('recovery_start').select(['address', 'expires', 'tries']);
    const row = await select.where('mailbox_id', '=', mailbox).executeTakeFirst();
    if (row === undefined || row.expires <= now || row.tries >= maxTries) return undefined;
    return { address: row.address, expires: row.expires };
  }

  /** `digest` is the code's. One that was under way is void. Refuses the mailbox's own address. */
  async start(mailbox: number, given: string, digest: string): Promise<RecoveryStart> {
    return await this.#changes.make(async (change) => {
      const address = checkRecoveryAddress(given, (one) => change.lookups.mailboxByAddress(one)?.id === mailbox);
      const expires = change.now + goodMilliseconds;
      await change.db.deleteFrom('recovery_start').where('mailbox_id', '=', mailbox).execute();
      const row = { mailbox_id: mailbox, address, digest, expires, tries: 0 };
      await change.db.insertInto('recovery_start').values(row).execute();
      return { address, expires };
    });
  }

  /** The address whose code this is, which is under way no more; undefined: it is not, or no longer. Each try counts. */
  async confirm(mailbox: number, digest: string): Promise<string | undefined> {
    return await this.#changes.make(async ({ db, now }) => {
      const row = await db
        .selectFrom('recovery_start')
        .selectAll()
        .where('mailbox_id', '=', mailbox)
        .executeTakeFirst();
      if (row === undefined || row.expires <= now || row.tries >= maxTries) return undefined;
      if (isSame(row.digest, digest)) {
        await db.deleteFrom('recovery_start').where('mailbox_id', '=', mailbox).execute();
        return row.address;
      }
      const tries = row.tries + 1;
      await db.updateTable('recovery_start').set({ tries }).where('mailbox_id', '=', mailbox).execute();
      return undefined;
    });
  }

  /** False: there were too many in the last hour. */
  async addLink({ mailbox, address }: RecoveryLink, digest: string): Promise<boolean> {
    return await this.#changes.make(async ({ db, now }) => {
      await db
        .deleteFrom('recovery_link')
        .where('mailbox_id', '=', mailbox)
        .where('created', '<=', now - hourMilliseconds)
        .execute();
      const present = await db.selectFrom('recovery_link').select('digest').where('mailbox_id', '=', mailbox).execute();
      if (present.length >= maxLinksPerHour) return false;
      const row = { digest, mailbox_id: mailbox, address, created: now, expires: now + goodMilliseconds };
      await db.insertInto('recovery_link').values(row).execute();
      return true;
    });
  }

  /** One that is good. It is looked for by its digest: how long that takes tells nothing of the secret. */
  async link(digest: string, now: number): Promise<RecoveryLink | undefined> {
    const select = this.#db.selectFrom('recovery_link').select(['mailbox_id', 'address']);
    const row = await select.where('digest', '=', digest).where('expires', '>', now).executeTakeFirst();
    return row && { mailbox: row.mailbox_id, address: row.address };
  }

  /** Uses it: it and the mailbox's other links are gone. Refuses one that is gone already. */
  async takeLink(digest: string): Promise<void> {
    await this.#changes.make(async ({ db, now }) => {
      const link = await new Recovery(db, this.#changes).link(digest, now);
      if (link === undefined) refuseMissing('this link is not good, or no longer: ask for a new one');
      await db.deleteFrom('recovery_link').where('mailbox_id', '=', link.mailbox).execute();
    });
  }
}

/** Of a mailbox that has another address, or is gone. */
export async function voidRecovery(db: DirectoryDatabase, mailbox: number): Promise<void> {
  for (const table of ['recovery_start', 'recovery_link'] as const) {
    await db.deleteFrom(table).where('mailbox_id', '=', mailbox).execute();
  }
}

/** As it is kept; '' takes it away. */
export function checkRecoveryAddress(given: string, isOwn: (address: string) => boolean): string {
  if (given.trim() === '') return '';
  const { shown } = parseAddress(given.trim());
  if (isOwn(shown))
    refuse('the recovery address must be another mailbox: this one cannot be read without the password');
  return shown;
}

function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
