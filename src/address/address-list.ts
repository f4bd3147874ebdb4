// Reads what stands on the right side of an alias: an RFC 822 address list as Postfix's tok822 reads it. Commas,
// blanks and semicolons separate plain addresses; `Name <address>`, `(comment)` and `group: a, b;` are
// understood. `|command` and `/file` have no meaning here: they are addresses like others.

import { internalForm, parseAddresses, type Token } from './tokens.ts';

// One address without anything to interpret: what most aliases hold.
const plainAddress = /^[\w+=.-]+@[A-Za-z0-9.-]+$/;

/** The addresses of the list, each in internal form, not yet in standard form. Empty where there are none. */
export function parseAddressList(text: string): string[] {
  if (plainAddress.test(text)) return [text];
  const addresses: string[] = [];
  const tokens = parseAddresses(text);
  for (const [index, token] of tokens.entries()) {
    if (token.kind === 'address') addresses.push(internalForm(stripRoute(token.tokens)));
    else if (token.text === '<' && token.kind === 'sign' && tokens[index + 1]?.text === '>') addresses.push('');
  }
  return addresses;
}

/** `<@a,@b:user@c>` -> `user@c` (RFC 5321 appendix C). */
function stripRoute(tokens: readonly Token[]): readonly Token[] {
  if (tokens[0]?.kind !== 'sign' || tokens[0].text !== '@') return tokens;
  const colon = tokens.findIndex((token) => token.kind === 'sign' && token.text === ':');
  return colon === -1 || colon === tokens.length - 1 ? tokens : tokens.slice(colon + 1);
}
