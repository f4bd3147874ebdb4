// Appends one message to an mbox file, under the locks that other programs look at. As in maildir.ts every step is one
// synchronous call. What cannot be written whole is cut off again. The file is opened as Postfix's safe_open(3) does it
// (safe-open.ts), because the folder may be one in which others can make names.

import { closeSync, fstatSync, ftruncateSync, openSync, type Stats, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { type LockStyle, releaseDotLock, tryDotLock, tryKernelLock } from './file-lock.ts';
import { safeOpen, UnfitFile } from './safe-open.ts';

export interface MboxOptions {
  readonly file: string;
  readonly locks: readonly LockStyle[];
  readonly staleLockMilliseconds: number;
  /** strict_mailbox_ownership: the file must be this user's. */
  readonly owner: number | undefined;
  /** Whose a file becomes that is made here: of a spool folder in which only root may make one. */
  readonly givenTo?: { readonly uid: number; readonly gid: number };
  /**
   * Absent: a mailbox. With it, a destination that somebody named (`/dev/null`): what is no regular file is written to
   * without locks, a program is not, and a folder that takes no lock file is no reason to give up.
   */
  readonly isAnyFile?: boolean;
}

export class MboxAppend {
  readonly #options: MboxOptions;
  #handle: number | undefined;
  #hasDotLock = false;
  #isRegular = true;
  #start = 0;

  constructor(options: MboxOptions) {
    this.#options = options;
  }

  get handle(): number {
    if (this.#handle === undefined) throw new Error('the mailbox is closed');
    return this.#handle;
  }

  /** What is written is to be synced: of a device it cannot be. */
  get isRegular(): boolean {
    return this.#isRegular;
  }

  /** Octets before this message. */
  get start(): number {
    return this.#start;
  }

  /** False while somebody else has a lock: to be tried again. Throws UnfitFile and the system's errors. */
  tryOpen(now: number): boolean {
    const { file, locks, givenTo, isAnyFile = false } = this.#options;
    if (locks.includes('dotlock') && !this.#takeDotLock(now)) return false;
    try {
      this.#handle = safeOpen(file, givenTo);
      const found = fstatSync(this.#handle);
      this.#isRegular = found.isFile();
      this.#check(found);
      for (const style of this.#isRegular ? locks : []) {
        if (style === 'dotlock' || tryKernelLock(style, this.#handle)) continue;
        this.close();
        return false;
      }
      // Whoever had the lock may have appended.
      this.#start = this.#isRegular ? fstatSync(this.#handle).size : 0;
      if (isAnyFile && !this.#isRegular) this.#releaseDotLock();
      return true;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #takeDotLock(now: number): boolean {
    const { file, staleLockMilliseconds, isAnyFile = false } = this.#options;
    // No lock file beside /dev/null.
    if (isAnyFile && statSync(file, { throwIfNoEntry: false })?.isFile() === false) return true;
    try {
      this.#hasDotLock = tryDotLock(file, staleLockMilliseconds, now);
      return this.#hasDotLock;
    } catch (error) {
      if (isAnyFile) return true;
      throw error;
    }
  }

  #check(found: Stats): void {
    const { file, owner, isAnyFile = false } = this.#options;
    if (!found.isFile() && !isAnyFile) throw new UnfitFile('not-regular', `destination ${file} is not a regular file`);
    if (isAnyFile && found.isFile() && (found.mode & 0o111) !== 0)
      throw new UnfitFile('executable', 'file is executable');
    if (owner !== undefined && found.uid !== owner) {
      throw new UnfitFile('not-owned', `destination ${file} is not owned by recipient`);
    }
  }

  write(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) at += writeSync(this.handle, chunk, at);
  }

  /** After the file is synced. What is returned is to be synced, because it has a new name, and closed. */
  publish(): number | undefined {
    const isFirst = this.#isRegular && this.#start === 0;
    this.close();
    // It may have been made for this message.
    return isFirst ? openSync(dirname(this.#options.file), 'r') : undefined;
  }

  /** Takes back what was written. */
  abort(): void {
    if (this.#handle !== undefined && this.#isRegular) ftruncateSync(this.#handle, this.#start);
    this.close();
  }

  close(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) closeSync(handle);
    this.#releaseDotLock();
  }

  #releaseDotLock(): void {
    if (!this.#hasDotLock) return;
    this.#hasDotLock = false;
    releaseDotLock(this.#options.file);
  }
}
