// Who logs in: the question that SMTP, IMAP and POP3 ask, and its outcomes.
// "Could not find out" is TemporaryError, never "denied".

/** `other` is one that another program names, which asks us over the Dovecot auth protocol. */
export type LoginService = 'smtp' | 'imap' | 'pop3' | 'sieve' | 'http' | 'other';

export interface Credentials {
  readonly login: string;
  readonly password: string;
  readonly service: LoginService;
  /** '' where the client is no network's. */
  readonly remoteAddress: string;
  readonly localAddress?: string;
  /** How it was sent; absent: PLAIN, or a command of the protocol's own. */
  readonly mechanism?: string;
  /** Within TLS, or on this host. */
  readonly isSecured?: boolean;
}

export type AuthResult =
  | {
      readonly kind: 'authenticated';
      /** Absent where the login belongs to no mailbox here: it may send, and has no mail to read. */
      readonly mailboxId?: number;
      /** The mailbox's address, normalised; or the name as another program's table writes it. */
      readonly login: string;
      /** The only envelope senders that this login may use (an app password's); absent: no limit of its own. */
      readonly senders?: readonly string[];
    }
  /** `reason` is for the log (`unknown user`, `password mismatch`, `disabled`); the client hears one text for all. */
  | {
      readonly kind: 'denied';
      readonly reason: string;
      /** Locked out for so long: the secret was not looked at. The client hears that it may try again later. */
      readonly retryAfterSeconds?: number;
      /** The secret was right, and is no guess that would have to be made slow. */
      readonly proven?: ProvenDenial;
    };

/** Why somebody who has shown the right secret is not let in. */
export interface ProvenDenial {
  /** For the client: a sentence, which says what to do. */
  readonly told: string;
  /** The password must be changed first: where that can be done, this mailbox may be let in to do it, and nothing else. */
  readonly mustChange?: { readonly mailboxId: number; readonly login: string };
}

export interface Authenticator {
  authenticate(credentials: Credentials): Promise<AuthResult>;
}
