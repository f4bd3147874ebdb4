// Makes the keys of SCRAM when a password is seen that has none: when it is set, and at the first successful login that
// sends it (PLAIN, LOGIN). Off the main thread, and only while nobody waits for a hash: what is left undone is done at a
// later login.

import type { MailboxCredentials } from '../directory/lookups.ts';
import { type AppPasswordEntry, fingerprint } from '../directory/login-secrets.ts';
import type { AccountDirectory } from './directory-accounts.ts';
import type { HashLimiter } from './hash-limiter.ts';
import { saslPrepared } from '../lib/saslprep.ts';
import { deriveScramKeys, type ScramHash, scramIterations } from './scram-keys.ts';

type KeyDirectory = Pick<AccountDirectory, 'lookups' | 'notes'>;

/** Of `names` of mechanisms. */
export function scramHashes(names: readonly string[]): ScramHash[] {
  const has = (mechanism: string): boolean => names.some((name) => name.toUpperCase().startsWith(mechanism));
  return [...(has('SCRAM-SHA-1') ? (['sha1'] as const) : []), ...(has('SCRAM-SHA-256') ? (['sha256'] as const) : [])];
}

/** Makes and notes the keys of a password that has just been proved or set. */
export async function makeScramKeys(
  directory: KeyDirectory,
  hashes: readonly ScramHash[],
  mailbox: Pick<MailboxCredentials, 'id' | 'address' | 'passwordHash'>,
  password: string,
  appPassword?: Pick<AppPasswordEntry, 'id' | 'digest'>,
): Promise<void> {
  const prepared = saslPrepared(password);
  // What RFC 4013 forbids no client can send.
  if (prepared === undefined) return;
  for (const hash of hashes) {
    // One salt for all passwords of a mailbox: a proof does not say which of them it was made with. A mailbox that has
    // got another address keeps the salt that its keys have.
    const { secrets } = directory.lookups;
    const salt = secrets.scramKeys(mailbox.id, hash)[0]?.salt ?? secrets.scramSalt(mailbox.address, hash);
    directory.notes.scramKeys({
      mailbox: mailbox.id,
      hash,
      appPasswordId: appPassword?.id ?? 0,
      madeOf: fingerprint(appPassword?.digest ?? mailbox.passwordHash),
      salt,
      iterations: scramIterations,
      ...(await deriveScramKeys(hash, prepared, salt, scramIterations)),
    });
  }
}

export class ScramKeyMaker {
  readonly #directory: KeyDirectory;
  readonly #hashes: readonly ScramHash[];
  readonly #limiter: HashLimiter;
  /** Mailboxes whose keys are being made. */
  readonly #busy = new Set<number>();

  constructor(directory: KeyDirectory, hashes: readonly ScramHash[], limiter: HashLimiter) {
    this.#directory = directory;
    this.#hashes = hashes;
    this.#limiter = limiter;
  }

  /** This password of the mailbox is right. Nobody waits for what follows. */
  seen(mailbox: MailboxCredentials, password: string, appPassword?: AppPasswordEntry): void {
    if (!this.#limiter.isIdle || this.#busy.has(mailbox.id)) return;
    const missing = this.#hashes.filter((hash) => !this.#hasKeys(hash, mailbox, appPassword));
    if (missing.length === 0) return;
    this.#busy.add(mailbox.id);
    const work = () => makeScramKeys(this.#directory, missing, mailbox, password, appPassword);
    // The directory cannot be read, or is closed: the next login is another chance.
    void this.#limiter.run('', work).then(
      () => this.#busy.delete(mailbox.id),
      () => this.#busy.delete(mailbox.id),
    );
  }

  #hasKeys(hash: ScramHash, mailbox: MailboxCredentials, appPassword: AppPasswordEntry | undefined): boolean {
    const madeOf = fingerprint(appPassword?.digest ?? mailbox.passwordHash);
    const id = appPassword?.id ?? 0;
    const keys = this.#directory.lookups.secrets.scramKeys(mailbox.id, hash);
    return keys.some((key) => key.appPasswordId === id && key.madeOf === madeOf);
  }
}
