// Postfix's smtp-sink(1) as a next server: what it got is read back from the files that it writes.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from '../harness/free-ports.ts';
import { isListening } from '../harness/posthaste-process.ts';

export const hasSink = existsSync('/usr/sbin/smtp-sink');

export class MailSink {
  readonly port: number;
  readonly #folder: string;
  readonly #process: ChildProcess;

  /** `options`: as smtp-sink(1) has them (`-8`, `-L`). */
  static async start(...options: string[]): Promise<MailSink> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'sink-'));
    const [port = 0] = await findFreePorts(1);
    const sink = new MailSink(port, folder, options);
    while (!(await isListening(port))) await sleep(10);
    return sink;
  }

  private constructor(port: number, folder: string, options: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    const user = process.getuid?.() === 0 ? ['-u', 'root'] : [];
    const args = [...options, ...user, '-d', `${folder}/%M.`, `127.0.0.1:${port}`, '100'];
    this.#process = spawn('/usr/sbin/smtp-sink', args, { stdio: 'ignore' });
  }

  /** Everything so far that has `mark` in it, a character an octet, lines ending with LF. */
  async messages(mark: string): Promise<string[]> {
    const found: string[] = [];
    for (const file of await readdir(this.#folder)) {
      const text = await readFile(path.join(this.#folder, file), 'latin1');
      if (text.includes(mark)) found.push(text);
    }
    return found;
  }

  async stop(): Promise<void> {
    this.#process.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
