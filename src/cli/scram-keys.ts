// Keeps the keys of SCRAM of a password that has just been set, so that clients can use it from the first login on.

import { setTimeout as wait } from 'node:timers/promises';
import { makeScramKeys, scramHashes } from '../auth/scram-key-maker.ts';
import { type ScramHash, scramMechanisms } from '../auth/scram-keys.ts';
import { type AppPasswordEntry, fingerprint } from '../directory/login-secrets.ts';
import type { DirectorySession } from './directory-session.ts';

type KeySession = Pick<DirectorySession, 'directory' | 'settings'>;

/** For people: with which mechanisms the mailbox's own password can be proved without being sent. */
export function scramMechanismsOf({ directory, settings }: KeySession, address: string): string {
  if (scramHashes(settings.list('posthaste_sasl_mechanisms')).length === 0) return 'none: SCRAM is not offered';
  const mailbox = directory.credentials(address);
  if (mailbox === undefined) return '';
  const madeOf = fingerprint(mailbox.passwordHash);
  const hasKeys = (hash: ScramHash): boolean =>
    directory.lookups.secrets
      .scramKeys(mailbox.id, hash)
      .some((key) => key.appPasswordId === 0 && key.madeOf === madeOf);
  const names = (['sha256', 'sha1'] as const).filter(hasKeys).map((hash) => scramMechanisms[hash]);
  return names.join(' ') || 'none yet: they are made at a login with PLAIN or LOGIN';
}

const tries = 50;
const pauseMilliseconds = 100;

export async function keepScramKeys(
  { directory, settings }: KeySession,
  address: string,
  password: string,
  appPassword?: Pick<AppPasswordEntry, 'id' | 'digest'>,
): Promise<void> {
  const hashes = scramHashes(settings.list('posthaste_sasl_mechanisms'));
  const mailbox = directory.credentials(address);
  if (hashes.length === 0 || mailbox === undefined) return;
  await makeScramKeys(directory, hashes, mailbox, password, appPassword);
  // Another program may be writing; without them the first login with PLAIN makes the keys.
  for (let attempt = 1; !directory.notes.flush() && attempt < tries; attempt++) await wait(pauseMilliseconds);
}
