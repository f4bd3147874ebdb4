// XCLIENT (Postfix XCLIENT_README): a trusted client (smtpd_authorized_xclient_hosts) speaks for another one, as a
// proxy in front of us does. From here on restrictions, log and Received: see that other client, and the session
// begins again with a greeting. One wrong attribute, and those before it count all the same, as in Postfix.

import { neutered, printable } from '../../smtp/command-line.ts';
import { replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import type { CommandResult, Conversation } from '../conversation.ts';
import {
  type Attribute,
  badSyntax,
  isUnavailable,
  parseAttributes,
  readAddress,
  readName,
} from '../xclient-attributes.ts';

/** In the order in which EHLO lists them. */
export const xclientNames = 'NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT';

export function xclient(session: Conversation, rest: string): CommandResult | Promise<CommandResult> {
  if (session.transaction !== undefined) return replies.transactionInProgress;
  if (rest === '') return reply(501, '5.5.4', 'Syntax: XCLIENT attribute=value...');
  if (!session.rights.mayUseXclient) return reply(550, '5.7.0', 'Error: insufficient authorization');
  const attributes = parseAttributes(rest);
  if ('code' in attributes) return attributes;
  const given = new Set<string>();
  for (const attribute of attributes) {
    const mistake = apply(session, attribute);
    if (mistake !== undefined) return mistake;
    given.add(attribute.name);
  }
  if (!given.has('HELO')) session.helo = '';
  if (!given.has('PROTO') && session.protocol !== 'LMTP') session.protocol = 'SMTP';
  if (!given.has('LOGIN')) session.login = session.saslMethod = undefined;
  session.loginSenders = undefined;
  session.resetTransaction();
  return session.greetAgain();
}

function apply(session: Conversation, { name, value }: Attribute): SmtpReply | undefined {
  const { client } = session;
  switch (name) {
    case 'NAME': {
      const read = readName(value);
      if (read === undefined) return badSyntax(name, value);
      client.name = read.name;
      client.nameStatus = read.status;
      // Who is known by name is known by the address's name too.
      if (read.status === 'found') {
        client.reverseName = read.name;
        client.reverseNameStatus = 'found';
      }
      return undefined;
    }
    case 'REVERSE_NAME': {
      const read = readName(value);
      if (read === undefined) return badSyntax(name, value);
      client.reverseName = read.name;
      client.reverseNameStatus = read.status;
      return undefined;
    }
    case 'ADDR':
    case 'DESTADDR': {
      const address = readAddress(value);
      if (address === undefined) return badSyntax(name, value);
      if (name === 'ADDR') client.address = address;
      else client.serverAddress = address;
      return undefined;
    }
    case 'PORT':
    case 'DESTPORT': {
      if (!isUnavailable(value) && !/^\d{1,5}$/.test(value)) return badSyntax(name, value);
      const port = isUnavailable(value) ? undefined : Number(value);
      if (name === 'PORT') client.port = port;
      else client.serverPort = port;
      return undefined;
    }
    case 'HELO':
      session.helo = isUnavailable(value) ? '' : neutered(value);
      return undefined;
    case 'PROTO':
      if (!/^e?smtp$/i.test(value)) return badSyntax(name, value);
      session.protocol = value.toUpperCase() === 'ESMTP' ? 'ESMTP' : 'SMTP';
      return undefined;
    case 'LOGIN':
      session.login = isUnavailable(value) ? undefined : printable(value);
      session.saslMethod = session.login === undefined ? undefined : 'XCLIENT';
      return undefined;
    default:
      return reply(501, '5.5.4', `Bad XCLIENT attribute name: ${printable(name).slice(0, 100)}`);
  }
}
