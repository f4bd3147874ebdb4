// The real postmap(1) and postalias(1) of a Debian system, with a configuration of their own: to make index files, and
// to compare what they answer. Tests that need them are skipped where they are missing.

import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { realPostconf } from './real-postconf.ts';

/** Why they cannot be used here; undefined where they can. */
export const noRealPostmap: string | undefined =
  realPostconf === undefined ? 'needs Postfix 3.7 (packages postfix, postfix-lmdb, postfix-cdb)' : undefined;

export interface PostmapOutput {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class RealPostmap {
  readonly #etc: string;

  /** Its configuration goes into `folder`. */
  constructor(folder: string, settings = '') {
    this.#etc = join(folder, 'postmap-etc');
    mkdirSync(this.#etc, { recursive: true });
    const own = `compatibility_level = 3.6\nqueue_directory = ${folder}\ndata_directory = ${folder}\n`;
    for (const [name, text] of [
      ['main.cf', own + settings],
      ['master.cf', ''],
    ] as const) {
      const path = join(this.#etc, name);
      writeFileSync(path, text);
      // Postfix sleeps until a file is older than two seconds before it trusts it.
      utimesSync(path, 1, 1);
    }
  }

  /** Writes the index of a text. Throws where postmap complains of more than a warning. */
  index(table: string, program: 'postmap' | 'postalias' = 'postmap'): void {
    const { status, stderr } = spawnSync(`/usr/sbin/${program}`, ['-c', this.#etc, table], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${program} ${table}: ${stderr}`);
  }

  /** `postmap -q KEY TABLE`: status 1 is "not found" without anything on stderr. */
  query(table: string, key: string): Promise<PostmapOutput> {
    return new Promise((resolve) => {
      execFile('/usr/sbin/postmap', ['-c', this.#etc, '-q', key, table], (error, stdout, stderr) => {
        resolve({ status: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
      });
    });
  }

  /** `postmap -q -`: a line `KEY<tab>VALUE` on stdout for each key that is found; ends at the first error. */
  queryAll(table: string, keys: readonly string[]): Promise<PostmapOutput> {
    return new Promise((resolve) => {
      const child = execFile('/usr/sbin/postmap', ['-c', this.#etc, '-q', '-', table], (error, stdout, stderr) => {
        resolve({ status: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
      });
      // It may have ended, with an error, before it reads.
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(keys.map((key) => `${key}\n`).join(''));
    });
  }

  /** The value, undefined for "not found", or an Error with what postmap says. */
  async value(table: string, key: string): Promise<string | Error | undefined> {
    const { status, stdout, stderr } = await this.query(table, key);
    if (status !== 0 && stderr.includes(': fatal: ')) return new Error(stderr);
    return status === 0 ? stdout.replace(/\n$/, '') : undefined;
  }
}
