// What the directory keeps for mechanisms in which the password itself is not sent: keys of SCRAM, and passwords that can
// be read for CRAM-MD5. Every account looks alike from outside: one that does not exist, or has nothing of the kind, has
// a salt as well, and no secret that would fit.

import type { MailboxCredentials } from '../directory/lookups.ts';
import { type AppPasswordEntry, fingerprint, type ScramKeyEntry } from '../directory/login-secrets.ts';
import type { DirectoryAccounts, LoginPeer } from './directory-accounts.ts';
import { recoverable } from './password-scheme.ts';
import { type ScramHash, scramIterations, type ScramKeys, scramMechanisms } from './scram-keys.ts';
import type { AuthResult } from './types.ts';

export interface ScramAccount {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly candidates: readonly (ScramKeys & { grant(): AuthResult })[];
  /** Why no candidate fits. */
  readonly reason: string;
}

export interface ReadableAccount {
  readonly candidates: readonly { readonly secret: string; grant(): AuthResult }[];
  readonly reason: string;
}

/** Throws TemporaryError where the account cannot be looked up. */
export interface SecretSource {
  /** To be awaited before the others. Rejects with TemporaryError. */
  fresh(): Promise<void> | undefined;
  scram(login: string, hash: ScramHash, peer: LoginPeer): ScramAccount;
  readable(login: string, peer: LoginPeer): ReadableAccount;
}

export class DirectorySecrets implements SecretSource {
  readonly #accounts: DirectoryAccounts;

  constructor(accounts: DirectoryAccounts) {
    this.#accounts = accounts;
  }

  fresh(): Promise<void> | undefined {
    return this.#accounts.fresh();
  }

  scram(login: string, hash: ScramHash, peer: LoginPeer): ScramAccount {
    const { lookups } = this.#accounts.directory;
    const mailbox = this.#accounts.find(login);
    const address = mailbox?.address ?? lookups.loginAddress(login);
    const valid = mailbox === undefined ? [] : this.#validKeys(mailbox, hash);
    const first = valid[0]?.key;
    const isCurrent = ({ salt, iterations }: ScramKeyEntry): boolean =>
      first !== undefined && salt.equals(first.salt) && iterations === first.iterations;
    return {
      salt: first?.salt ?? lookups.secrets.scramSalt(address, hash),
      iterations: first?.iterations ?? scramIterations,
      candidates: valid
        .filter(({ key }) => isCurrent(key))
        .map(({ key: { storedKey, serverKey }, appPassword }) => ({
          storedKey,
          serverKey,
          grant: () => this.#accounts.grant(mailbox as MailboxCredentials, appPassword, peer),
        })),
      reason: mailbox === undefined ? 'unknown user' : scramReason(valid, hash),
    };
  }

  /** The mailbox's own first. */
  #validKeys(mailbox: MailboxCredentials, hash: ScramHash): ValidKey[] {
    const { secrets } = this.#accounts.directory.lookups;
    const keys = secrets.scramKeys(mailbox.id, hash);
    const own = fingerprint(mailbox.passwordHash);
    const valid: ValidKey[] = keys
      .filter(({ appPasswordId, madeOf }) => appPasswordId === 0 && madeOf === own)
      .map((key) => ({ key, appPassword: undefined }));
    if (keys.every(({ appPasswordId }) => appPasswordId === 0)) return valid;
    for (const appPassword of secrets.appPasswords(mailbox.id)) {
      const madeOf = fingerprint(appPassword.digest);
      const key = keys.find((one) => one.appPasswordId === appPassword.id && one.madeOf === madeOf);
      if (key !== undefined) valid.push({ key, appPassword });
    }
    return valid;
  }

  readable(login: string, peer: LoginPeer): ReadableAccount {
    const mailbox = this.#accounts.find(login);
    if (mailbox === undefined) return { candidates: [], reason: 'unknown user' };
    const own = recoverable(mailbox.passwordHash);
    const candidates = this.#accounts.directory.lookups.secrets
      .appPasswords(mailbox.id)
      .filter(({ secret }) => secret !== '')
      .map((appPassword) => ({
        secret: appPassword.secret,
        grant: () => this.#accounts.grant(mailbox, appPassword, peer),
      }));
    if (own !== undefined) {
      candidates.push({ secret: own, grant: () => this.#accounts.grant(mailbox, undefined, peer) });
    }
    const reason =
      candidates.length > 0
        ? 'password mismatch'
        : 'no password that can be read is kept: make one with: posthaste app-password add --recoverable';
    return { candidates, reason };
  }
}

interface ValidKey {
  readonly key: ScramKeyEntry;
  readonly appPassword: AppPasswordEntry | undefined;
}

function scramReason(valid: readonly ValidKey[], hash: ScramHash): string {
  if (valid.some(({ appPassword }) => appPassword === undefined)) return 'password mismatch';
  const none = `no ${scramMechanisms[hash]} keys of the password yet: log in once with PLAIN, or set the password`;
  return valid.length === 0 ? none : `password mismatch, or ${none}`;
}
