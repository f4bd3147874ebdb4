// Takes a CSV text apart into rows of cells (RFC 4180): `"` around a cell that holds separators, quotes (doubled) or line
// ends. What separates is told from the first line: a comma, else a semicolon, else a tab.

export interface CsvCells {
  /** The first line of the row, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** A row without an end is cut: a quote that is never closed would take the whole file. */
const maxRowLength = 1 << 20;

export async function* csvRows(chunks: AsyncIterable<string>): AsyncGenerator<CsvCells> {
  let separator: string | undefined;
  let text = '';
  let line = 1;
  let isFirst = true;
  for await (const chunk of chunks) {
    text += isFirst ? chunk.replace(/^\uFEFF/, '') : chunk;
    isFirst = false;
    for (;;) {
      const end = endOfRow(text);
      if (end === -1 && text.length <= maxRowLength) break;
      const row = text.slice(0, end === -1 ? maxRowLength : end);
      separator ??= separatorOf(row);
      yield { line, cells: cellsOf(row.replace(/\r$/, ''), separator) };
      text = text.slice(row.length + 1);
      line += row.split('\n').length;
    }
  }
  if (text !== '') yield { line, cells: cellsOf(text.replace(/\r$/, ''), separator ?? separatorOf(text)) };
}

/** The line feed that ends the first row: one outside quotes. */
function endOfRow(text: string): number {
  for (let at = text.indexOf('\n'), quotes = 0, from = 0; at !== -1; from = at, at = text.indexOf('\n', at + 1)) {
    for (let quote = text.indexOf('"', from); quote !== -1 && quote < at; quote = text.indexOf('"', quote + 1))
      quotes++;
    if (quotes % 2 === 0) return at;
  }
  return -1;
}

function separatorOf(row: string): string {
  return [',', ';', '\t'].find((one) => row.includes(one)) ?? ',';
}

function cellsOf(row: string, separator: string): string[] {
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    let cell = '';
    if (row[at] === '"') {
      at++;
      for (;;) {
        const quote = row.indexOf('"', at);
        cell += row.slice(at, quote === -1 ? row.length : quote);
        at = quote === -1 ? row.length : quote + 1;
        if (row[at] !== '"') break;
        cell += '"';
        at++;
      }
    }
    const end = row.indexOf(separator, at);
    cells.push(cell + row.slice(at, end === -1 ? row.length : end));
    if (end === -1) return cells;
    at = end + 1;
  }
}
