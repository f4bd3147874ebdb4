// Where the files are that a configuration names. A folder that ends in `etc/postfix` below another root stands for
// a whole machine (a container's image, a checkout of /etc): its paths are looked up below that root and nowhere
// else. Any other folder stands for /etc/postfix itself; its other paths are this machine's.

import { readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

/** Larger tables are told apart by their beginning only. */
const maxFileBytes = 256 * 1024 * 1024;

export type FileText =
  | { readonly kind: 'text'; readonly path: string; readonly text: string }
  | { readonly kind: 'failed'; readonly path: string; readonly reason: string };

export class MachineFiles {
  readonly #directory: string;
  readonly #texts = new Map<string, FileText>();
  /** `/` or the folder that stands for it; undefined where the configuration is not in its place on any machine. */
  readonly root: string | undefined;

  constructor(directory: string, proposed: Readonly<Record<string, string>> = {}) {
    this.#directory = directory;
    for (const [path, text] of Object.entries(proposed)) this.#texts.set(path, { kind: 'text', path, text });
    this.root = directory.endsWith('/etc/postfix') ? directory.slice(0, -'/etc/postfix'.length) || '/' : undefined;
  }

  /** The file that a path of the configuration means. */
  locate(path: string): string {
    if (!path.startsWith('/')) return join(this.#directory, path);
    if (path.startsWith(`${this.#directory}/`)) return path;
    if (this.root !== undefined) return join(this.root, path);
    if (path.startsWith('/etc/postfix/')) {
      const beside = join(this.#directory, path.slice('/etc/postfix/'.length));
      if (this.#exists(beside)) return beside;
    }
    return path;
  }

  read(path: string): FileText {
    const file = this.locate(path);
    const known = this.#texts.get(file);
    if (known !== undefined) return known;
    const read = readText(file);
    this.#texts.set(file, read);
    return read;
  }

  /** Undefined where there is no such file. */
  stat(path: string): Stats | undefined {
    return statSync(this.locate(path), { throwIfNoEntry: false });
  }

  #exists(file: string): boolean {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  }
}

function readText(file: string): FileText {
  try {
    const real = realpathSync(file);
    if (statSync(real).size > maxFileBytes) return { kind: 'failed', path: file, reason: 'the file is too large' };
    const bytes = readFileSync(real);
    const text = bytes.toString('utf8');
    return { kind: 'text', path: file, text: text.includes('\ufffd') ? bytes.toString('latin1') : text };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { kind: 'failed', path: file, reason: code === 'ENOENT' ? 'no such file' : (code ?? message) };
  }
}
