// Do two lists of tables answer every key alike? All keys that either side can tell are asked on both, and the keys
// derived from them. Where both sides tell all of theirs, that is a proof; tables that answer patterns, or queries
// that do not tell their keys, are compared at these points only, and the outcome says so. Two lists that are the same
// text are the same.

import { derivedKeys } from './derived-keys.ts';
import type { KeyAnswer, OwnSide, TableSide } from './table-side.ts';

export interface TableDifference {
  readonly key: string;
  readonly first: KeyAnswer;
  readonly second: KeyAnswer;
}

export interface TableComparison {
  /** Keys that a side holds. */
  readonly keys: number;
  /** All keys that were asked, those included. */
  readonly probes: number;
  /** The smallest first; at most `maxDifferences`. */
  readonly differences: readonly TableDifference[];
  readonly differing: number;
  /** Names of tables whose keys could not be told: equality is shown at the probes, not proved. */
  readonly untold: readonly string[];
}

const batchSize = 20_000;
const maxDifferences = 20;

export interface CompareTablesOptions {
  /** Where the keys are told from; the sides themselves, unless one is a Postfix. */
  readonly sources: readonly OwnSide[];
  readonly delimiters: string;
}

/** Throws TemporaryError where the keys of a table cannot be found out. */
export async function compareTables(
  first: TableSide,
  second: TableSide,
  { sources, delimiters }: CompareTablesOptions,
): Promise<TableComparison> {
  const keys = new Set<string>();
  const untold = new Set<string>();
  for (const side of sources) {
    const told = await side.keys();
    for (const key of told.keys) keys.add(key);
    for (const table of told.untold) untold.add(table.name);
  }
  const own = [...keys];
  const probes = [...own, ...derivedKeys(own, delimiters)];
  const differences: TableDifference[] = [];
  for (let start = 0; start < probes.length; start += batchSize) {
    const batch = probes.slice(start, start + batchSize);
    const [one, other] = await Promise.all([first.lookUp(batch), second.lookUp(batch)]);
    for (const [index, key] of batch.entries()) {
      const [a, b] = [one[index] as KeyAnswer, other[index] as KeyAnswer];
      if (!isSameAnswer(a, b)) differences.push({ key, first: a, second: b });
    }
  }
  // What a row says is easier to understand than what is derived from it, and that easier than odd blanks.
  const rank = ({ key }: TableDifference): number => (keys.has(key) ? 0 : /\s/.test(key) ? 2 : 1);
  differences.sort((one, other) => rank(one) - rank(other) || bySize(one, other));
  const isIdentical = first.name === second.name;
  return {
    keys: own.length,
    probes: probes.length,
    differences: differences.slice(0, maxDifferences),
    differing: differences.length,
    untold: isIdentical ? [] : [...untold],
  };
}

/** Blanks around commas are the writer's taste; anything else, a blank at the end too, is a difference. */
function isSameAnswer(one: KeyAnswer, other: KeyAnswer): boolean {
  if (one.kind === 'found' && other.kind === 'found') {
    return one.value === other.value || plainCommas(one.value) === plainCommas(other.value);
  }
  return one.kind === other.kind;
}

function plainCommas(value: string): string {
  return value.replace(/[ \t]*,[ \t]*/g, ',');
}

function bySize(one: TableDifference, other: TableDifference): number {
  return one.key.length - other.key.length || (one.key < other.key ? -1 : 1);
}
