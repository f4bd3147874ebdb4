// Who logs in with a name and a password: an administrator by that login, else the owner of a mailbox. Both pass the same
// gate as logins of mail programs (failures are late, and too many lock out), and a name that nobody has costs the same hash.

import { randomUUID } from 'node:crypto';
import { HashLimiter, usualHashing } from '../auth/hash-limiter.ts';
import { type LoginGate, passGate } from '../auth/login-gate.ts';
import { hashPassword, verifyPassword } from '../auth/password-scheme.ts';
import type { Owner } from '../directory/api-tokens.ts';
import type { DirectoryLookups } from '../directory/lookups.ts';
import { fold } from '../directory/mail-address.ts';
import type { AuthResult, Authenticator } from '../auth/types.ts';
import { fail } from './problem.ts';

export interface LoginAsked {
  readonly login: string;
  readonly password: string;
  readonly address: string;
}

interface LoginParts {
  /** For mailboxes. */
  readonly authenticator: Authenticator;
  readonly gate: LoginGate;
}

export type LoginOutcome =
  | { readonly kind: 'known'; readonly owner: Owner }
  /** `told`: the password was right, and says why that is not enough. */
  | { readonly kind: 'denied'; readonly retryAfterSeconds?: number; readonly told?: string };

/** Hashes that wait for their turn. */
const maxWaiting = 64;

export class PasswordLogin {
  readonly #lookups: DirectoryLookups;
  readonly #limiter = new HashLimiter(usualHashing, maxWaiting);
  #dummy: Promise<string> | undefined;

  constructor(lookups: DirectoryLookups) {
    this.#lookups = lookups;
  }

  /** Throws TemporaryError where it cannot be found out. */
  async check(asked: LoginAsked, server: LoginParts): Promise<LoginOutcome> {
    const { login, password, address } = asked;
    await this.#lookups.fresh();
    const admin = this.#lookups.identities.adminByLogin(fold(login.trim()));
    if (admin === undefined && login.includes('@')) {
      const result = await server.authenticator.authenticate({
        login,
        password,
        service: 'http',
        remoteAddress: address,
        isSecured: true,
      });
      if (result.kind === 'denied') return letIn(result) ?? denied(result);
      if (result.mailboxId === undefined) return { kind: 'denied' };
      return { kind: 'known', owner: { kind: 'mailbox', id: result.mailboxId } };
    }
    const attempt = { account: login, address, protocol: 'http', mechanism: 'PLAIN' } as const;
    const check = async () => {
      const hash = admin?.passwordHash ? admin.passwordHash : await this.#dummyHash();
      const isRight = await this.#limiter.run(address, async () => await verifyPassword(password, hash));
      if (isRight && admin?.isActive && admin.passwordHash !== '') {
        return { kind: 'authenticated', login: admin.login } as const;
      }
      return { kind: 'denied', reason: 'password mismatch' } as const;
    };
    const result = await passGate(server.gate, attempt, check, password);
    if (result.kind === 'denied' || admin === undefined) return denied(result);
    return { kind: 'known', owner: { kind: 'admin', id: admin.id } };
  }

  #dummyHash(): Promise<string> {
    this.#dummy ??= hashPassword(randomUUID());
    return this.#dummy;
  }
}

/** Somebody whose password must be changed comes in to do that, and nothing else (authorize.ts). */
/** Throws ProblemError unless it is a right password: that of whoever is logged in already, or logs in now. */
export async function needPassword(
  asked: LoginAsked,
  server: LoginParts & { readonly passwordLogin: PasswordLogin },
  wrong: { readonly status: 401 | 403; readonly detail: string; readonly field?: string },
): Promise<Owner> {
  const outcome = await server.passwordLogin.check(asked, server);
  if (outcome.kind === 'known') return outcome.owner;
  const { retryAfterSeconds, told } = outcome;
  if (retryAfterSeconds !== undefined) {
    fail(429, 'locked-out', 'too many wrong passwords: try again later', { retryAfterSeconds });
  }
  if (told !== undefined) fail(403, 'not-allowed', told);
  const { status, detail, field } = wrong;
  fail(status, 'denied', detail, field === undefined ? {} : { field });
}

function letIn({ proven }: Extract<AuthResult, { kind: 'denied' }>): LoginOutcome | undefined {
  if (proven === undefined) return undefined;
  const { mustChange, told } = proven;
  if (mustChange === undefined) return { kind: 'denied', told };
  return { kind: 'known', owner: { kind: 'mailbox', id: mustChange.mailboxId } };
}

function denied(result: object): LoginOutcome {
  const { retryAfterSeconds } = result as { readonly retryAfterSeconds?: number };
  return { kind: 'denied', ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
}
