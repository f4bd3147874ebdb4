// CPU and memory of a server: its root processes with everything below them, from /proc (proc(5)).

import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: a tick of /proc/PID/stat is 10 ms on every Linux that we run on. */
const ticksPerSecond = 100;

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** User and system, own and of children that have ended. */
  readonly ticks: number;
}

function readStat(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything; fields are counted after it.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
    return { pid, parent: fields[1] ?? 0, ticks: utime + stime + cutime + cstime };
  } catch {
    return undefined; // it has ended
  }
}

function readTree(roots: readonly number[]): ProcessStat[] {
  const all: ProcessStat[] = [];
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined;
    if (stat) all.push(stat);
  }
  const tree = all.filter((stat) => roots.includes(stat.pid));
  for (let i = 0; i < tree.length; i++) {
    const parent = tree[i]?.pid;
    tree.push(...all.filter((stat) => stat.parent === parent));
  }
  return tree;
}

/** The processes and all below them. */
export function processTree(roots: readonly number[]): number[] {
  return readTree(roots).map(({ pid }) => pid);
}

/** Seconds of CPU used so far by the processes, those below them, and those of them that have ended. */
export function cpuSeconds(roots: readonly number[]): number {
  return readTree(roots).reduce((sum, stat) => sum + stat.ticks, 0) / ticksPerSecond;
}

/** Resident memory of one process, in MiB. */
export function residentMiB(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(match?.[1] ?? 0) / 1_024;
}
