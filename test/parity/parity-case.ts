// What a parity run asks both servers, and what they answer. A group is one configuration with its cases; `$T/` in
// settings and tables stands for the folder with the tables.

export interface ParityCase {
  readonly id: string;
  readonly from: string;
  readonly recipients: readonly string[];
  /** Name and address that XCLIENT claims; the driver itself (127.0.0.1) without. */
  readonly client?: readonly [string, string] | undefined;
  readonly helo?: string | undefined;
  /** The login that XCLIENT claims. */
  readonly login?: string | undefined;
  /** The message, with \n line ends; a small one without. */
  readonly data?: string | undefined;
}

/** A table whose rows stand in a server. */
export interface ServedTable {
  readonly type: 'mysql' | 'pgsql' | 'ldap';
  readonly rows: readonly (readonly [key: string, value: string])[];
  /** Asks by `%u` and `%d` in place of `%s`. */
  readonly byParts?: boolean;
}

export interface ParityGroup {
  readonly name: string;
  readonly main: Readonly<Record<string, string>>;
  readonly tables: Readonly<Record<string, string>>;
  /** SQL that makes the database `$T/name` for sqlite: tables. */
  readonly sqlite?: Readonly<Record<string, string>>;
  /** Tables whose `.cf` file is `$T/name`. */
  readonly served?: Readonly<Record<string, ServedTable>>;
  /** Tables that postmap(1) makes an index of, with the index's type. */
  readonly indexed?: Readonly<Record<string, string>>;
  /** Further lines of master.cf; a service of the same name replaces the usual one. */
  readonly master?: readonly string[];
  /** Delivers by LMTP into a sink, so that delivered headers are compared too. */
  readonly capture?: boolean;
  readonly cases: readonly ParityCase[];
}

export interface DeliveredMessage {
  readonly from: string;
  readonly recipients: readonly string[];
  readonly headers: readonly string[];
  readonly body: string;
}

export interface ParityAnswer {
  readonly id: string;
  readonly mail: string;
  readonly recipients: readonly (readonly [string, string])[];
  /** The reply at the end of DATA; absent where no recipient was accepted. */
  readonly data?: string;
  /** The envelope sender that the queue has. */
  readonly sender?: string;
  /** Transport, next hop or reason, final recipient, original recipient, status, enhanced status code. */
  readonly deliveries: readonly (readonly string[])[];
  readonly messages?: readonly DeliveredMessage[];
}
