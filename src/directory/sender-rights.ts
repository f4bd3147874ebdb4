// Who may send as an address beyond those who receive its mail (grants), and who may not although they do (denials);
// and whether the owners of a catch-all may send as the addresses that it takes. What follows from all of it stands in
// sender-logins.ts.

import type { Change, Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import type { DirectoryLookups } from './lookups.ts';
import { addressKey, fold, type MailAddress, parseAddress, parseDomain } from './mail-address.ts';
import { refuse, refuseMissing, refuseTaken } from './refusal.ts';
import type { SenderRightRow } from './schema.ts';
import { catchAllSetting, senderAnswerFor, type SenderAnswer } from './sender-logins.ts';

export interface SenderRight {
  /** `user@domain`, or `@domain`. */
  readonly address: string;
  readonly login: string;
  readonly allowed: boolean;
  /** Milliseconds since 1970. */
  readonly created: number;
}

export interface SenderRightQuery {
  /** Of this domain's addresses. */
  readonly domain?: string;
  readonly address?: string;
  readonly login?: string;
  /** The last one seen. */
  readonly after?: SenderRight;
  readonly limit?: number;
}

const maxLoginCharacters = 320;
/** A lookup reads them all. */
const maxRightsPerAddress = 100;

export class SenderRights {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;
  readonly #lookups: DirectoryLookups;

  constructor(db: DirectoryDatabase, changes: Changes, lookups: DirectoryLookups) {
    this.#db = db;
    this.#changes = changes;
    this.#lookups = lookups;
  }

  /** Refuses where something is said of this login and address already. */
  async add(address: string, login: string, allowed: boolean): Promise<SenderRight> {
    const [place, name] = this.#parse(address, login);
    return await this.#changes.make(async (change) => {
      const known = await find(change.db, place, name);
      if (known !== undefined) {
        const word = known.allowed === 1 ? 'granted' : 'denied';
        refuseTaken(`${place.shown} is ${word} to ${name} already: change that with: posthaste sender-login set`);
      }
      if (change.lookups.senderRights(place.localpart, place.domain).length >= maxRightsPerAddress) {
        refuse(`${place.shown} has ${maxRightsPerAddress} grants and denials: make an alias or a list of its users`);
      }
      const { localpart, domain, shown } = place;
      const row = { localpart, domain, shown, login: name, allowed: allowed ? 1 : 0, created: change.now };
      await change.db.insertInto('sender_right').values(row).execute();
      const after = describe(row);
      await change.event('sender-login.add', shown, null, after);
      return after;
    });
  }

  /** Makes a grant a denial, or the other way round. */
  async set(address: string, login: string, allowed: boolean): Promise<SenderRight> {
    const [place, name] = this.#parse(address, login);
    return await this.#changes.make(async (change) => {
      const row = await need(change.db, place, name);
      const next = { ...row, allowed: allowed ? 1 : 0 };
      await rowOf(change.db.updateTable('sender_right').set({ allowed: next.allowed }), row).execute();
      const after = describe(next);
      await change.event('sender-login.set', row.shown, describe(row), after);
      return after;
    });
  }

  async remove(address: string, login: string): Promise<void> {
    const [place, name] = this.#parse(address, login);
    await this.#changes.make(async (change) => await removeRow(change, await need(change.db, place, name)));
  }

  /** In the order of domains, names and logins. */
  async list(query: SenderRightQuery = {}): Promise<SenderRight[]> {
    let select = this.#db.selectFrom('sender_right').selectAll();
    if (query.address !== undefined) {
      const { domain, localpart } = parsePlace(query.address);
      select = select.where('domain', '=', domain).where('localpart', '=', localpart);
    }
    if (query.domain !== undefined) select = select.where('domain', '=', parseDomain(query.domain));
    if (query.login !== undefined) select = select.where('login', '=', this.#loginOf(query.login));
    if (query.after !== undefined) {
      const { domain, localpart } = parsePlace(query.after.address);
      const { login } = query.after;
      select = select.where((eb) =>
        eb(eb.refTuple('domain', 'localpart', 'login'), '>', eb.tuple(domain, localpart, login)),
      );
    }
    const rows = await select
      .orderBy('domain')
      .orderBy('localpart')
      .orderBy('login')
      .limit(Math.min(query.limit ?? 100, 1001))
      .execute();
    return rows.map(describe);
  }

  #parse(address: string, login: string): [MailAddress, string] {
    const name = this.#loginOf(login);
    if (name === '' || name.length > maxLoginCharacters || /[\s,()\u0000-\u001f\u007f]/.test(name)) {
      refuse(`"${login}" is no login name: write the address of a mailbox`);
    }
    return [parsePlace(address), name];
  }

  /** Whoever logs in by an alias domain's name is known by the mailbox's own; other names may be logins of elsewhere. */
  #loginOf(text: string): string {
    const name = fold(text.trim());
    return this.#lookups.mailboxByAddress(name)?.address ?? name;
  }

  /** Who may send as an address, and why; undefined where nobody is known to. */
  answer(address: string): SenderAnswer | undefined {
    const place = parsePlace(address);
    return senderAnswerFor(this.#lookups, addressKey(place));
  }

  get mayCatchAllSend(): boolean {
    return this.#lookups.setting(catchAllSetting) !== 'no';
  }

  async setCatchAll(maySend: boolean): Promise<void> {
    const value = maySend ? 'yes' : 'no';
    await this.#changes.make(async (change) => {
      const before = change.lookups.setting(catchAllSetting);
      await change.db.deleteFrom('setting').where('name', '=', catchAllSetting).execute();
      await change.db.insertInto('setting').values({ name: catchAllSetting, value }).execute();
      await change.event('setting.set', catchAllSetting, before === undefined ? null : { value: before }, { value });
    });
  }
}

/** What was said of a login that is gone must not hold for the next of that name. */
export async function removeRightsOfLogin(change: Change, login: string): Promise<void> {
  const rows = await change.db.selectFrom('sender_right').selectAll().where('login', '=', fold(login)).execute();
  for (const row of rows) await removeRow(change, row);
}

/** The same mailbox by another name: what was said of it is said of it still. */
export async function moveRightsOfLogin(change: Change, from: string, to: string): Promise<void> {
  const rows = await change.db.selectFrom('sender_right').selectAll().where('login', '=', from).execute();
  for (const row of rows) await replaceRow(change, row, { ...row, login: to });
}

export async function moveRightsOfAddress(change: Change, from: MailAddress, to: MailAddress): Promise<void> {
  const { domain, localpart, shown } = to;
  for (const row of await rightsOf(change.db, from))
    await replaceRow(change, row, { ...row, domain, localpart, shown });
}

/** Logins of whom something is said about this address, the first 20. */
export async function rightsOn(db: DirectoryDatabase, address: MailAddress): Promise<string[]> {
  return (await rightsOf(db, address)).slice(0, 20).map(({ login }) => login);
}

async function rightsOf(db: DirectoryDatabase, { domain, localpart }: MailAddress): Promise<SenderRightRow[]> {
  const all = db.selectFrom('sender_right').selectAll().where('domain', '=', domain).where('localpart', '=', localpart);
  return await all.orderBy('login').execute();
}

/** What is said already of the new name holds. */
async function replaceRow(change: Change, row: SenderRightRow, next: SenderRightRow): Promise<void> {
  await removeRow(change, row);
  await restoreRight(change, describe(next));
}

/** Says again what was said, unless something else is said by now. */
export async function restoreRight(change: Change, right: SenderRight): Promise<void> {
  const { localpart, domain, shown } = parsePlace(right.address);
  const row = { localpart, domain, shown, login: right.login, allowed: right.allowed ? 1 : 0, created: right.created };
  if ((await find(change.db, { localpart, domain, shown }, right.login)) !== undefined) return;
  await change.db.insertInto('sender_right').values(row).execute();
  await change.event('sender-login.add', shown, null, describe(row));
}

/** With the domain what was said of its addresses goes. */
export async function removeRightsOfDomain(change: Change, domain: string): Promise<void> {
  const rows = await change.db.selectFrom('sender_right').selectAll().where('domain', '=', domain).execute();
  for (const row of rows) await removeRow(change, row);
}

async function removeRow(change: Change, row: SenderRightRow): Promise<void> {
  await rowOf(change.db.deleteFrom('sender_right'), row).execute();
  await change.event('sender-login.remove', row.shown, describe(row), null);
}

interface Narrowed {
  where(column: 'domain' | 'localpart' | 'login', operator: '=', value: string): this;
}

function rowOf<Query extends Narrowed>(query: Query, row: SenderRightRow): Query {
  const { domain, localpart, login } = row;
  return query.where('domain', '=', domain).where('localpart', '=', localpart).where('login', '=', login);
}

async function find(db: DirectoryDatabase, place: MailAddress, login: string): Promise<SenderRightRow | undefined> {
  return await db
    .selectFrom('sender_right')
    .selectAll()
    .where('domain', '=', place.domain)
    .where('localpart', '=', place.localpart)
    .where('login', '=', login)
    .executeTakeFirst();
}

async function need(db: DirectoryDatabase, place: MailAddress, login: string): Promise<SenderRightRow> {
  const row = await find(db, place, login);
  if (row !== undefined) return row;
  refuseMissing(
    `nothing is said of ${login} and ${place.shown}: posthaste sender-login show ${place.shown} says who may`,
  );
}

function describe(row: SenderRightRow): SenderRight {
  return { address: row.shown, login: row.login, allowed: row.allowed === 1, created: row.created };
}

/** Any address, ours or not: people send as what they have elsewhere. */
export function parsePlace(text: string): MailAddress {
  const given = text.trim();
  if (!given.startsWith('@')) return parseAddress(given);
  const domain = parseDomain(given.slice(1));
  return { localpart: '', domain, shown: `@${domain}` };
}
