// Who logs in: the question that SMTP, IMAP and POP3 ask, and its outcomes.
// "Could not find out" is TemporaryError, never "denied".

export interface Credentials {
  readonly login: string;
  readonly password: string;
  readonly service: 'smtp' | 'imap' | 'pop3' | 'sieve' | 'http';
  readonly remoteAddress: string;
}

export type AuthResult =
  | {
      readonly kind: 'authenticated';
      readonly mailboxId: number /** The mailbox's address, normalised. */;
      readonly login: string;
    }
  /** `reason` is for the log (`unknown user`, `password mismatch`, `disabled`); the client hears one text for all. */
  | {
      readonly kind: 'denied';
      readonly reason: string;
      /** Locked out for so long: the secret was not looked at. The client hears that it may try again later. */
      readonly retryAfterSeconds?: number;
    };

export interface Authenticator {
  authenticate(credentials: Credentials): Promise<AuthResult>;
}
