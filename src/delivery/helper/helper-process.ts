// The server's end of a helper: starts it, streams messages to it, and tells what became of each. A helper that must act
// as others is started before the server gives up root, because nothing can give that back; so when it ends, what it
// does waits until the server is started again. Until its first job it is a shell that waits for a line: a hundredth of
// the memory, for what many servers never need.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  type CommandJob,
  type Failure,
  type FileJob,
  frameHeader,
  type FrameKind,
  type HelperReply,
  mayWait,
} from './protocol.ts';

interface Waiting<Outcome> {
  readonly ready: () => void;
  readonly ended: (outcome: Outcome | Failure) => void;
}

/** A terminal's signals are for the server, as later for the helper. */
const waitForFirstJob = 'trap "" INT TERM HUP; read -r line && exec "$0" "$@"';

export type HelperName = 'file-helper' | 'command-helper';

export class HelperProcess<Job extends FileJob | CommandJob, Outcome extends { readonly kind: string }> {
  readonly #child: ChildProcess;
  readonly #jobs = new Map<number, Waiting<Outcome>>();
  readonly #exited: Promise<void>;
  #nextJob = 1;
  #isAsleep: boolean;
  #endReason: string | undefined;
  #drained: Promise<void> | undefined;

  /** `waits`: there is no job yet. */
  constructor(name: HelperName, onBroken: (reason: string) => void, waits = false) {
    // The build turns .ts into .js but leaves strings alone.
    const file = `./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`;
    const flags = ['--max-semi-space-size=1', '--disable-warning=ExperimentalWarning'];
    const command = [process.execPath, ...flags, fileURLToPath(new URL(file, import.meta.url))];
    const [program = '', ...rest] = waits ? ['/bin/sh', '-c', waitForFirstJob, ...command] : command;
    this.#isAsleep = waits;
    this.#child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#exited = new Promise((resolve) => {
      const end = (reason: string): void => {
        if (this.#endReason === undefined) onBroken(reason);
        this.#endReason ??= reason;
        for (const { ended } of this.#jobs.values()) ended({ kind: 'failed', code: '', text: reason });
        this.#jobs.clear();
        resolve();
      };
      this.#child.once('error', (error) => end(`the ${name} could not be started: ${error.message}`));
      this.#child.once('exit', () => end(`the ${name} has ended: start the server again`));
    });
    // Its end is told by 'exit'.
    this.#child.stdin?.on('error', () => undefined);
    if (this.#child.stdout !== null) {
      const lines = createInterface({ input: this.#child.stdout });
      lines.on('line', (line) => this.#hear(JSON.parse(line) as HelperReply<Outcome>));
    }
  }

  /** Resolves when the helper has said what became of the message; on `signal` it is told to leave it. */
  async deliver(job: Job, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Outcome | Failure> {
    if (this.#endReason !== undefined) return { kind: 'failed', code: '', text: this.#endReason };
    if (this.#isAsleep) this.#child.stdin?.write('\n');
    this.#isAsleep = false;
    const id = this.#nextJob;
    this.#nextJob = id === 0xffffffff ? 1 : id + 1;
    let isOver = false;
    const { promise: ready, resolve: isReady } = Promise.withResolvers<void>();
    const outcome = new Promise<Outcome | Failure>((resolve) => {
      const ended = (how: Outcome | Failure): void => {
        isOver = true;
        isReady();
        resolve(how);
      };
      this.#jobs.set(id, { ready: isReady, ended });
    });
    const cutOff = (): void => {
      this.#jobs.get(id)?.ended({ kind: 'failed', code: '', text: 'the server stops' });
      this.#jobs.delete(id);
      void this.#send('abort', id);
    };
    signal.addEventListener('abort', cutOff);
    const waits = mayWait(job);
    try {
      await this.#send(waits ? 'open' : 'begin', id, Buffer.from(JSON.stringify(job)));
      if (waits) await ready;
      for await (const chunk of content) {
        if (isOver) break;
        await this.#send('data', id, chunk);
      }
      if (!isOver) await this.#send('commit', id);
    } catch (error) {
      this.#jobs.delete(id);
      await this.#send('abort', id);
      signal.removeEventListener('abort', cutOff);
      throw error;
    }
    return await outcome.finally(() => signal.removeEventListener('abort', cutOff));
  }

  /** Resolves when the helper has ended, which it does after what it is doing. */
  async close(): Promise<void> {
    this.#endReason ??= 'the server stops';
    this.#child.stdin?.end();
    await this.#exited;
  }

  #hear(reply: HelperReply<Outcome>): void {
    const waiting = this.#jobs.get(reply.job);
    if (waiting === undefined) return;
    if (reply.kind === 'ready') {
      waiting.ready();
      return;
    }
    this.#jobs.delete(reply.job);
    waiting.ended(reply as unknown as Outcome);
  }

  async #send(kind: FrameKind, id: number, payload: Uint8Array = Buffer.alloc(0)): Promise<void> {
    const { stdin } = this.#child;
    // Who waits hears of its end.
    if (stdin === null || !stdin.writable) return;
    stdin.cork();
    stdin.write(frameHeader(kind, id, payload.length));
    const hasRoom = payload.length === 0 ? stdin.writableLength < stdin.writableHighWaterMark : stdin.write(payload);
    stdin.uncork();
    if (hasRoom) return;
    this.#drained ??= new Promise((resolve) => {
      const done = (): void => {
        this.#drained = undefined;
        stdin.off('drain', done);
        stdin.off('close', done);
        resolve();
      };
      stdin.once('drain', done);
      stdin.once('close', done);
    });
    await this.#drained;
  }
}
