// What goes with a domain when it is removed with everything in it.

import { removeAliasRow } from './aliases.ts';
import type { Change } from './change.ts';
import { aliasDomainsOf, findDomain } from './domain-rows.ts';
import { removeListRow } from './lists.ts';
import { removeMailboxRow } from './mailbox-rows.ts';
import type { DomainRow } from './schema.ts';
import { removePlacesOfDomain } from './places.ts';
import { removeRightsOfDomain } from './sender-rights.ts';

export async function removeDependents(change: Change, row: DomainRow): Promise<void> {
  const mailboxes = await change.db
    .selectFrom('mailbox')
    .selectAll()
    .where('domain_id', '=', row.id)
    .where('tombstone', '=', 0)
    .execute();
  for (const mailbox of mailboxes) await removeMailboxRow(change, mailbox);
  const aliases = await change.db.selectFrom('alias').selectAll().where('domain_id', '=', row.id).execute();
  for (const alias of aliases) await removeAliasRow(change, alias);
  const lists = await change.db.selectFrom('list').selectAll().where('domain_id', '=', row.id).execute();
  for (const list of lists) await removeListRow(change, list);
  for (const name of await aliasDomainsOf(change.db, row.id)) {
    const found = await findDomain(change.db, name);
    if (!found) continue;
    await change.db.updateTable('domain').set({ tombstone: found.id }).where('id', '=', found.id).execute();
    await removeRightsOfDomain(change, name);
    await removePlacesOfDomain(change, name);
    await change.event('alias-domain.remove', name, { name, target: row.name, active: found.active === 1 }, null);
  }
}
