// Answers "who logs in" from the directory. The login name is the whole address, without regard to case, also
// through an alias domain (the mailbox is the same). An unknown login costs the same hash as a known one, and every
// denial is answered late, so that neither time nor text tells which addresses exist.

import { randomUUID } from 'node:crypto';
import type { MailboxCredentials } from '../directory/lookups.ts';
import type { Clock } from '../lib/clock.ts';
import { type AccountDirectory, DirectoryAccounts } from './directory-accounts.ts';
import { type FailureDelayOptions, usualFailureDelay } from './failure-delay.ts';
import { HashLimiter, usualHashing } from './hash-limiter.ts';
import { DelayGate, type LoginGate, passGate } from './login-gate.ts';
import { hashPassword, verifyPassword } from './password-scheme.ts';
import { ScramKeyMaker } from './scram-key-maker.ts';
import type { ScramHash } from './scram-keys.ts';
import type { AuthResult, Authenticator, Credentials } from './types.ts';
import { VerifiedCache } from './verified-cache.ts';

export interface DirectoryAuthenticatorOptions {
  readonly directory: AccountDirectory;
  readonly clock: Clock;
  /** Absent: one that only slows guessing down, by `failureDelay`. */
  readonly gate?: LoginGate;
  readonly failureDelay?: FailureDelayOptions;
  /** Hashes computed at a time. */
  readonly maxHashing?: number;
  /** Logins that wait for one of them. */
  readonly maxWaiting?: number;
  /** Whose keys are made of passwords that are seen. */
  readonly scramHashes?: readonly ScramHash[];
}

export class DirectoryAuthenticator implements Authenticator {
  readonly #accounts: DirectoryAccounts;
  readonly #verified: VerifiedCache;
  readonly #gate: LoginGate;
  readonly #limiter: HashLimiter;
  readonly #scram: ScramKeyMaker;
  /** A hash of nothing that anybody has, made at the first need. */
  #dummyHash: Promise<string> | undefined;

  constructor(options: DirectoryAuthenticatorOptions) {
    const { directory, clock } = options;
    this.#accounts = new DirectoryAccounts(directory, clock);
    this.#verified = new VerifiedCache(clock);
    this.#gate = options.gate ?? new DelayGate(clock, options.failureDelay ?? usualFailureDelay);
    this.#limiter = new HashLimiter(options.maxHashing ?? usualHashing, options.maxWaiting ?? 256);
    this.#scram = new ScramKeyMaker(directory, options.scramHashes ?? [], this.#limiter);
  }

  async authenticate(credentials: Credentials): Promise<AuthResult> {
    const { login: account, password, service: protocol, remoteAddress: address, mechanism = 'PLAIN' } = credentials;
    const attempt = { account, address, protocol, mechanism };
    return await passGate(this.#gate, attempt, () => this.#check(credentials), password);
  }

  async #check(credentials: Credentials): Promise<AuthResult> {
    const { login, password, remoteAddress } = credentials;
    await this.#accounts.fresh();
    const mailbox = this.#accounts.find(login);
    if (!mailbox) {
      this.#dummyHash ??= hashPassword(randomUUID());
      const dummy = await this.#dummyHash;
      await this.#limiter.run(remoteAddress, () => verifyPassword(password, dummy));
      return { kind: 'denied', reason: 'unknown user' };
    }
    const appPassword = this.#accounts.appPasswordOf(mailbox, password);
    if (appPassword !== undefined) {
      const result = this.#accounts.grant(mailbox, appPassword, credentials);
      if (result.kind === 'authenticated') this.#scram.seen(mailbox, password, appPassword);
      return result;
    }
    if (!(await this.#isRight(mailbox, password, remoteAddress)))
      return { kind: 'denied', reason: 'password mismatch' };
    return this.#accounts.grant(mailbox, undefined, credentials);
  }

  async #isRight(mailbox: MailboxCredentials, password: string, remoteAddress: string): Promise<boolean> {
    const { id, passwordHash } = mailbox;
    if (this.#verified.has(id, passwordHash, password)) return true;
    if (!(await this.#limiter.run(remoteAddress, () => verifyPassword(password, passwordHash)))) return false;
    this.#verified.add(id, passwordHash, password);
    this.#scram.seen(mailbox, password);
    return true;
  }
}
