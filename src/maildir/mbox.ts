// Appends one message to an mbox file, under the locks that other programs look at. As in maildir.ts every step is one
// synchronous call. What cannot be written whole is cut off again.

import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { type LockStyle, releaseDotLock, tryDotLock, tryKernelLock } from './file-lock.ts';
import { syncFolder } from './maildir.ts';

const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;

export interface MboxOptions {
  readonly file: string;
  readonly locks: readonly LockStyle[];
  readonly staleLockMilliseconds: number;
  /** strict_mailbox_ownership: the file must be this user's. */
  readonly owner: number | undefined;
}

/** What stands at the path is no file that mail may be appended to. */
export class UnfitMailbox extends Error {
  override name = 'UnfitMailbox';
}

export class MboxAppend {
  readonly #options: MboxOptions;
  #handle: number | undefined;
  #hasDotLock = false;
  #start = 0;

  constructor(options: MboxOptions) {
    this.#options = options;
  }

  get handle(): number {
    if (this.#handle === undefined) throw new Error('the mailbox is closed');
    return this.#handle;
  }

  /** Octets before this message. */
  get start(): number {
    return this.#start;
  }

  /** False while somebody else has a lock: to be tried again. Throws UnfitMailbox and the system's errors. */
  tryOpen(now: number): boolean {
    const { file, locks, staleLockMilliseconds, owner } = this.#options;
    if (locks.includes('dotlock')) {
      if (!tryDotLock(file, staleLockMilliseconds, now)) return false;
      this.#hasDotLock = true;
    }
    try {
      // Without waiting: behind a FIFO that a user has put there, everybody's mail would wait.
      this.#handle = openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o600);
      this.#check(owner);
      for (const style of locks) {
        if (style === 'dotlock' || tryKernelLock(style, this.#handle)) continue;
        this.close();
        return false;
      }
      // Whoever had the lock may have appended.
      this.#start = fstatSync(this.#handle).size;
      return true;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #check(owner: number | undefined): void {
    const { file } = this.#options;
    const found = fstatSync(this.handle);
    if (!found.isFile()) throw new UnfitMailbox(`destination ${file} is not a regular file`);
    if (owner !== undefined && found.uid !== owner) {
      throw new UnfitMailbox(`destination ${file} is not owned by recipient`);
    }
  }

  write(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) at += writeSync(this.handle, chunk, at);
  }

  /** After the file is synced. */
  publish(): void {
    this.close();
    // It may have been made for this message.
    if (this.#start === 0) syncFolder(dirname(this.#options.file));
  }

  /** Takes back what was written. */
  abort(): void {
    if (this.#handle !== undefined) ftruncateSync(this.#handle, this.#start);
    this.close();
  }

  close(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) closeSync(handle);
    if (!this.#hasDotLock) return;
    this.#hasDotLock = false;
    releaseDotLock(this.#options.file);
  }
}
