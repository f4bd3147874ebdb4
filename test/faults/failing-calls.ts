// Lets calls of a running server fail, with the shim of failing-calls.c.

import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const canFailCalls = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0;

type ErrorName = 'EIO' | 'ENOSPC' | 'EROFS' | 'EDQUOT';

export class FailingCalls {
  /** For the server. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #order: string;

  /** `folder`: one that everybody may enter. */
  constructor(folder: string) {
    const library = join(folder, 'failing-calls.so');
    const source = fileURLToPath(new URL('failing-calls.c', import.meta.url));
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-w', '-o', library, source, '-ldl'], { stdio: 'pipe' });
    this.#order = join(folder, 'failing-order');
    this.environment = { LD_PRELOAD: library, FAILING_ORDER: this.#order, UV_USE_IO_URING: '0' };
  }

  /** From now on, until mend(). */
  fail(
    ...orders: readonly (readonly [call: 'write' | 'sync' | 'open' | 'link', error: ErrorName, place: string])[]
  ): void {
    const lines = orders.map(([call, error, place]) => `${call} ${constants.errno[error]} ${place}\n`);
    writeFileSync(this.#order, lines.join(''));
  }

  mend(): void {
    rmSync(this.#order, { force: true });
  }
}
