// Who gets a blind copy of the mail of a sender or to a recipient (sender_bcc_maps, recipient_bcc_maps): one address for
// each sender, recipient or whole domain, as Postfix has it; several people are an alias.

import type { Change, Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { addressKey, type MailAddress, parseAddress, parseDomain } from './mail-address.ts';
import { refuse, refuseMissing, refuseTaken } from './refusal.ts';
import type { BccSide } from './schema.ts';
import { parsePlace } from './sender-rights.ts';

export interface BccInfo {
  readonly side: BccSide;
  /** `user@domain`, or `@domain`. */
  readonly place: string;
  /** Who gets the copy. */
  readonly address: string;
  /** Milliseconds since 1970. */
  readonly created: number;
}

export interface BccQuery {
  readonly side?: BccSide;
  /** Of its addresses, or of all of it. */
  readonly domain?: string;
  /** The last one seen. */
  readonly after?: Pick<BccInfo, 'side' | 'place'>;
  readonly limit?: number;
}

interface BccRow {
  readonly side: BccSide;
  readonly domain: string;
  readonly localpart: string;
  readonly address: string;
  readonly created: number;
}

export class Bccs {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  async add(side: BccSide, place: string, address: string): Promise<BccInfo> {
    const at = parsePlace(place);
    const copy = parseCopy(side, at, address);
    return await this.#changes.make(async (change) => {
      const known = await find(change.db, side, at);
      if (known !== undefined) {
        refuseTaken(
          `${known.address} gets a copy already, and a ${side} has one (several people are an alias): change it with: posthaste bcc set --${side} ${at.shown} ADDRESS`,
        );
      }
      const { domain, localpart } = at;
      const row = { side, domain, localpart, address: copy.shown, created: change.now };
      await change.db.insertInto('bcc').values(row).execute();
      const after = describe(row);
      await change.event('bcc.add', objectOf(row), null, after);
      return after;
    });
  }

  async set(side: BccSide, place: string, address: string): Promise<BccInfo> {
    const at = parsePlace(place);
    const copy = parseCopy(side, at, address);
    return await this.#changes.make(async (change) => {
      const row = await need(change.db, side, at);
      await rowOf(change.db.updateTable('bcc').set({ address: copy.shown }), row).execute();
      const after = describe({ ...row, address: copy.shown });
      await change.event('bcc.set', objectOf(row), describe(row), after);
      return after;
    });
  }

  async remove(side: BccSide, place: string): Promise<void> {
    const at = parsePlace(place);
    await this.#changes.make(async (change) => await removeRow(change, await need(change.db, side, at)));
  }

  async show(side: BccSide, place: string): Promise<BccInfo | undefined> {
    const row = await find(this.#db, side, parsePlace(place));
    return row && describe(row);
  }

  /** In the order of sides, domains and names. */
  async list(query: BccQuery = {}): Promise<BccInfo[]> {
    let select = this.#db.selectFrom('bcc').selectAll();
    if (query.side !== undefined) select = select.where('side', '=', query.side);
    if (query.domain !== undefined) select = select.where('domain', '=', parseDomain(query.domain));
    if (query.after !== undefined) {
      const { side } = query.after;
      const { domain, localpart } = parsePlace(query.after.place);
      select = select.where((eb) =>
        eb(eb.refTuple('side', 'domain', 'localpart'), '>', eb.tuple(side, domain, localpart)),
      );
    }
    const rows = await select
      .orderBy('side')
      .orderBy('domain')
      .orderBy('localpart')
      .limit(Math.min(query.limit ?? 100, 1001))
      .execute();
    return rows.map(describe);
  }
}

/** With a domain that is hosted no more go the copies of its addresses. */
export async function removeBccsOfDomain(change: Change, domain: string): Promise<void> {
  const rows = await change.db.selectFrom('bcc').selectAll().where('domain', '=', domain).execute();
  for (const row of rows) await removeRow(change, row);
}

/** What an address has goes with it to its new name; refused where another has that place already. */
export async function moveBccs(change: Change, from: MailAddress, to: MailAddress): Promise<void> {
  for (const side of ['sender', 'recipient'] as const) {
    const row = await find(change.db, side, from);
    if (row === undefined) continue;
    const taken = await find(change.db, side, to);
    if (taken !== undefined) {
      const place = placeOf(taken);
      refuse(`${taken.address} gets copies for the ${side} ${place} already: posthaste bcc remove --${side} ${place}`);
    }
    await removeRow(change, row);
    // Whoever got the copies is it by now.
    if (side === 'recipient' && row.address.toLowerCase() === addressKey(to)) continue;
    await insertRow(change, { ...row, domain: to.domain, localpart: to.localpart });
  }
}

/** Whoever got copies at one address gets them at another. */
export async function moveCopies(change: Change, from: MailAddress, to: MailAddress): Promise<void> {
  for (const row of await rowsFor(change.db, from)) {
    await removeRow(change, row);
    if (row.side === 'recipient' && placeOf(row) === addressKey(to)) continue;
    await insertRow(change, { ...row, address: to.shown });
  }
}

/** The places of which an address gets copies, the first 20. */
export async function copiesFor(db: DirectoryDatabase, address: MailAddress): Promise<string[]> {
  return (await rowsFor(db, address)).slice(0, 20).map(placeOf);
}

/** There is no index of who gets copies, and there are few copies. */
async function rowsFor(db: DirectoryDatabase, address: MailAddress): Promise<BccRow[]> {
  const select = db.selectFrom('bcc').selectAll();
  const rows = await select.where((eb) => eb(eb.fn<string>('lower', ['address']), '=', addressKey(address))).execute();
  return rows;
}

async function insertRow(change: Change, row: BccRow): Promise<void> {
  const { side, domain, localpart, address, created } = row;
  await change.db.insertInto('bcc').values({ side, domain, localpart, address, created }).execute();
  await change.event('bcc.add', objectOf(row), null, describe(row));
}

async function removeRow(change: Change, row: BccRow): Promise<void> {
  await rowOf(change.db.deleteFrom('bcc'), row).execute();
  await change.event('bcc.remove', objectOf(row), describe(row), null);
}

function parseCopy(side: BccSide, place: MailAddress, text: string): MailAddress {
  if (/[,\s]/.test(text.trim()) && !text.includes('"')) {
    refuse(`"${text.trim()}" is more than one address: make an alias of them, and give the alias the copy`);
  }
  const copy = parseAddress(text);
  if (side === 'recipient' && addressKey(copy) === addressKey(place)) {
    refuse(`${copy.shown} gets this mail anyway`);
  }
  return copy;
}

interface Narrowed {
  where(column: 'side' | 'domain' | 'localpart', operator: '=', value: string): this;
}

function rowOf<Query extends Narrowed>(
  query: Query,
  { side, domain, localpart }: Pick<BccRow, 'side' | 'domain' | 'localpart'>,
): Query {
  return query.where('side', '=', side).where('domain', '=', domain).where('localpart', '=', localpart);
}

async function find(db: DirectoryDatabase, side: BccSide, place: MailAddress): Promise<BccRow | undefined> {
  return await rowOf(db.selectFrom('bcc').selectAll(), { side, ...place }).executeTakeFirst();
}

async function need(db: DirectoryDatabase, side: BccSide, place: MailAddress): Promise<BccRow> {
  const row = await find(db, side, place);
  if (row !== undefined) return row;
  refuseMissing(
    `nobody gets a copy for the ${side} ${place.shown}: add it with: posthaste bcc add --${side} ${place.shown} ADDRESS`,
  );
}

function placeOf({ localpart, domain }: Pick<BccRow, 'localpart' | 'domain'>): string {
  return `${localpart}@${domain}`;
}

/** What an event names. */
function objectOf(row: Pick<BccRow, 'side' | 'localpart' | 'domain'>): string {
  return `${row.side} ${placeOf(row)}`;
}

function describe(row: BccRow): BccInfo {
  return { side: row.side, place: placeOf(row), address: row.address, created: row.created };
}
