// The one-time token with which the first administrator of the host is made: in a link that the server shows while there is
// none. Kept as a digest; good for a day, and for one administrator.

import { makeSecret, secretDigest } from '../directory/api-tokens.ts';
import type { Directory } from '../directory/directory.ts';
import type { DirectoryView } from '../directory/directory-view.ts';
import { passGate } from '../auth/login-gate.ts';
import type { Clock } from '../lib/clock.ts';
import { fail } from './problem.ts';
import type { ServerParts } from './server-parts.ts';

const name = 'setup-token';
const goodMilliseconds = 24 * 3_600_000;

/** A new one, which makes an earlier one void; undefined where the host has an administrator. */
export async function makeSetupToken(directory: Directory, clock: Clock): Promise<string | undefined> {
  if (directory.lookups.identities.hasHost()) return undefined;
  const secret = makeSecret('phi_');
  await directory.installation.keep(name, `${secretDigest(secret)} ${clock.now() + goodMilliseconds}`);
  return secret;
}

/** Throws ProblemError. Guesses pass the gate of logins. */
export async function checkSetupToken(
  directory: Directory,
  token: string,
  { gate, clock, command, address }: Pick<ServerParts, 'gate' | 'clock' | 'command'> & { readonly address: string },
): Promise<void> {
  // Nobody can guess it: those who try are not to lock out whoever has it.
  const attempt = { account: `setup ${address}`, address, protocol: 'http', mechanism: 'TOKEN' } as const;
  const check = async () => {
    const [digest, end] = (directory.lookups.identities.secret(name) ?? '').split(' ');
    const isGood = digest === secretDigest(token) && Number(end) > clock.now();
    return isGood
      ? ({ kind: 'authenticated', login: 'setup' } as const)
      : ({ kind: 'denied', reason: 'wrong setup token' } as const);
  };
  const result = await passGate(gate, attempt, check, token);
  if (result.kind === 'authenticated') return;
  const { retryAfterSeconds } = result as { readonly retryAfterSeconds?: number };
  if (retryAfterSeconds !== undefined) {
    fail(429, 'locked-out', 'too many wrong setup links: try again later', { retryAfterSeconds });
  }
  fail(403, 'denied', 'this setup link is not good, or no longer', {
    field: 'token',
    mend: `have a new one shown on the host with: ${command(address)} setup-link`,
  });
}

export async function forgetSetupToken(view: DirectoryView): Promise<void> {
  await view.installation.forget(name);
}
