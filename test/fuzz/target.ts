// What a fuzz target is: a parser, examples to start from, and what must hold for every input.

import type { Random } from '../harness/random.ts';
import type { Material } from './mutate.ts';

export interface Target extends Material {
  /** As given with --target. */
  readonly name: string;
  /**
   * Returns for every input, or throws: an error whose name is in `errors` is the parser's documented refusal,
   * any other is a finding, and so is a BrokenPropertyError. `random` is for choices such as where to cut chunks.
   */
  run(input: Buffer, random: Random): void;
  readonly errors: readonly string[];
}

export class BrokenPropertyError extends Error {
  override name = 'BrokenPropertyError';
}

export function expectSame(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new BrokenPropertyError(`${what}: ${shorten(a)} is not ${shorten(b)}`);
}

export function expectTrue(condition: boolean, what: string): void {
  if (!condition) throw new BrokenPropertyError(what);
}

function shorten(text: string | undefined): string {
  return text === undefined || text.length <= 300 ? String(text) : `${text.slice(0, 300)}…`;
}

/** Cuts the input into pieces, as a network does. */
export function cutIntoChunks(input: Buffer, random: Random): Buffer[] {
  const chunks: Buffer[] = [];
  const largest = random.pick([1, 2, 3, 7, 40, 1_000, 65_536]);
  for (let at = 0; at < input.length; ) {
    const length = random.between(1, largest);
    chunks.push(input.subarray(at, at + length));
    at += length;
  }
  return chunks;
}

export function examples(...texts: string[]): Buffer[] {
  return texts.map((text) => Buffer.from(text, 'utf8'));
}
