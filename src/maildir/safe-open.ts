// Opens a file that mail is appended to, in a folder where others may make names (Postfix's safe_open(3)): an existing
// file must have one hard link and be no symbolic link, or somebody could have his mail appended to a file of
// another's; a new one is made where nothing stands. A symbolic link of root's in a folder that only root writes is
// the administrator's word.

import { closeSync, constants, fchownSync, fstatSync, lstatSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const { O_APPEND, O_CREAT, O_EXCL, O_NONBLOCK, O_WRONLY } = constants;
// Without waiting: behind a FIFO that a user has put there, everybody's mail would wait.
const existing = O_WRONLY | O_APPEND | O_NONBLOCK;
const writableByOthers = 0o022;
const maxAttempts = 10;

/** What stands at the path is no file that mail may be appended to. */
export class UnfitFile extends Error {
  override name = 'UnfitFile';
  readonly code: 'not-regular' | 'not-owned' | 'executable' | 'linked' | 'locked';

  constructor(code: UnfitFile['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Throws UnfitFile and the system's errors; those of a file that is to be made say so in `syscall`. */
export function safeOpen(file: string, givenTo?: { readonly uid: number; readonly gid: number }): number {
  // One is made or taken away meanwhile.
  for (let attempt = 1; ; attempt++) {
    const handle = openExisting(file) ?? openNew(file, givenTo, attempt < maxAttempts);
    if (handle !== undefined) return handle;
  }
}

function openExisting(file: string): number | undefined {
  let handle: number;
  try {
    handle = openSync(file, existing);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const opened = fstatSync(handle);
    if (opened.nlink !== 1) throw new UnfitFile('linked', `file has ${opened.nlink} hard links`);
    const named = lstatSync(file);
    if (named.isSymbolicLink()) {
      const isRoots = named.uid === 0 && (statSync(dirname(file)).mode & writableByOthers) === 0;
      if (!isRoots) throw new UnfitFile('linked', 'file is a symbolic link');
    } else if (named.dev !== opened.dev || named.ino !== opened.ino) {
      throw new UnfitFile('linked', 'file status changed unexpectedly');
    }
    return handle;
  } catch (error) {
    closeSync(handle);
    throw error;
  }
}

function openNew(
  file: string,
  givenTo: { readonly uid: number; readonly gid: number } | undefined,
  mayRepeat: boolean,
): number | undefined {
  let handle: number;
  try {
    handle = openSync(file, existing | O_CREAT | O_EXCL, 0o600);
  } catch (error) {
    if (mayRepeat && (error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    (error as NodeJS.ErrnoException).syscall = 'create';
    throw error;
  }
  if (givenTo !== undefined) fchownSync(handle, givenTo.uid, givenTo.gid);
  return handle;
}
