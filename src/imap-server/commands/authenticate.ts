// AUTHENTICATE PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login), with an initial response (RFC 4959) or without.

import type { CommandArguments } from '../../imap/parse-command.ts';
import { ImapRefusal } from '../refusal.ts';
import type { SessionContext } from '../session-context.ts';
import { logIn, requirePasswordAllowed } from './login.ts';

/** RFC 4616 and common sense: names and passwords are short. */
const maxResponseLength = 8192;

export function authenticate(session: SessionContext, args: CommandArguments<'AUTHENTICATE'>): Promise<string> {
  switch (args.mechanism) {
    case 'PLAIN':
      return authenticatePlain(session, args.initialResponse);
    case 'LOGIN':
      return authenticateLogin(session, args.initialResponse);
    default:
      throw new ImapRefusal('NO', '', 'Unsupported authentication mechanism.');
  }
}

async function authenticatePlain(session: SessionContext, initialResponse: string | undefined): Promise<string> {
  requirePasswordAllowed(session);
  const message = decode(initialResponse ?? (await ask(session, '')));
  const [authorization, name, password, ...rest] = message.split('\0');
  if (authorization === undefined || name === undefined || password === undefined || rest.length > 0 || name === '') {
    throw new ImapRefusal('BAD', '', 'Invalid authentication response.');
  }
  if (authorization !== '' && authorization.toLowerCase() !== name.toLowerCase()) {
    throw new ImapRefusal('NO', 'AUTHORIZATIONFAILED', 'Acting for another user is not supported.');
  }
  return logIn(session, name, password, 'PLAIN');
}

async function authenticateLogin(session: SessionContext, initialResponse: string | undefined): Promise<string> {
  requirePasswordAllowed(session);
  const name = decode(initialResponse ?? (await ask(session, 'Username:')));
  const password = decode(await ask(session, 'Password:'));
  return logIn(session, name, password, 'LOGIN');
}

async function ask(session: SessionContext, challenge: string): Promise<string> {
  session.output.line(`+ ${Buffer.from(challenge).toString('base64')}`);
  session.output.flush();
  const line = await session.input.readLine(maxResponseLength);
  const response = line.toString('latin1');
  if (response === '*') throw new ImapRefusal('BAD', '', 'Authentication aborted by client.');
  return response;
}

function decode(base64: string): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw new ImapRefusal('BAD', '', 'Invalid base64 data.');
  return Buffer.from(base64, 'base64').toString('utf8');
}
