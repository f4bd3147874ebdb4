// Answers "who logs in" from the directory. The login name is the whole address, without regard to case, also
// through an alias domain (the mailbox is the same). An unknown login costs the same hash as a known one, and every
// denial is answered late, so that neither time nor text tells which addresses exist.

import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Directory } from '../directory/directory.ts';
import type { MailboxCredentials } from '../directory/lookups.ts';
import type { Clock } from '../lib/clock.ts';
import { FailureDelay, type FailureDelayOptions, usualFailureDelay } from './failure-delay.ts';
import { HashLimiter } from './hash-limiter.ts';
import { hashPassword, verifyPassword } from './password-scheme.ts';
import type { AuthResult, Authenticator, Credentials } from './types.ts';
import { VerifiedCache } from './verified-cache.ts';

export interface DirectoryAuthenticatorOptions {
  readonly directory: Pick<Directory, 'credentials'>;
  readonly clock: Clock;
  readonly failureDelay?: FailureDelayOptions;
  /** Hashes computed at a time. */
  readonly maxHashing?: number;
  /** Logins that wait for one of them. */
  readonly maxWaiting?: number;
}

/** user, `@` and domain at their longest. */
const maxLoginLength = 320;

export class DirectoryAuthenticator implements Authenticator {
  readonly #directory: Pick<Directory, 'credentials'>;
  readonly #verified: VerifiedCache;
  readonly #delay: FailureDelay;
  readonly #limiter: HashLimiter;
  /** A hash of nothing that anybody has, made at the first need. */
  #dummyHash: Promise<string> | undefined;

  constructor(options: DirectoryAuthenticatorOptions) {
    this.#directory = options.directory;
    this.#verified = new VerifiedCache(options.clock);
    this.#delay = new FailureDelay(options.clock, options.failureDelay ?? usualFailureDelay);
    this.#limiter = new HashLimiter(options.maxHashing ?? 4, options.maxWaiting ?? 256);
  }

  async authenticate(credentials: Credentials): Promise<AuthResult> {
    const { login, password, remoteAddress } = credentials;
    const mailbox = login.length > maxLoginLength ? undefined : this.#directory.credentials(login);
    const reason = await this.#refusal(mailbox, password);
    if (reason === undefined && mailbox) {
      this.#delay.succeeded(remoteAddress, login);
      return { kind: 'authenticated', mailboxId: mailbox.id, login: mailbox.address };
    }
    await wait(this.#delay.failed(remoteAddress, login.toLowerCase()));
    return { kind: 'denied', reason: reason ?? 'unknown user' };
  }

  /** Why not, for the log; undefined: let in. */
  async #refusal(mailbox: MailboxCredentials | undefined, password: string): Promise<string | undefined> {
    if (!mailbox) {
      this.#dummyHash ??= hashPassword(randomUUID());
      const dummy = await this.#dummyHash;
      await this.#limiter.run(() => verifyPassword(password, dummy));
      return 'unknown user';
    }
    const { id, passwordHash, enabled } = mailbox;
    if (!this.#verified.has(id, passwordHash, password)) {
      const isRight = await this.#limiter.run(() => verifyPassword(password, passwordHash));
      if (!isRight) return 'password mismatch';
      this.#verified.add(id, passwordHash, password);
    }
    // Asked last: that a mailbox is switched off is nobody's business but its owner's.
    return enabled ? undefined : 'disabled';
  }
}
