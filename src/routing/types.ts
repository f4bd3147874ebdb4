// What routing decides: for one recipient, the address class, the reply a client gets, and the deliveries.

import type { ClientCertificate } from '../tls/client-certificate.ts';

export type AddressClass = 'local' | 'virtual-alias' | 'virtual-mailbox' | 'relay' | 'default';

/** An SMTP reply: code, enhanced status code (RFC 3463) and text without either. */
export interface Reply {
  readonly code: number;
  readonly status: string;
  readonly text: string;
}

/** One copy for one final recipient. */
export interface Delivery {
  /** Final recipient, after alias expansion, external form. */
  readonly recipient: string;
  /** Original recipient, as the client gave it (standard form). */
  readonly original: string;
  /** The master.cf service that delivers, as `virtual`, `smtp`, `mailstore`, `error`. */
  readonly transport: string;
  /** What the queue manager hands the agent: a domain, `[host]:port`, or for error: the reason. */
  readonly nexthop: string;
  /** For virtual(8): the path below virtual_mailbox_base. */
  readonly path?: string;
  /** A blind copy (always_bcc and the like): nobody is told what became of it. */
  readonly isCopy?: true;
  /** Not of routing: what local delivery has decided already and still has to do (queue/end-row.ts). */
  readonly end?: string;
}

/** One step of the derivation, in the order in which it was taken. */
export interface TraceStep {
  /** As `rewrite`, `class`, `virtual-alias`, `recipient`, `transport`, `quota`, `reply`. */
  readonly stage: string;
  readonly table?: string;
  readonly key?: string;
  /** The value found, `not found`, `error: ...`, or for steps without a table what was decided. */
  readonly result: string;
  /** The file and line, or the row, that decided. */
  readonly source?: string;
  /** Nesting depth of alias expansion, 0 for the address that the client gave. */
  readonly depth?: number;
}

/** Where mail goes on from an address: a line of the picture that the derivation makes. */
export interface TraceEdge {
  /** What led on, as `virtual-alias`, `canonical`, `bcc`, `local-alias`, `order`, `delivery`. */
  readonly stage: string;
  /** External form. */
  readonly from: string;
  /** The addresses that it leads to; itself where it stays what it is. */
  readonly to: readonly string[];
  /** It ends here, with this agent. */
  readonly delivery?: Delivery;
  /** It ends here, in local delivery. */
  readonly end?: { readonly kind: string; readonly what: string };
  /** It could not be found out, or has no end. */
  readonly failure?: string;
  /** The questions that decided, in order: steps of the same derivation. */
  readonly asked: readonly TraceStep[];
}

/**
 * What is done to the addresses of a message: `external` mail gets all of it; `internal` mail (bounces, what local(8)
 * forwards) no blind copies; `unmapped` mail (receive_override_options = no_address_mappings) standard form only.
 */
export type AddressHandling = 'external' | 'internal' | 'unmapped';

/** Receives the derivation; production passes none. */
export interface TraceSink {
  (step: TraceStep): void;
  edge?(edge: TraceEdge): void;
  /** Rows that are taken for absent: what would happen without them? */
  readonly without?: (table: string, key: string) => boolean;
}

/** `none`: the DNS knows no name; `unsure`: it could not tell; `forged`: the name does not have the address. */
type NameStatus = 'found' | 'none' | 'unsure' | 'forged';

/**
 * Deferrals that earlier commands of the session have left (smtpd_delay_reject = no): each is the reply, should nothing
 * that comes later refuse.
 */
export interface StageDoubts {
  client?: Reply | undefined;
  helo?: Reply | undefined;
  sender?: Reply | undefined;
}

/** Who asks: decides what relaying is allowed. */
export interface Client {
  /** IP address; absent: a stranger. */
  readonly address?: string;
  /** The confirmed name; `unknown` without one. */
  readonly name?: string;
  readonly nameStatus?: NameStatus;
  /** The name that the address has, confirmed or not. */
  readonly reverseName?: string;
  readonly reverseNameStatus?: NameStatus;
  readonly port?: number | undefined;
  /** The session's. */
  readonly doubts?: StageDoubts;
  /** What it said at HELO, EHLO or LHLO. */
  readonly helo?: string;
  readonly protocol?: 'SMTP' | 'ESMTP' | 'LMTP';
  /** Login name when authenticated. */
  readonly login?: string;
  readonly saslMethod?: string;
  readonly tls?: {
    readonly protocol: string;
    readonly cipher: string;
    readonly bits: number;
    /** What it has shown of itself, trusted or not. */
    readonly certificate?: ClientCertificate | undefined;
  };
  /** Where it connected to. */
  readonly serverAddress?: string;
  readonly serverPort?: number | undefined;
  /** It has sent commands before it may (RFC 2920 §3.1). */
  readonly pipelinesTooEarly?: boolean;
}

export interface RecipientDecision {
  /** The recipient in standard form. */
  readonly recipient: string;
  readonly class: AddressClass;
  /** What a client finally gets: at RCPT, or at the end of DATA where RCPT was accepted. */
  readonly reply: Reply;
  /** The stage at which `reply` is given. */
  readonly replyStage: 'rcpt' | 'data';
  /** Empty when refused. */
  readonly deliveries: readonly Delivery[];
  /** The revision of the tables that decided: when it has changed, the end of DATA decides again. */
  readonly revision?: number;
}
