// Guesses of passwords from very many addresses: what the guard of logins keeps of them, and what one costs. In this
// process, without the server: a million connections would measure the network.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DefenceStore } from '../src/defence/defence-store.ts';
import type { NetworksOfAccount } from '../src/defence/known-networks.ts';
import type { Lockout } from '../src/defence/lockouts.ts';
import { LoginGuard } from '../src/defence/login-guard.ts';
import { systemClock } from '../src/lib/clock.ts';
import { MemoryLog, ProgramLog } from '../src/lib/log.ts';

export interface GuessesResult {
  readonly guesses: number;
  readonly entries: number;
  /** Above the start, after each quarter. */
  readonly heapMiB: readonly number[];
  readonly seconds: number;
  /** One address that went on trying in the middle of it. */
  readonly lockedOut: boolean;
}

export async function measureGuesses(guesses: number): Promise<GuessesResult> {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  const clock = systemClock;
  const store = new DefenceStore({ file: undefined, clock, warn: (text) => console.error(text) });
  const guard = new LoginGuard({
    clock,
    log: new ProgramLog(new MemoryLog(), 'bench'),
    limits: {
      perAddress: 20,
      perNetwork: 100,
      perAccount: 50,
      periodMilliseconds: 3_600_000,
      lockoutMilliseconds: 900_000,
    },
    delay: { firstMilliseconds: 2000, maxMilliseconds: 15_000, maxEntries: 50_000 },
    lockouts: store.kept<Lockout>('lockout', 25_000),
    networks: store.kept<NetworksOfAccount>('login-network', 200_000),
  });
  const guess = async (address: string, account: string, secret: string): Promise<void> => {
    const ticket = await guard.begin({ account, address, protocol: 'smtp' });
    if (ticket.kind === 'admitted') ticket.failed(secret);
  };
  collect();
  const before = process.memoryUsage().heapUsed;
  const heapMiB: number[] = [];
  const began = performance.now();
  for (let index = 0; index < guesses; index++) {
    const address = `${11 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.1`;
    await guess(address, `name${index}@example.com`, `guess ${index}`);
    if (index % 10_000 === 0) await guess('192.0.2.7', 'anna@example.com', `guess ${index}`);
    if ((index + 1) % (guesses / 4) !== 0) continue;
    collect();
    heapMiB.push((process.memoryUsage().heapUsed - before) / 1024 / 1024);
  }
  const seconds = (performance.now() - began) / 1000;
  const lockedOut = guard.lockouts.find('address', '192.0.2.7') !== undefined;
  store.close();
  return { guesses, entries: guard.entries, heapMiB, seconds, lockedOut };
}
