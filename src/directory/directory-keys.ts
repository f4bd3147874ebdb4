// Every key that a table of the directory may know, for `compare`: not for the mail path.

import type { SqliteConnection, Statement } from '../database/sqlite.ts';

/**
 * Mailboxes, aliases, catch-alls (localpart '') and lists, and the same under each alias domain; `@domain` of those that
 * take every address.
 */
const addressesSql = `
  SELECT a.localpart || '@' || d.name
  FROM (SELECT domain_id, localpart FROM alias
        UNION SELECT domain_id, localpart FROM mailbox WHERE tombstone = 0
        UNION SELECT domain_id, localpart FROM list
        UNION SELECT domain_id, 'owner-' || localpart FROM list
        UNION SELECT domain_id, localpart || '-request' FROM list) a
  JOIN domain d ON d.id = a.domain_id OR d.target_id = a.domain_id
  WHERE d.tombstone = 0
  UNION SELECT '@' || d.name FROM domain d LEFT JOIN domain t ON t.id = d.target_id
  WHERE d.tombstone = 0 AND (coalesce(t.unknown_to, d.unknown_to) <> '' OR coalesce(t.kind, d.kind) = 'relay')
  UNION SELECT localpart || '@' || domain FROM sender_right`;

const placesSql = `
  SELECT CASE localpart WHEN '' THEN domain ELSE localpart || '@' || domain END FROM transport
  UNION SELECT localpart || '@' || domain FROM bcc
  UNION SELECT pattern FROM access_rule
  UNION SELECT r.localpart || '@' || d.name FROM relay_recipient r
    JOIN domain d ON d.id = r.domain_id OR d.target_id = r.domain_id WHERE d.tombstone = 0
  UNION SELECT c.localpart || '@' || d.name FROM caught_address c
    JOIN domain d ON d.id = c.domain_id OR d.target_id = c.domain_id WHERE d.tombstone = 0`;

export class DirectoryKeys {
  readonly #ask: <T>(read: () => T) => T;
  readonly #statements: readonly Statement[];

  constructor(connection: SqliteConnection, ask: <T>(read: () => T) => T) {
    this.#ask = ask;
    const all = ['SELECT name FROM domain WHERE tombstone = 0', addressesSql, placesSql];
    this.#statements = all.map((sql) => connection.prepare(sql).pluck());
  }

  all(): string[] {
    return this.#ask(() => this.#statements.flatMap((statement) => statement.all() as string[]));
  }
}
