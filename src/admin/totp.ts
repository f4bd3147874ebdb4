// Codes of an app (TOTP, RFC 6238): six digits of thirty seconds, one step early or late, each taken once; and recovery
// codes for whoever has lost the app. Guesses pass the gate of logins: there are only a million codes.

import { randomInt } from 'node:crypto';
import { type LoginGate, passGate } from '../auth/login-gate.ts';
import type { Owner } from '../directory/api-tokens.ts';
import type { DirectoryView } from '../directory/directory-view.ts';
import type { Clock } from '../lib/clock.ts';
import type { Principal } from './principal.ts';
import { fail } from './problem.ts';

const toleranceSeconds = 30;
const recoveryCodeCount = 10;
/** 12 of 32 characters are 60 bits. */
const recoveryAlphabet = 'abcdefghijkmnpqrstuvwxyz23456789';

type Factors = Pick<DirectoryView, 'secondFactors'>;
interface GateParts {
  readonly gate: LoginGate;
  readonly clock: Clock;
}

/** The library is loaded when somebody needs it. */
export async function newTotp(
  login: string,
  issuer: string,
): Promise<{ readonly secret: string; readonly uri: string }> {
  const { generateSecret, generateURI } = await import('otplib');
  const secret = generateSecret();
  return { secret, uri: generateURI({ issuer, label: login, secret }) };
}

export function newRecoveryCodes(): string[] {
  return Array.from({ length: recoveryCodeCount }, () =>
    Array.from({ length: 12 }, () => recoveryAlphabet.charAt(randomInt(recoveryAlphabet.length)))
      .join('')
      .replace(/(.{4})(?=.)/g, '$1-'),
  );
}

/** The time step of a right code. */
export async function stepOf(
  secret: string,
  code: string,
  clock: Clock,
  afterStep: number,
): Promise<number | undefined> {
  if (!/^\d{6}$/.test(code)) return undefined;
  const { verify } = await import('otplib');
  const epoch = Math.floor(clock.now() / 1000);
  const result = await verify({
    secret,
    token: code,
    epoch,
    epochTolerance: toleranceSeconds,
    ...(afterStep > 0 ? { afterTimeStep: afterStep } : {}),
  });
  return result.valid && 'timeStep' in result ? result.timeStep : undefined;
}

/** Throws ProblemError unless no code is needed (false), or this is a right one that nobody has used. */
export async function checkSecondFactor(
  view: Factors,
  owner: Owner,
  code: string | undefined,
  { login, address }: Pick<Principal, 'login' | 'address'>,
  { gate, clock }: GateParts,
): Promise<boolean> {
  const state = await view.secondFactors.totp(owner);
  if (!state?.isConfirmed) return false;
  if (code === undefined) failWithoutCode();
  const check = async (): Promise<{ kind: 'authenticated'; login: string } | { kind: 'denied'; reason: string }> => {
    const given = code.replaceAll(/\s/g, '');
    const step = await stepOf(state.secret, given, clock, state.lastStep);
    const isRight =
      step === undefined
        ? await view.secondFactors.takeRecoveryCode(owner, given.toLowerCase())
        : await view.secondFactors.takeStep(owner, step);
    return isRight ? { kind: 'authenticated', login } : { kind: 'denied', reason: 'wrong second factor' };
  };
  const attempt = { account: login, address, protocol: 'http', mechanism: 'TOTP' } as const;
  const result = await passGate(gate, attempt, check, code);
  if (result.kind === 'authenticated') return true;
  const { retryAfterSeconds } = result as { readonly retryAfterSeconds?: number };
  if (retryAfterSeconds === undefined)
    fail(401, 'denied', 'this code is not good, or has been used', { field: 'code' });
  fail(429, 'locked-out', 'too many wrong codes: try again later', { retryAfterSeconds });
}

export function failWithoutCode(): never {
  fail(401, 'second-factor', 'give the code of your app too, or a recovery code', { field: 'code' });
}
