// SIGSTOP and SIGCONT for real servers: the kernel goes on accepting connections, nobody answers.

import { execFileSync } from 'node:child_process';

/** After SIGSTOP waits until the process really stands still, which takes its threads a moment. */
export function stopOrGo(pid: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
  process.kill(pid, signal);
  if (signal === 'SIGCONT') return;
  for (let look = 0; look < 200; look++) {
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
    if (state.startsWith('T')) return;
  }
  throw new Error(`process ${pid} does not stop`);
}
