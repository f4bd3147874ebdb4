// What names an object, so that it would break, or mean something else, if the object went: counts, and the first of each.

import { sql } from 'kysely';
import type { DirectoryDatabase } from './database.ts';
import { foldDomain } from './mail-address.ts';
import { parsePlace } from './sender-rights.ts';

export interface Need {
  /** As `aliases that lead there`. */
  readonly what: string;
  readonly count: number;
  /** A page of them. */
  readonly names: readonly string[];
}

export interface NeededByQuery {
  /** Names of each kind. */
  readonly limit: number;
  readonly offset: number;
}

type Query = readonly [what: string, from: ReturnType<typeof sql>, name: ReturnType<typeof sql>];

/** Of a domain: what is in it, and what elsewhere leads into it. Of an address: what names it. */
export async function neededBy(db: DirectoryDatabase, object: string, query: NeededByQuery): Promise<Need[]> {
  const queries = object.includes('@') ? ofAddress(object) : ofDomain(foldDomain(object));
  const needs: Need[] = [];
  for (const [what, from, name] of queries) {
    const { rows: counted } = await sql<{ count: number }>`SELECT count(*) AS count FROM ${from}`.execute(db);
    const count = Number(counted[0]?.count ?? 0);
    if (count === 0) continue;
    const { rows } = await sql<{ name: string }>`
      SELECT ${name} AS name FROM ${from} ORDER BY 1 LIMIT ${query.limit} OFFSET ${query.offset}`.execute(db);
    needs.push({ what, count, names: rows.map((row) => row.name) });
  }
  return needs;
}

function ofAddress(object: string): Query[] {
  const { localpart, domain } = parsePlace(object);
  const here = (table: string) =>
    sql`${sql.ref(`${table}.domain`)} = ${domain} AND ${sql.ref(`${table}.localpart`)} = ${localpart}`;
  return [
    ['aliases that lead there', sql`alias_target t JOIN alias a ON a.id = t.alias_id WHERE ${here('t')}`, sql`a.shown`],
    [
      'mailboxes that are forwarded there',
      sql`mailbox_forward f JOIN mailbox m ON m.id = f.mailbox_id WHERE ${here('f')} AND m.tombstone = 0`,
      sql`m.shown`,
    ],
    [
      'lists that it is a member, an owner or a poster of',
      sql`list_person p JOIN list l ON l.id = p.list_id WHERE ${here('p')}`,
      sql`l.shown || ' (' || p.role || ')'`,
    ],
    [
      'aliases that only it and others may write to',
      sql`alias_poster p JOIN alias a ON a.id = p.alias_id WHERE ${here('p')}`,
      sql`a.shown`,
    ],
    ['logins that may, or may not, send as it', sql`sender_right r WHERE ${here('r')}`, sql`r.login`],
    [
      'addresses that its login may, or may not, send as',
      sql`sender_right r WHERE r.login = ${`${localpart}@${domain}`}`,
      sql`r.shown`,
    ],
    ['transports', sql`transport r WHERE ${here('r')}`, sql`r.transport`],
    ['copies of its mail', sql`bcc r WHERE ${here('r')}`, sql`r.side || ' ' || r.address`],
    [
      'copies that go there',
      sql`bcc r WHERE r.address = ${`${localpart}@${domain}`}`,
      sql`r.side || ' ' || r.localpart || '@' || r.domain`,
    ],
    [
      'app passwords',
      sql`app_password p JOIN mailbox m ON m.id = p.mailbox_id JOIN domain d ON d.id = m.domain_id
          WHERE d.name = ${domain} AND m.localpart = ${localpart} AND m.tombstone = 0 AND d.tombstone = 0`,
      sql`p.name`,
    ],
  ];
}

function ofDomain(domain: string): Query[] {
  const inside = (table: string, living = sql``) =>
    sql`${sql.table(table)} o JOIN domain d ON d.id = o.domain_id WHERE d.name = ${domain} AND d.tombstone = 0 ${living}`;
  return [
    [
      'alias domains',
      sql`domain o JOIN domain d ON d.id = o.target_id WHERE d.name = ${domain} AND o.tombstone = 0 AND d.tombstone = 0`,
      sql`o.name`,
    ],
    ['mailboxes', inside('mailbox', sql`AND o.tombstone = 0`), sql`o.shown`],
    ['aliases', inside('alias'), sql`o.shown`],
    ['lists', inside('list'), sql`o.shown`],
    ['relay recipients', inside('relay_recipient'), sql`o.shown`],
    [
      'aliases of other domains that lead into it',
      sql`alias_target t JOIN alias a ON a.id = t.alias_id JOIN domain d ON d.id = a.domain_id
          WHERE t.domain = ${domain} AND d.name <> ${domain} AND d.tombstone = 0`,
      sql`a.shown || ' \u2192 ' || t.address`,
    ],
    [
      'mailboxes of other domains that are forwarded into it',
      sql`mailbox_forward f JOIN mailbox m ON m.id = f.mailbox_id JOIN domain d ON d.id = m.domain_id
          WHERE f.domain = ${domain} AND d.name <> ${domain} AND m.tombstone = 0`,
      sql`m.shown || ' \u2192 ' || f.address`,
    ],
    [
      'people of it on lists of other domains',
      sql`list_person p JOIN list l ON l.id = p.list_id JOIN domain d ON d.id = l.domain_id
          WHERE p.domain = ${domain} AND d.name <> ${domain}`,
      sql`l.shown || ': ' || p.address`,
    ],
    ['grants and denials to send', sql`sender_right r WHERE r.domain = ${domain}`, sql`r.shown || ' ' || r.login`],
    ['transports', sql`transport r WHERE r.domain = ${domain}`, sql`r.transport`],
    ['copies of its mail', sql`bcc r WHERE r.domain = ${domain}`, sql`r.side || ' ' || r.address`],
  ];
}
