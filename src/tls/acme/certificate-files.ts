// What is kept of certificates that an authority issues, in the folder `tls` of the data folder: the account and its key,
// and for each host the key with its chain (one file, so that they change as one), the key of the order that is under
// way, and what became of the last attempt. Every file is written whole and synced before what rests on it is done: after
// a crash the order goes on where it was.

import { mkdir, readFile, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { writeSecretFile } from '../secret-file.ts';
import { newKey } from '../x509.ts';
import { parseJson } from './acme-connection.ts';

/** Milliseconds since 1970, all of them. */
export interface HostState {
  /** Since the last one that went well. */
  readonly attempts: number;
  /** Nothing is tried before. */
  readonly notBefore: number;
  /** Why the last attempt failed. */
  readonly problem?: string | undefined;
  /** The order that is under way, at the directory below. */
  readonly order?: string | undefined;
  /** Which authority was asked last. */
  readonly directory?: string | undefined;
  readonly renewAt?: number | undefined;
  /** When to ask again when it should be renewed. */
  readonly checkAt?: number | undefined;
  /** The window that the authority wants it to be renewed in; renewAt was drawn from it. */
  readonly window?: { readonly start: number; readonly end: number } | undefined;
}

export interface AccountState {
  readonly key: string;
  /** Absent until the authority has confirmed it. */
  readonly url?: string | undefined;
  readonly contact?: readonly string[] | undefined;
}

/** Of an authority that must be left alone for a while, whichever host is meant. */
export interface Pause {
  readonly until: number;
  readonly failures: number;
}

export const freshState: HostState = { attempts: 0, notBefore: 0 };

export class CertificateFiles {
  readonly folder: string;

  constructor(dataDirectory: string) {
    this.folder = join(dataDirectory, 'tls');
  }

  async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
  }

  /** Key and chain. */
  chainFile(host: string): string {
    return join(this.folder, `acme-${host}.pem`);
  }

  #file(host: string, what: 'state.json' | 'next-key.pem'): string {
    return join(this.folder, `acme-${host}.${what}`);
  }

  /** One account for each authority: a server for trials is another one. */
  #accountFile(directory: string, what: 'account' | 'pause'): string {
    const digest = createHash('sha256').update(directory).digest('hex').slice(0, 16);
    return join(this.folder, `acme-${what}-${digest}.json`);
  }

  async state(host: string): Promise<HostState> {
    const json = await readJson(this.#file(host, 'state.json'));
    const isState = typeof json?.['attempts'] === 'number' && typeof json['notBefore'] === 'number';
    return isState ? (json as unknown as HostState) : freshState;
  }

  async saveState(host: string, state: HostState): Promise<void> {
    await writeSecretFile(this.#file(host, 'state.json'), `${JSON.stringify(state)}\n`);
  }

  /** Made where there is none. */
  async account(directory: string): Promise<AccountState> {
    const json = await readJson(this.#accountFile(directory, 'account'));
    if (typeof json?.['key'] === 'string') return json as unknown as AccountState;
    const account = { key: (await newKey()).privateKey };
    await this.saveAccount(directory, account);
    return account;
  }

  async saveAccount(directory: string, account: AccountState): Promise<void> {
    await writeSecretFile(this.#accountFile(directory, 'account'), `${JSON.stringify(account)}\n`);
  }

  async pause(directory: string): Promise<Pause> {
    const json = await readJson(this.#accountFile(directory, 'pause'));
    return typeof json?.['until'] === 'number' ? (json as unknown as Pause) : { until: 0, failures: 0 };
  }

  async savePause(directory: string, pause: Pause): Promise<void> {
    await writeSecretFile(this.#accountFile(directory, 'pause'), `${JSON.stringify(pause)}\n`);
  }

  /** The key of the order that is under way; a new order has a new one. */
  async nextKey(host: string, isNewOrder: boolean): Promise<string> {
    const file = this.#file(host, 'next-key.pem');
    const kept = isNewOrder ? undefined : await readText(file);
    if (kept !== undefined) return kept;
    const { privateKey } = await newKey();
    await writeSecretFile(file, privateKey);
    return privateKey;
  }

  /** From here on it is what the server shows. */
  async install(host: string, key: string, chain: string): Promise<void> {
    await writeSecretFile(this.chainFile(host), key + chain);
    await rm(this.#file(host, 'next-key.pem'), { force: true });
  }

  /** Key and chain in PEM; undefined where there is none yet. */
  async installed(host: string): Promise<string | undefined> {
    return await readText(this.chainFile(host));
  }
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function readJson(file: string): Promise<Record<string, unknown> | undefined> {
  const text = await readText(file);
  return text === undefined ? undefined : parseJson(text);
}
