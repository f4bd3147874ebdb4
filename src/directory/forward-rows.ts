// Rows of the addresses that a mailbox is forwarded to, as changes write and as mail reads them.

import type { SqliteConnection, Statement } from '../database/sqlite.ts';
import type { DirectoryDatabase } from './database.ts';
import { addressKey, type MailAddress, parseAddress } from './mail-address.ts';
import { refuse } from './refusal.ts';
import type { ForwardMode } from './schema.ts';

export interface ForwardInfo {
  /** `forward`: nothing stays; `both`: a copy does. */
  readonly mode: Exclude<ForwardMode, 'keep'>;
  readonly to: readonly string[];
}

const maxTargets = 50;

/** undefined: nothing is forwarded. */
export async function writeForward(
  db: DirectoryDatabase,
  mailbox: number,
  forward: ForwardInfo | undefined,
): Promise<void> {
  await db.deleteFrom('mailbox_forward').where('mailbox_id', '=', mailbox).execute();
  await db
    .updateTable('mailbox')
    .set({ forward: forward?.mode ?? 'keep' })
    .where('id', '=', mailbox)
    .execute();
  if (forward === undefined) return;
  const rows = parseForwards(forward.to).map(({ shown, domain, localpart }, position) => {
    return { mailbox_id: mailbox, position, address: shown, domain, localpart };
  });
  await db.insertInto('mailbox_forward').values(rows).execute();
}

/** Valid addresses without repetitions. */
export function parseForwards(texts: readonly string[]): MailAddress[] {
  const targets = new Map<string, MailAddress>();
  for (const text of texts.flatMap((one) => (one.includes('"') ? [one] : one.split(',')))) {
    if (text.trim() === '') continue;
    const target = parseAddress(text);
    if (!targets.has(addressKey(target))) targets.set(addressKey(target), target);
  }
  if (targets.size === 0) refuse('a forward needs an address: give --forward ADDRESS');
  if (targets.size > maxTargets)
    refuse(`a mailbox is forwarded to at most ${maxTargets} addresses: make a list of them`);
  return [...targets.values()];
}

/** Of those that have one. */
export async function readForwards(
  db: DirectoryDatabase,
  mailboxes: readonly { readonly id: number; readonly forward: ForwardMode }[],
): Promise<ReadonlyMap<number, ForwardInfo>> {
  const modes = new Map(mailboxes.filter(({ forward }) => forward !== 'keep').map(({ id, forward }) => [id, forward]));
  if (modes.size === 0) return new Map();
  const rows = await db
    .selectFrom('mailbox_forward')
    .select(['mailbox_id', 'address'])
    .where('mailbox_id', 'in', [...modes.keys()])
    .orderBy('mailbox_id')
    .orderBy('position')
    .execute();
  const found = new Map<number, { mode: ForwardInfo['mode']; to: string[] }>();
  for (const { mailbox_id, address } of rows) {
    const known = found.get(mailbox_id);
    if (known !== undefined) known.to.push(address);
    else found.set(mailbox_id, { mode: modes.get(mailbox_id) as ForwardInfo['mode'], to: [address] });
  }
  return found;
}

/** Mailboxes that are forwarded to this address, the first 20. */
export async function forwardsTo(db: DirectoryDatabase, address: MailAddress): Promise<string[]> {
  const rows = await db
    .selectFrom('mailbox_forward as f')
    .innerJoin('mailbox as m', 'm.id', 'f.mailbox_id')
    .select('m.shown')
    .where('f.domain', '=', address.domain)
    .where('f.localpart', '=', address.localpart)
    .where('m.tombstone', '=', 0)
    .orderBy('m.id')
    .limit(20)
    .execute();
  return rows.map((row) => row.shown);
}

const forwardSql = `
  SELECT m.forward, f.address FROM mailbox_forward f JOIN mailbox m ON m.id = f.mailbox_id
  WHERE f.mailbox_id = ? ORDER BY f.position`;

export class ForwardLookups {
  readonly #ask: <T>(read: () => T) => T;
  readonly #forward: Statement;

  constructor(connection: SqliteConnection, ask: <T>(read: () => T) => T) {
    this.#ask = ask;
    this.#forward = connection.prepare(forwardSql).raw();
  }

  /** What the mail of a mailbox becomes, `own` being its address. */
  targets(mailbox: number, own: string): string[] {
    const rows = this.#ask(() => this.#forward.all(mailbox) as [ForwardMode, string][]);
    const keeps = rows[0]?.[0] !== 'forward';
    return [...(keeps ? [own] : []), ...rows.map(([, address]) => address)];
  }
}
