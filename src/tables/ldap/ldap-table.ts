// `ldap:FILE` (ldap_table(5)): a search whose base and filter are made from the key; the values of certain attributes of
// the entries found are the answer, joined with commas.
//
// Which attributes (in this order of precedence): where an entry has a `terminal_result_attribute`, only those of it
// count. Else the `result_attribute`s count, and the `leaf_result_attribute`s too unless the entry has a
// `special_result_attribute`. The values of special attributes are DNs, whose entries are read, or LDAP URLs, which
// are searched, each again in this way, up to `recursion_limit` deep. A DN that does not exist is a warning and skipped;
// any other failure on the way makes the whole answer "could not find out".

import { foldKey } from '../../address/form.ts';
import type { ProgramLog } from '../../lib/log.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { type KeyDomains, openKeyDomains } from '../key-domains.ts';
import { KeyTemplates, type Template } from '../key-templates.ts';
import { type LookupResult, notFound, type Table } from '../table.ts';
import { openWithSettings, type ServerTableContext, type TableSettings } from '../table-settings.ts';
import { LdapResultError } from './ldap-connection.ts';
import { type LdapEntry, type LdapSearch, resultCodes } from './ldap-messages.ts';
import { quoteDn, quoteFilter } from './ldap-quoting.ts';
import { LdapServers } from './ldap-servers.ts';
import { type LdapSettings, readLdapSettings } from './ldap-settings.ts';
import { isLdapUrl, parseLdapUrl } from './ldap-url.ts';

// Groups that name each other in pairs would double with every level, far below any limit on depth.
const maxSearches = 10_000;

/** Throws TableError. */
export function openLdapTable(name: string, context: ServerTableContext): Table {
  return openWithSettings('ldap', name, context, (settings) => new LdapTable(settings, context));
}

class LdapTable implements Table {
  readonly name: string;
  readonly kind = 'fixed';
  readonly isServed = true;
  readonly #settings: LdapSettings;
  readonly #log: ProgramLog;
  readonly #servers: LdapServers;
  readonly #templates: KeyTemplates;
  readonly #base: Template;
  readonly #filter: Template;
  readonly #format: Template;
  readonly #domains: KeyDomains | undefined;
  readonly #attributes: readonly string[];

  constructor(settings: TableSettings, context: ServerTableContext) {
    this.name = settings.table;
    this.#log = context.log;
    this.#settings = readLdapSettings(settings, context.log);
    this.#servers = new LdapServers(this.name, this.#settings, context.log);
    this.#templates = new KeyTemplates(this.name);
    this.#base = this.#templates.parseQuery(this.#settings.searchBase);
    this.#filter = this.#templates.parseQuery(this.#settings.queryFilter);
    this.#format = this.#templates.parseResult(this.#settings.resultFormat);
    this.#domains = openKeyDomains(settings, context);
    const { terminal, leaf, ordinary, special } = this.#settings.attributes;
    this.#attributes = [...terminal, ...leaf, ...ordinary, ...special];
    if (this.#filter.placeholders.length === 0) {
      this.#log.warning(`table ${this.name}: fixed query_filter ${this.#settings.queryFilter} is probably useless`);
    }
  }

  async lookup(key: string): Promise<LookupResult> {
    const folded = foldKey(key);
    if ((await this.#domains?.accepts(folded)) === false) return notFound;
    const base = this.#templates.expandQuery(this.#base, folded, quoteDn);
    const filter = this.#templates.expandQuery(this.#filter, folded, quoteFilter);
    if (base === undefined || filter === undefined) return notFound;
    try {
      const entries = await this.#search({ base, scope: this.#settings.scope, filter, attributes: this.#attributes });
      const expansion = new Expansion(this.#expand(folded));
      await this.#collect(entries, expansion, 1);
      if (expansion.values.length === 0) return notFound;
      return { kind: 'found', value: expansion.values.join(','), source: `${this.name} ${filter}` };
    } catch (error) {
      // Where the base depends on the key, a base that does not exist is a key that does not.
      if (isNoSuchObject(error) && this.#base.placeholders.length > 0) return notFound;
      if (error instanceof TemporaryError) throw error;
      throw new TemporaryError(`table ${this.name}: ${(error as Error).message}`);
    }
  }

  close(): void {
    this.#servers.close();
  }

  #expand(key: string): (value: string) => string | undefined {
    return (value) => this.#templates.expandResult(this.#format, value, key);
  }

  async #search(search: LdapSearch): Promise<readonly LdapEntry[]> {
    const entries = await this.#servers.search(search);
    const { sizeLimit } = this.#settings.limits;
    if (sizeLimit > 0 && entries.length > sizeLimit) throw this.#failure(`query size limit (${sizeLimit}) exceeded`);
    return entries;
  }

  async #collect(entries: readonly LdapEntry[], expansion: Expansion, depth: number): Promise<void> {
    const { terminal, leaf, special } = this.#settings.attributes;
    // As in Postfix both stay as an earlier entry of this search has left them.
    let isTerminal = false;
    let isLeaf = true;
    for (const entry of entries) {
      isTerminal = hasValues(entry, terminal) ?? isTerminal;
      if (!isTerminal && leaf.length > 0) isLeaf = !(hasValues(entry, special) ?? !isLeaf);
      for (const { name, values } of entry.attributes) {
        if (values.length === 0) continue;
        const kind = this.#kindOf(name);
        const isLeafOnly = kind === 'terminal' || kind === 'leaf';
        if (isTerminal ? kind === 'terminal' : kind === 'ordinary' || (isLeafOnly && isLeaf)) {
          this.#add(values, expansion);
        } else if (!isTerminal && kind === 'special') await this.#collectSpecial(name, values, expansion, depth);
      }
    }
  }

  /** An attribute with options (`mail;lang-de`) is one of those without (RFC 4512 §2.5). */
  #kindOf(name: string): 'terminal' | 'leaf' | 'ordinary' | 'special' | undefined {
    const { attributes } = this.#settings;
    return (['terminal', 'leaf', 'ordinary', 'special'] as const).find((kind) =>
      attributes[kind].some((wanted) => relate(wanted, name) === 'wider'),
    );
  }

  #add(values: readonly string[], expansion: Expansion): void {
    const { expansionLimit } = this.#settings;
    for (const value of values) {
      if (expansion.add(value) && expansionLimit > 0 && expansion.values.length > expansionLimit) {
        throw this.#failure('expansion limit exceeded');
      }
    }
  }

  async #collectSpecial(name: string, values: readonly string[], expansion: Expansion, depth: number): Promise<void> {
    if (depth >= this.#settings.recursionLimit) {
      throw this.#failure(`recursion limit exceeded for special attribute ${name}=${values[0] ?? ''}`);
    }
    for (const value of values) {
      const search = this.#specialSearch(value);
      if (search === undefined) continue;
      if (++expansion.searches > maxSearches) throw this.#failure(`more than ${maxSearches} searches for one key`);
      try {
        await this.#collect(await this.#search(search), expansion, depth + 1);
      } catch (error) {
        if (!isNoSuchObject(error)) throw error;
        this.#log.warning(`table ${this.name}: DN ${value} not found, skipping`);
      }
    }
  }

  /** Undefined for a URL that asks for nothing of ours. Its host means nothing: the same servers are asked. */
  #specialSearch(value: string): LdapSearch | undefined {
    const attributes = this.#attributes;
    if (!isLdapUrl(value)) return { base: value, scope: 'base', filter: '(objectclass=*)', attributes };
    const url = parseLdapUrl(value);
    if (url === undefined) throw this.#failure(`malformed URL ${value}`);
    const wanted = url.attributes.length === 0 ? attributes : commonAttributes(url.attributes, attributes);
    if (wanted.length === 0) return undefined;
    const { base, scope = 'base', filter = '(objectclass=*)' } = url;
    return { base, scope, filter, attributes: wanted };
  }

  #failure(why: string): TemporaryError {
    return new TemporaryError(`table ${this.name}: ${why}`);
  }
}

/** What a lookup has gathered. */
class Expansion {
  readonly values: string[] = [];
  searches = 0;
  readonly #expand: (value: string) => string | undefined;

  constructor(expand: (value: string) => string | undefined) {
    this.#expand = expand;
  }

  /** False for a value that the result format leaves out. */
  add(value: string): boolean {
    // A C program sees it up to the first NUL.
    const expanded = this.#expand(value.split('\0', 1)[0] ?? '');
    if (expanded === undefined) return false;
    this.values.push(expanded);
    return true;
  }
}

/** Whether an entry has a value of one of these attributes; undefined where it has none of them. */
function hasValues(entry: LdapEntry, names: readonly string[]): boolean | undefined {
  let has: boolean | undefined;
  for (const name of names) {
    const found = entry.attributes.find((attribute) => attribute.name.toLowerCase() === name.toLowerCase());
    if (found === undefined) continue;
    has = found.values.length > 0;
    if (has) return true;
  }
  return has;
}

/** `wider`: the second is the first, perhaps with options. */
function relate(first: string, second: string): 'wider' | 'narrower' | 'distinct' {
  const [one, two] = [first.toLowerCase(), second.toLowerCase()];
  if (one === two || two.startsWith(`${one};`)) return 'wider';
  return one.startsWith(`${two};`) ? 'narrower' : 'distinct';
}

/** What both a URL and the table want; with options where one of them has some. */
function commonAttributes(ofUrl: readonly string[], ofTable: readonly string[]): string[] {
  return ofUrl.flatMap((one) =>
    ofTable.flatMap((two) => {
      const relation = relate(one, two);
      return relation === 'wider' ? [two] : relation === 'narrower' ? [one] : [];
    }),
  );
}

function isNoSuchObject(error: unknown): boolean {
  return error instanceof LdapResultError && error.code === resultCodes.noSuchObject;
}
