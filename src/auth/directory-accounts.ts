// Whom a login name means in the directory, and what a proven secret opens: the mailbox itself, or the part of it that an
// app password is limited to. Asked at each login, so that what an administrator changes counts at once.

import { createHash } from 'node:crypto';
import type { Directory } from '../directory/directory.ts';
import type { MailboxCredentials } from '../directory/lookups.ts';
import type { AppPasswordEntry } from '../directory/login-secrets.ts';
import type { Clock } from '../lib/clock.ts';
import type { AuthResult, LoginService, ProvenDenial } from './types.ts';

/** user, `@` and domain at their longest. */
const maxLoginLength = 320;

export interface LoginPeer {
  readonly service: LoginService;
  readonly remoteAddress: string;
}

type MailboxAccount = Pick<MailboxCredentials, 'id' | 'address' | 'enabled'>;

export type AccountDirectory = Pick<Directory, 'credentials' | 'lookups' | 'notes'>;

/** An app password is made by us with more than 100 bits of chance: a slow hash would add nothing. */
export function appPasswordDigest(password: string): string {
  return createHash('sha256').update(password).digest('base64');
}

export class DirectoryAccounts {
  readonly directory: AccountDirectory;
  readonly #clock: Clock;

  constructor(directory: AccountDirectory, clock: Clock) {
    this.directory = directory;
    this.#clock = clock;
  }

  /** To be awaited before an account is looked for. Rejects with TemporaryError. */
  fresh(): Promise<void> | undefined {
    return this.directory.lookups.fresh();
  }

  /** By the whole address, in any case, also through an alias domain. Throws TemporaryError. */
  find(login: string): MailboxCredentials | undefined {
    return login.length > maxLoginLength ? undefined : this.directory.credentials(login);
  }

  /** The app password that `password` is. */
  appPasswordOf(mailbox: MailboxCredentials, password: string): AppPasswordEntry | undefined {
    return this.directory.lookups.secrets.appPasswordOf(mailbox.id, appPasswordDigest(password));
  }

  /** What the secret opens that has been proved: the mailbox's own password, or this app password. */
  grant(mailbox: MailboxAccount, appPassword: AppPasswordEntry | undefined, peer: LoginPeer): AuthResult {
    const reason = this.#refusal(mailbox, appPassword, peer);
    if (reason !== undefined) return { kind: 'denied', reason };
    if (appPassword === undefined) return this.#passwordDenial(mailbox) ?? this.grantByOther(mailbox, peer);
    const result = this.grantByOther(mailbox, peer);
    if (result.kind === 'denied') return result;
    const { id, senders } = appPassword;
    const { service: protocol, remoteAddress: address } = peer;
    this.directory.notes.appPasswordUsed({ id, time: this.#clock.now(), protocol, address });
    return senders === undefined ? result : { ...result, senders };
  }

  /** As `grant`, where the password is not the directory's: a token, or another program's table. */
  grantByOther(mailbox: MailboxAccount, { service, remoteAddress }: LoginPeer): AuthResult {
    if (!mailbox.enabled) return { kind: 'denied', reason: 'disabled' };
    const { protocols } = this.directory.lookups.loginRules.of(mailbox.id);
    if (protocols?.includes(service) === false) {
      const told = `This mailbox may not be used by ${service.toUpperCase()}: ask the administrator of your mail.`;
      return { kind: 'denied', reason: `${service} is not among the protocols of the mailbox`, proven: { told } };
    }
    const { id: mailboxId, address: login } = mailbox;
    this.directory.notes.loggedIn({
      mailbox: mailboxId,
      time: this.#clock.now(),
      protocol: service,
      address: remoteAddress,
    });
    return { kind: 'authenticated', mailboxId, login };
  }

  /** Only for the password itself: app passwords and tokens have ends of their own. */
  #passwordDenial({ id: mailboxId, address: login }: MailboxAccount): AuthResult | undefined {
    const { mustChange, passwordExpires } = this.directory.lookups.loginRules.of(mailboxId);
    const hasExpired = passwordExpires !== 0 && passwordExpires <= this.#clock.now();
    if (!hasExpired && !mustChange) return undefined;
    const reason = hasExpired ? 'password has expired' : 'password must be changed first';
    const told = hasExpired
      ? 'Your password has expired: change it, then log in with the new one.'
      : 'Your password must be changed before you can use it here: change it, then log in with the new one.';
    const proven: ProvenDenial = { told, mustChange: { mailboxId, login } };
    return { kind: 'denied', reason, proven };
  }

  #refusal(
    mailbox: MailboxAccount,
    appPassword: AppPasswordEntry | undefined,
    { service }: LoginPeer,
  ): string | undefined {
    // Asked only now: that a mailbox is switched off is nobody's business but its owner's.
    if (!mailbox.enabled) return 'disabled';
    if (appPassword === undefined) return undefined;
    const { name, protocols, expires } = appPassword;
    if (expires !== 0 && expires <= this.#clock.now()) return `app password "${name}" has expired`;
    return protocols?.includes(service) === false ? `app password "${name}" is not for ${service}` : undefined;
  }
}

/** Whether a login that is limited to `senders` may use this one (in external form, '' the null sender). */
export function maySendAs(senders: readonly string[], sender: string): boolean {
  const address = sender.toLowerCase();
  const domain = address.slice(address.lastIndexOf('@'));
  return senders.some((one) => {
    const allowed = one.toLowerCase();
    return address === '' ? allowed === '<>' : allowed === address || allowed === domain;
  });
}
