// Keeps the keys of SCRAM of a password that has just been set, so that clients can use it from the first login on.

import { setTimeout as wait } from 'node:timers/promises';
import { makeScramKeys, scramHashes } from '../auth/scram-key-maker.ts';
import type { AppPasswordEntry } from '../directory/login-secrets.ts';
import type { DirectorySession } from './directory-session.ts';

const tries = 50;
const pauseMilliseconds = 100;

export async function keepScramKeys(
  { directory, settings }: Pick<DirectorySession, 'directory' | 'settings'>,
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
