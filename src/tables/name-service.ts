// The system's accounts as its name service knows them (LDAP, sssd, systemd ...), by getpwnam_r(3) and getgrnam_r(3) of
// glibc, off the main thread. Only where nsswitch.conf(5) names more than the files, which unix-table.ts reads itself.
// NOTE: koffi is told the signatures, and we the structures, by hand; see lib/native-library.ts.

import { readFileSync } from 'node:fs';
import { addressOf, fixedBuffer, type NativeFunction, openNativeLibrary } from '../lib/native-library.ts';
import { TemporaryError } from '../lib/temporary-error.ts';

export type AccountDatabase = 'passwd' | 'group';

export interface NameService {
  /** The entry in the form of passwd(5) or group(5); undefined where there is none. Throws TemporaryError. */
  find(name: string): Promise<string | undefined>;
  findId(id: number): Promise<string | undefined>;
}

// A service that hangs holds a thread of the pool that files need too.
const maxLookupsAtOnce = 2;
const timeoutMilliseconds = 10_000;
const firstBytes = 4096;
const maxBytes = 1 << 20;
const tooSmall = 34;
/** getpwnam_r(3): some libraries answer "there is none" so. */
const noEntry = new Set([0, 2, 3]);

/** Undefined where the files are all, or there is no glibc or no koffi. */
export function openNameService(database: AccountDatabase, settings = readSwitch()): NameService | undefined {
  const services = new RegExp(`^\\s*${database}:(.*)`, 'm').exec(settings)?.[1]?.replace(/#.*|\[.*?\]/g, '') ?? '';
  if (services.split(/\s+/).every((service) => service === '' || service === 'files')) return undefined;
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return undefined;
  const library = openNativeLibrary(['libc.so.6']);
  try {
    library?.func('const char *gnu_get_libc_version()');
    const declare = (call: string, key: string) =>
      library?.func(`int ${call}(${key}, void *entry, void *to, size_t size, void *result)`);
    const [byName, byId] = database === 'passwd' ? ['getpwnam_r', 'getpwuid_r'] : ['getgrnam_r', 'getgrgid_r'];
    const names = declare(byName, 'const void *name');
    const ids = declare(byId, 'uint32_t id');
    return names && ids && new GlibcNameService(database, names, ids);
  } catch {
    return undefined;
  }
}

function readSwitch(): string {
  try {
    return readFileSync('/etc/nsswitch.conf', 'utf8');
  } catch {
    return '';
  }
}

class GlibcNameService implements NameService {
  readonly #database: AccountDatabase;
  readonly #byName: NativeFunction;
  readonly #byId: NativeFunction;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(database: AccountDatabase, byName: NativeFunction, byId: NativeFunction) {
    this.#database = database;
    this.#byName = byName;
    this.#byId = byId;
  }

  async find(name: string): Promise<string | undefined> {
    const key = Buffer.from(`${name}\0`);
    const found = await this.#answer(this.#byName, key);
    // Until here the library had its address.
    key.fill(0);
    return found;
  }

  findId(id: number): Promise<string | undefined> {
    return this.#answer(this.#byId, id);
  }

  async #answer(call: NativeFunction, key: Buffer | number): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      const late = (): void => reject(new TemporaryError(`the name service does not answer for ${this.#database}`));
      timer = setTimeout(late, timeoutMilliseconds);
    });
    try {
      return await Promise.race([this.#takeTurn(call, key), timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #takeTurn(call: NativeFunction, key: Buffer | number): Promise<string | undefined> {
    if (this.#running >= maxLookupsAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    try {
      return await this.#ask(call, key, firstBytes);
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #ask(call: NativeFunction, key: Buffer | number, bytes: number): Promise<string | undefined> {
    const [entry, text, result] = [fixedBuffer(64), fixedBuffer(bytes), fixedBuffer(8)];
    const error = await new Promise<number>((resolve, reject) => {
      call.async(key, entry, text, text.length, result, (failure, code) =>
        failure ? reject(failure) : resolve(code as number),
      );
    });
    if (error === tooSmall && bytes < maxBytes) return this.#ask(call, key, bytes * 2);
    if (!noEntry.has(error)) throw new TemporaryError(`the name service has error ${error} for ${this.#database}`);
    if (result.readBigUInt64LE(0) === 0n) return undefined;
    return this.#database === 'passwd' ? passwdLine(entry, text) : groupLine(entry, text);
  }
}

/** struct passwd of glibc with 64 bits: name, passwd, uid, gid, gecos, dir, shell. */
function passwdLine(entry: Buffer, text: Buffer): string {
  const word = (offset: number): string => wordAt(text, entry.readBigUInt64LE(offset));
  return [word(0), word(8), entry.readUInt32LE(16), entry.readUInt32LE(20), word(24), word(32), word(40)].join(':');
}

/** struct group: name, passwd, gid, members up to a null pointer. */
function groupLine(entry: Buffer, text: Buffer): string {
  const members: string[] = [];
  let place = Number(entry.readBigUInt64LE(24) - addressOf(text));
  for (; place >= 0 && place + 8 <= text.length; place += 8) {
    const pointer = text.readBigUInt64LE(place);
    if (pointer === 0n) break;
    members.push(wordAt(text, pointer));
  }
  const word = (offset: number): string => wordAt(text, entry.readBigUInt64LE(offset));
  return [word(0), word(8), entry.readUInt32LE(16), members.join(',')].join(':');
}

/** What a pointer into `text` points at. */
function wordAt(text: Buffer, pointer: bigint): string {
  const start = Number(pointer - addressOf(text));
  if (start < 0 || start >= text.length) return '';
  const end = text.indexOf(0, start);
  return text.toString('utf8', start, end === -1 ? text.length : end);
}
