// Reads a desired state: YAML in one or more documents, each object with the place where it stands, so that a mistake can
// be shown to its line and column. Nothing is looked up here; what the directory makes of it is for apply.ts.

import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  type YAMLMap,
} from 'yaml';
import { BadValueError } from './fields.ts';
import type { DesiredKind, State } from './kind.ts';
import { desiredKinds } from './kinds.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Mistake extends Position {
  /** What is wrong, and what to write instead. */
  readonly text: string;
}

export interface DesiredObject {
  readonly kind: DesiredKind;
  readonly name: string;
  /** Fields that are written. */
  readonly state: State;
  /** Fields that are written as null: as usual again. */
  readonly usual: readonly string[];
  readonly position: Position;
}

export interface DesiredState {
  /** Of each kind, by its key. */
  readonly objects: ReadonlyMap<DesiredKind, ReadonlyMap<string, DesiredObject>>;
  readonly mistakes: readonly Mistake[];
}

const maxMistakes = 50;
const domainKinds = desiredKinds.filter(({ place }) => place === 'domain');
const topKinds = desiredKinds.filter(({ place }) => place === 'top');

export function readDesired(text: string): DesiredState {
  return new Reader().read(text);
}

class Reader {
  readonly #lines = new LineCounter();
  readonly #objects = new Map<DesiredKind, Map<string, DesiredObject>>(desiredKinds.map((kind) => [kind, new Map()]));
  readonly #mistakes: Mistake[] = [];

  read(text: string): DesiredState {
    const parser = new Parser(this.#lines.addNewLine);
    const composer = new Composer({ uniqueKeys: false, strict: true });
    for (const token of parser.parse(text)) for (const document of composer.next(token)) this.#document(document);
    for (const document of composer.end()) this.#document(document);
    const mistakes = this.#mistakes.toSorted((one, other) => one.line - other.line || one.column - other.column);
    return { objects: this.#objects, mistakes };
  }

  #document({ errors, contents }: Document.Parsed | Document): void {
    for (const { message, pos } of errors) this.#mistake(pos[0], message.split('\n')[0] ?? message);
    if (errors.length > 0 || contents === null || (isScalar(contents) && contents.value === null)) return;
    if (!isMap(contents)) return this.#mistake(startOf(contents), `write sections here: ${sectionsOf(topKinds)}`);
    for (const pair of contents.items) {
      const kind = topKinds.find(({ section }) => section === keyOf(pair));
      if (kind === undefined) {
        this.#mistake(startOf(pair.key), `there is no section "${keyOf(pair)}": there are ${sectionsOf(topKinds)}`);
      } else this.#section(kind, pair, (name) => name);
    }
  }

  #section(kind: DesiredKind, { key, value }: Pair, nameOf: (key: string) => string): void {
    if (isEmpty(value)) return;
    if (!isMap(value))
      return this.#mistake(startOf(value) || startOf(key), `${kind.section}: write each ${kind.name} as "name: …"`);
    for (const pair of value.items) {
      const own = keyOf(pair);
      if (own === undefined) this.#mistake(startOf(pair.key), `${kind.section}: a name is a text`);
      else this.#object(kind, nameOf(own), pair);
    }
  }

  #object(kind: DesiredKind, name: string, { key, value }: Pair): void {
    const position = this.#position(startOf(key));
    const known = this.#objects.get(kind) as Map<string, DesiredObject>;
    const id = kind.keyOf(name);
    const other = known.get(id);
    if (other !== undefined) {
      this.#mistake(
        startOf(key),
        `the ${kind.name} ${name} stands in line ${other.position.line} already: keep one of them`,
      );
      return;
    }
    const state: Record<string, unknown> = {};
    const usual: string[] = [];
    known.set(id, { kind, name, state, usual, position });
    if (isEmpty(value)) return;
    if (isMap(value)) this.#fields(kind, name, value, state, usual);
    else if (kind.shorthand === undefined) {
      this.#mistake(startOf(value), `${kind.name} ${name}: write its fields: ${Object.keys(kind.fields).join(', ')}`);
    } else this.#field(kind, name, kind.shorthand, value as Node, state);
  }

  #fields(kind: DesiredKind, name: string, map: YAMLMap, state: Record<string, unknown>, usual: string[]): void {
    const inner = kind.section === 'domains' ? domainKinds : [];
    for (const pair of map.items) {
      const field = keyOf(pair) ?? '';
      const section = inner.find((one) => one.section === field);
      if (section !== undefined) {
        this.#section(section, pair, (local) => (local === '@' ? `@${name}` : `${local}@${name}`));
      } else if (!Object.hasOwn(kind.fields, field)) {
        const names = [...Object.keys(kind.fields), ...inner.map((one) => one.section)];
        this.#mistake(startOf(pair.key), `${kind.name} ${name}: there is no "${field}": there are ${names.join(', ')}`);
      } else if (Object.hasOwn(state, field) || usual.includes(field)) {
        this.#mistake(startOf(pair.key), `${kind.name} ${name}: "${field}" stands here twice: keep one of them`);
      } else if (isEmpty(pair.value)) usual.push(field);
      else this.#field(kind, name, field, pair.value as Node, state);
    }
  }

  #field(kind: DesiredKind, name: string, field: string, node: Node, state: Record<string, unknown>): void {
    try {
      state[field] = kind.fields[field]?.type.parse(plainValue(node));
    } catch (error) {
      if (!(error instanceof BadValueError)) throw error;
      this.#mistake(startOf(node), `${kind.name} ${name}: ${field}: ${error.message}`);
    }
  }

  #mistake(offset: number, text: string): void {
    if (this.#mistakes.length < maxMistakes) this.#mistakes.push({ ...this.#position(offset), text });
  }

  #position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }
}

function sectionsOf(kinds: readonly DesiredKind[]): string {
  return kinds.map(({ section }) => section).join(', ');
}

function startOf(node: unknown): number {
  return (node as { range?: [number, number, number] } | null)?.range?.[0] ?? 0;
}

function keyOf({ key }: Pair): string | undefined {
  if (!isScalar(key)) return undefined;
  // `12: ...` is the name 12, as it is written.
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
}

function isEmpty(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

/** Without anchors and tags: nothing that means more than it says. */
function plainValue(node: Node): unknown {
  if (isAlias(node)) throw new BadValueError('write it out: anchors and aliases of YAML are not taken');
  if (isSeq(node)) return node.items.map((item) => plainValue(item as Node));
  if (isMap(node)) {
    return Object.fromEntries(node.items.map((pair) => [keyOf(pair) ?? '', plainValue(pair.value as Node)]));
  }
  return isScalar(node) ? node.value : null;
}
