// XFORWARD (Postfix XFORWARD_README): behind a content filter, who sent the message to the server in front of it. It
// is logged (orig_client=, orig_queue_id=) and decides nothing. It holds until the transaction is over.

import { printable } from '../../smtp/command-line.ts';
import { replies, reply } from '../../smtp/reply.ts';
import type { CommandResult, Conversation } from '../conversation.ts';
import type { ForwardedClient } from '../transaction.ts';
import { badSyntax, isUnavailable, parseAttributes, readAddress, readName } from '../xclient-attributes.ts';

/** In the order in which EHLO lists them. */
export const xforwardNames = 'NAME ADDR PROTO HELO SOURCE PORT IDENT';

export function xforward(session: Conversation, rest: string): CommandResult {
  if (session.transaction !== undefined) return replies.transactionInProgress;
  if (rest === '') return reply(501, '5.5.4', 'Syntax: XFORWARD attribute=value...');
  if (!session.rights.mayUseXforward) return reply(550, '5.7.0', 'Error: insufficient authorization');
  const attributes = parseAttributes(rest);
  if ('code' in attributes) return attributes;
  let forwarded: ForwardedClient = session.forwarded ?? {};
  for (const { name, value } of attributes) {
    const isAbsent = isUnavailable(value);
    switch (name) {
      case 'NAME':
        if (readName(value) === undefined) return badSyntax(name, value);
        forwarded = { ...forwarded, name: isAbsent ? undefined : value };
        break;
      case 'ADDR': {
        const address = readAddress(value);
        if (address === undefined) return badSyntax(name, value);
        forwarded = { ...forwarded, address: isAbsent ? undefined : address };
        break;
      }
      case 'IDENT':
        forwarded = { ...forwarded, ident: isAbsent ? undefined : printable(value) };
        break;
      case 'PORT':
        if (!isAbsent && !/^\d{1,5}$/.test(value)) return badSyntax(name, value);
        break;
      case 'PROTO':
      case 'HELO':
        break;
      case 'SOURCE':
        if (!isAbsent && !/^(?:LOCAL|REMOTE)$/i.test(value)) return badSyntax(name, value);
        break;
      default:
        return reply(501, '5.5.4', `Bad XFORWARD attribute name: ${printable(name).slice(0, 100)}`);
    }
  }
  session.forwarded = forwarded;
  return replies.ok;
}
