// Two habits of the SQLite that Postfix is linked with, which ours (better-sqlite3) does not have:
//  - `WHERE name = "%s"`: a double-quoted word that is no column is a string. Many people's queries rest on it;
//  - text after the first statement is ignored.
// Both are brought about in the query's text. Opening the file with a second copy of SQLite that has them would not
// do: two copies in one process undo each other's locks on a file (sqlite.org, "How To Corrupt").

const token = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?\*\/|;|[^'"`[;\-/]+|./gs;
const unknownColumn = /^no such column: "(.*)" - should this be a string literal in single-quotes\?$/s;

export function firstStatement(sql: string): string {
  if (!sql.includes(';')) return sql;
  let end = 0;
  for (const [text] of sql.matchAll(token)) {
    if (text === ';') break;
    end += text.length;
  }
  return sql.slice(0, end);
}

/** The query with the word that the error names as a string; undefined where the error says something else. */
export function withStringFor(error: string, sql: string): string | undefined {
  const name = unknownColumn.exec(error)?.[1];
  if (name === undefined) return undefined;
  const changed = sql.replace(token, (text) => {
    const isNamed = text.startsWith('"') && text.slice(1, -1).replaceAll('""', '"') === name;
    return isNamed ? `'${name.replaceAll("'", "''")}'` : text;
  });
  return changed === sql ? undefined : changed;
}
