// What the built-in mechanisms share: the parts they check with, and the steps they are made of.

import { toBytes } from '../encoding.ts';
import { type LoginGate, passGate } from '../login-gate.ts';
import type { SecretSource } from '../directory-secrets.ts';
import type { SaslDenial, SaslRequest, SaslStep } from '../sasl-server.ts';
import type { TokenLogins } from '../token-logins.ts';
import type { AuthResult, Authenticator } from '../types.ts';

export interface MechanismParts {
  readonly authenticator: Authenticator;
  readonly gate: LoginGate;
  /** For SCRAM and CRAM-MD5. */
  readonly secrets?: SecretSource | undefined;
  /** For OAUTHBEARER and XOAUTH2. */
  readonly tokens?: TokenLogins | undefined;
  readonly hostname: string;
}

/** What a mechanism does with the client's next message. */
export type Turn = (message: Buffer) => Promise<SaslStep>;

export interface Mechanism {
  readonly properties: ReadonlySet<string>;
  /** The server speaks first: an initial response is a mistake (RFC 4954 §4). */
  readonly isServerFirst?: true;
  /** Said where the client has given no initial response. */
  firstChallenge?(): string;
  start(parts: MechanismParts, request: SaslRequest, firstChallenge: string): Turn;
}

/** Longer names are no mailbox's, and go into the log. */
export const maxLoginLength = 320;

export function challenge(text: string | Buffer, next: Turn): SaslStep {
  return {
    kind: 'challenge',
    challenge: Buffer.from(text).toString('base64'),
    answer: (response) => decoded(response, 'continued', next),
    cancel: () => undefined,
  };
}

/** `=` alone is an empty response (RFC 4954 §4). */
export async function decoded(response: string, which: 'initial' | 'continued', next: Turn): Promise<SaslStep> {
  const message = response === '=' ? Buffer.alloc(0) : toBytes(response, 'base64');
  const text = `Invalid base64 data in ${which} response`;
  return message === undefined ? { ...denied(text), told: text, flaw: 'base64' } : await next(message);
}

export function denied(reason: string, login?: string): SaslDenial {
  return { kind: 'denied', reason, told: 'authentication failure', login, isTemporary: false };
}

/** What the client said is not what the mechanism asks for. */
export function malformed(): SaslDenial {
  return { ...denied('invalid response'), flaw: 'syntax' };
}

export function outcome(result: AuthResult, login: string): SaslStep {
  if (result.kind === 'authenticated') return result;
  const { reason, proven, retryAfterSeconds } = result;
  if (proven !== undefined) return { ...denied(reason, login), told: proven.told, proven };
  return retryAfterSeconds === undefined ? denied(reason, login) : lockedOut(reason, login);
}

/** It passes by itself: the client must not ask its user for another password. */
export function lockedOut(reason: string, login: string): SaslDenial {
  return { ...denied(reason, login), told: 'too many failed logins, try again later', isTemporary: true };
}

/** A login name with the domain that it was given without. */
export function withDomain(login: string, { localDomain = '' }: SaslRequest): string {
  return localDomain === '' || login.includes('@') ? login : `${login}@${localDomain}`;
}

/** One attempt through the gate, for mechanisms that check for themselves. */
export function attempt(
  { gate }: MechanismParts,
  { mechanism, clientAddress: address, protocol }: SaslRequest,
  account: string,
  check: () => Promise<AuthResult>,
): Promise<AuthResult> {
  return passGate(gate, { account, address, protocol, mechanism }, check);
}
