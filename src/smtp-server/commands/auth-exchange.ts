// The exchange of AUTH, word for word between the client and whoever judges it: the mechanisms of our own, or another
// program (smtpd_sasl_type = dovecot). Replies and log lines are those of Postfix's smtpd_sasl_glue.

import type { SaslDenial, SaslServer, SaslStep } from '../../auth/sasl-server.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { printable } from '../../smtp/command-line.ts';
import { replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import type { Conversation } from '../conversation.ts';
import { allowedMechanisms, channelOf, saslServer } from '../offers.ts';

export async function beginExchange(
  session: Conversation,
  mechanism: string,
  initial: string | undefined,
): Promise<SmtpReply> {
  const server = saslServer(session);
  let offered: readonly string[];
  try {
    offered = await allowedMechanisms(session, server);
  } catch (error) {
    if (!(error instanceof TemporaryError)) throw error;
    return fail(session, mechanism, { reason: "Can't connect to authentication server", isTemporary: true });
  }
  if (!offered.includes(mechanism.toUpperCase())) {
    return fail(session, mechanism, { reason: 'Invalid authentication mechanism' });
  }
  if (initial !== undefined && !isBase64(initial)) {
    return fail(session, mechanism, { reason: 'Invalid base64 data in initial response' });
  }
  return await proceed(session, mechanism, () => begin(session, server, offered, mechanism, initial));
}

function begin(
  session: Conversation,
  server: SaslServer,
  offered: readonly string[],
  mechanism: string,
  initial: string | undefined,
): Promise<SaslStep> {
  const { options, client, tls } = session;
  return server.begin({
    mechanism,
    protocol: 'smtp',
    service: options.saslService,
    serverAddress: client.serverAddress,
    clientAddress: client.address,
    isSecured: tls !== undefined,
    // `=` alone is an empty response (RFC 4954 §4).
    initialResponse: initial === '=' ? '' : initial,
    channel: channelOf(session),
    isBindingOffered: offered.some((name) => name.endsWith('-PLUS')),
    localDomain: options.saslLocalDomain,
  });
}

async function proceed(session: Conversation, mechanism: string, ask: () => Promise<SaslStep>): Promise<SmtpReply> {
  let step: SaslStep;
  try {
    step = await ask();
  } catch (error) {
    if (!(error instanceof TemporaryError)) throw error;
    // What is wrong on our side is in the log, and nobody else's business; Dovecot's troubles are told as Postfix does.
    const told = session.options.saslServerPath === undefined ? { told: 'try again later' } : {};
    return fail(session, mechanism, { reason: error.message, ...told, isTemporary: true });
  }
  switch (step.kind) {
    case 'authenticated':
      session.login = printable(step.login);
      session.loginSenders = step.senders;
      session.saslMethod = mechanism;
      return replies.authenticated;
    case 'denied':
      return fail(session, mechanism, step);
    case 'challenge': {
      const current = step;
      session.readLine((line) => {
        if (line === '*') {
          current.cancel();
          session.log.warning(`${session.clientText}: SASL ${methodOf(mechanism)} authentication aborted`);
          return replies.authAborted;
        }
        if (isBase64(line)) return proceed(session, mechanism, () => current.answer(line));
        current.cancel();
        return fail(session, mechanism, { reason: 'Invalid base64 data in continued response' });
      });
      return reply(334, '', current.challenge);
    }
  }
}

function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/=]*$/.test(text);
}

/** A stranger's text, which must not look like another part of the line. */
function methodOf(mechanism: string): string {
  return mechanism.slice(0, 100).replaceAll(/[^\w-]/g, '?');
}

/** fail2ban's postfix filter reads this line. */
function fail(
  session: Conversation,
  mechanism: string,
  { reason, told, login, isTemporary }: Partial<SaslDenial>,
): SmtpReply {
  const why = printable(reason ?? '') || '(reason unavailable)';
  const who = login === undefined || login === '' ? '(unavailable)' : printable(login).slice(0, 100);
  session.log.warning(
    `${session.clientText}: SASL ${methodOf(mechanism)} authentication failed: ${why}, sasl_username=${who}`,
  );
  return isTemporary === true
    ? reply(454, '4.7.0', `Temporary authentication failure: ${told ?? why}`)
    : reply(535, '5.7.8', `Error: authentication failed: ${told ?? why}`);
}
