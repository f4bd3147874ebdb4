// AUTHENTICATE (RFC 3501 §6.2.2), with an initial response (RFC 4959) or without: carries the words of a SASL exchange
// between the client and whoever judges it.

import type { SaslDenial, SaslMechanism, SaslStep } from '../../auth/sasl-server.ts';
import type { CommandArguments } from '../../imap/parse-command.ts';
import { knownMechanisms, mayUseMechanism } from '../login-mechanisms.ts';
import { ImapRefusal } from '../refusal.ts';
import type { SessionContext } from '../session-context.ts';
import { enter, refuseLogin, requirePasswordAllowed } from './login.ts';

/** As Postfix's smtpd_sasl_response_limit: tokens are long, everything else is short. */
const maxResponseLength = 12_288;

export async function authenticate(session: SessionContext, args: CommandArguments<'AUTHENTICATE'>): Promise<string> {
  const method = args.mechanism;
  const mechanism = knownMechanisms(session).find(({ name }) => name === method);
  if (mechanism === undefined) throw new ImapRefusal('NO', '', 'Unsupported authentication mechanism.');
  if (!mayUseMechanism(session, mechanism)) requirePasswordAllowed(session);
  let step = await begin(session, mechanism, args.initialResponse);
  while (step.kind === 'challenge') {
    const response = await ask(session, step.challenge);
    if (response === '*') {
      step.cancel();
      throw new ImapRefusal('BAD', '', 'Authentication aborted by client.');
    }
    step = await step.answer(response);
  }
  if (step.kind === 'denied') return refuse(session, method, step);
  return await enter(session, step, method);
}

function begin(
  session: SessionContext,
  { name: mechanism }: SaslMechanism,
  initialResponse: string | undefined,
): Promise<SaslStep> {
  return session.server.sasl.begin({
    mechanism,
    protocol: 'imap',
    service: 'imap',
    serverAddress: session.localAddress,
    clientAddress: session.remoteAddress,
    isSecured: session.isTls,
    initialResponse: initialResponse === '=' ? '' : initialResponse,
    channel: session.channel,
    isBindingOffered: knownMechanisms(session).some((one) => one.name.endsWith('-PLUS')),
    localDomain: session.server.options.localDomain,
  });
}

function refuse(session: SessionContext, method: string, denial: SaslDenial): never {
  const { login, flaw } = denial;
  if (flaw === 'base64') throw new ImapRefusal('BAD', '', 'Invalid base64 data.');
  if (flaw === 'syntax') throw new ImapRefusal('BAD', '', 'Invalid authentication response.');
  return refuseLogin(session, login ?? '', method, denial);
}

async function ask(session: SessionContext, challenge: string): Promise<string> {
  session.output.line(`+ ${challenge}`);
  session.output.flush();
  return (await session.input.readLine(maxResponseLength)).toString('latin1');
}
