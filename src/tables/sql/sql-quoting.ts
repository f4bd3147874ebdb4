// Makes a value safe inside an SQL query template. The writer of the query supplies the quotes (mysql_table(5)), as in
// `WHERE alias = '%u@%d'`, so values are escaped into the text: a bound parameter could not stand inside a literal.
//
// Postfix escapes for a single-quoted literal wherever the placeholder stands, and a `"%s"`, an unquoted `%u` or a
// PostgreSQL `E'%s'` then lets a stranger's localpart break out of the query. Here the template is read once, the
// way the server reads it, and each value is escaped for the place where it stands; where no escaping exists
// (unquoted, in a comment) a value that could be more than a name or a number is not asked at all.

import type { Template } from '../key-templates.ts';

export type SqlDialect = 'mysql' | 'pgsql' | 'sqlite';

/** What a server's session says about its literals. */
export interface SqlMode {
  readonly dialect: SqlDialect;
  /** A backslash in '…' escapes: MySQL unless NO_BACKSLASH_ESCAPES, PostgreSQL unless standard_conforming_strings. */
  readonly backslashEscapes: boolean;
  /** "…" is a name: always, except in MySQL without ANSI_QUOTES. */
  readonly doubleQuotesAreNames: boolean;
}

/** Where a placeholder stands: inside a literal or name that these end, or nowhere safe. */
export type SqlPlace =
  | { readonly kind: 'quoted'; readonly quote: "'" | '"' | '`'; readonly backslashEscapes: boolean }
  | { readonly kind: 'dollar-quoted' }
  | { readonly kind: 'bare' };

/** No way to put this value there safely. */
export class UnsafeSqlValue extends Error {
  override name = 'UnsafeSqlValue';
}

/** Throws UnsafeSqlValue. */
export function quoteSqlValue(value: string, place: SqlPlace): string {
  switch (place.kind) {
    case 'quoted': {
      // Doubling is right in every dialect and kind of literal; MySQL's `\n` is not, in PostgreSQL's U&'…'.
      const escaped = place.backslashEscapes ? value.replaceAll('\\', '\\\\') : value;
      return escaped.replaceAll(place.quote, place.quote + place.quote);
    }
    case 'dollar-quoted':
      if (value.includes('$')) throw new UnsafeSqlValue('the value has a $ and stands between $ quotes');
      return value;
    case 'bare':
      if (!/^[A-Za-z0-9_.@]*$/.test(value)) throw new UnsafeSqlValue('the value stands outside quotes');
      return value;
  }
}

/** Reads the template as a server in this mode would: one place for each placeholder. */
export function findSqlPlaces(template: Template, mode: SqlMode): readonly SqlPlace[] {
  const scanner = new SqlScanner(mode);
  return template.placeholders.map((_placeholder, index) => {
    scanner.read(template.texts[index] ?? '');
    return scanner.place();
  });
}

type State =
  | { readonly kind: 'code' }
  | { readonly kind: 'quoted'; readonly quote: string; readonly backslashEscapes: boolean }
  | { readonly kind: 'until'; readonly end: string; readonly isDollar: boolean };

const code: State = { kind: 'code' };

class SqlScanner {
  readonly #mode: SqlMode;
  #state: State = code;

  constructor(mode: SqlMode) {
    this.#mode = mode;
  }

  place(): SqlPlace {
    const state = this.#state;
    if (state.kind === 'quoted' && (state.quote === "'" || state.quote === '"' || state.quote === '`')) {
      return { kind: 'quoted', quote: state.quote, backslashEscapes: state.backslashEscapes };
    }
    return state.kind === 'until' && state.isDollar ? { kind: 'dollar-quoted' } : { kind: 'bare' };
  }

  read(text: string): void {
    let at = 0;
    while (at < text.length) at = this.#step(text, at);
  }

  /** A doubled quote ends a literal and begins the next: the same place either way. */
  #step(text: string, at: number): number {
    const state = this.#state;
    if (state.kind === 'quoted') {
      if (state.backslashEscapes && text[at] === '\\') return at + 2;
      if (text[at] === state.quote) this.#state = code;
      return at + 1;
    }
    if (state.kind === 'until') {
      if (!text.startsWith(state.end, at)) return at + 1;
      this.#state = code;
      return at + state.end.length;
    }
    return this.#stepInCode(text, at);
  }

  #stepInCode(text: string, at: number): number {
    const { dialect, backslashEscapes, doubleQuotesAreNames } = this.#mode;
    const sign = text[at];
    if (sign === "'") {
      const escapes = backslashEscapes || (dialect === 'pgsql' && /(^|[^\w$])(e|u&)$/i.test(text.slice(0, at)));
      this.#state = { kind: 'quoted', quote: sign, backslashEscapes: escapes };
    } else if (sign === '"') {
      this.#state = { kind: 'quoted', quote: sign, backslashEscapes: backslashEscapes && !doubleQuotesAreNames };
    } else if (sign === '`' && dialect !== 'pgsql') {
      this.#state = { kind: 'quoted', quote: sign, backslashEscapes: false };
    } else if (sign === '#' && dialect === 'mysql') {
      this.#until('\n');
    } else if (text.startsWith('--', at) && (dialect !== 'mysql' || /^\s/.test(text[at + 2] ?? ' '))) {
      this.#until('\n');
    } else if (text.startsWith('/*', at)) {
      this.#until('*/');
      return at + 2;
    } else if (sign === '$' && dialect === 'pgsql') {
      const tag = /^\$([A-Za-z_]\w*)?\$/.exec(text.slice(at))?.[0];
      if (tag === undefined) return at + 1;
      this.#until(tag, true);
      return at + tag.length;
    }
    return at + 1;
  }

  #until(end: string, isDollar = false): void {
    this.#state = { kind: 'until', end, isDollar };
  }
}
