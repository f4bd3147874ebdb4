// Makes a value safe inside an SQL query template. The writer of the query supplies the quotes (mysql_table(5)), as in
// `WHERE alias = '%u@%d'`, so values are escaped into the text: a bound parameter could not stand inside a literal.
//
// Postfix escapes for a single-quoted literal wherever the placeholder stands, and a `"%s"`, an unquoted `%u` or a
// PostgreSQL `E'%s'` then lets a stranger's localpart break out of the query. Here the template is read once, the
// way the server reads it, and each value is escaped for the place where it stands; where no escaping exists
// (unquoted, in a comment) a value that could be more than a name or a number is not asked at all.

export type SqlDialect = 'mysql' | 'pgsql' | 'sqlite';

/** What a server's session says about its literals. */
export interface SqlMode {
  readonly dialect: SqlDialect;
  /** A backslash in '...' escapes: MySQL unless NO_BACKSLASH_ESCAPES, PostgreSQL unless standard_conforming_strings. */
  readonly backslashEscapes: boolean;
  /** "..." is a name: always, except in MySQL without ANSI_QUOTES. */
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
      // Doubling is right in every dialect and kind of literal; MySQL's `\n` is not, in PostgreSQL's U&'...'.
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

export interface TemplateReading {
  /** One for each placeholder. */
  readonly places: readonly SqlPlace[];
  /** `one-select` is one that another may follow: it is complete, and has no comment that could hide what follows. */
  readonly statements: 'one-select' | 'one' | 'several';
  /** How many characters at the template's end are its `;` and what stands behind it. */
  readonly ending: number;
}

/** Texts and placeholders in turn: texts[0], placeholders[0], texts[1] ... texts[n]. */
interface SqlTemplate {
  readonly texts: readonly string[];
  readonly placeholders: readonly unknown[];
}

/** Reads the template as a server in this mode would. */
export function readSqlTemplate(template: SqlTemplate, mode: SqlMode): TemplateReading {
  const scanner = new SqlScanner(mode);
  const places = template.placeholders.map((_placeholder, index) => {
    scanner.read(template.texts[index] ?? '');
    return scanner.place();
  });
  const last = template.texts.at(-1) ?? '';
  // A value that stands behind a `;` is one more statement, or its own trouble.
  const isAlreadyOver = scanner.end !== undefined;
  scanner.read(last);
  if (isAlreadyOver || scanner.hasSeveral) return { places, statements: 'several', ending: 0 };
  const isSelect = /^\s*select\b/i.test(template.texts[0] ?? '');
  const ending = scanner.end === undefined ? 0 : last.length - scanner.end;
  return { places, statements: isSelect && scanner.isComplete ? 'one-select' : 'one', ending };
}

type State =
  | { readonly kind: 'code' }
  | { readonly kind: 'quoted'; readonly quote: string; readonly backslashEscapes: boolean }
  | { readonly kind: 'until'; readonly end: string; readonly isDollar: boolean };

const code: State = { kind: 'code' };

class SqlScanner {
  readonly #mode: SqlMode;
  #state: State = code;
  #end: number | undefined;
  #hasComment = false;
  #hasSeveral = false;

  constructor(mode: SqlMode) {
    this.#mode = mode;
  }

  /** Where the first `;` stands in the text that was being read then. */
  get end(): number | undefined {
    return this.#end;
  }

  /** A statement stands behind a `;`. */
  get hasSeveral(): boolean {
    return this.#hasSeveral;
  }

  /** Up to the `;`, where there is one. */
  get isComplete(): boolean {
    return (this.#state === code || this.#end !== undefined) && !this.#hasComment;
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
    const comment = this.#stepIntoComment(text, at);
    if (comment !== undefined) return comment;
    const sign = text[at] ?? '';
    if (this.#end !== undefined && /\S/.test(sign)) this.#hasSeveral = true;
    if (sign === ';') {
      this.#end ??= at;
    } else if (sign === "'") {
      const escapes = backslashEscapes || (dialect === 'pgsql' && /(^|[^\w$])(e|u&)$/i.test(text.slice(0, at)));
      this.#state = { kind: 'quoted', quote: sign, backslashEscapes: escapes };
    } else if (sign === '"') {
      this.#state = { kind: 'quoted', quote: sign, backslashEscapes: backslashEscapes && !doubleQuotesAreNames };
    } else if (sign === '`' && dialect !== 'pgsql') {
      this.#state = { kind: 'quoted', quote: sign, backslashEscapes: false };
    } else if (sign === '$' && dialect === 'pgsql') {
      const tag = /^\$([A-Za-z_]\w*)?\$/.exec(text.slice(at))?.[0];
      if (tag === undefined) return at + 1;
      this.#until(tag, true);
      return at + tag.length;
    }
    return at + 1;
  }

  #stepIntoComment(text: string, at: number): number | undefined {
    const { dialect } = this.#mode;
    const isToLineEnd =
      (text[at] === '#' && dialect === 'mysql') ||
      (text.startsWith('--', at) && (dialect !== 'mysql' || /^\s/.test(text[at + 2] ?? ' ')));
    if (!isToLineEnd && !text.startsWith('/*', at)) return undefined;
    if (this.#end === undefined) this.#hasComment = true;
    // MySQL runs what stands in `/*! ... */`.
    else if (text.startsWith('/*!', at) || text.startsWith('/*M!', at)) this.#hasSeveral = true;
    this.#until(isToLineEnd ? '\n' : '*/');
    return at + (isToLineEnd ? 1 : 2);
  }

  #until(end: string, isDollar = false): void {
    this.#state = { kind: 'until', end, isDollar };
  }
}
