// Tells when a file has a new content, however it was written: in place, or by renaming another over it (as
// editors and configuration tools do). The folder is watched for the name; a slow look at the file's stamp covers
// symbolic links, network file systems and lost events.

import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

// A writer that is still writing would be read half: the stamp must rest this long.
const restMilliseconds = 50;
const pollMilliseconds = 5000;

/** Changes whenever the content may have: '' where there is no such file. */
export async function fileStamp(path: string): Promise<string> {
  try {
    const { mtimeNs, ctimeNs, size, ino } = await stat(path, { bigint: true });
    return `${mtimeNs} ${ctimeNs} ${size} ${ino}`;
  } catch {
    return '';
  }
}

export class FileWatch {
  readonly #path: string;
  readonly #onChange: () => void;
  readonly #poll: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  #resting: NodeJS.Timeout | undefined;
  #known: string;
  #isClosed = false;

  /** `stamp` is the one that the caller has read the content under. */
  constructor(path: string, stamp: string, onChange: () => void) {
    this.#path = path;
    this.#known = stamp;
    this.#onChange = onChange;
    this.#poll = setInterval(() => void this.#look(), pollMilliseconds);
    this.#poll.unref();
    this.#watchFolder();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#resting);
    this.#watcher?.close();
  }

  #watchFolder(): void {
    try {
      const name = basename(this.#path);
      this.#watcher = watch(dirname(this.#path), { persistent: false }, (_event, changed) => {
        if (changed === null || changed === name) void this.#look();
      });
      // A folder that goes away leaves the polling.
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      this.#watcher = undefined;
    }
  }

  async #look(): Promise<void> {
    const stamp = await fileStamp(this.#path);
    if (this.#isClosed || stamp === this.#known) return;
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => void this.#settle(stamp), restMilliseconds);
  }

  async #settle(stamp: string): Promise<void> {
    const now = await fileStamp(this.#path);
    if (this.#isClosed) return;
    if (now !== stamp) {
      await this.#look();
      return;
    }
    this.#known = stamp;
    this.#onChange();
  }
}
