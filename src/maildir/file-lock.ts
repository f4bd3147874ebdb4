// The locks that programs take on an mbox (Postfix's mailbox_delivery_lock): `dotlock`, a file beside it; `fcntl` and
// `flock`, locks of the kernel. Node has no call for those two, so they come from the system's libc.

import { closeSync, openSync, statSync, unlinkSync } from 'node:fs';
import { type NativeLibrary, openNativeLibrary } from '../lib/native-library.ts';

export const lockStyles = ['fcntl', 'flock', 'dotlock'] as const;

export type LockStyle = (typeof lockStyles)[number];

const libraries = ['libc.so.6', 'libc.so', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'];
// <fcntl.h>, <sys/file.h> of Linux.
const setLock = 6;
const writeLock = 1;
const exclusiveNow = 2 | 4;
/** struct flock: type, whence, 4 octets of padding, start, length, process. */
const flockBytes = 32;

let library: NativeLibrary | undefined;

/** Throws where this system has no such lock. */
function libc(): NativeLibrary {
  library ??= process.platform === 'linux' ? openNativeLibrary(libraries) : undefined;
  if (library === undefined) throw new Error('fcntl and flock locks need Linux and the package koffi');
  return library;
}

/** False while somebody else has it. */
export function tryKernelLock(style: 'fcntl' | 'flock', handle: number): boolean {
  if (style === 'flock') return libc().func('int flock(int fd, int operation)')(handle, exclusiveNow) === 0;
  const lock = Buffer.alloc(flockBytes);
  lock.writeInt16LE(writeLock, 0);
  return libc().func('int fcntl(int fd, int command, void *lock)')(handle, setLock, lock) === 0;
}

/** False while somebody else has it; one older than `staleMilliseconds` is taken for left behind. */
export function tryDotLock(file: string, staleMilliseconds: number, now: number): boolean {
  const name = `${file}.lock`;
  try {
    closeSync(openSync(name, 'wx', 0o600));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  try {
    if (now - statSync(name).mtimeMs > staleMilliseconds) unlinkSync(name);
  } catch (error) {
    // Its owner took it away meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return false;
}

export function releaseDotLock(file: string): void {
  unlinkSync(`${file}.lock`);
}
