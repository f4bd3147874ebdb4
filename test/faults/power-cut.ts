// The near side of power-cut.c: compiles it, writes the first record of a folder (everything in it counts as
// durable), and after the "cut" turns the record back into the folder that a restarted machine would find.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const sources = ['power-cut.c', 'step-kill.c'].map((name) => fileURLToPath(new URL(name, import.meta.url)));

/** Names that no program needs after a crash, and that are written through mmap: SQLite's WAL index. */
const isVolatile = (name: string): boolean => name.endsWith('-shm');

/** Compiles the shim into `folder`; returns its path. Throws when there is no C compiler. */
export function compilePowerCutShim(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const library = join(folder, 'power-cut.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, ...sources, '-ldl', '-lpthread'], { stdio: 'pipe' });
  return library;
}

export class PowerCut {
  readonly #live: string;
  readonly #record: string;
  readonly #library: string;

  /** `live` is the folder under test; `record` is written beside it, on a file system that knows birth times. */
  constructor(options: { live: string; record: string; library: string }) {
    this.#live = resolve(options.live);
    this.#record = resolve(options.record);
    this.#library = options.library;
  }

  /** What the program under test needs in its environment. */
  environment(survivePercent = 0): Record<string, string> {
    return {
      LD_PRELOAD: this.#library,
      POWER_CUT_LIVE: this.#live,
      POWER_CUT_RECORD: this.#record,
      POWER_CUT_SURVIVE: String(survivePercent),
      // io_uring would pass by the shim.
      UV_USE_IO_URING: '0',
    };
  }

  /** Takes the folder as it stands for durable. Call it while nobody writes there. */
  begin(): void {
    rmSync(this.#record, { recursive: true, force: true });
    for (const name of ['contents', 'folders']) {
      mkdirSync(join(this.#record, name), { recursive: true });
      // Helpers of the program write it under the users that they take on.
      chmodSync(join(this.#record, name), 0o777);
    }
    this.#recordFolder(this.#live);
  }

  /** Replaces the folder by what the record holds. Call it after the program has been killed. */
  restore(): void {
    const rootKey = keyOf(this.#live);
    const restored = `${this.#live}.restored`;
    rmSync(restored, { recursive: true, force: true });
    this.#restoreFolder(rootKey, restored, new Map());
    rmSync(this.#live, { recursive: true, force: true });
    execFileSync('mv', [restored, this.#live]);
  }

  #recordFolder(folder: string): void {
    const lines: string[] = [];
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        lines.push(`d ${keyOf(path)} ${entry.name}\n`);
        this.#recordFolder(path);
      } else if (entry.isFile()) {
        lines.push(`f ${keyOf(path)} ${entry.name}\n`);
        if (!isVolatile(entry.name)) this.#recordContent(path);
      }
    }
    const list = join(this.#record, 'folders', keyOf(folder));
    writeFileSync(list, lines.join(''));
    chmodSync(list, 0o666);
  }

  #recordContent(path: string): void {
    const content = join(this.#record, 'contents', keyOf(path));
    copyFileSync(path, content);
    chmodSync(content, 0o666);
  }

  /** `placed` knows where a file already stands: one that was renamed may still have its old name too. */
  #restoreFolder(key: string, target: string, placed: Map<string, string>): void {
    mkdirSync(target, { recursive: true, mode: 0o700 });
    const list = join(this.#record, 'folders', key);
    // A folder whose own names were never synced comes back empty.
    if (!existsSync(list)) return;
    for (const line of readFileSync(list, 'utf8').split('\n')) {
      const [, kind, child, name] = /^([fd]) (\S+) (.+)$/.exec(line) ?? [];
      if (child === undefined || name === undefined) continue;
      const path = join(target, name);
      const content = join(this.#record, 'contents', child);
      const elsewhere = placed.get(child);
      if (kind === 'd') {
        this.#restoreFolder(child, path, placed);
      } else if (elsewhere !== undefined) {
        linkSync(elsewhere, path);
      } else if (!isVolatile(name)) {
        // A file that was named but never synced comes back empty.
        if (existsSync(content)) copyFileSync(content, path);
        else writeFileSync(path, '', { mode: 0o600 });
        placed.set(child, path);
      }
    }
  }
}

/** Inode and birth time, as power-cut.c writes them. */
function keyOf(path: string): string {
  const { ino, birthtimeNs } = statSync(path, { bigint: true });
  return `${ino}-${birthtimeNs / 1_000_000_000n}.${String(birthtimeNs % 1_000_000_000n).padStart(9, '0')}`;
}
