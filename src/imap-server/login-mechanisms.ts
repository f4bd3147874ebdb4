// Which SASL mechanisms a connection may use: those that send something readable only where passwords may be sent, and
// channel binding only where there is a channel. CAPABILITY and AUTHENTICATE agree because both ask here.

import type { SaslMechanism } from '../auth/sasl-server.ts';
import type { SessionContext } from './session-context.ts';

/** Those that the connection could use, were it as safe as it has to be. */
export function knownMechanisms(session: SessionContext): SaslMechanism[] {
  const hasChannel = session.channel !== undefined;
  return session.server.sasl.mechanisms().filter(({ name }) => hasChannel || !name.endsWith('-PLUS'));
}

export function mayUseMechanism(session: SessionContext, { properties }: SaslMechanism): boolean {
  return session.mayUsePassword || !properties.has('plaintext');
}
