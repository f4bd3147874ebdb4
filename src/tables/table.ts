// What every lookup table is (Postfix DATABASE_README): a key goes in, one of three outcomes comes out.
// Found and not found are values; "could not find out" is the exception TemporaryError, which stops the
// search and becomes a 4xx reply or a deferral.

export interface Found {
  readonly kind: 'found';
  readonly value: string;
  /** Where the row stands, for explain: `/etc/postfix/virtual:12`, `directory:virtual-aliases row 17`. */
  readonly source?: string;
}

export interface NotFound {
  readonly kind: 'not-found';
  /** For explain, where somebody has decided so. */
  readonly reason?: string;
}

export type LookupResult = Found | NotFound;

export const notFound: NotFound = { kind: 'not-found' };

/**
 * `fixed` tables match whole keys and may be asked with partial keys (`user`, `@domain`, parents);
 * `pattern` tables (regexp, pcre, cidr, tcp, socketmap ...) are asked only with the full key.
 */
export type TableKind = 'fixed' | 'pattern';

export interface Table {
  /** `type:name` as written in the configuration. */
  readonly name: string;
  readonly kind: TableKind;
  /**
   * Fixed-key tables fold the key themselves. `decision` is who asks, where one asks several: what has to be compared with a
   * server first is compared for it once. Throws TemporaryError where the answer cannot be found out.
   */
  lookup(key: string, decision?: object): Promise<LookupResult>;
  /** True: a server is asked, and several questions at once cost it hardly more than one. */
  readonly isServed?: boolean;
  /** True: it has no row at present, so nobody needs to make keys for it. Throws TemporaryError. */
  isVoid?(): boolean;
  /** All rows, for `postmap -s`; only types that Postfix can list have it. Throws TemporaryError. */
  entries?(): AsyncIterable<TableRow>;
  /**
   * For `compare`: every key that can be found, perhaps with some that cannot; undefined where that cannot be told.
   * Tables with `entries` need none. Throws TemporaryError.
   */
  keys?(): Promise<readonly string[] | undefined>;
  /** Stops watching files and closes connections. */
  close?(): void;
}

export interface TableRow {
  readonly key: string;
  readonly value: string;
}

/** Opens the part of `type:name` that follows the first colon. Throws SettingsError-like errors for bad syntax. */
export type TableOpener = (name: string, registry: TableRegistry, options?: OpenOptions) => Table;

export interface OpenOptions {
  /**
   * False: pcre: and regexp: rules whose result takes text from the key (`$1`) are left out, because the parameter
   * names programs, files or transports and the key is a stranger's (Postfix's DICT_FLAG_NO_REGSUB).
   */
  readonly allowsSubstitution?: boolean;
}

/** All table types by name; the composition root fills it, so that `directory:` needs no upward import. */
export interface TableRegistry {
  /** Opens `type:name` (one table, not a list); the same instance for the same text. */
  open(typeAndName: string, options?: OpenOptions): Table;
}

/**
 * Tables whose rows can change between two lookups of one decision (the directory, text files) say with a
 * number at which revision they stand. A decision that saw two revisions is made again (routing/decide.ts).
 */
export interface RevisionSource {
  revision(): number;
  /** To be awaited before the number, where it is not undefined: what is elsewhere has then been compared. */
  fresh?(decision?: object): Promise<void> | undefined;
}
