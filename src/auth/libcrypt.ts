// The system's crypt(3) through koffi, where both are installed: the only way to yescrypt, gost-yescrypt and scrypt,
// and off the main thread for the rest. Its signature is written by hand (lib/native-library.ts).

import { type NativeFunction, openNativeLibrary } from '../lib/native-library.ts';

type CryptAsync = (password: Buffer, setting: string) => Promise<string | undefined>;

/** struct crypt_data of libxcrypt is 32,768 bytes, of older glibc 131,232. */
const dataBytes = 131_232;

/** Names on glibc with libxcrypt or without, and on musl, where crypt is in libc. */
const libraries = ['libcrypt.so.1', 'libcrypt.so.2', 'libcrypt.so', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'];

let loaded: { readonly crypt: CryptAsync | undefined } | undefined;

/** Undefined where the library cannot be had. */
export function libcrypt(): CryptAsync | undefined {
  loaded ??= { crypt: load() };
  return loaded.crypt;
}

function load(): CryptAsync | undefined {
  try {
    const declaration = 'const char *crypt_r(const void *phrase, const void *setting, void *data)';
    const call = openNativeLibrary(libraries)?.func(declaration);
    return call && ((password, setting) => runCrypt(call, password, setting));
  } catch {
    return undefined;
  }
}

/** Undefined where libcrypt does not know the scheme (it answers `*0` or `*1`, or nothing). */
async function runCrypt(call: NativeFunction, password: Buffer, setting: string): Promise<string | undefined> {
  const phrase = Buffer.concat([password, Buffer.alloc(1)]);
  const terminated = Buffer.from(`${setting}\0`);
  const data = Buffer.alloc(dataBytes);
  const result = await new Promise<string | null>((resolve, reject) => {
    call.async(phrase, terminated, data, (error, hash) => (error ? reject(error) : resolve(hash as string | null)));
  });
  phrase.fill(0);
  data.fill(0);
  return result === null || result.startsWith('*') ? undefined : result;
}
