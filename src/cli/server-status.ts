// What `posthaste status` shows, as the control socket carries it.

/** Recipients since the store was made; `entered` equals the sum of the others. */
export interface AccountingStatus {
  readonly entered: number;
  readonly delivered: number;
  readonly forwarded: number;
  readonly relayed: number;
  readonly bounced: number;
  readonly discarded: number;
  readonly deleted: number;
  readonly unexplained: number;
  readonly queued: number;
  readonly held: number;
  /** Not 0 is an alarm. */
  readonly mismatch: number;
}

export interface DefenceStatus {
  /** Addresses, networks and accounts that may not log in now. */
  readonly lockouts: number;
  readonly alarms: readonly {
    readonly login: string;
    readonly kind: string;
    readonly text: string;
    readonly since: number;
  }[];
  /** Networks, senders and recipients that greylisting remembers. */
  readonly greylisted?: number;
  /** Clients that have passed the tests before the banner. */
  readonly screened?: number;
  /** Logins since the start that were refused unseen, because of a lock-out. */
  readonly refusedLogins?: number;
}

export interface ServerStatus {
  readonly version: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  readonly configDirectory: string;
  readonly dataDirectory: string;
  readonly listeners: readonly { readonly name: string; readonly address: string }[];
  readonly connections: { readonly smtp: number; readonly imap: number };
  readonly queue: {
    readonly messages: number;
    readonly hold: number;
    readonly active: number;
    /** Messages that were queued since the start. */
    readonly entered: number;
  };
  readonly accounting?: AccountingStatus;
  readonly defence?: DefenceStatus;
  readonly residentBytes: number;
}
