// The change to TLS, after STARTTLS or at once on a wrapper-mode port, with Postfix's log lines. A handshake that
// fails ends the connection and nothing else.

import type { SecureContext } from 'node:tls';
import { printable } from '../smtp/command-line.ts';
import type { Conversation } from './conversation.ts';

/** True when the session speaks TLS from here on; false when it is over. */
export async function beginTls(session: Conversation, context: SecureContext): Promise<boolean> {
  const { wire, log, options, deadline, clientText } = session;
  if (options.tlsLogLevel >= 2) log.info(`setting up TLS connection from ${clientText}`);
  deadline.startHandshake(options.tlsTimeout);
  try {
    const tls = await wire.startTls(context);
    session.tls = tls;
    if (options.tlsLogLevel >= 1) {
      const bits = `(${tls.bits}/${tls.bits} bits)`;
      log.info(
        `Anonymous TLS connection established from ${clientText}: ${tls.protocol} with cipher ${tls.cipher} ${bits}`,
      );
    }
    return true;
  } catch (error) {
    if (session.isOver) return false;
    const message = error instanceof Error ? error.message : String(error);
    log.info(`SSL_accept error from ${clientText}: -1`);
    log.warning(`TLS library problem: ${printable(message)}`);
    session.lost();
    return false;
  } finally {
    deadline.stop();
  }
}
