// The triggers that note changes, for PostgreSQL. The state's row is locked before the first row is touched (a trigger before
// the statement): who changes rows and who reads on after them wait in one order, and no deadlock comes of it. One transaction
// has one revision. The functions run with the rights of who made them, so that an account that may only change a password
// leaves its note all the same.

import type { TableShape } from '../server/table-shape.ts';

/** What a transaction is known by: its number alone may be given again by a server that was restored. */
const writer = "txid_current()::text || ' ' || extract(epoch FROM now())::text";
const isNode = "coalesce(current_setting('posthaste.node', true), '') = 'on'";
const stamp = 'floor(random() * 9007199254740991)::bigint';

const functions = [
  `CREATE OR REPLACE FUNCTION note_statement() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF ${isNode} THEN RETURN NULL; END IF;
  UPDATE change_state SET "revision" = "revision" + 1, "stamp" = ${stamp}, "writer" = ${writer}
    WHERE "id" = 1 AND "writer" <> ${writer};
  -- Also where no row follows: who stands at this revision looks for it in the log.
  IF FOUND THEN
    INSERT INTO change_log ("revision", "stamp", "tbl", "row_key")
      SELECT "revision", "stamp", '', '[]' FROM change_state WHERE "id" = 1;
  END IF;
  IF TG_OP = 'TRUNCATE' THEN UPDATE change_state SET "pruned" = "revision" WHERE "id" = 1; END IF;
  RETURN NULL;
END $$`,
  `CREATE OR REPLACE FUNCTION note_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  old_key text;
  new_key text;
BEGIN
  IF ${isNode} THEN RETURN NULL; END IF;
  IF TG_OP <> 'INSERT' THEN
    SELECT json_agg(to_jsonb(OLD) -> k ORDER BY n)::text INTO old_key FROM unnest(TG_ARGV) WITH ORDINALITY AS u (k, n);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    SELECT json_agg(to_jsonb(NEW) -> k ORDER BY n)::text INTO new_key FROM unnest(TG_ARGV) WITH ORDINALITY AS u (k, n);
  END IF;
  INSERT INTO change_log ("revision", "stamp", "tbl", "row_key")
    SELECT "revision", "stamp", TG_TABLE_NAME, k FROM change_state,
      (SELECT new_key AS k WHERE new_key IS NOT NULL
       UNION SELECT old_key WHERE old_key IS NOT NULL) AS keys
    WHERE "id" = 1;
  RETURN NULL;
END $$`,
  `CREATE OR REPLACE FUNCTION note_id() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF ${isNode} THEN RETURN NEW; END IF;
  IF coalesce(NEW."id", 0) = 0 THEN
    UPDATE change_sequence SET "value" = "value" + 1 WHERE "name" = TG_TABLE_NAME RETURNING "value" INTO NEW."id";
  ELSE
    UPDATE change_sequence SET "value" = NEW."id" WHERE "name" = TG_TABLE_NAME AND "value" < NEW."id";
  END IF;
  RETURN NEW;
END $$`,
];

/** Whose names the functions mean, whoever calls them (CREATE FUNCTION, "Writing SECURITY DEFINER Functions Safely"). */
const path = `DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION note_statement() SET search_path = %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION note_row() SET search_path = %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION note_id() SET search_path = %I, pg_temp', current_schema());
END $$`;

export function postgresNotes(shapes: readonly TableShape[]): string[] {
  return [...functions, path, ...shapes.flatMap(triggers)];
}

function triggers({ name, key, hasSequence }: TableShape): string[] {
  const columns = key.map((column) => `'${column}'`).join(', ');
  const each = ['note_before', 'note_truncate', 'note_after', 'note_id'];
  return [
    ...each.map((trigger) => `DROP TRIGGER IF EXISTS ${trigger} ON "${name}"`),
    `CREATE TRIGGER note_before BEFORE INSERT OR UPDATE OR DELETE ON "${name}"
       FOR EACH STATEMENT EXECUTE FUNCTION note_statement()`,
    `CREATE TRIGGER note_truncate BEFORE TRUNCATE ON "${name}" FOR EACH STATEMENT EXECUTE FUNCTION note_statement()`,
    `CREATE TRIGGER note_after AFTER INSERT OR UPDATE OR DELETE ON "${name}"
       FOR EACH ROW EXECUTE FUNCTION note_row(${columns})`,
    ...(hasSequence
      ? [`CREATE TRIGGER note_id BEFORE INSERT ON "${name}" FOR EACH ROW EXECUTE FUNCTION note_id()`]
      : []),
  ];
}
