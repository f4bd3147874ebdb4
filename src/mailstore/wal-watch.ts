// Looks at the size of the write-ahead log: it says that a reader or the disk holds the checkpoints up.

import fs from 'node:fs/promises';
import type { ProgramLog } from '../lib/log.ts';

const warningBytes = 256 * 1024 * 1024;

export class WalWatch {
  readonly #file: string;
  readonly #log: ProgramLog;
  #hasWarned = false;
  /** When it was last looked at. */
  bytes = 0;

  constructor(file: string, log: ProgramLog) {
    this.#file = file;
    this.#log = log;
  }

  async look(): Promise<void> {
    const { size } = await fs.stat(this.#file).catch(() => ({ size: 0 }));
    this.bytes = size;
    if (size > warningBytes && !this.#hasWarned) {
      this.#log.warning(
        `the write-ahead log has grown to ${Math.round(size / 1048576)} MiB: a reader or the disk holds it`,
      );
    }
    this.#hasWarned = size > warningBytes;
  }
}
