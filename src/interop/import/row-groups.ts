// Rows of one key that stand one after the other become one group, also where a page ends between them.

import type { SourceRow } from './source-database.ts';

/** `keyOf` is what the pages are ordered by. */
export async function* rowGroups(
  pages: AsyncIterable<readonly SourceRow[]>,
  keyOf: (row: SourceRow) => string,
): AsyncGenerator<readonly (readonly SourceRow[])[]> {
  let open: SourceRow[] = [];
  for await (const rows of pages) {
    const groups: SourceRow[][] = [];
    for (const row of rows) {
      const [first] = open;
      if (first === undefined || keyOf(first) === keyOf(row)) open.push(row);
      else {
        groups.push(open);
        open = [row];
      }
    }
    yield groups;
  }
  if (open.length > 0) yield [open];
}
