// Logins with a token: whether it is good (token-check.ts), and whose mailbox it opens. What was found out is kept for a
// short while under a keyed hash of the token, good and bad alike, so that a client that logs in every second, or a
// guesser who repeats himself, asks nobody; the mailbox is looked up each time, so that one that is switched off is so at
// once. Checks that run, and those that wait, are limited: a flood of made-up tokens reaches the issuer as a trickle.

import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { DirectoryAccounts, LoginPeer } from './directory-accounts.ts';
import { HashLimiter } from './hash-limiter.ts';
import type { TokenCheck, TokenResult } from './token-check.ts';
import type { AuthResult } from './types.ts';

export interface TokenLogins {
  /** What a client that was refused is told besides (RFC 7628 §3.2.2). */
  readonly details: { readonly scope?: string; readonly 'openid-configuration'?: string };
  /** `login` is '' where the client leaves it to the token. Throws TemporaryError. */
  logIn(token: string, login: string, peer: LoginPeer): Promise<AuthResult>;
}

export interface DirectoryTokenOptions {
  readonly accounts: DirectoryAccounts;
  readonly check: TokenCheck;
  readonly details: TokenLogins['details'];
  readonly cacheMilliseconds: number;
  readonly clock: Clock;
}

const maxEntries = 10_000;
const maxChecks = 16;
const maxWaiting = 256;

export class DirectoryTokens implements TokenLogins {
  readonly details: TokenLogins['details'];
  readonly #options: DirectoryTokenOptions;
  readonly #limiter = new HashLimiter(maxChecks, maxWaiting);
  readonly #key = randomBytes(32);
  readonly #known = new Map<string, { readonly result: TokenResult; readonly until: number }>();

  constructor(options: DirectoryTokenOptions) {
    this.details = options.details;
    this.#options = options;
  }

  async logIn(token: string, login: string, peer: LoginPeer): Promise<AuthResult> {
    const result = await this.#check(token, peer);
    if (result.kind === 'invalid') return { kind: 'denied', reason: result.reason };
    const { accounts } = this.#options;
    const mailbox = accounts.find(result.login);
    if (mailbox === undefined) return { kind: 'denied', reason: 'the token is of somebody who has no mailbox here' };
    const isSame = login === '' || accounts.find(login)?.id === mailbox.id;
    if (!isSame) return { kind: 'denied', reason: 'the token is of somebody else' };
    return accounts.grantByOther(mailbox, peer);
  }

  async #check(token: string, { remoteAddress }: LoginPeer): Promise<TokenResult> {
    const { check, clock, cacheMilliseconds } = this.#options;
    const name = createHmac('sha256', this.#key).update(token).digest('base64');
    const known = this.#known.get(name);
    if (known !== undefined && known.until > clock.now()) return known.result;
    this.#known.delete(name);
    const result = await this.#limiter.run(remoteAddress, () => check.check(token));
    const end = result.kind === 'valid' ? (result.expires ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
    this.#known.set(name, { result, until: Math.min(clock.now() + cacheMilliseconds, end) });
    if (this.#known.size > maxEntries) this.#known.delete(this.#known.keys().next().value ?? '');
    return result;
  }
}
