// Opens a library of the system (libcrypt, libpcre2, libc) through koffi, which is optional: whoever asks has a way
// to do without. Signatures are written by hand and checked by nobody, so each library has one small module that
// declares its functions, hands over buffers of its own, and is tested against known answers.
// NOTE: for the main thread only.

import { createRequire } from 'node:module';

/** Pointers that the library returns are opaque; 0 is none. */
export type Pointer = bigint | number | null;

type Argument = Buffer | Pointer;

export interface NativeFunction {
  (...args: Argument[]): unknown;
  /** Runs in a thread of libuv's pool; the last argument is the callback. */
  async(...args: (Argument | string | ((error: Error | null, result: unknown) => void))[]): void;
}

export interface NativeLibrary {
  /** `declaration` is a C prototype. Throws where the library has no such function. */
  func(declaration: string): NativeFunction;
}

interface Koffi {
  load(path: string): NativeLibrary;
  address(value: Buffer): bigint;
}

/** The first of these that can be loaded; undefined where none can, or koffi is missing. */
export function openNativeLibrary(names: readonly string[]): NativeLibrary | undefined {
  const koffi = requireKoffi();
  for (const name of koffi === undefined ? [] : names) {
    try {
      return koffi?.load(name);
    } catch {
      // Not this one.
    }
  }
  return undefined;
}

/** Where a fixed buffer lies, to find out what a pointer into it points at. Only where a library was opened. */
export function addressOf(buffer: Buffer): bigint {
  return requireKoffi()?.address(buffer) ?? 0n;
}

function requireKoffi(): Koffi | undefined {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch {
    return undefined;
  }
}

/** A buffer whose bytes never move, so that a library may keep its address. */
export function fixedBuffer(bytes: number): Buffer {
  return Buffer.allocUnsafeSlow(Math.max(bytes, 128)).fill(0);
}
