// The last errors of the log, for people who look whether all is well. What only concerns a client is a warning, and not here.

import type { LogLevel } from '../lib/log.ts';

export interface Fault {
  readonly time: number;
  readonly program: string;
  readonly text: string;
}

const kept = 20;

export class Faults {
  #faults: readonly Fault[] = [];

  logged(time: number, program: string, level: LogLevel, text: string): void {
    if (level !== 'error' && level !== 'fatal' && level !== 'panic') return;
    this.#faults = [...this.#faults.slice(1 - kept), { time: Math.floor(time), program, text: text.slice(0, 500) }];
  }

  /** The oldest first. */
  list(): readonly Fault[] {
    return this.#faults;
  }
}
