// The triggers that note changes, for MariaDB and MySQL: one for each row, since they know no other. They run with the rights
// of who made them, so that an account that may only change a password leaves its note all the same.

import type { TableShape } from '../server/table-shape.ts';

const bump = `
  UPDATE change_state SET "revision" = "revision" + 1, "stamp" = FLOOR(RAND() * 9007199254740991) WHERE "id" = 1;`;

export function mysqlNotes(shapes: readonly TableShape[]): string[] {
  return shapes.flatMap((shape) => [
    ...(shape.hasSequence ? idTrigger(shape) : noTrigger(shape, 'id')),
    ...trigger(shape, 'insert', note(shape, 'NEW')),
    ...trigger(shape, 'update', noteBoth(shape)),
    ...trigger(shape, 'delete', note(shape, 'OLD')),
  ]);
}

function note(shape: TableShape, row: 'NEW' | 'OLD'): string {
  return `${bump}${log(shape, row)}`;
}

function noteBoth(shape: TableShape): string {
  const changes = shape.key.map((name) => `NOT (OLD."${name}" <=> NEW."${name}")`).join(' OR ');
  return `${note(shape, 'NEW')}
  IF ${changes} THEN${log(shape, 'OLD')}
  END IF;`;
}

function log({ name, key }: TableShape, row: 'NEW' | 'OLD'): string {
  const values = key.map((column) => `${row}."${column}"`).join(', ');
  return `
  INSERT INTO change_log ("revision", "stamp", "tbl", "row_key")
    SELECT "revision", "stamp", '${name}', JSON_ARRAY(${values}) FROM change_state WHERE "id" = 1;`;
}

function trigger({ name }: TableShape, when: 'insert' | 'update' | 'delete', body: string): string[] {
  const full = `${name}_note_${when}`;
  return [
    `DROP TRIGGER IF EXISTS "${full}"`,
    `CREATE TRIGGER "${full}" AFTER ${when.toUpperCase()} ON "${name}" FOR EACH ROW
IF @posthaste_node IS NULL THEN${body}
END IF`,
  ];
}

function noTrigger({ name }: TableShape, what: string): string[] {
  return [`DROP TRIGGER IF EXISTS "${name}_note_${what}"`];
}

/** Who gives no id gets the next one. The state's row is locked first, as everywhere. */
function idTrigger(shape: TableShape): string[] {
  const { name } = shape;
  return [
    ...noTrigger(shape, 'id'),
    `CREATE TRIGGER "${name}_note_id" BEFORE INSERT ON "${name}" FOR EACH ROW
IF @posthaste_node IS NULL THEN
  UPDATE change_state SET "revision" = "revision" WHERE "id" = 1;
  IF coalesce(NEW."id", 0) = 0 THEN
    UPDATE change_sequence SET "value" = "value" + 1 WHERE "name" = '${name}';
    SET NEW."id" = (SELECT "value" FROM change_sequence WHERE "name" = '${name}');
  ELSE
    UPDATE change_sequence SET "value" = greatest("value", NEW."id") WHERE "name" = '${name}';
  END IF;
END IF`,
  ];
}
