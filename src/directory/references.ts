// What depends on an address: aliases and lists and forwards that name it, and what is said of sending as it. Told before
// a mailbox goes, and moved with one that gets another address.

import type { Change } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { aliasesTo, describeAlias } from './alias-rows.ts';
import { copiesFor, moveCopies } from './bccs.ts';
import { forwardsTo } from './forward-rows.ts';
import { describeList, listsWith } from './list-rows.ts';
import { addressKey, type MailAddress } from './mail-address.ts';
import { describeWhole } from './mailbox-rows.ts';
import { moveRightsOfAddress, rightsOn } from './sender-rights.ts';
import type { ListRole } from './schema.ts';

/** The first 20 of each, by their addresses. */
export interface References {
  readonly aliases: readonly string[];
  /** As a member or an owner. */
  readonly lists: readonly string[];
  /** Mailboxes that are forwarded to it. */
  readonly forwards: readonly string[];
  /** Logins that may, or may not, send as it. */
  readonly senderLogins: readonly string[];
  /** The addresses, or `@domain`, of whose mail it gets copies. */
  readonly copies: readonly string[];
}

export async function referencesTo(db: DirectoryDatabase, address: MailAddress): Promise<References> {
  return {
    aliases: await aliasesTo(db, address),
    lists: await listsWith(db, address),
    forwards: await forwardsTo(db, address),
    senderLogins: await rightsOn(db, address),
    copies: await copiesFor(db, address),
  };
}

/** Whatever names `from` names `to` from now on. */
export async function moveReferences(change: Change, from: MailAddress, to: MailAddress): Promise<void> {
  await moveTargets(change, from, to);
  await movePersons(change, from, to);
  await moveForwards(change, from, to);
  await moveRightsOfAddress(change, from, to);
  await moveCopies(change, from, to);
}

async function moveTargets(change: Change, from: MailAddress, to: MailAddress): Promise<void> {
  const { db } = change;
  const named = db.selectFrom('alias_target').select('alias_id').distinct();
  const ids = await named.where('domain', '=', from.domain).where('localpart', '=', from.localpart).execute();
  for (const { alias_id: id } of ids) {
    const row = await db.selectFrom('alias').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    const before = await describeAlias(db, row);
    const known = await db
      .selectFrom('alias_target')
      .select('position')
      .where('alias_id', '=', id)
      .where('domain', '=', to.domain)
      .where('localpart', '=', to.localpart)
      .executeTakeFirst();
    const isNamed = known !== undefined;
    await (isNamed
      ? targetRow(db.deleteFrom('alias_target'), id, from).execute()
      : targetRow(db.updateTable('alias_target').set(targetOf(to)), id, from).execute());
    await change.event('alias.set', row.shown, before, await describeAlias(db, row));
  }
}

function targetOf({ shown: address, domain, localpart }: MailAddress) {
  return { address, domain, localpart };
}

async function movePersons(change: Change, from: MailAddress, to: MailAddress): Promise<void> {
  const { db } = change;
  const persons = await db
    .selectFrom('list_person')
    .selectAll()
    .where('domain', '=', from.domain)
    .where('localpart', '=', from.localpart)
    .execute();
  for (const { list_id: id, role } of persons) {
    const row = await db.selectFrom('list').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    const before = await describeList(db, row);
    const { numDeletedRows: known } = await personOf(db.deleteFrom('list_person'), id, role, to).executeTakeFirst();
    await personOf(db.updateTable('list_person').set(targetOf(to)), id, role, from).execute();
    if (role !== 'member') {
      await change.event('list.set', row.shown, before, await describeList(db, row));
      continue;
    }
    await change.event('list-member.remove', row.shown, { members: [addressKey(from)] }, null);
    if (known === 0n) await change.event('list-member.add', row.shown, null, { members: [to.shown] });
  }
}

interface NarrowedTarget {
  where(column: 'alias_id' | 'domain' | 'localpart', operator: '=', value: number | string): this;
}

function targetRow<Query extends NarrowedTarget>(query: Query, alias: number, target: MailAddress): Query {
  const { domain, localpart } = target;
  return query.where('alias_id', '=', alias).where('domain', '=', domain).where('localpart', '=', localpart);
}

interface Narrowed {
  where(column: 'list_id' | 'role' | 'domain' | 'localpart', operator: '=', value: number | string): this;
}

function personOf<Query extends Narrowed>(query: Query, list: number, role: ListRole, person: MailAddress): Query {
  return query
    .where('list_id', '=', list)
    .where('role', '=', role)
    .where('domain', '=', person.domain)
    .where('localpart', '=', person.localpart);
}

async function moveForwards(change: Change, from: MailAddress, to: MailAddress): Promise<void> {
  const { db } = change;
  const rows = await db
    .selectFrom('mailbox_forward')
    .select(['mailbox_id', 'position'])
    .where('domain', '=', from.domain)
    .where('localpart', '=', from.localpart)
    .execute();
  for (const { mailbox_id: id, position } of rows) {
    const row = await db.selectFrom('mailbox').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    const before = await describeWhole(db, row);
    await db
      .updateTable('mailbox_forward')
      .set(targetOf(to))
      .where('mailbox_id', '=', id)
      .where('position', '=', position)
      .execute();
    // Of a removed one nothing is told: it is described when it comes back.
    if (row.tombstone === 0) await change.event('mailbox.set', row.shown, before, await describeWhole(db, row));
  }
}
