// Tables made of tables (DATABASE_README): `unionmap:{a:b, c:d}` asks all and joins their results with commas,
// `pipemap:{a:b, c:d}` asks each with the result of the one before. Both are of the kind of their first table, and an
// error of any is an error of the whole. `randmap:{x, y}` answers any key with one of its values, at random.

import { randomInt } from 'node:crypto';
import { splitList } from '../lib/split-list.ts';
import { insideBraces } from './braces.ts';
import { type LookupResult, notFound, type OpenOptions, type Table, type TableRegistry } from './table.ts';
import { TableError } from './table-error.ts';

export function openUnionTable(text: string, registry: TableRegistry, options?: OpenOptions): Table {
  const name = `unionmap:${text}`;
  const tables = openMembers(name, text, registry, options);
  return { name, kind: kindOfFirst(tables), lookup: (key, decision) => lookUpUnion(tables, key, decision) };
}

export function openPipeTable(text: string, registry: TableRegistry, options?: OpenOptions): Table {
  const name = `pipemap:${text}`;
  const tables = openMembers(name, text, registry, options);
  return { name, kind: kindOfFirst(tables), lookup: (key, decision) => lookUpPipe(tables, key, decision) };
}

export function openRandomTable(text: string): Table {
  const name = `randmap:${text}`;
  const values = elementsOf(name, text, 'value');
  const lookup = (): Promise<LookupResult> =>
    Promise.resolve({ kind: 'found', value: values[randomInt(values.length)] as string, source: name });
  return { name, kind: 'pattern', lookup };
}

function elementsOf(name: string, text: string, what: string): string[] {
  let elements: string[] = [];
  try {
    elements = splitList(insideBraces(text));
  } catch {
    // The one complaint covers it.
  }
  if (elements.length > 0) return elements;
  throw new TableError(`bad syntax: "${name}"; need "${name.slice(0, name.indexOf(':'))}:{${what}...}"`);
}

function openMembers(name: string, text: string, registry: TableRegistry, options?: OpenOptions): Table[] {
  const elements = elementsOf(name, text, 'type:name');
  if (elements.some((element) => !element.includes(':'))) {
    throw new TableError(`bad syntax: "${name}"; need "${name.slice(0, name.indexOf(':'))}:{type:name...}"`);
  }
  return elements.map((element) => registry.open(element, options));
}

function kindOfFirst(tables: readonly Table[]): Table['kind'] {
  return (tables[0] as Table).kind;
}

async function lookUpUnion(tables: readonly Table[], key: string, decision?: object): Promise<LookupResult> {
  let value = '';
  const sources: string[] = [];
  for (const table of tables) {
    const result = await table.lookup(key, decision);
    if (result.kind === 'not-found') continue;
    if (value !== '') value += ',';
    value += result.value;
    sources.push(result.source ?? table.name);
  }
  return value === '' ? notFound : { kind: 'found', value, source: sources.join(', ') };
}

async function lookUpPipe(tables: readonly Table[], key: string, decision?: object): Promise<LookupResult> {
  let value = key;
  const sources: string[] = [];
  for (const table of tables) {
    const result = await table.lookup(value, decision);
    if (result.kind === 'not-found') return notFound;
    value = result.value;
    sources.push(result.source ?? table.name);
  }
  return { kind: 'found', value, source: sources.join(' \u2192 ') };
}
