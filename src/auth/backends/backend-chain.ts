// Asks the places where passwords are checked, in the order of posthaste_auth_backends, with Dovecot's rules for several
// passdbs (its PasswordDatabase page): the first that knows the name and the password lets in; one that does not know
// the name, or has another password, passes the question on; one that cannot tell passes it on too, but if nobody
// after it lets in, the outcome is "could not find out", never "wrong password". `result_failure = return-fail` and
// `result_internalfail = return-fail` end the search there.
//
// Whoever was let in gets the mailbox of that name in the directory, where there is one. Without, the login may send
// mail, and has none to read. The name must be the mailbox's own (or its name in an alias domain): user+extension of
// another program's table is somebody of his own, not the owner of `user`.

import type { MailboxEntry } from '../../directory/lookups.ts';
import { fold } from '../../directory/mail-address.ts';
import type { ProgramLog } from '../../lib/log.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import type { AuthResult, Credentials, LoginService, ProvenDenial } from '../types.ts';
import { normalLogin } from './login-values.ts';
import type { BackendAnswer, PasswordBackend, UserFields } from './types.ts';
import { isAmong, type UserFilter } from './user-filter.ts';

export interface ChainLink {
  readonly backend: PasswordBackend;
  readonly endsOnFailure: boolean;
  readonly endsOnTrouble: boolean;
  /** `deny = yes`: whoever is in it may not log in at all. */
  readonly isDenying: boolean;
  /** username_filter; empty: everybody. */
  readonly filter: UserFilter;
}

export interface BackendChainOptions {
  readonly links: readonly ChainLink[];
  readonly mailbox: (address: string) => Promise<MailboxEntry | undefined>;
  /** Whether the owner of a mailbox may log in who has shown a password that another program keeps. */
  readonly admit: (mailbox: MailboxEntry, credentials: Credentials) => AuthResult;
  readonly log: ProgramLog;
}

export interface CheckedLogin {
  readonly result: AuthResult;
  /** Who has decided, and what the row said besides. */
  readonly backend: PasswordBackend | undefined;
  readonly fields: UserFields;
}

const noFields: UserFields = new Map();

/** What user_query may say that mailboxes here have a place of their own for. */
const unservedFields = new Set(['home', 'mail', 'uid', 'gid', 'chroot', 'quota_rule', 'quota', 'mail_location']);

export class BackendChain {
  readonly #options: BackendChainOptions;
  /** Of each backend it is said once which fields count for nothing. */
  readonly #toldOf = new Set<string>();

  constructor(options: BackendChainOptions) {
    this.#options = options;
  }

  /** Throws TemporaryError. */
  async check(credentials: Credentials): Promise<CheckedLogin> {
    let trouble: TemporaryError | undefined;
    let reason = 'unknown user';
    if (normalLogin(credentials.login) === undefined) return denied(undefined, reason);
    for (const link of this.#options.links) {
      if (!isAmong(link.filter, credentials.login)) continue;
      const answer = await this.#ask(link, credentials);
      if (answer instanceof TemporaryError) {
        if (link.endsOnTrouble || link.isDenying) throw answer;
        trouble ??= answer;
        continue;
      }
      if (answer.kind === 'right') return await this.#letIn(link.backend, answer, credentials);
      if (answer.kind === 'refused') return denied(link.backend, answer.reason, answer.proven);
      if (answer.kind === 'wrong') reason = answer.reason;
      if (link.endsOnFailure) break;
    }
    if (trouble !== undefined) throw trouble;
    return denied(undefined, reason);
  }

  /** What the first backend that knows the account says of it. Throws TemporaryError. */
  async find(login: string, service: LoginService): Promise<UserFields | undefined> {
    let trouble: unknown;
    for (const { backend, isDenying, filter } of this.#options.links) {
      if (isDenying || !isAmong(filter, login)) continue;
      try {
        const fields = await backend.find(login, service);
        if (fields !== undefined) return fields;
      } catch (error) {
        if (!(error instanceof TemporaryError)) throw error;
        trouble ??= error;
      }
    }
    if (trouble !== undefined) throw trouble;
    return undefined;
  }

  /** Every name that a backend can list, once. Throws TemporaryError. */
  async names(): Promise<readonly string[]> {
    const names = new Set<string>();
    for (const { backend, isDenying } of this.#options.links) {
      if (isDenying) continue;
      for (const name of (await backend.names()) ?? []) names.add(name);
    }
    return [...names];
  }

  close(): void {
    for (const { backend } of this.#options.links) backend.close();
  }

  async #ask({ backend, isDenying }: ChainLink, credentials: Credentials): Promise<BackendAnswer | TemporaryError> {
    try {
      if (!isDenying) return await backend.check(credentials);
      const isListed = (await backend.find(credentials.login, credentials.service)) !== undefined;
      return isListed ? { kind: 'refused', reason: `denied by ${backend.name}` } : { kind: 'unknown' };
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      this.#options.log.warning(
        error.message.includes(backend.name) ? error.message : `${backend.name}: ${error.message}`,
      );
      return error;
    }
  }

  async #letIn(
    backend: PasswordBackend,
    { login, fields, mailboxId }: Extract<BackendAnswer, { readonly kind: 'right' }>,
    credentials: Credentials,
  ): Promise<CheckedLogin> {
    const { service } = credentials;
    if (mailboxId !== undefined) return { result: { kind: 'authenticated', mailboxId, login }, backend, fields };
    const mailbox = await this.#ownMailbox(login);
    if (mailbox !== undefined && !mailbox.enabled) return denied(backend, 'disabled');
    const isForMail = service === 'imap' || service === 'pop3' || service === 'sieve';
    if (isForMail && backend.knowsUsers) {
      const user = await backend.find(login, service);
      if (user === undefined) return denied(backend, `${backend.name} has the password, and does not find the user`);
      this.#tellOfFields(backend, user);
    }
    if (mailbox !== undefined) return { result: this.#admit(mailbox, login, credentials), backend, fields };
    if (isForMail) {
      this.#options.log.warning(
        `${login} has logged in by ${backend.name} and has no mailbox here: posthaste mailbox add ${login}`,
      );
    }
    return { result: { kind: 'authenticated', login }, backend, fields };
  }

  /** By the name that the backend has for the account. */
  #admit(mailbox: MailboxEntry, login: string, credentials: Credentials): AuthResult {
    const result = this.#options.admit(mailbox, credentials);
    return result.kind === 'authenticated' ? { ...result, login } : result;
  }

  async #ownMailbox(login: string): Promise<MailboxEntry | undefined> {
    const mailbox = await this.#options.mailbox(login);
    return mailbox !== undefined && localpart(mailbox.address) === localpart(login) ? mailbox : undefined;
  }

  #tellOfFields(backend: PasswordBackend, fields: UserFields): void {
    const unserved = [...fields.keys()].filter((name) => unservedFields.has(name) || name.startsWith('quota_'));
    if (unserved.length === 0 || this.#toldOf.has(backend.name)) return;
    this.#toldOf.add(backend.name);
    this.#options.log.warning(
      `${backend.name}: what it says of ${unserved.join(', ')} counts for nothing here: mailboxes are kept in the ` +
        'mailstore, and their quota is that of "posthaste mailbox set --quota"',
    );
  }
}

function denied(backend: PasswordBackend | undefined, reason: string, proven?: ProvenDenial): CheckedLogin {
  const told = proven === undefined ? {} : { proven };
  return { result: { kind: 'denied', reason, ...told }, backend, fields: noFields };
}

function localpart(address: string): string {
  return fold(address.slice(0, address.lastIndexOf('@')));
}
