// The part of removals.ts that is about transports, BCCs, recipients of relay domains, decisions of catch-alls and tags:
// what went with a domain, an alias or a list is there again, unless something else has its place by now.

import { findAlias } from './alias-rows.ts';
import type { BccInfo } from './bccs.ts';
import type { CaughtAddress } from './catch-alls.ts';
import type { Change } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { findDomain, needDomain } from './domain-rows.ts';
import { findList } from './list-rows.ts';
import { parseAddress, parseAliasAddress } from './mail-address.ts';
import type { RelayRecipientInfo } from './relay-recipients.ts';
import type { Restorer } from './removals.ts';
import type { TaggedKind } from './schema.ts';
import { parsePlace } from './sender-rights.ts';
import { parseTransportPlace } from './transport-places.ts';
import type { TransportInfo } from './transports.ts';

export const placeRestorers: readonly Restorer[] = [
  {
    kind: 'places',
    action: 'transport.remove',
    restore: async (change, { object, before }) => {
      const info = before as TransportInfo;
      const { domain, localpart } = parseTransportPlace(info.place);
      const known = change.db.selectFrom('transport').select('created').where('domain', '=', domain);
      if (await known.where('localpart', '=', localpart).executeTakeFirst()) return true;
      const { transport, created } = info;
      await change.db.insertInto('transport').values({ domain, localpart, transport, created }).execute();
      await change.event('transport.add', object, null, info);
      return true;
    },
  },
  {
    kind: 'places',
    action: 'bcc.remove',
    restore: async (change, { object, before }) => {
      const info = before as BccInfo;
      const { domain, localpart } = parsePlace(info.place);
      const { side, address, created } = info;
      const known = change.db.selectFrom('bcc').select('created').where('side', '=', side).where('domain', '=', domain);
      if (await known.where('localpart', '=', localpart).executeTakeFirst()) return true;
      await change.db.insertInto('bcc').values({ side, domain, localpart, address, created }).execute();
      await change.event('bcc.add', object, null, info);
      return true;
    },
  },
  {
    kind: 'places',
    action: 'relay-recipient.remove',
    restore: async (change, { object, before }) => {
      const info = before as RelayRecipientInfo;
      const { domain, localpart, shown } = parseAddress(info.address);
      const { id } = await needDomain(change.db, domain);
      const values = { domain_id: id, localpart, shown, created: info.created };
      await change.db.insertInto('relay_recipient').values(values).execute();
      await change.event('relay-recipient.add', object, null, info);
      return true;
    },
  },
  {
    kind: 'places',
    action: 'catch-all.forget',
    restore: async (change, { object, before }) => {
      const info = before as CaughtAddress;
      const { domain, localpart, shown } = parseAddress(info.address);
      const { id } = await needDomain(change.db, domain);
      const { state, sender, messages, firstSeen: first_seen, lastSeen: last_seen } = info;
      const values = { domain_id: id, localpart, shown, state, sender, messages, first_seen, last_seen };
      await change.db.insertInto('caught_address').values(values).execute();
      await change.event(state === 'refused' ? 'catch-all.refuse' : 'catch-all.accept', object, null, info);
      return true;
    },
  },
  { kind: 'tags', action: 'tag.set', restore: restoreTags },
];

interface PastTags {
  readonly kind: TaggedKind;
  readonly object: string;
  readonly tags: readonly string[];
}

/** Of an event of tags that went with their object. */
export async function restoreTags(
  change: Change,
  { object, before, after }: { readonly object: string; readonly before: unknown; readonly after: unknown },
): Promise<boolean> {
  const past = before as PastTags | null;
  if (past === null || after !== null) return true;
  const id = await taggedId(change.db, past);
  if (id === undefined) return false;
  const { kind, tags } = past;
  const known = change.db.selectFrom('tag').select('tag').where('kind', '=', kind);
  if (await known.where('object_id', '=', id).executeTakeFirst()) return true;
  await change.db
    .insertInto('tag')
    .values(tags.map((tag) => ({ kind, object_id: id, tag })))
    .execute();
  await change.event('tag.set', object, null, past);
  return true;
}

/** A mailbox keeps its tags as long as it can come back itself. */
async function taggedId(db: DirectoryDatabase, { kind, object }: PastTags): Promise<number | undefined> {
  if (kind === 'domain') return (await findDomain(db, object))?.id;
  if (kind === 'alias') return (await findAlias(db, parseAliasAddress(object)))?.id;
  return kind === 'list' ? (await findList(db, parseAddress(object)))?.id : undefined;
}
