// setrlimit(2) for what is started next: Node has no call for it. The limit on the size of files that local(8) gives its
// commands (mailbox_size_limit, postconf(5)) is taken on, inherited, and put back, in one synchronous turn.
// NOTE: where koffi or this libc is missing there is no limit; the message itself has one.

import { fixedBuffer, type NativeFunction, openNativeLibrary } from '../../lib/native-library.ts';

// <sys/resource.h> of Linux: struct rlimit is two unsigned longs, the one in force and the highest that may be asked for.
const fileSize = 1;
const rlimitBytes = 16;

interface Calls {
  readonly get: NativeFunction;
  readonly set: NativeFunction;
}

let calls: Calls | 'none' | undefined;

function limitCalls(): Calls | undefined {
  if (calls === undefined) {
    const is64Bit = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
    const libc = is64Bit ? openNativeLibrary(['libc.so.6', 'libc.so']) : undefined;
    calls =
      libc === undefined
        ? 'none'
        : {
            get: libc.func('int getrlimit(int resource, void *limits)'),
            set: libc.func('int setrlimit(int resource, const void *limits)'),
          };
  }
  return calls === 'none' ? undefined : calls;
}

/** `octets` 0 is no limit. */
export function withFileLimit<T>(octets: number, run: () => T): T {
  const found = octets > 0 ? limitCalls() : undefined;
  if (found === undefined) return run();
  const before = fixedBuffer(rlimitBytes);
  found.get(fileSize, before);
  const lower = fixedBuffer(rlimitBytes);
  before.copy(lower);
  const highest = before.readBigUInt64LE(8);
  lower.writeBigUInt64LE(BigInt(octets) < highest ? BigInt(octets) : highest, 0);
  found.set(fileSize, lower);
  try {
    return run();
  } finally {
    found.set(fileSize, before);
  }
}
