// Lines to the machine's syslog, through logger(1): Node has no unix datagram sockets. One long-lived child per
// program name and severity, for logger takes both from its command line; they are few. A child that dies is
// started again at the next line, at most once a second.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { Clock } from './clock.ts';

type Child = ChildProcessByStdio<Writable, null, null>;

const severities: Record<string, string> = {
  debug: 'debug',
  info: 'info',
  warning: 'warning',
  error: 'err',
  fatal: 'crit',
  panic: 'crit',
};
const maxChildren = 64;
/** A child that takes nothing loses lines above this. */
const maxUnwritten = 1024 * 1024;
const restartMilliseconds = 1000;

export class SyslogChildren {
  readonly #facility: string;
  readonly #pid: number;
  readonly #clock: Clock;
  readonly #children = new Map<string, { child: Child; startedAt: number }>();

  constructor(facility: string, pid: number, clock: Clock) {
    this.#facility = facility;
    this.#pid = pid;
    this.#clock = clock;
  }

  /** Each line is `program TAB level TAB text LF`. */
  write(lines: readonly string[]): void {
    const byChild = new Map<string, string>();
    for (const line of lines) {
      const programEnd = line.indexOf('\t');
      const levelEnd = line.indexOf('\t', programEnd + 1);
      const key = line.slice(0, levelEnd);
      byChild.set(key, (byChild.get(key) ?? '') + line.slice(levelEnd + 1));
    }
    for (const [key, text] of byChild) {
      const child = this.#childFor(key);
      if (child !== undefined && child.stdin.writableLength < maxUnwritten) child.stdin.write(text);
    }
  }

  close(): void {
    for (const { child } of this.#children.values()) child.stdin.end();
    this.#children.clear();
  }

  #childFor(key: string): Child | undefined {
    const known = this.#children.get(key);
    const now = this.#clock.monotonic();
    if (known !== undefined) {
      if (known.child.exitCode === null && !known.child.stdin.destroyed) return known.child;
      if (now - known.startedAt < restartMilliseconds) return undefined;
    } else if (this.#children.size >= maxChildren) return undefined;
    const [program = '', level = ''] = key.split('\t');
    const priority = `${this.#facility}.${severities[level] ?? 'info'}`;
    const child = spawn('logger', ['-t', program, `--id=${this.#pid}`, '-p', priority], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // No logger on this machine, or it went away: the line is lost, the mail is not.
    child.on('error', () => child.stdin.destroy());
    child.stdin.on('error', () => child.stdin.destroy());
    child.unref();
    this.#children.set(key, { child, startedAt: now });
    return child;
  }
}
