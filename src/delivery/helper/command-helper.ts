// The command helper: runs the programs of pipe(8) and local(8) under the user that they belong to. It is started by the server
// while that is still root; a program started from the server itself would hold it up for as long as it takes to copy its
// address space. Each program gets the message as a file on standard input, which it may leave unread, and is the
// head of a process group of its own, which is ended whole when its time is over.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getSystemErrorMap } from 'node:util';
import { withFileLimit } from './file-limit.ts';
import type { CommandJob, CommandOutcome, Failure } from './protocol.ts';
import { type HelperJob, serveJobs } from './serve-jobs.ts';
import { withRights } from './thread-rights.ts';

/** What a reason may hold, and some more. */
const maxOutput = 4096;
/** Something that the program left running may hold its output open. */
const lingerMilliseconds = 1000;
const isRoot = process.getuid?.() === 0;

/** command_execution_directory. */
class UnusableDirectory extends Error {
  readonly code = 'directory';
}

class RunningCommand implements HelperJob<CommandOutcome> {
  readonly #job: CommandJob;
  #spool: number | undefined;
  #size = 0;
  #child: ChildProcess | undefined;
  #output = '';

  constructor(job: CommandJob) {
    this.#job = job;
  }

  async open(): Promise<undefined> {
    const { uid, gid } = this.#job;
    if (isRoot && !(Number(uid) > 0 && Number(gid) > 0)) throw new Error('commands never run as root');
    const file = join(tmpdir(), `posthaste-${randomUUID()}`);
    this.#spool = openSync(file, 'wx+', 0o600);
    unlinkSync(file);
  }

  /** At its place: the program's own position stays at the beginning. */
  write(chunk: Buffer): void {
    if (this.#spool === undefined) return;
    for (let at = 0; at < chunk.length; ) {
      const written = writeSync(this.#spool, chunk, at, chunk.length - at, this.#size);
      at += written;
      this.#size += written;
    }
  }

  async commit(): Promise<CommandOutcome> {
    const { argv, shellCommand, mustEnterDirectory = false } = this.#job;
    if (mustEnterDirectory) this.#checkDirectory();
    try {
      return await this.#run(argv);
    } catch (error) {
      // It may be a command of the shell's own (exec_command.c).
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT' && argv[0]?.includes('/') === false;
      if (shellCommand === undefined || !isMissing) throw error;
      return await this.#run(['/bin/sh', '-c', shellCommand]);
    } finally {
      this.#closeSpool();
    }
  }

  /** With the program's rights; the system's error for a folder that is not there would read as that of a program. */
  #checkDirectory(): void {
    const { uid, gid, directory } = this.#job;
    try {
      const look = (): boolean => statSync(`${directory}/.`).isDirectory();
      if (!(isRoot ? withRights(uid as number, gid as number, look) : look())) throw new Error('Not a directory');
    } catch (error) {
      const words = getSystemErrorMap().get((error as NodeJS.ErrnoException).errno ?? 0)?.[1] ?? String(error);
      throw new UnusableDirectory(`cannot change directory to "${directory}" for uid=${uid} gid=${gid}: ${words}`);
    }
  }

  #spawn(argv: readonly string[]): ChildProcess {
    const { uid, gid, directory, environment, fileLimit = 0 } = this.#job;
    const [program = '', ...rest] = argv;
    return withFileLimit(fileLimit, () =>
      spawn(program, rest, {
        // As system(3) calls it: its messages begin so.
        ...(program === '/bin/sh' ? { argv0: 'sh' } : {}),
        cwd: directory,
        env: environment,
        stdio: [this.#spool ?? 'ignore', 'pipe', 'pipe'],
        detached: true,
        ...(uid === undefined ? {} : { uid }),
        ...(gid === undefined ? {} : { gid }),
      }),
    );
  }

  async #run(argv: readonly string[]): Promise<CommandOutcome> {
    const { timeLimitMilliseconds } = this.#job;
    const child = this.#spawn(argv);
    this.#child = child;
    if (child.pid !== undefined) this.#closeSpool();
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('latin1').on('data', (text: string) => {
        if (this.#output.length < maxOutput) this.#output = (this.#output + text).slice(0, maxOutput);
      });
    }
    let isTimedOut = false;
    const timer = setTimeout(() => {
      isTimedOut = true;
      this.#killAll();
    }, timeLimitMilliseconds);
    try {
      const { code, signal } = await exited;
      await Promise.race([closed, sleep(lingerMilliseconds)]);
      const number = signal === null ? undefined : constants.signals[signal];
      return { kind: 'ended', status: code ?? undefined, signal: number, isTimedOut, output: this.#output };
    } finally {
      clearTimeout(timer);
      child.stdout?.destroy();
      child.stderr?.destroy();
      this.#child = undefined;
    }
  }

  abort(): void {
    this.#closeSpool();
    this.#killAll();
  }

  describe(error: unknown): Failure {
    const { code = '', message, errno } = error as NodeJS.ErrnoException;
    return { kind: 'failed', code, text: getSystemErrorMap().get(errno ?? 0)?.[1] ?? message };
  }

  #killAll(): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }

  #closeSpool(): void {
    if (this.#spool !== undefined) closeSync(this.#spool);
    this.#spool = undefined;
  }
}

serveJobs<CommandJob, CommandOutcome>((job) => new RunningCommand(job));
