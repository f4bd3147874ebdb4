// One file of users in the form that Dovecot's passwd-file and libpam-pwdfile have: `user:password:uid:gid:gecos:home:shell:
// extra fields`. Read again at the first login after it has changed; one that is being written is read when its stamp has
// rested, since half a file would make half of the users unknown. What cannot be read is "could not find out".

import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { fileStamp } from '../../tables/file-watch.ts';

export interface PasswdEntry {
  /** '' where nobody may log in with a password. */
  readonly password: string;
  /** For a userdb: `uid`, `gid`, `home`, and `userdb_...` of the extra fields, without that prefix. */
  readonly user: ReadonlyMap<string, string>;
  /** The extra fields as they stand: variables in them are still to be filled in. */
  readonly extra: readonly string[];
}

export type PasswdEntries = ReadonlyMap<string, PasswdEntry>;

/** A million users are some 100 MB. */
const maxFileBytes = 128 << 20;
const restMilliseconds = 50;
const maxRests = 40;

export class PasswdFile {
  readonly #path: string;
  #stamp = '';
  #entries: PasswdEntries = new Map();
  #reading: Promise<PasswdEntries> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Undefined where there is no such file. Throws TemporaryError. */
  async entries(): Promise<PasswdEntries | undefined> {
    const stamp = await fileStamp(this.#path);
    if (stamp === '') return await this.#missing();
    if (stamp === this.#stamp) return this.#entries;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return await this.#reading;
  }

  /** No stamp is also a folder that may not be entered. */
  async #missing(): Promise<undefined> {
    try {
      await stat(this.#path);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw new TemporaryError(message);
    }
    throw new TemporaryError(`${this.#path} has changed this moment`);
  }

  async #read(): Promise<PasswdEntries> {
    for (let rest = 0; rest < maxRests; rest++) {
      const before = await fileStamp(this.#path);
      const text = await this.#load();
      // The first reading is at the start, when nobody waits for the answer.
      await sleep(restMilliseconds);
      if (before === '' || (await fileStamp(this.#path)) !== before) continue;
      this.#entries = parsePasswd(text);
      this.#stamp = before;
      return this.#entries;
    }
    throw new TemporaryError(`${this.#path} is still being written`);
  }

  async #load(): Promise<string> {
    try {
      const { size } = await stat(this.#path);
      if (size > maxFileBytes) throw new Error(`${this.#path} is larger than ${maxFileBytes} bytes`);
      return await readFile(this.#path, 'utf8');
    } catch (error) {
      throw new TemporaryError((error as Error).message);
    }
  }
}

/** The first of two lines for a user holds. */
export function parsePasswd(text: string): PasswdEntries {
  const entries = new Map<string, PasswdEntry>();
  for (const raw of text.split('\n')) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line === '' || line.startsWith('#') || line.startsWith(':')) continue;
    const [name = '', password = '', uid = '', gid = '', , home = '', , ...rest] = line.split(':');
    if (entries.has(name)) continue;
    // An extra field's value may have colons: maildir:~/Maildir.
    const extra = rest.join(':').split(/[ \t]+/);
    entries.set(name, {
      password: plainForm(password),
      user: userFields(uid, gid, home),
      extra: extra.filter(Boolean),
    });
  }
  return entries;
}

/** `password[13]` and `password[34]` of libpam-pwdfile say how long the hash is, which its form says too. */
function plainForm(password: string): string {
  const match = /^(.*)\[(13|34)\]$/.exec(password);
  if (match === null) return password;
  return match[2] === '34' ? `{MD5}${match[1]}` : `{CRYPT}${match[1]}`;
}

function userFields(uid: string, gid: string, home: string): Map<string, string> {
  const fields = Object.entries({ uid, gid, home }).filter(([, value]) => value !== '');
  return new Map(fields);
}
