// All lookup tables of one configuration (Postfix DATABASE_README): opens `type:name` once each, knows which types
// exist, unwraps `proxy:`, and tells by one number whether any row has changed.
// The composition root registers the types that live higher in the house (`directory:`).

import { resolve } from 'node:path';
import { ProgramLog, type Log } from '../lib/log.ts';
import { openInlineTable } from './inline-table.ts';
import { openFailTable, openStaticTable } from './static-table.ts';
import type { RevisionSource, Table, TableOpener, TableRegistry } from './table.ts';
import { TableError } from './table-error.ts';
import { TextTable } from './text-table.ts';
import { openUnixTable } from './unix-table.ts';

export interface TablesOptions {
  readonly log: Log;
  /** Watches files and follows their changes; a command that runs and ends does without. */
  readonly isWatching: boolean;
  /** The value of proxy_read_maps, expanded and split: only tables named there may be opened through `proxy:`. */
  readonly proxyReadMaps?: readonly string[];
  /** Further types. */
  readonly openers?: Readonly<Record<string, TableOpener>>;
  /** Who else's rows may change between two lookups: the directory. */
  readonly revisionSources?: readonly RevisionSource[];
}

const laterTypes = new Set(
  'btree cdb dbm lmdb sdbm mysql pgsql sqlite ldap pcre regexp cidr unionmap pipemap randmap tcp socketmap memcache nis environ internal'.split(
    ' ',
  ),
);

export class Tables implements TableRegistry, RevisionSource {
  readonly #options: TablesOptions;
  readonly #log: ProgramLog;
  readonly #openers = new Map<string, TableOpener>();
  readonly #tables = new Map<string, Table>();
  readonly #textTables: TextTable[] = [];
  readonly #sources: readonly RevisionSource[];
  #changes = 0;

  constructor(options: TablesOptions) {
    this.#options = options;
    this.#log = new ProgramLog(options.log, 'postfix/tables');
    this.#sources = options.revisionSources ?? [];
    this.#openers.set('inline', openInlineTable);
    this.#openers.set('static', openStaticTable);
    this.#openers.set('fail', openFailTable);
    this.#openers.set('unix', openUnixTable);
    this.#openers.set('texthash', (name) => this.#openText('texthash', name));
    this.#openers.set('hash', (name) => this.#openText('hash', name));
    this.#openers.set('proxy', (name) => this.#openProxied(name));
    for (const [type, opener] of Object.entries(options.openers ?? {})) this.#openers.set(type, opener);
  }

  open(typeAndName: string): Table {
    const known = this.#tables.get(typeAndName);
    if (known !== undefined) return known;
    const colon = typeAndName.indexOf(':');
    const type = typeAndName.slice(0, colon);
    if (colon <= 0 || colon === typeAndName.length - 1) {
      throw new TableError(`"${typeAndName}": expecting "type:name" form`);
    }
    const opener = this.#openers.get(type);
    if (opener === undefined) throw new TableError(this.#unknownType(typeAndName, type));
    const table = opener(typeAndName.slice(colon + 1), this);
    this.#tables.set(typeAndName, table);
    return table;
  }

  /** Changes whenever a row of a text table or of the directory may have. */
  revision(): number {
    let sum = this.#changes;
    for (const source of this.#sources) sum += source.revision();
    return sum;
  }

  /** Resolves when every text table that is open has been read. */
  async ready(): Promise<void> {
    for (const table of this.#textTables) await table.ready();
  }

  close(): void {
    for (const table of new Set(this.#tables.values())) table.close?.();
    this.#tables.clear();
  }

  #unknownType(typeAndName: string, type: string): string {
    const types = [...this.#openers.keys()].toSorted().join(', ');
    return laterTypes.has(type)
      ? `"${typeAndName}": the table type ${type} is not supported yet (supported: ${types})`
      : `"${typeAndName}": unknown table type ${type} (supported: ${types})`;
  }

  #openText(type: 'texthash' | 'hash', name: string): Table {
    const { log } = { log: this.#log };
    const onChange = (): void => {
      this.#changes++;
    };
    const table = new TextTable({ type, path: resolve(name), isWatched: this.#options.isWatching, log, onChange });
    this.#textTables.push(table);
    return table;
  }

  /** proxymap(8) serves only what proxy_read_maps lists; a table that it refuses cannot be asked. */
  #openProxied(name: string): Table {
    if (this.#options.proxyReadMaps?.includes(`proxy:${name}`) === false) {
      this.#log.warning(`table proxy:${name}: not listed in proxy_read_maps; every lookup in it is a temporary error`);
      return this.open(`fail:proxy:${name} is not listed in proxy_read_maps`);
    }
    return this.open(name);
  }
}
