// What the directory refuses is told in words that may name addresses elsewhere: a loop is told link by link, and the links are
// other domains' rows. Whoever may not know them sees that something stands there; what he has typed himself stays.

import { DirectoryRefusedError } from '../directory/refusal.ts';
import type { Sight } from './principal.ts';

const addressPattern = /[^\s<>",;:()→]*@[^\s<>",;:()→]+/g;

/** `given`: what he has sent. */
export function wordsWithin(text: string, sight: Sight, given: unknown): string {
  if (sight.seesAll) return text;
  const typed = (JSON.stringify(given) ?? '').toLowerCase();
  return text.replace(addressPattern, (one) =>
    sight.mayName(one) || typed.includes(one.toLowerCase()) ? one : '(an address elsewhere)',
  );
}

/** The error to be thrown in its place. */
export function refusalWithin(error: unknown, sight: Sight, given: unknown): unknown {
  if (!(error instanceof DirectoryRefusedError) || sight.seesAll) return error;
  const words = wordsWithin(error.message, sight, given);
  return words === error.message ? error : new DirectoryRefusedError(words, error.kind);
}
