// Words on domains, mailboxes, aliases and lists, by which administrators find them again. They mean nothing to mail.

import { sql } from 'kysely';
import { findAlias } from './alias-rows.ts';
import type { Change, Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { findDomain } from './domain-rows.ts';
import { findList } from './list-rows.ts';
import { addressKey, parseAddress, parseAliasAddress, parseDomain } from './mail-address.ts';
import { findMailbox } from './mailbox-rows.ts';
import { refuse, refuseMissing } from './refusal.ts';
import type { TaggedKind } from './schema.ts';

export interface TagCount {
  readonly tag: string;
  readonly domains: number;
  readonly mailboxes: number;
  readonly aliases: number;
  readonly lists: number;
}

export interface TaggedObject {
  readonly kind: TaggedKind;
  /** The name or address. */
  readonly object: string;
}

export interface TaggedQuery {
  readonly kind?: TaggedKind;
  /** The last one seen. */
  readonly after?: TaggedObject;
  readonly limit?: number;
}

const maxTags = 50;

export class Tags {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  /** Puts tags on an object and takes others off; returns those that it has now. */
  async change(
    kind: TaggedKind,
    object: string,
    add: readonly string[],
    drop: readonly string[] = [],
  ): Promise<readonly string[]> {
    const added = add.map(parseTag);
    const dropped = drop.map(parseTag);
    return await this.#changes.make(async (change) => {
      const { id, shown } = await needObject(change.db, kind, object);
      const before = await tagsOf(change.db, kind, id);
      const missing = dropped.find((tag) => !before.includes(tag));
      if (missing !== undefined) refuseMissing(`${shown} has no tag ${missing}`);
      const after = [...new Set([...before, ...added])].filter((tag) => !dropped.includes(tag)).toSorted();
      if (after.length > maxTags) refuse(`${shown} would have more than ${maxTags} tags`);
      await replaceTags(change, { kind, id, shown }, before, after);
      return after;
    });
  }

  /** In alphabetical order; refuses where there is no such object. */
  async of(kind: TaggedKind, object: string): Promise<readonly string[]> {
    return await tagsOf(this.#db, kind, (await needObject(this.#db, kind, object)).id);
  }

  /** As `of`; undefined where there is no such object. */
  async find(kind: TaggedKind, object: string): Promise<readonly string[] | undefined> {
    const [found] = await findObject(this.#db, kind, object);
    return found && (await tagsOf(this.#db, kind, found.id));
  }

  /** Every tag with how often it is used; mailboxes that are removed do not count. */
  async list(): Promise<TagCount[]> {
    const rows = await this.#db
      .selectFrom('tag as t')
      .leftJoin('mailbox as m', (join) => join.onRef('m.id', '=', 't.object_id').on('t.kind', '=', 'mailbox'))
      .select(['t.tag', 't.kind', (eb) => eb.fn.countAll<number>().as('count')])
      .where((eb) => eb.or([eb('m.id', 'is', null), eb('m.tombstone', '=', 0)]))
      .groupBy(['t.tag', 't.kind'])
      .orderBy('t.tag')
      .execute();
    const counts = new Map<string, Record<TaggedKind, number>>();
    for (const { tag, kind, count } of rows) {
      const known = counts.get(tag) ?? { domain: 0, mailbox: 0, alias: 0, list: 0 };
      counts.set(tag, { ...known, [kind]: Number(count) });
    }
    return [...counts].map(([tag, count]) => {
      return { tag, domains: count.domain, mailboxes: count.mailbox, aliases: count.alias, lists: count.list };
    });
  }

  /** What has a tag: domains first, then mailboxes, aliases and lists, each by name. Removed mailboxes are left out. */
  async objects(tag: string, query: TaggedQuery = {}): Promise<TaggedObject[]> {
    const name = parseTag(tag);
    const limit = Math.min(query.limit ?? 100, 1001);
    const found: TaggedObject[] = [];
    const first = query.after === undefined ? 0 : kinds.indexOf(query.after.kind);
    for (const kind of kinds.slice(first)) {
      if (query.kind !== undefined && query.kind !== kind) continue;
      const after = query.after?.kind === kind ? query.after.object : '';
      const names = await this.#named(kind, name, after, limit - found.length);
      found.push(...names.map((object) => ({ kind, object })));
      if (found.length >= limit) break;
    }
    return found;
  }

  async #named(kind: TaggedKind, tag: string, after: string, limit: number): Promise<string[]> {
    const shown = sql.ref(kind === 'domain' ? 'o.name' : 'o.shown');
    const lives = kind === 'domain' || kind === 'mailbox' ? sql`AND o.tombstone = 0` : sql``;
    const { rows } = await sql<{ readonly shown: string }>`
      SELECT ${shown} AS shown FROM tag t JOIN ${sql.table(kind)} o ON o.id = t.object_id
      WHERE t.tag = ${tag} AND t.kind = ${kind} ${lives} AND ${shown} > ${after}
      ORDER BY ${shown} LIMIT ${limit}`.execute(this.#db);
    return rows.map((row) => row.shown);
  }
}

const kinds: readonly TaggedKind[] = ['domain', 'mailbox', 'alias', 'list'];

/** With the object its tags go. */
export async function removeTags(change: Change, kind: TaggedKind, id: number, shown: string): Promise<void> {
  await replaceTags(change, { kind, id, shown }, await tagsOf(change.db, kind, id), []);
}

interface Tagged {
  readonly kind: TaggedKind;
  readonly id: number;
  readonly shown: string;
}

async function replaceTags(
  change: Change,
  { kind, id, shown }: Tagged,
  before: readonly string[],
  after: readonly string[],
): Promise<void> {
  if (before.join(' ') === after.join(' ')) return;
  await change.db.deleteFrom('tag').where('kind', '=', kind).where('object_id', '=', id).execute();
  const rows = after.map((tag) => ({ kind, object_id: id, tag }));
  if (rows.length > 0) await change.db.insertInto('tag').values(rows).execute();
  // A mailbox is known by its id, whoever has its address later.
  const named = kind === 'mailbox' ? { kind, object: shown, id } : { kind, object: shown };
  const whole = (tags: readonly string[]) => (tags.length === 0 ? null : { ...named, tags });
  await change.event('tag.set', `${kind} ${shown}`, whole(before), whole(after));
}

async function tagsOf(db: DirectoryDatabase, kind: TaggedKind, id: number): Promise<string[]> {
  const select = db.selectFrom('tag').select('tag').where('kind', '=', kind).where('object_id', '=', id);
  return (await select.orderBy('tag').execute()).map(({ tag }) => tag);
}

/** The id of a tagged object, and how events name it. */
async function needObject(
  db: DirectoryDatabase,
  kind: TaggedKind,
  object: string,
): Promise<{ readonly id: number; readonly shown: string }> {
  const [found, shown] = await findObject(db, kind, object);
  if (found === undefined) refuseMissing(`there is no ${kind} ${shown}`);
  return { id: found.id, shown };
}

async function findObject(
  db: DirectoryDatabase,
  kind: TaggedKind,
  object: string,
): Promise<[{ readonly id: number } | undefined, string]> {
  if (kind === 'domain') {
    const name = parseDomain(object);
    return [await findDomain(db, name), name];
  }
  const address = kind === 'alias' ? parseAliasAddress(object) : parseAddress(object);
  const find = { mailbox: findMailbox, alias: findAlias, list: findList }[kind];
  return [await find(db, address), addressKey(address)];
}

function parseTag(text: string): string {
  const tag = text.trim().normalize('NFC').toLowerCase();
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._:/-]{0,63}$/u.test(tag)) {
    refuse(`"${text}" is no tag: a word of letters, digits and . _ : / -, at most 64 of them`);
  }
  return tag;
}
