// The recipients of relay domains. A relay domain takes mail for every address until it is told to take listed recipients
// only (`domain set --recipients listed`): then others are refused at RCPT and cannot come back as bounces later.

import type { Change, Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { findDomain, needDomain } from './domain-rows.ts';
import { addressKey, fold, type MailAddress, parseAddress, parseDomain, parseHostedAddress } from './mail-address.ts';
import { refuse, refuseMissing } from './refusal.ts';
import type { DomainRow } from './schema.ts';

export interface RelayRecipientInfo {
  readonly address: string;
  /** Milliseconds since 1970. */
  readonly created: number;
}

export interface RelayRecipientQuery {
  readonly domain?: string;
  /** The address of the last one seen. */
  readonly after?: string;
  readonly limit?: number;
}

export class RelayRecipients {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  /** All or none; returns those that were not listed before. */
  async add(addresses: readonly string[]): Promise<RelayRecipientInfo[]> {
    const parsed = addresses.map(parseHostedAddress);
    return await this.#changes.make(async (change) => {
      const added: RelayRecipientInfo[] = [];
      for (const address of parsed) {
        const domain = await needRelayDomain(change.db, address.domain);
        if ((await find(change.db, domain, address.localpart)) !== undefined) continue;
        const { localpart, shown } = address;
        await change.db
          .insertInto('relay_recipient')
          .values({ domain_id: domain.id, localpart, shown, created: change.now })
          .execute();
        const info = { address: shown, created: change.now };
        await change.event('relay-recipient.add', shown, null, info);
        added.push(info);
      }
      return added;
    });
  }

  /** All or none. */
  async remove(addresses: readonly string[]): Promise<void> {
    const parsed = addresses.map(parseAddress);
    await this.#changes.make(async (change) => {
      for (const address of parsed) {
        const domain = await needRelayDomain(change.db, address.domain);
        const row = await find(change.db, domain, address.localpart);
        if (row === undefined) {
          refuseMissing(
            `${addressKey(address)} is no recipient of ${domain.name}: see: posthaste relay-recipient list --domain ${domain.name}`,
          );
        }
        await removeRow(change, domain, row);
      }
    });
  }

  async show(text: string): Promise<RelayRecipientInfo | undefined> {
    const { domain, localpart } = parseAddress(text);
    const row = await findDomain(this.#db, domain);
    const found = row && (await find(this.#db, row, localpart));
    return found && { address: found.shown, created: found.created };
  }

  async list(query: RelayRecipientQuery = {}): Promise<RelayRecipientInfo[]> {
    let select = this.#db
      .selectFrom('relay_recipient as r')
      .innerJoin('domain as d', 'd.id', 'r.domain_id')
      .select(['r.shown', 'r.created'])
      .where('d.tombstone', '=', 0);
    if (query.domain !== undefined) select = select.where('d.name', '=', parseDomain(query.domain));
    if (query.after !== undefined) {
      const at = query.after.lastIndexOf('@');
      const [domain, localpart] = [query.after.slice(at + 1), fold(query.after.slice(0, at))];
      // The first is what the index is entered by.
      select = select
        .where('d.name', '>=', domain)
        .where((eb) => eb.or([eb('d.name', '>', domain), eb('r.localpart', '>', localpart)]));
    }
    const rows = await select
      .orderBy('d.name')
      .orderBy('r.localpart')
      .limit(Math.min(query.limit ?? 100, 1001))
      .execute();
    return rows.map(({ shown, created }) => ({ address: shown, created }));
  }

  /** Does its domain take everybody, so that the list has no effect? */
  async isIdle(domain: string): Promise<boolean> {
    return (await needRelayDomain(this.#db, parseDomain(domain))).takes_all === 1;
  }
}

export async function countRelayRecipients(db: DirectoryDatabase, domainId: number): Promise<number> {
  const { count } = await db
    .selectFrom('relay_recipient')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('domain_id', '=', domainId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export async function removeRelayRecipients(change: Change, domain: DomainRow): Promise<void> {
  const rows = await change.db.selectFrom('relay_recipient').selectAll().where('domain_id', '=', domain.id).execute();
  for (const row of rows) await removeRow(change, domain, row);
}

interface Row {
  readonly localpart: string;
  readonly shown: string;
  readonly created: number;
}

async function removeRow(change: Change, domain: DomainRow, row: Row): Promise<void> {
  await change.db
    .deleteFrom('relay_recipient')
    .where('domain_id', '=', domain.id)
    .where('localpart', '=', row.localpart)
    .execute();
  await change.event('relay-recipient.remove', row.shown, { address: row.shown, created: row.created }, null);
}

async function needRelayDomain(db: DirectoryDatabase, name: string): Promise<DomainRow> {
  const domain = await needDomain(db, name);
  if (domain.kind !== 'relay') {
    refuse(
      `${name} is of class ${domain.kind}: only a relay domain has recipients of its own (posthaste mailbox add, alias add)`,
    );
  }
  return domain;
}

async function find(
  db: DirectoryDatabase,
  domain: DomainRow,
  localpart: MailAddress['localpart'],
): Promise<Row | undefined> {
  return await db
    .selectFrom('relay_recipient')
    .selectAll()
    .where('domain_id', '=', domain.id)
    .where('localpart', '=', localpart)
    .executeTakeFirst();
}
