// What each kind of object has to know so that it can be dumped and applied: a file for each in kinds/, and a line for it in
// kinds.ts. Everything else (YAML, positions, order, what stays and what goes) is the same for all.

import type { DirectoryView } from '../../directory/directory-view.ts';
import type { FieldType } from './fields.ts';

export interface DesiredField {
  readonly type: FieldType;
  /** What it is where nobody has set it: it is not written then. Absent: the field is always written. */
  readonly usual?: unknown;
}

/** An object's fields by their names in YAML, as the field types read them; without those that are as usual. */
export type State = Readonly<Record<string, unknown>>;

export interface DesiredKind {
  /** In sentences: `mailbox`. */
  readonly name: string;
  /** Where its objects stand: below `domains: NAME:`, by local part, or at the top, by name. */
  readonly place: 'domain' | 'top';
  readonly section: string;
  readonly fields: Readonly<Record<string, DesiredField>>;
  /** The field that an object's value is where it is not written as fields. */
  readonly shorthand?: string;
  /** Fields without which none can be added. */
  readonly needed?: readonly string[];
  /** Addresses that have the same key are the same object. */
  keyOf(name: string): string;
  /** Of one domain, or (at the top) of all or those that concern one domain, in order. */
  list(view: DirectoryView, domain: string | undefined, options: ReadOptions): AsyncIterable<readonly [string, State]>;
  read(view: DirectoryView, name: string, options: ReadOptions): Promise<State | undefined>;
  add(view: DirectoryView, name: string, state: State, options: ReadOptions): Promise<void>;
  /** `changed` are the fields that differ; those of `state` that are missing get their usual value. */
  set(view: DirectoryView, name: string, state: State, before: State, options: ReadOptions): Promise<void>;
  remove(view: DirectoryView, name: string): Promise<void>;
}

export interface ReadOptions {
  /** Password hashes too. */
  readonly withHashes: boolean;
  /** The configuration's, which actions of access rules may name. */
  readonly restrictionClasses?: readonly string[];
}

/** Names of fields in YAML, and in the directory's operations. */
export type FieldNames = Readonly<Record<string, string>>;

/** The state of what the directory tells. */
export function stateOf(info: object, names: FieldNames, fields: DesiredKind['fields']): State {
  const state: Record<string, unknown> = {};
  const values = info as Record<string, unknown>;
  for (const [name, own] of Object.entries(names)) {
    const value = values[own];
    const field = fields[name];
    if (value === undefined || (field !== undefined && isSame(value, field.usual))) continue;
    state[name] = value;
  }
  return state;
}

/** What the directory's operations take: every field, so that what is not written is as usual. */
export function settingsOf(state: State, names: FieldNames, fields: DesiredKind['fields']): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const [name, own] of Object.entries(names)) {
    const value = Object.hasOwn(state, name) ? state[name] : fields[name]?.usual;
    if (value !== undefined) settings[own] = value;
  }
  return settings;
}

/** A field whose type is text; '' where it is not there. */
export function textOf(state: State, name: string): string {
  const value = state[name];
  return typeof value === 'string' ? value : '';
}

export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Pages of a list that is read by key, one after the other. */
export async function* allOf<Row>(
  read: (after: Row | undefined) => Promise<readonly Row[]>,
  limit: number,
): AsyncGenerator<Row> {
  let last: Row | undefined;
  for (;;) {
    const page = await read(last);
    yield* page;
    last = page.at(-1);
    if (page.length < limit) return;
  }
}
