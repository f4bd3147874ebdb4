// The one place through which every attempt to log in passes, whatever the protocol and the mechanism: asked before the
// secret is looked at, told the outcome after. What is here slows guessing down (failure-delay.ts); whoever limits or
// locks out puts another gate in its place.

import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../lib/clock.ts';
import { FailureDelay, type FailureDelayOptions } from './failure-delay.ts';
import type { AuthResult, LoginService } from './types.ts';

export interface LoginAttempt {
  /** As the client gave it. */
  readonly account: string;
  readonly address: string;
  readonly protocol: LoginService;
  readonly mechanism: string;
}

/** One attempt under way: exactly one of its outcomes is told. */
export interface LoginTicket {
  readonly kind: 'admitted';
  /** The secret was wrong; gives how many milliseconds the answer is to wait. Without `secret` nobody knows which it was. */
  failed(secret?: string): number;
  /** `login` is the account's own name, where the client wrote another of its names. */
  succeeded(login?: string): void;
  /** It could not be found out. */
  abandoned(): void;
}

export interface LoginRefusal {
  readonly kind: 'locked';
  /** For the log. */
  readonly reason: string;
  readonly delayMilliseconds: number;
  /** Until it is lifted. */
  readonly retryAfterSeconds: number;
}

export interface LoginGate {
  /** Throws TemporaryError where too many wait. */
  begin(attempt: LoginAttempt): LoginTicket | LoginRefusal | Promise<LoginTicket | LoginRefusal>;
}

/** Lets everybody in, and answers failures late and later. */
export class DelayGate implements LoginGate {
  readonly #delay: FailureDelay;

  constructor(clock: Clock, options: FailureDelayOptions) {
    this.#delay = new FailureDelay(clock, options);
  }

  begin({ account, address }: LoginAttempt): LoginTicket {
    const name = account.toLowerCase();
    return {
      kind: 'admitted',
      failed: () => this.#delay.failed(address, name),
      succeeded: () => this.#delay.succeeded(address, name),
      abandoned: () => undefined,
    };
  }
}

type Denied = Extract<AuthResult, { kind: 'denied' }>;
type Outcome = { readonly kind: 'authenticated'; readonly login: string } | Denied;

/**
 * Lets the gate judge, checks, tells it the outcome, and gives a denial when it is due: `spent`, milliseconds, count as
 * waited already.
 */
export async function passGate<Result extends Outcome>(
  gate: LoginGate,
  attempt: LoginAttempt,
  check: () => Promise<Result>,
  secret?: string,
  spent: () => number = () => 0,
): Promise<Result | Denied> {
  const ticket = await gate.begin(attempt);
  if (ticket.kind === 'locked') {
    await wait(ticket.delayMilliseconds);
    const { reason, retryAfterSeconds } = ticket;
    return { kind: 'denied', reason, retryAfterSeconds };
  }
  let result: Result;
  try {
    result = await check();
  } catch (error) {
    ticket.abandoned();
    throw error;
  }
  if (result.kind === 'authenticated') ticket.succeeded(result.login);
  // A program that goes on with a password that has run out must not lock its owner's house out.
  else if (result.proven !== undefined) ticket.abandoned();
  else await wait(Math.max(0, ticket.failed(secret) - spent()));
  return result;
}
