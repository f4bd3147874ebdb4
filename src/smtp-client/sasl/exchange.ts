// The words of SASL as a client (RFC 4422): what we know, and how one exchange with a server goes.

export interface Credentials {
  readonly login: string;
  readonly password: string;
}

/** The exchange cannot go on; the message is for the log and never holds a password. */
export class SaslError extends Error {
  override name = 'SaslError';
}

export interface Exchange {
  /** What goes out with AUTH itself; undefined where the server speaks first. */
  first(): Buffer | undefined;
  /** The answer to a challenge. Throws SaslError. */
  next(challenge: Buffer): Buffer | Promise<Buffer>;
  /** A server's yes can be believed: it has shown what the mechanism wants to see. */
  readonly isComplete: boolean;
}
