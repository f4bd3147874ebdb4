// What the SMTP client is told and what it tells: options, one message's envelope, and an outcome for each recipient.

import type { Resolver } from '../dns/resolver.ts';
import type { Clock } from '../lib/clock.ts';
import type { ConverterLimits } from '../message/seven-bit-converter.ts';
import type { CacheRules } from './connection-cache.ts';
import type { ClientSasl, ClientTls } from './security.ts';

/** Postfix's smtp_*_timeout parameters, in milliseconds. */
export interface ClientTimeouts {
  readonly connect: number;
  readonly helo: number;
  readonly startTls: number;
  readonly mail: number;
  readonly rcpt: number;
  readonly dataInit: number;
  readonly dataTransfer: number;
  readonly dataDone: number;
  readonly quit: number;
  /** smtp_rset_timeout: whether a kept session still lives. */
  readonly rset: number;
}

export interface ClientOptions {
  readonly protocol: 'smtp' | 'lmtp';
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly timeouts: ClientTimeouts;
  readonly tls: ClientTls;
  /** Absent: no logins (smtp_sasl_auth_enable = no). */
  readonly sasl?: ClientSasl | undefined;
  /** EHLO always, never, or where the greeting says ESMTP (smtp_always_send_ehlo, smtp_never_send_ehlo). */
  readonly ehlo: 'always' | 'never' | 'offered';
  /** smtp_skip_5xx_greeting: such a greeting is a broken host, not a verdict on this mail. */
  readonly skips5xxGreeting: boolean;
  /**
   * smtp_discard_ehlo_keywords or smtp_discard_ehlo_keyword_address_maps: in lower case, `silent-discard` among them.
   * Throws TemporaryError.
   */
  discardedKeywords(address: string): Promise<ReadonlySet<string>>;
  /** smtp_reply_filter: a line of a reply, code and all, as it is to be read; absent: as it is. Throws TemporaryError. */
  filterReplyLine?(line: string): Promise<string>;
  /** smtp_helo_name. */
  readonly helloName: string;
  /** What relative paths of sockets are relative to: queue_directory. Absent: the working directory. */
  readonly socketFolder?: string;
  /** Port where the next hop names none (smtp_tcp_port 25; lmtp_tcp_port 24). */
  readonly port: number;
  readonly lineLengthLimit: number;
  /** smtp_quote_rfc821_envelope: local parts with unusual characters are sent in quotes. */
  readonly quotesEnvelope: boolean;
  /** How 8-bit mail is made 7-bit for servers without 8BITMIME; absent: never (disable_mime_output_conversion). */
  readonly conversion?: ConverterLimits;
  /** smtp_mx_address_limit, smtp_mx_session_limit; 0: no limit. */
  readonly addressLimit: number;
  readonly sessionLimit: number;
  /** Shuffle hosts of equal preference (smtp_randomize_addresses). */
  readonly randomize: boolean;
  readonly families: readonly (4 | 6)[];
  /** smtp_address_preference; undefined: any. */
  readonly prefers: 4 | 6 | undefined;
  /** smtp_balance_inet_protocols. */
  readonly balances: boolean;
  /** ignore_mx_lookup_error: a failed look-up counts as no MX record. */
  readonly ignoresMxFailure: boolean;
  /** smtp_defer_if_no_mx_address_found. */
  readonly defersWithoutAddress: boolean;
  /** disable_dns_lookups: no MX records, only addresses. */
  readonly useMx: boolean;
  /** smtp_bind_address, smtp_bind_address6; '' for any. */
  readonly bindAddress: { readonly 4: string; readonly 6: string };
  /** Which sessions are kept for the next message; absent: none. */
  readonly cache?: CacheRules;
  /** smtp_tls_connection_reuse: sessions with TLS are kept too. */
  readonly isKeptWithTls: boolean;
  /** smtp_skip_quit_response. */
  readonly skipsQuitResponse: boolean;
  /** smtp_fallback_relay. */
  readonly fallback: readonly string[];
  /** Is this one of our own addresses (inet_interfaces, proxy_interfaces)? */
  isOwnAddress(address: string): boolean;
  /** Our own host name: a server that calls itself so is ourselves. */
  readonly hostname: string;
  /** The last look at what goes wrong, for the log (`connect to host[ip]:25: Connection refused`). */
  note?(text: string): void;
  /** For the log: what an administrator should mend. */
  warn?(text: string): void;
}

export interface EnvelopeRecipient {
  readonly address: string;
  /** NOTIFY as given, or ''. */
  readonly notify: string;
  /** ORCPT as on the wire (`rfc822;x@y`, xtext), or ''. */
  readonly orcpt: string;
}

/** Where a message's octets come from. */
export interface Body {
  readonly size: number;
  read(from: number, to: number): Promise<Uint8Array>;
}

export interface Envelope {
  /** External form, '' for the null sender. */
  readonly sender: string;
  readonly recipients: readonly EnvelopeRecipient[];
  readonly ret: string;
  /** ENVID as on the wire (xtext), or ''. */
  readonly envid: string;
  readonly eightBit: boolean;
  readonly smtputf8: boolean;
  readonly body: Body;
  /** An address probe: the reply to this command is all that is wanted, the message is not sent. */
  readonly probe?: 'rcpt' | 'data';
}

export interface ClientOutcome {
  readonly kind: 'delivered' | 'deferred' | 'bounced';
  readonly status: string;
  readonly reason: string;
  /** `host[ip]:port`, or `none`. */
  readonly relay: string;
  /** Which message of its connection this was, where it was not the first. */
  readonly connectionUse?: number;
  /** The server that said it, and what it said: for Remote-MTA and Diagnostic-Code (RFC 3464). */
  readonly remoteMta?: string;
  readonly diagnostic?: string;
  /** True: the server gives no delivery reports, whoever asked for one gets `relayed` from us. False: it will report. */
  readonly relayed?: boolean;
}

export interface ClientReport {
  /** In step with the envelope's recipients. */
  readonly outcomes: readonly ClientOutcome[];
  /** No host could be reached or talked to: counts against the destination. */
  readonly unreachable: boolean;
  readonly setupMilliseconds: number;
  readonly transferMilliseconds: number;
}

/** A session or a look-up that failed as a whole: the same outcome for every recipient that is left. */
export class ClientFailure extends Error {
  override name = 'ClientFailure';
  readonly outcome: ClientOutcome;
  /** A host that said `no` may be followed by the next one; one that must not be asked again may not. */
  readonly isFinal: boolean;
  /** What was said of recipients before, in step with them: it holds whatever came after. */
  known: readonly (ClientOutcome | undefined)[] = [];
  /** TLS failed: worth a try without where nobody has asked for it. */
  readonly isTls: boolean;

  constructor(outcome: ClientOutcome, { isFinal = false, isTls = false } = {}) {
    super(outcome.reason);
    this.outcome = outcome;
    this.isFinal = isFinal;
    this.isTls = isTls;
  }
}
