// What the servers ask of whoever judges SASL exchanges (RFC 4422): the built-in mechanisms (built-in-sasl.ts) or an
// auth service of Dovecot's (dovecot-auth.ts). Words go to and fro in base64, as SMTP and IMAP carry them; an exchange
// whose outcome cannot be found out throws TemporaryError.

import type { ChannelBinding } from './channel-binding.ts';
import type { LoginService, ProvenDenial } from './types.ts';

export interface SaslMechanism {
  readonly name: string;
  /** `plaintext`, `anonymous`, `dictionary`, `active`, `mutual-auth`, `forward-secrecy`. */
  readonly properties: ReadonlySet<string>;
}

export interface SaslRequest {
  readonly mechanism: string;
  readonly protocol: LoginService;
  /** What a Dovecot auth service is told (smtpd_sasl_service). */
  readonly service: string;
  readonly serverAddress: string;
  readonly clientAddress: string;
  /** Within TLS. */
  readonly isSecured: boolean;
  /** base64; '' is an empty one. */
  readonly initialResponse?: string | undefined;
  /** Of the TLS connection; absent where there is none. */
  readonly channel?: ChannelBinding | undefined;
  /** Mechanisms with channel binding were offered: a client that says they were not has been deceived (RFC 5802 §6). */
  readonly isBindingOffered?: boolean;
  /** Joined to login names that have no domain (smtpd_sasl_local_domain). */
  readonly localDomain?: string;
}

export interface SaslSuccess {
  readonly kind: 'authenticated';
  readonly login: string;
  /** Where the directory knows it. */
  readonly mailboxId?: number;
  /** The only envelope senders that this login may use; absent: no limit of its own. */
  readonly senders?: readonly string[];
}

export interface SaslDenial {
  readonly kind: 'denied';
  /** For the log. */
  readonly reason: string;
  /** For the client, where it must not hear the reason. */
  readonly told?: string;
  readonly login: string | undefined;
  readonly isTemporary: boolean;
  /** The secret was right: `told` is for whoever reads the client's messages. */
  readonly proven?: ProvenDenial;
  /** What the client said was no base64, or not what the mechanism asks for. */
  readonly flaw?: 'base64' | 'syntax';
}

export type SaslStep =
  | {
      readonly kind: 'challenge';
      readonly challenge: string;
      answer(response: string): Promise<SaslStep>;
      cancel(): void;
    }
  | SaslSuccess
  | SaslDenial;

export interface SaslServer {
  /** Throws TemporaryError where nobody can say. */
  mechanisms(): readonly SaslMechanism[] | Promise<readonly SaslMechanism[]>;
  /** Begins an exchange. Throws TemporaryError. */
  begin(request: SaslRequest): Promise<SaslStep>;
}
