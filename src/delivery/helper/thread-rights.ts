// Another user's rights, for one synchronous call: the effective uid and gid of this thread, and with them its capabilities,
// so that permissions and disk quotas are those of that user. To the kernel they belong to a thread; libc sets them for all
// threads of a process, by a signal to each, and two dozen such calls a message were ten times the cost of writing it.
// So the system calls are made without libc's help, through koffi; where that is missing it is done as libc does it.
//
// What runs in libuv's pool meanwhile keeps root's rights: only fsync(2) does, which asks for none.

import { type NativeFunction, openNativeLibrary } from '../../lib/native-library.ts';

/** setresuid(2) and setresgid(2) in <asm/unistd.h>. */
const numbers: Readonly<Record<string, readonly [user: number, group: number]>> = {
  x64: [117, 119],
  arm64: [147, 149],
};
const unchanged = -1;
const maxId = 0xfffffffe;

type SetRights = (uid: number, gid: number) => void;

let setRights: SetRights | undefined;

/** Only for a process that is root's. Throws where the rights cannot be had; ends it where they cannot be given back. */
export function withRights<T>(uid: number, gid: number, run: () => T): T {
  setRights ??= perThread() ?? perProcess;
  // Beyond them lies the number that changes nothing, and others that the kernel would cut down to 0.
  for (const id of [uid, gid]) if (!(Number.isInteger(id) && id >= 0 && id <= maxId)) throw new Error(`no id: ${id}`);
  takeGroupFirst(setRights, uid, gid);
  try {
    return run();
  } finally {
    giveBack(setRights);
  }
}

function takeGroupFirst(set: SetRights, uid: number, gid: number): void {
  try {
    set(unchanged, gid);
    set(uid, unchanged);
  } catch (error) {
    giveBack(set);
    throw error;
  }
}

function giveBack(set: SetRights): void {
  try {
    set(0, unchanged);
    set(unchanged, 0);
  } catch (error) {
    // Whatever comes next would be done as the wrong user.
    process.stderr.write(`cannot be root again: ${String(error)}\n`);
    process.exit(1);
  }
}

const perProcess: SetRights = (uid, gid) => {
  if (uid !== unchanged) process.seteuid?.(uid);
  if (gid !== unchanged) process.setegid?.(gid);
};

function perThread(): SetRights | undefined {
  const calls = process.platform === 'linux' ? numbers[process.arch] : undefined;
  const libc = calls === undefined ? undefined : openNativeLibrary(['libc.so.6', 'libc.so']);
  if (calls === undefined || libc === undefined) return undefined;
  const syscall = libc.func('long syscall(long number, long real, long effective, long saved)');
  const [user, group] = calls;
  return (uid, gid) => {
    if (uid !== unchanged) call(syscall, user, uid);
    if (gid !== unchanged) call(syscall, group, gid);
  };
}

function call(syscall: NativeFunction, number: number, effective: number): void {
  if (Number(syscall(number, unchanged, effective, unchanged)) !== 0) {
    throw new Error(`the rights of ${effective} cannot be had`);
  }
}
