// What the sessions of all services share, handed in by the composition root.

import type { SecureContext } from 'node:tls';
import type { Authenticator } from '../auth/types.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Mailstore } from '../mailstore/types.ts';
import type { MailQueue } from '../queue/types.ts';
import type { ClientLimits } from './client-limits.ts';
import type { SmtpPolicy } from './policy.ts';

/** Parts that are the same for every service. */
export interface SharedParts {
  readonly queue: MailQueue;
  readonly store: Pick<Mailstore, 'contentWriter' | 'isCongested' | 'whenUncongested'>;
  readonly authenticator: Authenticator;
  readonly clientNames: { lookup(address: string): Promise<string> };
  readonly log: Log;
  readonly clock: Clock;
  /** Octets free where messages are kept; the answer may be a second old. */
  readonly freeSpace: () => number;
  /** Absent: no TLS is offered. */
  readonly tls?: { secureContext(): SecureContext };
  /** smtpd_client_event_limit_exceptions. */
  readonly isLimitException?: (client: { address: string; name: string }) => boolean | Promise<boolean>;
  /** mynetworks: for local_header_rewrite_clients = permit_mynetworks. */
  readonly isMyNetwork?: (address: string) => boolean | Promise<boolean>;
}

/** One service's own on top. */
export interface SessionParts extends SharedParts {
  readonly policy: SmtpPolicy;
  readonly limits: ClientLimits;
  /** Resolves after so many milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}

export interface SessionClient {
  readonly address: string;
  /** Found out after the connection is made. */
  name: string;
  readonly port: number;
}
