// What protects one connection: the TLS policy of its destination and the login that its server gets. Both are known
// before there is a connection, so that one that was kept is used again only by mail that would have made the same.

import { createHash } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import type { Credentials } from './sasl/exchange.ts';
import type { SaslRules } from './sasl/login.ts';
import type { CertificateRules } from './tls-check.ts';
import type { TlsPolicy } from './tls-policy.ts';
import type { TlsSessions } from './tls-sessions.ts';

/** smtp_tls_*: the same for all connections of a service. */
export interface ClientTls extends CertificateRules {
  /** `destination` is the next hop as it is written, `[host]:port` and all. Throws TlsPolicyError, TemporaryError. */
  policy(destination: string): Promise<TlsPolicy>;
  /** Throws where certificate files, ciphers or versions cannot be used. */
  context(policy: TlsPolicy): SecureContext;
  /** Changes with the files that are trusted. */
  generation(): string;
  readonly sessions: TlsSessions;
  readonly isWrapped: boolean;
  readonly logLevel: number;
  /** smtp_tls_note_starttls_offer. */
  readonly notesOffers: boolean;
}

export interface LoginQuestion {
  readonly sender: string;
  readonly host: string;
  readonly destination: string;
}

/** smtp_sasl_*; absent without smtp_sasl_auth_enable. */
export interface ClientSasl extends SaslRules {
  /** Undefined: this server gets no login. Throws TemporaryError. */
  credentials(question: LoginQuestion): Promise<Credentials | undefined>;
}

export interface Security {
  readonly policy: TlsPolicy;
  readonly credentials: Credentials | undefined;
  /** The next hop's domain, for names in certificates. */
  readonly nexthop: string;
  /** A connection may be used for other mail where host, address, port and this are equal. */
  readonly key: string;
}

export function security(policy: TlsPolicy, credentials: Credentials | undefined, nexthop: string): Security {
  // A digest, so that a password never stands in a key that somebody might log.
  const parts = JSON.stringify([policy, nexthop, credentials?.login, credentials?.password]);
  return { policy, credentials, nexthop, key: createHash('sha256').update(parts).digest('base64url') };
}
