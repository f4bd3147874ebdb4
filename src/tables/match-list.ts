// Match lists (mydestination, relay_domains, mynetworks ...): literals, `!negation`, `/file` whose contents are
// inserted, and `type:table`, where the existence of the key matters and its value does not. The first element
// that matches decides; a table error makes the whole question a temporary failure (postconf(5)).

import { foldKey } from '../address/form.ts';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { splitList } from '../lib/split-list.ts';
import type { Asker } from './asker.ts';
import { type Network, parseNetwork } from './networks.ts';
import type { Table, TableRegistry } from './table.ts';
import { TableError } from './table-error.ts';

/**
 * `exact`: strings that match themselves (mydestination). `domain`: names that may match by a parent
 * (relay_domains). `client`: names and addresses (mynetworks).
 */
export type MatchStyle = 'exact' | 'domain' | 'client';

export interface MatchListOptions {
  /** The parameter. */
  readonly name: string;
  readonly elements: readonly string[];
  readonly style: MatchStyle;
  /** The parameter is in parent_domain_matches_subdomains: `b.c` matches `a.b.c`; else only `.b.c` does. */
  readonly parentsMatch: boolean;
  readonly registry: TableRegistry;
  /** Warns of a file's comment in the middle of a line. */
  readonly warn: (text: string) => void;
}

type Pattern =
  | { readonly kind: 'literal'; readonly negated: boolean; readonly text: string }
  | { readonly kind: 'network'; readonly negated: boolean; readonly text: string; readonly contains: Network }
  | { readonly kind: 'table'; readonly negated: boolean; readonly text: string; readonly table: Table };

export class MatchList {
  readonly name: string;
  readonly #style: MatchStyle;
  readonly #parentsMatch: boolean;
  readonly #patterns: readonly Pattern[];
  /** Set where all elements are plain literals that match only themselves: one look decides. */
  readonly #literals: ReadonlySet<string> | undefined;

  constructor(options: MatchListOptions) {
    this.name = options.name;
    this.#style = options.style;
    this.#parentsMatch = options.parentsMatch;
    this.#patterns = options.elements.flatMap((element) => readElement(element, false, options));
    const isPlain = this.#style === 'exact' && this.#patterns.every((one) => one.kind === 'literal' && !one.negated);
    this.#literals = isPlain ? new Set(this.#patterns.map((one) => one.text)) : undefined;
  }

  get isEmpty(): boolean {
    return this.#patterns.length === 0;
  }

  /** `key` is a domain, or for a `client` list the host's name (where it has one) with its address. */
  matches(asker: Asker, stage: string, key: string, address = ''): Promise<boolean> | boolean {
    if (this.#literals !== undefined) {
      const found = this.#literals.has(foldKey(key));
      if (asker.isTracing && !this.isEmpty) asker.note(stage, this.name, key, found ? 'listed' : 'not listed');
      return found;
    }
    return this.#search(asker, stage, foldKey(key), address, 0);
  }

  /** Nothing is waited for before the first table: most lists have none, and are asked for every client. */
  #search(asker: Asker, stage: string, key: string, address: string, start: number): Promise<boolean> | boolean {
    for (let index = start; index < this.#patterns.length; index++) {
      const pattern = this.#patterns[index] as Pattern;
      if (pattern.kind === 'table') {
        return this.#matchesTable(asker, stage, pattern.table, key, address).then((isMatch) =>
          isMatch ? !pattern.negated : this.#search(asker, stage, key, address, index + 1),
        );
      }
      const isMatch =
        pattern.kind === 'network' ? pattern.contains(address) : this.#matchesLiteral(pattern.text, key, address);
      if (!isMatch) continue;
      if (asker.isTracing) {
        asker.note(stage, this.name, address || key, `${pattern.negated ? 'excluded by' : 'matches'} ${pattern.text}`);
      }
      return !pattern.negated;
    }
    if (asker.isTracing) asker.note(stage, this.name, address || key, 'not listed');
    return false;
  }

  async #matchesTable(asker: Asker, stage: string, table: Table, key: string, address: string): Promise<boolean> {
    if (key !== '' && (await asker.ask(stage, table, key)).kind === 'found') return true;
    if (this.#style === 'exact') return false;
    if (this.#style === 'client') return address !== '' && (await asker.ask(stage, table, address)).kind === 'found';
    // Parents only in fixed-key tables: a pattern could match a fragment that it was not written for.
    if (table.kind !== 'fixed' || isIP(key) !== 0) return false;
    for (const parent of parentKeys(key, this.#parentsMatch)) {
      if ((await asker.ask(stage, table, parent)).kind === 'found') return true;
    }
    return false;
  }

  #matchesLiteral(text: string, key: string, address: string): boolean {
    if (text === key || (address !== '' && (text === address || text === `[${address}]`)))
      return key !== '' || address !== '';
    if (this.#style === 'exact' || isIP(key) !== 0) return false;
    if (this.#parentsMatch)
      return key.length > text.length + 1 && key.endsWith(text) && key.at(-text.length - 1) === '.';
    return text.startsWith('.') && key.length > text.length && key.endsWith(text);
  }
}

/** `a.b.c` -> `b.c`, `c`, or with leading dots where the parameter's parents do not match by themselves. */
export function parentKeys(domain: string, parentsMatch: boolean): string[] {
  const keys: string[] = [];
  for (let dot = domain.indexOf('.', 1); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
    const key = domain.slice(parentsMatch ? dot + 1 : dot);
    if (key !== '' && key !== '.') keys.push(key);
  }
  return keys;
}

function readElement(element: string, isNegated: boolean, options: MatchListOptions): Pattern[] {
  let text = element;
  let negated = isNegated;
  while (text.startsWith('!')) {
    negated = !negated;
    text = text.slice(1);
  }
  if (text === '') throw new TableError(`no pattern after '!' in ${element}`);
  if (text.startsWith('/')) return readFileElements(text, options).flatMap((one) => readElement(one, negated, options));
  if (/^[a-z]\w*:/i.test(text) && isIP(text) === 0) {
    return [{ kind: 'table', negated, text, table: options.registry.open(text) }];
  }
  const network = options.style === 'client' ? readNetwork(text) : undefined;
  if (network !== undefined) return [{ kind: 'network', negated, text, contains: network }];
  return [{ kind: 'literal', negated, text: foldKey(text) }];
}

function readNetwork(text: string): Network | undefined {
  try {
    return parseNetwork(text);
  } catch (error) {
    throw new TableError((error as Error).message);
  }
}

/** A line that begins with `#` is skipped; a `#` later on ends its line, with a warning. */
function readFileElements(path: string, options: MatchListOptions): string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new TableError(`open file ${path}: ${(error as Error).message}`);
  }
  const elements: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('#')) continue;
    for (const element of splitList(line)) {
      if (element.startsWith('#')) {
        options.warn(`${path}, line ${index + 1}: comment after other text is not allowed: ${element} \u2026`);
        break;
      }
      elements.push(element);
    }
  }
  return elements;
}
