// What the sessions of all services share, handed in by the composition root.

import type { SaslServer } from '../auth/sasl-server.ts';
import type { Exceeded } from '../defence/sending-limits.ts';
import type { ClientName, NameStatus } from '../dns/client-names.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { PassingBytes } from '../lib/passing-bytes.ts';
import type { Mailstore } from '../mailstore/types.ts';
import type { MailMetrics } from '../metrics/mail-metrics.ts';
import type { HeaderChecks } from '../milter/header-checks.ts';
import type { MailQueue } from '../queue/types.ts';
import type { HandshakeLog, ServerHandshake } from '../tls/server-tls.ts';
import type { ClientLimits } from './client-limits.ts';
import type { SmtpPolicy } from './policy.ts';

/** Keeps to what users who have logged in may send, and watches what they do. */
export interface SenderWatch {
  check(login: string, recipients: number): Exceeded | undefined;
  /** Counts a message that is about to be accepted. */
  take(login: string, recipients: number): Exceeded | undefined;
  giveBack(login: string, recipients: number): void;
  accepted(login: string, recipients: number): void;
  rejected(login: string): void;
  /** This user's mail is to wait on hold. */
  holds(login: string): boolean;
}

/** Sends transcripts to the postmaster. */
export interface SessionReporter {
  /** No transcript need be kept where nobody wants one. */
  readonly isWanted: boolean;
  report(session: {
    readonly client: string;
    readonly troubles: ReadonlySet<string>;
    readonly lines: readonly string[];
  }): void;
}

/** Parts that are the same for every service. */
export interface SharedParts {
  readonly queue: MailQueue;
  readonly store: Pick<Mailstore, 'contentWriter' | 'isCongested' | 'whenUncongested'>;
  readonly sasl: SaslServer;
  /** The auth service at this smtpd_sasl_path. */
  readonly dovecotAuth?: (path: string) => SaslServer;
  readonly clientNames: { lookup(address: string): Promise<ClientName> };
  readonly log: Log;
  readonly clock: Clock;
  readonly senders?: SenderWatch;
  readonly metrics?: MailMetrics;
  /** A name for each session: log lines carry it for those who trace. */
  readonly newSession?: () => string;
  /** Is told of octets that come in for nothing. */
  readonly bytes?: PassingBytes;
  /** Octets free where messages are kept; the answer may be a second old. */
  readonly freeSpace: () => number;
  /** Tries the queued mail for a site now; false where that cannot be. Absent: nobody can (LMTP, tests). */
  readonly flushSite?: (site: string) => boolean;
  /** milter_header_checks, the newest. */
  readonly headerChecks?: () => HeaderChecks;
  /** Is told of sessions with trouble (notify_classes). */
  readonly reports?: SessionReporter;
  /** Absent: no TLS is offered. */
  readonly tls?: { handshake(log?: HandshakeLog): ServerHandshake };
  /** smtpd_client_event_limit_exceptions. */
  readonly isLimitException?: (client: { address: string; name: string }) => boolean | Promise<boolean>;
  /** mynetworks: for local_header_rewrite_clients = permit_mynetworks. */
  readonly isMyNetwork?: (address: string) => boolean | Promise<boolean>;
}

/** One service's own on top. */
export interface SessionParts extends SharedParts {
  readonly policy: SmtpPolicy;
  readonly limits: ClientLimits;
  /** In master.cf, for the log. */
  readonly serviceName: string;
  /** Resolves after so many milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** Who is at the other end, or whom it speaks for (XCLIENT). */
export interface SessionClient {
  /** `unknown` where XCLIENT says that nobody knows it. */
  address: string;
  /** Found out after the connection is made. */
  name: string;
  nameStatus: NameStatus;
  reverseName: string;
  reverseNameStatus: NameStatus;
  port: number | undefined;
  /** Where it connected to. */
  serverAddress: string;
  serverPort: number | undefined;
}
