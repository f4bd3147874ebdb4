// The part of as-of.ts that is about transports, BCCs, access rules, recipients of relay domains, decisions of catch-alls
// and tags: what their events leave, and how it is written into a directory of its own.

import type { AccessRuleInfo } from './access-rules.ts';
import { findAlias } from './alias-rows.ts';
import type { BccInfo } from './bccs.ts';
import type { CaughtAddress } from './catch-alls.ts';
import type { DirectoryDatabase } from './database.ts';
import { findDomain } from './domain-rows.ts';
import type { DirectoryEvent } from './events.ts';
import { findList } from './list-rows.ts';
import { parseAddress, parseAliasAddress } from './mail-address.ts';
import type { RelayRecipientInfo } from './relay-recipients.ts';
import type { TaggedKind } from './schema.ts';
import { parsePlace } from './sender-rights.ts';
import { parseTransportPlace } from './transport-places.ts';
import type { TransportInfo } from './transports.ts';

interface PastTags {
  readonly kind: TaggedKind;
  readonly object: string;
  /** Of a mailbox. */
  readonly id?: number;
  readonly tags: readonly string[];
}

export class PastPlaces {
  readonly #transports = new Map<string, TransportInfo>();
  readonly #bccs = new Map<string, BccInfo>();
  readonly #rules = new Map<string, AccessRuleInfo>();
  readonly #recipients = new Map<string, RelayRecipientInfo>();
  readonly #caught = new Map<string, CaughtAddress>();
  readonly #tags = new Map<string, PastTags>();

  /** False: the event is about something else. */
  apply({ action, object, before, after }: DirectoryEvent): boolean {
    const [kind = ''] = action.split('.');
    const maps: Readonly<Record<string, Map<string, unknown>>> = {
      transport: this.#transports,
      bcc: this.#bccs,
      access: this.#rules,
      'relay-recipient': this.#recipients,
      'catch-all': this.#caught,
      tag: this.#tags,
    };
    const objects = maps[kind];
    if (objects === undefined) return false;
    const { id } = (kind === 'tag' ? (after ?? before ?? {}) : {}) as Partial<PastTags>;
    const key = id === undefined ? object.toLowerCase() : `mailbox ${id}`;
    if (after === null) objects.delete(key);
    else objects.set(key, after);
    return true;
  }

  /** To be called when domains, mailboxes, aliases and lists are written. */
  async write(db: DirectoryDatabase): Promise<void> {
    for (const { place, transport, created } of this.#transports.values()) {
      const { domain, localpart } = parseTransportPlace(place);
      await db.insertInto('transport').values({ domain, localpart, transport, created }).execute();
    }
    for (const { side, place, address, created } of this.#bccs.values()) {
      const { domain, localpart } = parsePlace(place);
      await db.insertInto('bcc').values({ side, domain, localpart, address, created }).execute();
    }
    for (const rule of this.#rules.values()) await db.insertInto('access_rule').values(rule).execute();
    await this.#writeRecipients(db);
    await this.#writeCaught(db);
    await this.#writeTags(db);
  }

  async #writeRecipients(db: DirectoryDatabase): Promise<void> {
    for (const { address, created } of this.#recipients.values()) {
      const { domain, localpart, shown } = parseAddress(address);
      const row = await findDomain(db, domain);
      if (row === undefined) continue;
      await db.insertInto('relay_recipient').values({ domain_id: row.id, localpart, shown, created }).execute();
    }
  }

  async #writeCaught(db: DirectoryDatabase): Promise<void> {
    for (const { address, state, sender, messages, firstSeen, lastSeen } of this.#caught.values()) {
      const { domain, localpart, shown } = parseAddress(address);
      const row = await findDomain(db, domain);
      if (row === undefined) continue;
      const seen = { first_seen: firstSeen, last_seen: lastSeen, messages };
      const values = { domain_id: row.id, localpart, shown, state, sender, ...seen };
      await db.insertInto('caught_address').values(values).execute();
    }
  }

  async #writeTags(db: DirectoryDatabase): Promise<void> {
    for (const tagged of this.#tags.values()) {
      const id = await findTagged(db, tagged);
      if (id === undefined) continue;
      const rows = tagged.tags.map((tag) => ({ kind: tagged.kind, object_id: id, tag }));
      await db.insertInto('tag').values(rows).execute();
    }
  }
}

/** Undefined where the object was removed: a mailbox keeps its tags until then. */
async function findTagged(db: DirectoryDatabase, { kind, object, id = 0 }: PastTags): Promise<number | undefined> {
  if (kind === 'mailbox') {
    return (await db.selectFrom('mailbox').select('id').where('id', '=', id).executeTakeFirst())?.id;
  }
  if (kind === 'domain') return (await findDomain(db, object))?.id;
  const row =
    kind === 'list' ? await findList(db, parseAddress(object)) : await findAlias(db, parseAliasAddress(object));
  return row?.id;
}
