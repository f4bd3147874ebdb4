// What a killed server leaves behind: helper processes that have not noticed yet, and programs that they run. A power cut
// ends them too; they are known by the run's own mark in their environment, or by the path of its program.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export const markVariable = 'POSTHASTE_FAULT_RUN';

export interface StragglerOptions {
  /** The value of the mark. */
  readonly mark: string;
  /** The run's own program. */
  readonly program: string;
}

/** Ends them and waits until they are gone. */
export async function endStragglers(options: StragglerOptions): Promise<void> {
  for (let look = 0; look < 500; look++) {
    const pids = findStragglers(options);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
    await sleep(5);
  }
  throw new Error('processes of a killed server do not end');
}

function findStragglers({ mark, program }: StragglerOptions): number[] {
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid);
  return pids.filter(
    (pid) =>
      read(pid, 'environ').includes(`${markVariable}=${mark}\0`) || read(pid, 'cmdline').includes(`${program}\0`),
  );
}

/** '' where it has ended, or is somebody else's. */
function read(pid: number, name: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return '';
  }
}
