// AUTH where another program judges (smtpd_sasl_type = dovecot): any mechanism that it offers, word for word between
// the client and it (RFC 4954 §4). Replies and log lines are those of Postfix's smtpd_sasl_glue.

import type { DovecotAuth, SaslStep } from '../../auth/dovecot-auth.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { printable } from '../../smtp/command-line.ts';
import { replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import type { Conversation } from '../conversation.ts';
import { allowedMechanisms } from '../offers.ts';

export async function authenticateByDovecot(
  session: Conversation,
  server: DovecotAuth,
  mechanism: string,
  initial: string | undefined,
): Promise<SmtpReply> {
  let offered: readonly string[];
  try {
    offered = await allowedMechanisms(session, server);
  } catch (error) {
    if (!(error instanceof TemporaryError)) throw error;
    return fail(session, mechanism, "Can't connect to authentication server", undefined, true);
  }
  if (!offered.includes(mechanism.toUpperCase())) {
    return fail(session, mechanism, 'Invalid authentication mechanism', undefined, false);
  }
  if (initial !== undefined && !isBase64(initial)) {
    return fail(session, mechanism, 'Invalid base64 data in initial response', undefined, false);
  }
  return await proceed(session, mechanism, () =>
    server.begin({
      mechanism,
      service: session.options.saslService,
      serverAddress: session.client.serverAddress,
      clientAddress: session.client.address,
      isSecured: session.tls !== undefined,
      // `=` alone is an empty response (RFC 4954 §4).
      initialResponse: initial === '=' ? '' : initial,
    }),
  );
}

async function proceed(session: Conversation, mechanism: string, ask: () => Promise<SaslStep>): Promise<SmtpReply> {
  let step: SaslStep;
  try {
    step = await ask();
  } catch (error) {
    if (!(error instanceof TemporaryError)) throw error;
    return fail(session, mechanism, error.message, undefined, true);
  }
  switch (step.kind) {
    case 'authenticated':
      session.login = printable(step.login);
      session.saslMethod = mechanism;
      return replies.authenticated;
    case 'denied':
      return fail(session, mechanism, step.reason, step.login, step.isTemporary);
    case 'challenge': {
      const current = step;
      session.readLine((line) => {
        if (line === '*') {
          current.cancel();
          session.log.warning(`${session.clientText}: SASL ${mechanism} authentication aborted`);
          return replies.authAborted;
        }
        if (isBase64(line)) return proceed(session, mechanism, () => current.answer(line));
        current.cancel();
        return fail(session, mechanism, 'Invalid base64 data in continued response', undefined, false);
      });
      return reply(334, '', current.challenge);
    }
  }
}

function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/=]*$/.test(text);
}

/** fail2ban's postfix filter reads this line. */
function fail(
  session: Conversation,
  mechanism: string,
  reason: string,
  login: string | undefined,
  isTemporary: boolean,
): SmtpReply {
  const method = printable(mechanism).slice(0, 100);
  const why = printable(reason) || '(reason unavailable)';
  const who = login === undefined || login === '' ? '(unavailable)' : printable(login).slice(0, 100);
  session.log.warning(`${session.clientText}: SASL ${method} authentication failed: ${why}, sasl_username=${who}`);
  return isTemporary
    ? reply(454, '4.7.0', `Temporary authentication failure: ${why}`)
    : reply(535, '5.7.8', `Error: authentication failed: ${why}`);
}
