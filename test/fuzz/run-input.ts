// One input: made, run, judged.

import { Random } from '../harness/random.ts';
import { makeInput } from './mutate.ts';
import type { Target } from './target.ts';

/** What went wrong, or undefined. */
export function runInput(target: Target, seed: number, number: number): string | undefined {
  const input = makeInput(target, seed, number);
  try {
    target.run(input, new Random(seed + number));
    return undefined;
  } catch (error) {
    if (error instanceof Error && target.errors.includes(error.name)) return undefined;
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
