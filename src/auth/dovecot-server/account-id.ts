// The number of a user or group of this machine: for the owner of a socket, and for what a Dovecot is told of accounts,
// which wants numbers. Asked only while the configuration is read.

import { execFileSync } from 'node:child_process';

/** By the system's name services. */
export function accountId(database: 'passwd' | 'group', name: string): number | undefined {
  if (/^\d+$/.test(name)) return Number(name);
  try {
    const entry = execFileSync('getent', [database, '--', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return Number(entry.split(':')[2]);
  } catch {
    return undefined;
  }
}
