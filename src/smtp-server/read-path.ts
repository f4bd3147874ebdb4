// The address of MAIL or RCPT as this service reads it: with strict_rfc821_envelopes only in angle brackets. What is no
// address is logged as Postfix logs it.

import { printable } from '../smtp/command-line.ts';
import { isStrictPath, parsePath, type PathResult } from '../smtp/path.ts';
import type { Conversation } from './conversation.ts';

const maxShown = 100;

export function readPath(session: Conversation, keyword: 'FROM' | 'TO', rest: string): PathResult {
  const result = parsePath(keyword, rest);
  const given = rest.slice(keyword.length + 1).trimStart();
  const isBracketed = given.startsWith('<');
  const isLoose = session.options.strictEnvelopes && result.kind === 'path' && !isStrictPath(rest, result.path.address);
  if (result.kind === 'bad-command' || (result.kind === 'path' && !isLoose)) return result;
  const text = isBracketed ? given : (given.split(/[ \t]/, 1)[0] ?? '');
  const command = keyword === 'FROM' ? 'MAIL' : 'RCPT';
  session.log.warning(
    `Illegal address syntax from ${session.clientText} in ${command} command: ${printable(text).slice(0, maxShown)}`,
  );
  return { kind: 'bad-address', parameters: result.kind === 'path' ? result.path.parameters : result.parameters };
}
