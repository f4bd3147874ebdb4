// Moves a whole directory from one database to another, and proves at the end that every row of every table is there as it
// was. The target must be empty, and is not to be used before the proof: after an interruption the same move begins anew.

import type { SqlRow } from '../../database/server/server-session.ts';
import { DirectoryRefusedError } from '../refusal.ts';
import type { RowStore } from './row-store.ts';

export interface MovedTable {
  readonly table: string;
  readonly rows: number;
}

/** `onProgress` hears how many rows are done. Throws DirectoryRefusedError. */
export async function moveDirectory(
  source: RowStore,
  target: RowStore,
  onProgress: (what: 'copied' | 'compared', rows: number) => void,
): Promise<readonly MovedTable[]> {
  await target.beginFilling();
  let copied = 0;
  for (const shape of source.shapes) {
    for await (const rows of source.pages(shape)) {
      try {
        await target.insert(shape, rows);
      } catch (error) {
        throw new DirectoryRefusedError(
          `${target.name} does not take the rows of "${shape.name}": ${(error as Error).message}`,
        );
      }
      copied += rows.length;
      onProgress('copied', copied);
    }
  }
  const moved = await proveEqual(source, target, (rows) => onProgress('compared', rows));
  await target.endFilling(await source.sequences());
  return moved;
}

/** Row by row in the order of the keys. Throws DirectoryRefusedError that names the first difference. */
export async function proveEqual(
  one: RowStore,
  other: RowStore,
  onProgress: (rows: number) => void = () => undefined,
): Promise<readonly MovedTable[]> {
  const tables: MovedTable[] = [];
  let compared = 0;
  for (const shape of one.shapes) {
    let rows = 0;
    const theirs = eachRow(other.pages(shape));
    for await (const page of one.pages(shape)) {
      for (const row of page) {
        const { value: their } = await theirs.next();
        if (!isSame(row, their)) refuseDifference(shape.name, row, their);
      }
      rows += page.length;
      compared += page.length;
      onProgress(compared);
    }
    const { value: more } = await theirs.next();
    if (more !== undefined) refuseDifference(shape.name, undefined, more);
    tables.push({ table: shape.name, rows });
  }
  return tables;
}

async function* eachRow(pages: AsyncIterable<readonly SqlRow[]>): AsyncGenerator<SqlRow, undefined> {
  for await (const page of pages) yield* page;
  return undefined;
}

function isSame(one: SqlRow, other: SqlRow | undefined): boolean {
  return other !== undefined && one.length === other.length && one.every((value, index) => value === other[index]);
}

/** The values themselves stay out of the message: they may be passwords. */
function refuseDifference(table: string, one: SqlRow | undefined, other: SqlRow | undefined): never {
  const name = (row: SqlRow | undefined): string =>
    row === undefined ? 'nothing' : `the row that begins ${JSON.stringify(row[0])}`;
  throw new DirectoryRefusedError(
    `the table "${table}" is not the same on both sides: ${name(one)} here, ${name(other)} there; the target is not used, and nothing is lost`,
  );
}
