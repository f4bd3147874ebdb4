// Every attempt to log in passes here, whatever the protocol and the mechanism: begin() before the secret is looked at,
// the ticket's outcome after. Wrong secrets are counted for the address (IPv4 /32, IPv6 /64), its network (/24, /48) and
// the account; each count leaks away over a period. Answers to failures come late and later; who exceeds a limit is
// locked out for a while (lockouts.ts), whatever the secret: a guess that would be right is not even looked at.
//
// Whom a lock-out does not hit: an account whose name is being tried from everywhere still logs in from networks where
// it has logged in before, and so it does from a network that its neighbours have locked out. Its own failures from there
// count apart. The same wrong secret again is not a further guess: a telephone with an old password, which asks each
// minute, locks nobody out. Clients of smtpd_client_event_limit_exceptions (by default mynetworks: a webmail server that
// logs in for everybody) are not counted by address and network.
//
// An attempt does not tell whether an account exists: names that do not are counted and locked alike. All memory is
// bounded (failure-counts.ts).

import { hash, randomBytes } from 'node:crypto';
import { FailureDelay, type FailureDelayOptions } from '../auth/failure-delay.ts';
import type { Clock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import { RecentMap } from '../lib/recent-map.ts';
import type { KeptEntries } from './defence-store.ts';
import { FailureCounts } from './failure-counts.ts';
import { Gates } from './gates.ts';
import { KnownNetworks, type NetworksOfAccount } from './known-networks.ts';
import { type Lockout, type LockoutKind, Lockouts } from './lockouts.ts';
import { networksOf } from './network.ts';
import { RecentFailures } from './recent-failures.ts';

export interface LoginAttempt {
  /** As the client gave it. */
  readonly account: string;
  readonly address: string;
  readonly protocol: string;
}

export interface LoginLimits {
  /** Different wrong secrets within the period; 0: no limit. */
  readonly perAddress: number;
  readonly perNetwork: number;
  readonly perAccount: number;
  readonly periodMilliseconds: number;
  readonly lockoutMilliseconds: number;
}

export interface LoginGuardOptions {
  readonly clock: Clock;
  readonly log: ProgramLog;
  readonly limits: LoginLimits;
  readonly delay: FailureDelayOptions;
  readonly lockouts: KeptEntries<Lockout>;
  readonly networks: KeptEntries<NetworksOfAccount>;
  /** Addresses that are not counted. */
  readonly isException?: (address: string) => boolean | Promise<boolean>;
  /** A wrong secret was given. */
  readonly onFailure?: (attempt: LoginAttempt) => void;
  /** An account has logged in from this network. */
  readonly onLogin?: (account: string, network: string) => void;
  readonly onLockout?: (kind: LockoutKind) => void;
}

/** One attempt under way: exactly one of its outcomes is told. */
export interface LoginTicket {
  readonly kind: 'admitted';
  /** The secret was wrong; gives how many milliseconds the answer is to wait. Without `secret` each failure is a guess. */
  failed(secret?: string): number;
  /** `login` is the account's own name, where the client wrote an alias of it. */
  succeeded(login?: string): void;
  /** It could not be found out, or the client went away. */
  abandoned(): void;
}

export interface LockedOut {
  readonly kind: 'locked';
  /** For the log. */
  readonly reason: string;
  readonly retryAfterSeconds: number;
  /** How long the answer is to wait. */
  readonly delayMilliseconds: number;
}

/** Wrong secrets of which a fingerprint is kept. */
const maxFingerprints = 25_000;
const maxAccountLength = 320;

export class LoginGuard {
  readonly lockouts: Lockouts;
  readonly failures: RecentFailures;
  readonly #options: LoginGuardOptions;
  readonly #known: KnownNetworks;
  readonly #gates = new Gates();
  readonly #delay: FailureDelay;
  readonly #counts: Readonly<Record<LockoutKind, FailureCounts>>;
  readonly #fingerprints = new RecentMap<string, string>(maxFingerprints);
  /** Fingerprints are of no use outside this process. */
  readonly #key = randomBytes(32).toString('base64');
  #refused = 0;

  constructor(options: LoginGuardOptions) {
    const { clock, limits } = options;
    this.#options = options;
    this.failures = new RecentFailures(clock);
    this.#delay = new FailureDelay(clock, options.delay);
    this.#known = new KnownNetworks(clock, options.networks);
    this.lockouts = new Lockouts(clock, options.lockouts, () => limits.lockoutMilliseconds);
    const counts = (limit: number): FailureCounts =>
      new FailureCounts({ clock, limit, periodMilliseconds: limits.periodMilliseconds });
    this.#counts = {
      address: counts(limits.perAddress),
      network: counts(limits.perNetwork),
      account: counts(limits.perAccount),
      'account-network': counts(limits.perAccount),
    };
  }

  /** Attempts that were refused unseen. */
  get refused(): number {
    return this.#refused;
  }

  /** Lifts the lock-outs of a subject, or all; what was counted for them is forgotten too. */
  free(subject: string | undefined): Lockout[] {
    const lifted = this.lockouts.remove(subject);
    for (const { kind, subject: locked } of lifted) this.#counts[kind].forget(locked);
    return lifted;
  }

  /** How much is remembered, for whoever watches that it stays bounded. */
  get entries(): number {
    const counted = Object.values(this.#counts).reduce((sum, { size }) => sum + size, 0);
    return counted + this.#fingerprints.size;
  }

  /** Throws TemporaryError where too many wait. */
  async begin(attempt: LoginAttempt): Promise<LoginTicket | LockedOut> {
    const subjects = await this.#subjects(attempt);
    const locked = this.#lockoutOf(subjects);
    if (locked !== undefined) return this.#refuse(locked);
    const entered: string[] = [];
    try {
      for (const [kind, subject] of subjects) {
        const counts = this.#counts[kind];
        if (counts.limit === 0) continue;
        const key = `${kind} ${subject}`;
        await this.#gates.enter(key, () => Math.ceil(counts.limit - counts.value(subject)));
        entered.push(key);
      }
    } catch (error) {
      for (const key of entered) this.#gates.leave(key);
      throw error;
    }
    // Those before may have been one too many.
    const lockedSince = this.#lockoutOf(subjects);
    if (lockedSince !== undefined) {
      for (const key of entered) this.#gates.leave(key);
      return this.#refuse(lockedSince);
    }
    return this.#ticket(attempt, subjects, entered);
  }

  /** What failures of this attempt are counted for. */
  async #subjects({ account, address }: LoginAttempt): Promise<[LockoutKind, string][]> {
    const name = accountKey(account);
    const { narrow, wide } = networksOf(address);
    const isException = (await this.#options.isException?.(address)) ?? false;
    const isKnown = this.#known.has(name, wide);
    const subjects: [LockoutKind, string][] = isException ? [] : [['address', narrow]];
    if (!isException && !isKnown) subjects.push(['network', wide]);
    subjects.push(isKnown ? ['account-network', `${name} from ${wide}`] : ['account', name]);
    return subjects;
  }

  #lockoutOf(subjects: readonly [LockoutKind, string][]): Lockout | undefined {
    for (const [kind, subject] of subjects) {
      const found = this.lockouts.find(kind, subject);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #refuse({ kind, subject, until }: Lockout): LockedOut {
    this.#refused++;
    const retryAfterSeconds = Math.max(1, Math.ceil((until - this.#options.clock.now()) / 1000));
    const reason = `${kindText[kind]} ${subject} is locked out for ${retryAfterSeconds} more seconds`;
    return { kind: 'locked', reason, retryAfterSeconds, delayMilliseconds: this.#options.delay.firstMilliseconds };
  }

  #ticket(attempt: LoginAttempt, subjects: readonly [LockoutKind, string][], entered: readonly string[]): LoginTicket {
    let isOver = false;
    const end = (): boolean => {
      if (isOver) return false;
      isOver = true;
      for (const key of entered) this.#gates.leave(key);
      return true;
    };
    return {
      kind: 'admitted',
      failed: (secret) => {
        if (isOver) return 0;
        // Counted before the next one comes in.
        const delay = this.#countFailure(attempt, subjects, secret);
        end();
        return delay;
      },
      succeeded: (login = attempt.account) => {
        if (!end()) return;
        const name = accountKey(attempt.account);
        const { narrow, wide } = networksOf(attempt.address);
        this.#delay.succeeded(narrow, name);
        this.#fingerprints.delete(`${narrow} ${name}`);
        for (const account of new Set([name, accountKey(login)])) this.#known.add(account, wide);
        this.#options.onLogin?.(accountKey(login), wide);
      },
      abandoned: () => void end(),
    };
  }

  #countFailure(
    { account, address, protocol }: LoginAttempt,
    subjects: readonly [LockoutKind, string][],
    secret: string | undefined,
  ): number {
    const name = accountKey(account);
    const { narrow } = networksOf(address);
    this.failures.add(printable(name), address, protocol);
    this.#options.onFailure?.({ account, address, protocol });
    if (secret === undefined || this.#isNewGuess(`${narrow} ${name}`, secret)) {
      for (const [kind, subject] of subjects) {
        if (!this.#counts[kind].add(subject)) continue;
        this.#options.onLockout?.(kind);
        const { until, since, times } = this.lockouts.add(kind, subject);
        const seconds = Math.round((until - since) / 1000);
        const often = times > 1 ? `, for the ${times}th time` : '';
        this.#options.log.warning(
          `${kindText[kind]} ${printable(subject)} is locked out for ${seconds} seconds after ${this.#counts[kind].limit} failed ${protocol} logins${often}; last from ${address}`,
        );
      }
    }
    return this.#delay.failed(narrow, name);
  }

  /** Not the wrong secret that the same client has tried before for the same account. */
  #isNewGuess(who: string, secret: string): boolean {
    const fingerprint = hash('sha256', `${this.#key}\0${who}\0${secret}`, 'base64').slice(0, 12);
    if (this.#fingerprints.get(who) === fingerprint) return false;
    this.#fingerprints.set(who, fingerprint);
    return true;
  }
}

const kindText: Readonly<Record<LockoutKind, string>> = {
  address: 'address',
  network: 'network',
  account: 'account',
  'account-network': 'account',
};

function accountKey(account: string): string {
  return account.slice(0, maxAccountLength).toLowerCase();
}

/** Names are strangers' texts. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 400);
}
