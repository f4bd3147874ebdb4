// The words for the protocols that somebody logs in by.

import { refuse } from './refusal.ts';

export const loginProtocols = ['smtp', 'imap', 'pop3', 'sieve', 'http'] as const;

/** In their usual order, without repetitions. */
export function checkProtocols(words: readonly string[]): string[] {
  const unknown = words.find((word) => !loginProtocols.some((protocol) => protocol === word));
  if (unknown !== undefined) refuse(`"${unknown}" is no protocol: write one or more of ${loginProtocols.join(', ')}`);
  return loginProtocols.filter((protocol) => words.includes(protocol));
}
