// What routing decides: for one recipient, the address class, the reply a client gets, and the deliveries.

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
}

/** One step of the derivation, in the order in which it was taken. */
export interface TraceStep {
  /** As `rewrite`, `class`, `virtual-alias`, `recipient`, `transport`, `quota`, `reply`. */
  readonly stage: string;
  readonly table?: string;
  readonly key?: string;
  /** The value found, `not found`, `error: …`, or for steps without a table what was decided. */
  readonly result: string;
  /** The file and line, or the row, that decided. */
  readonly source?: string;
  /** Nesting depth of alias expansion, 0 for the address that the client gave. */
  readonly depth?: number;
}

/** Receives the derivation; production passes none. */
export type TraceSink = (step: TraceStep) => void;

/** Who asks: decides what relaying is allowed. */
export interface Client {
  /** IP address; absent: a stranger. */
  readonly address?: string;
  readonly name?: string;
  /** What it said at HELO, EHLO or LHLO. */
  readonly helo?: string;
  /** Login name when authenticated. */
  readonly login?: string;
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
