// A place where passwords are checked (what Dovecot calls a passdb, and a userdb where it knows of accounts): the
// directory, the tables of another program's SQL database, an LDAP server, a file. backend-chain.ts asks them in order.
// "Could not find out" is TemporaryError, never `unknown` or `wrong`.

import type { Credentials, LoginService, ProvenDenial } from '../types.ts';

/** Field names as Dovecot has them: `home`, `quota_rule`; a field without a value is ''. */
export type UserFields = ReadonlyMap<string, string>;

export type BackendAnswer =
  | {
      readonly kind: 'right';
      /** As the backend writes it: `user`, or `username` and `domain`, of the row. */
      readonly login: string;
      /** Where the directory itself has answered. */
      readonly mailboxId?: number;
      /** What else the row says, for who keeps another's mail: `proxy`, `host`, `userdb_home` ... */
      readonly fields: UserFields;
    }
  /** Another backend may know the user. */
  | { readonly kind: 'unknown' }
  /** Another backend may have another password for the same name. */
  | { readonly kind: 'wrong'; readonly reason: string }
  /** The password was right and the account is not to be used: nobody else is asked. */
  | { readonly kind: 'refused'; readonly reason: string; readonly proven?: ProvenDenial };

export interface PasswordBackend {
  /** As in the settings, for the log: `sql:/etc/dovecot/dovecot-sql.conf.ext`. */
  readonly name: string;
  /** Throws TemporaryError. */
  check(credentials: Credentials): Promise<BackendAnswer>;
  /** What is known of an account without a password; undefined: there is none. Throws TemporaryError. */
  find(login: string, service: LoginService): Promise<UserFields | undefined>;
  /** Every login name, or undefined where the backend cannot tell. Throws TemporaryError. */
  names(): Promise<readonly string[] | undefined>;
  /** It answers `find` of its own, so that an account which it does not find must not log in to a mailbox. */
  readonly knowsUsers: boolean;
  close(): void;
}
