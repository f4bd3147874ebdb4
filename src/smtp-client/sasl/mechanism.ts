// The SASL mechanisms that the client knows, and the best one of those that a server offers (RFC 4422).

import { CramMd5 } from './cram-md5.ts';
import { Login, Plain, XOAuth2 } from './plain.ts';
import type { Credentials, Exchange } from './exchange.ts';
import { Scram } from './scram.ts';

export interface ClientMechanism {
  readonly name: string;
  /** As smtp_sasl_security_options counts them: `plaintext`, `active`, `dictionary`, `mutual-auth`. */
  readonly properties: ReadonlySet<string>;
  start(credentials: Credentials): Exchange;
}

/** The best first. XOAUTH2 is last: where a server offers PLAIN too, what we have is more likely a password. */
const mechanisms: readonly ClientMechanism[] = [
  {
    name: 'SCRAM-SHA-256',
    properties: new Set(['mutual-auth', 'dictionary']),
    start: (who) => new Scram('sha256', who),
  },
  { name: 'SCRAM-SHA-1', properties: new Set(['mutual-auth', 'dictionary']), start: (who) => new Scram('sha1', who) },
  { name: 'CRAM-MD5', properties: new Set(['active', 'dictionary']), start: (who) => new CramMd5(who) },
  { name: 'PLAIN', properties: new Set(['plaintext', 'active', 'dictionary']), start: (who) => new Plain(who) },
  { name: 'LOGIN', properties: new Set(['plaintext', 'active', 'dictionary']), start: (who) => new Login(who) },
  { name: 'XOAUTH2', properties: new Set(['plaintext', 'active']), start: (who) => new XOAuth2(who) },
];

/** `offered` in upper case. */
export function chooseMechanism(
  offered: readonly string[],
  isAllowed: (mechanism: ClientMechanism) => boolean,
): ClientMechanism | undefined {
  return mechanisms.find((mechanism) => offered.includes(mechanism.name) && isAllowed(mechanism));
}
