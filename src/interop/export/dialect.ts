// The words in which the three databases differ, for the views and queries that other programs are given. All of it is
// text that Postfix's mysql:, pgsql: and sqlite: tables (3.7 and later) and Dovecot's SQL take; no query holds a `%`.

import type { ExtensionRules } from '../../address/extension.ts';

export type Driver = 'sqlite' | 'mysql' | 'pgsql';

export const drivers = ['mysql', 'pgsql', 'sqlite'] as const satisfies readonly Driver[];

export interface Dialect {
  readonly driver: Driver;
  readonly concat: (...parts: readonly string[]) => string;
  /** Where the character stands, from 1; 0: nowhere. */
  readonly position: (text: string, character: string) => string;
  readonly left: (text: string, length: string) => string;
  readonly length: (text: string) => string;
  readonly smallest: (...numbers: readonly string[]) => string;
  /** Text of one type for the columns of a recursive query, whose width its first rows would decide. */
  readonly wide: (text: string) => string;
  /** The backslash, which some servers read as an escape inside quotes and some do not. */
  readonly backslash: string;
  /** What stands behind the last `@` of a key of Postfix's, also where there is none. */
  readonly keyDomain: string;
  /** A text column as a whole number. */
  readonly number: (text: string) => string;
  /** What `CREATE` needs so that the view is made with its owner's rights and replaces the one before. */
  readonly createView: (name: string) => string;
}

const standard = {
  concat: (...parts: readonly string[]) => `(${parts.join(' || ')})`,
  left: (text: string, length: string) => `LEFT(${text}, ${length})`,
  length: (text: string) => `CHAR_LENGTH(${text})`,
  smallest: (...numbers: readonly string[]) =>
    numbers.length === 1 ? `${numbers[0]}` : `LEAST(${numbers.join(', ')})`,
};

export const dialects: Readonly<Record<Driver, Dialect>> = {
  sqlite: {
    driver: 'sqlite',
    ...standard,
    position: (text, character) => `instr(${text}, ${character})`,
    left: (text, length) => `substr(${text}, 1, ${length})`,
    length: (text) => `length(${text})`,
    smallest: (...numbers) => (numbers.length === 1 ? `${numbers[0]}` : `min(${numbers.join(', ')})`),
    wide: (text) => text,
    backslash: 'char(92)',
    // What is cut off from the right is whatever is no `@`.
    keyDomain: "substr('%s', length(rtrim('%s', replace('%s', '@', ''))) + 1)",
    number: (text) => `CAST(${text} AS INTEGER)`,
    createView: (name) => `CREATE VIEW ${name} AS`,
  },
  mysql: {
    driver: 'mysql',
    ...standard,
    concat: (...parts) => `CONCAT(${parts.join(', ')})`,
    position: (text, character) => `INSTR(${text}, ${character})`,
    // Of the columns' collation: two that differ cannot be compared.
    wide: (text) => `CAST(${text} AS CHAR(330) CHARACTER SET utf8mb4) COLLATE utf8mb4_nopad_bin`,
    backslash: 'CHAR(92 USING utf8mb4)',
    keyDomain: "SUBSTRING_INDEX('%s', '@', -1)",
    number: (text) => `CAST(${text} AS SIGNED)`,
    createView: (name) => `CREATE OR REPLACE SQL SECURITY DEFINER VIEW ${name} AS`,
  },
  pgsql: {
    driver: 'pgsql',
    ...standard,
    position: (text, character) => `strpos(${text}, ${character})`,
    wide: (text) => `CAST(${text} AS text)`,
    backslash: 'chr(92)',
    keyDomain: "regexp_replace('%s', '^.*@', '')",
    number: (text) => `CAST(${text} AS bigint)`,
    createView: (name) => `CREATE VIEW ${name} AS`,
  },
};

/** A localpart's part before its extension, and the extension with its delimiter; both NULL where it has none. */
export interface ExtensionSql {
  bare(localpart: string): string;
  extension(localpart: string): string;
}

/** As address/extension.ts splits an external localpart, written in SQL. */
export function extensionSql(dialect: Dialect, rules: ExtensionRules): ExtensionSql {
  const characters = rules.delimiters.split('').filter((one) => !/[%'\\]/.test(one));
  if (characters.length === 0) return { bare: () => 'NULL', extension: () => 'NULL' };
  const at = (localpart: string): string => {
    const places = characters.map((one) => dialect.position(localpart, `'${one}'`));
    if (places.length === 1) return places[0] as string;
    return dialect.smallest(...places.map((place) => `CASE ${place} WHEN 0 THEN 999 ELSE ${place} END`));
  };
  const isSplit = (localpart: string): string => {
    const never = ['postmaster', 'mailer-daemon', rules.doubleBounceSender.toLowerCase()].map((one) => `'${one}'`);
    const tests = [
      `${at(localpart)} BETWEEN 2 AND 998`,
      `${dialect.left(localpart, '1')} <> '"'`,
      `${localpart} NOT IN (${never.join(', ')})`,
    ];
    if (characters.includes('-') && rules.ownerRequestSpecial) {
      tests.push(`${dialect.left(localpart, '6')} <> 'owner-'`);
      tests.push(`substr(${localpart}, ${dialect.length(localpart)} - 7) <> '-request'`);
    }
    return tests.join(' AND ');
  };
  const when = (localpart: string, value: string): string => `CASE WHEN ${isSplit(localpart)} THEN ${value} END`;
  return {
    bare: (localpart) => when(localpart, dialect.left(localpart, `${at(localpart)} - 1`)),
    extension: (localpart) => when(localpart, `substr(${localpart}, ${at(localpart)})`),
  };
}

/** The localpart of the key in a query of Postfix's: empty for `@domain`; the query is not asked for a bare name. */
export function keyLocalpart(dialect: Dialect): string {
  return dialect.left("'%s'", `${dialect.length("'%s'")} - ${dialect.length("'%d'")} - 1`);
}
