// What a server asks of whoever judges SASL exchanges: the built-in mechanisms (password-sasl.ts) or an auth service of
// Dovecot's (dovecot-auth.ts). Words go to and fro in base64; an outcome that cannot be found out throws TemporaryError.

import type { SaslMechanism, SaslRequest, SaslStep } from './dovecot-auth.ts';

export interface SaslServer {
  /** Throws TemporaryError where nobody can say. */
  mechanisms(): readonly SaslMechanism[] | Promise<readonly SaslMechanism[]>;
  /** Begins an exchange. Throws TemporaryError. */
  begin(request: SaslRequest): Promise<SaslStep>;
}
