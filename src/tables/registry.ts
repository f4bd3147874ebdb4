// All lookup tables of one configuration (Postfix DATABASE_README): opens `type:name` once each, knows which types
// exist, unwraps `proxy:`, and tells by one number whether any row has changed.
// The composition root registers the types that live higher in the house (`directory:`).

import { resolve } from 'node:path';
import { ProgramLog, type Log } from '../lib/log.ts';
import { openPipeTable, openRandomTable, openUnionTable } from './composed-tables.ts';
import { openEnvironTable } from './environ-table.ts';
import { openInlineTable } from './inline-table.ts';
import { proxiedNames, withoutProxy } from './proxied-names.ts';
import { isInline } from './rule-lines.ts';
import type { RuleBuilders } from './rule-builders.ts';
import { RuleTable, type RuleTableOptions } from './rule-table.ts';
import { serverTableOpeners, type ServerTablesOptions } from './server-tables.ts';
import { openFailTable, openStaticTable } from './static-table.ts';
import type { OpenOptions, RevisionSource, Table, TableOpener, TableRegistry } from './table.ts';
import { TableError } from './table-error.ts';
import { TextTable, type TextTableType } from './text-table.ts';
import { openUnixTable } from './unix-table.ts';

export interface TablesOptions {
  readonly log: Log;
  /** Watches files and follows their changes; a command that runs and ends does without. */
  readonly isWatching: boolean;
  /** The value of proxy_read_maps, expanded and split: only tables named there may be opened through `proxy:`. */
  readonly proxyReadMaps?: readonly string[];
  /** For `environ:`; nothing is found there without. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** A parameter's expanded value in main.cf: for `mysql:name`, whose settings are `name_hosts`, `name_query` there. */
  readonly parameter?: ServerTablesOptions['parameter'];
  /** Of the tables that ask servers; the usual ones where it is unset. */
  readonly serverLimits?: ServerTablesOptions['limits'];
  /** Further types. */
  readonly openers?: Readonly<Record<string, TableOpener>>;
  /** What the tables of `openers` stand at, whose rows may change between two lookups: the directory. */
  readonly revisionSources?: readonly RevisionSource[];
}

const laterTypes = new Set('internal'.split(' '));

const textTypes: readonly TextTableType[] = ['texthash', 'hash', 'btree', 'dbm', 'lmdb', 'cdb'];

/** Types of Postfix that we will not have, with what to do instead. */
const refusedTypes: Readonly<Record<string, string>> = {
  sdbm: 'its files can be read by no library that is kept; use lmdb, hash or texthash with the same text',
  nis: 'NIS is gone from current systems; use ldap, or a text made by ypcat(1)',
  netinfo: 'NetInfo is gone; use ldap',
  nisplus: 'NIS+ is gone; use ldap',
};

export class Tables implements TableRegistry, RevisionSource {
  readonly #options: TablesOptions;
  readonly #log: ProgramLog;
  readonly #openers = new Map<string, TableOpener>();
  readonly #tables = new Map<string, Table>();
  readonly #fileTables: { ready(): Promise<void> }[] = [];
  readonly #sources: readonly RevisionSource[];
  /** Undefined where all are. */
  readonly #proxied: ReadonlySet<string> | undefined;
  #ruleBuilders: Promise<RuleBuilders> | undefined;
  #changes = 0;
  /** A table of somebody else's is open: only those stand at the sources' revisions. */
  #asksSources = false;

  constructor(options: TablesOptions) {
    this.#options = options;
    this.#log = new ProgramLog(options.log, 'postfix/tables');
    this.#sources = options.revisionSources ?? [];
    this.#proxied = options.proxyReadMaps && proxiedNames(options.proxyReadMaps);
    this.#openers.set('inline', openInlineTable);
    this.#openers.set('static', openStaticTable);
    this.#openers.set('fail', openFailTable);
    this.#openers.set('unix', openUnixTable);
    for (const type of textTypes) this.#openers.set(type, (name) => this.#openText(type, name));
    for (const type of ['pcre', 'regexp', 'cidr'] as const) {
      this.#openers.set(type, (name, _registry, open) => this.#openRules(type, name, open));
    }
    this.#openers.set('unionmap', openUnionTable);
    this.#openers.set('pipemap', openPipeTable);
    this.#openers.set('randmap', openRandomTable);
    this.#openers.set('environ', (name) => openEnvironTable(name, options.environment ?? {}));
    this.#openers.set('proxy', (name, _registry, open) => this.#openProxied(name, open));
    const { parameter, serverLimits: limits } = options;
    const openers = { ...serverTableOpeners({ log: this.#log, parameter, limits }), ...options.openers };
    for (const [type, opener] of Object.entries(openers)) this.#openers.set(type, opener);
  }

  open(typeAndName: string, options?: OpenOptions): Table {
    const identity = options?.allowsSubstitution === false ? `${typeAndName} without substitution` : typeAndName;
    const known = this.#tables.get(identity);
    if (known !== undefined) return known;
    const colon = typeAndName.indexOf(':');
    const type = typeAndName.slice(0, colon);
    if (colon <= 0 || colon === typeAndName.length - 1) {
      throw new TableError(`"${typeAndName}": expecting "type:name" form`);
    }
    const opener = this.#openers.get(type);
    if (opener === undefined) throw new TableError(this.#unknownType(typeAndName, type));
    const table = opener(typeAndName.slice(colon + 1), this, options);
    this.#tables.set(identity, table);
    this.#asksSources ||= this.#options.openers?.[type] !== undefined;
    return table;
  }

  /** Those that can be opened, in the order of the alphabet. */
  types(): string[] {
    return [...this.#openers.keys()].toSorted();
  }

  /** Changes whenever a row of a text table or of the directory may have. */
  revision(): number {
    let sum = this.#changes;
    if (!this.#asksSources) return sum;
    for (const source of this.#sources) sum += source.revision();
    return sum;
  }

  /** Undefined where nothing has to be waited for. Rejects with TemporaryError. */
  fresh(): Promise<void> | undefined {
    if (!this.#asksSources) return undefined;
    const waits = this.#sources.map((source) => source.fresh?.()).filter((wait) => wait !== undefined);
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
  }

  /** Resolves when every text table that is open has been read. */
  async ready(): Promise<void> {
    for (const table of this.#fileTables) await table.ready();
  }

  close(): void {
    for (const table of new Set(this.#tables.values())) table.close?.();
    this.#tables.clear();
  }

  #unknownType(typeAndName: string, type: string): string {
    const refusal = refusedTypes[type];
    if (refusal !== undefined) return `"${typeAndName}": the table type ${type} is not supported: ${refusal}`;
    const types = this.types().join(', ');
    return laterTypes.has(type)
      ? `"${typeAndName}": the table type ${type} is not supported yet (supported: ${types})`
      : `"${typeAndName}": unknown table type ${type} (supported: ${types})`;
  }

  #openText(type: TextTableType, name: string): Table {
    const log = this.#log;
    const onChange = (): void => {
      this.#changes++;
    };
    const table = new TextTable({ type, path: resolve(name), isWatched: this.#options.isWatching, log, onChange });
    this.#fileTables.push(table);
    return table;
  }

  /** proxymap(8) serves only what proxy_read_maps lists; a table that it refuses cannot be asked. */
  #openProxied(name: string, options?: OpenOptions): Table {
    if (this.#proxied?.has(withoutProxy(name)) === false) {
      this.#log.warning(`table proxy:${name}: not listed in proxy_read_maps; every lookup in it is a temporary error`);
      return this.open(`fail:proxy:${name} is not listed in proxy_read_maps`);
    }
    return this.open(name, options);
  }

  #openRules(type: RuleTableOptions['type'], name: string, options?: OpenOptions): Table {
    const path = isInline(name) ? name : resolve(name);
    const allowsSubstitution = options?.allowsSubstitution !== false;
    const table = new RuleTable({
      type,
      name: path,
      build: async (warn) => (await this.#loadRuleBuilders()).begin({ type, name: path, allowsSubstitution, warn }),
      isWatched: this.#options.isWatching,
      log: this.#log,
      onChange: () => {
        this.#changes++;
      },
    });
    this.#fileTables.push(table);
    return table;
  }

  #loadRuleBuilders(): Promise<RuleBuilders> {
    return (this.#ruleBuilders ??= import('./rule-builders.ts').then((loaded) => new loaded.RuleBuilders()));
  }
}
