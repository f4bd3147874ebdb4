// Where a placeholder stands in a query, and what makes a value safe there, in each dialect.

import { describe, expect, test } from 'vitest';
import { KeyTemplates } from '../key-templates.ts';
import { quoteSqlValue, readSqlTemplate, type SqlMode } from './sql-quoting.ts';

const mysql: SqlMode = { dialect: 'mysql', backslashEscapes: true, doubleQuotesAreNames: false };
const mysqlNoBackslash: SqlMode = { ...mysql, backslashEscapes: false };
const mysqlAnsi: SqlMode = { ...mysql, doubleQuotesAreNames: true };
const pgsql: SqlMode = { dialect: 'pgsql', backslashEscapes: false, doubleQuotesAreNames: true };
const sqlite: SqlMode = { dialect: 'sqlite', backslashEscapes: false, doubleQuotesAreNames: true };

function query(mode: SqlMode, text: string, key: string): string {
  const templates = new KeyTemplates('sql:test');
  const template = templates.parseQuery(text);
  const { places } = readSqlTemplate(template, mode);
  return templates.expandQuery(template, key, (value, index) => quoteSqlValue(value, places[index]!)) ?? '';
}

const nasty = `a'b"c\\d\`e\n$f`;

describe('in quotes', () => {
  test.each<[string, SqlMode, string, string]>([
    ['mysql', mysql, "'%s'", `'a''b"c\\\\d\`e\n$f'`],
    ['mysql', mysql, '"%s"', `"a'b""c\\\\d\`e\n$f"`],
    ['mysql, no backslash', mysqlNoBackslash, "'%s'", `'a''b"c\\d\`e\n$f'`],
    ['mysql, no backslash', mysqlNoBackslash, '"%s"', `"a'b""c\\d\`e\n$f"`],
    ['mysql, ANSI quotes', mysqlAnsi, '"%s"', `"a'b""c\\d\`e\n$f"`],
    ['mysql', mysql, '`%s`', `\`a'b"c\\d\`\`e\n$f\``],
    ['pgsql', pgsql, "'%s'", `'a''b"c\\d\`e\n$f'`],
    ['pgsql', pgsql, "E'%s'", `E'a''b"c\\\\d\`e\n$f'`],
    ['pgsql', pgsql, 'x = "%s"', `x = "a'b""c\\d\`e\n$f"`],
    ['sqlite', sqlite, "'%s'", `'a''b"c\\d\`e\n$f'`],
    ['sqlite', sqlite, '"%s"', `"a'b""c\\d\`e\n$f"`],
  ])('%s: %3$s', (_name, mode, text, expected) => expect(query(mode, text, nasty)).toBe(expected));
});

describe('the place is found past what looks like quotes', () => {
  test.each<[SqlMode, string, string]>([
    [mysql, "'it\\'s' = '%s'", "'it\\'s' = ''''"],
    [mysql, "'it''s' = '%s'", "'it''s' = ''''"],
    [mysql, `"'" = '%s'`, `"'" = ''''`],
    [mysql, "1 /* ' */ = '%s'", "1 /* ' */ = ''''"],
    [mysql, "1 -- it's\n = '%s'", "1 -- it's\n = ''''"],
    [mysql, "1 # it's\n = '%s'", "1 # it's\n = ''''"],
    [mysql, "5--'%s'", "5--''''"],
    [pgsql, "$$it's$$ = '%s'", "$$it's$$ = ''''"],
    [pgsql, "$a$it's$$$a$ = '%s'", "$a$it's$$$a$ = ''''"],
    [pgsql, "'\\' = '%s'", "'\\' = ''''"],
    [pgsql, "E'\\'' = '%s'", "E'\\'' = ''''"],
    [pgsql, "LIKE'%s'", "LIKE''''"],
    [sqlite, "1 --it's\n = '%s'", "1 --it's\n = ''''"],
  ])('%# %s', (mode, text, expected) => expect(query(mode, text, "'")).toBe(expected));
});

describe('where nothing can be escaped', () => {
  test.each<[SqlMode, string]>([
    [mysql, 'id = %s'],
    [mysql, '1 /* %s */'],
    [mysql, '1 -- %s'],
    [pgsql, '1 --%s'],
    [sqlite, 'SELECT %s'],
  ])('%# only names and numbers stand: %s', (mode, text) => {
    expect(query(mode, text, '42')).toContain('42');
    for (const key of ["'", '1 OR 1=1', '*/ 1', '1\n', '1;2', '1--', 'a-b', '"', 'ä']) {
      expect(() => query(mode, text, key)).toThrow('outside quotes');
    }
  });
  test('dollar quotes', () => {
    expect(query(pgsql, '$$%s$$', "it's \\")).toBe("$$it's \\$$");
    expect(() => query(pgsql, '$a$%s$a$', '$a$; DROP')).toThrow('$ quotes');
  });
});

describe('what may be sent with others', () => {
  const statements = (mode: SqlMode, text: string): string =>
    readSqlTemplate(new KeyTemplates('sql:test').parseQuery(text), mode).statements;
  test.each<[string, string]>([
    ["SELECT a FROM t WHERE b='%s'", 'one-select'],
    ["\n select a FROM t WHERE b='%s' AND c=';#--/*'", 'one-select'],
    ["SELECT a FROM t WHERE b='%s';", 'one-select'],
    ["SELECT a FROM t WHERE b='%s'; -- done", 'one-select'],
    ["SELECT a FROM t WHERE b='%s' # all", 'one'],
    ["SELECT a FROM t WHERE b='%s' -- all", 'one'],
    ["SELECT a /*! , b */ FROM t WHERE b='%s'", 'one'],
    ["SELECT a FROM t WHERE b='%s", 'one'],
    ["CALL find('%s')", 'one'],
    ["UPDATE t SET a=1 WHERE b='%s'", 'one'],
    ["SELECT a FROM t; SELECT b FROM t WHERE c='%s'", 'several'],
    ["SELECT a FROM t WHERE b='%s';;", 'several'],
    ["SELECT a FROM t WHERE b='%s'; /*! DROP TABLE t */", 'several'],
    ['SELECT a FROM t WHERE b=1; %s', 'several'],
  ])('%s: %s', (text, expected) => expect(statements(mysql, text)).toBe(expected));
});
