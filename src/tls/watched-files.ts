// What was read from files, and is read again when they change: they are looked at at most every few seconds, when
// somebody asks. What cannot be used (half written, key and certificate that do not match) leaves what was read before
// in force and is logged.

import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';

export interface TlsLog {
  info(text: string): void;
  warning(text: string): void;
}

export interface WatchOptions<Content> {
  readonly paths: readonly string[];
  /** For the log: `TLS certificate`. */
  readonly what: string;
  readonly read: () => Promise<Content>;
  readonly clock: Clock;
  readonly log: TlsLog;
}

const recheckMilliseconds = 5_000;

/** Something that may become something else: the same object for as long as it has not. */
export interface Source<Content> {
  current(): Content;
}

export class WatchedFiles<Content> implements Source<Content> {
  readonly #options: WatchOptions<Content>;
  #content: Content;
  #fingerprint: string;
  #checkedAt: number;
  #isChecking = false;

  private constructor(options: WatchOptions<Content>, content: Content, fingerprint: string) {
    this.#options = options;
    this.#content = content;
    this.#fingerprint = fingerprint;
    this.#checkedAt = options.clock.monotonic();
  }

  /** Throws where the files cannot be used. */
  static async open<Content>(options: WatchOptions<Content>): Promise<WatchedFiles<Content>> {
    // Before they are read: a change in between is seen at the next look.
    const fingerprint = await fingerprintOf(options.paths);
    return new WatchedFiles(options, await options.read(), fingerprint);
  }

  get paths(): readonly string[] {
    return this.#options.paths;
  }

  /** Starts a look at the files when the last one is some seconds old. */
  current(): Content {
    const now = this.#options.clock.monotonic();
    if (!this.#isChecking && now - this.#checkedAt >= recheckMilliseconds) {
      this.#checkedAt = now;
      void this.reload();
    }
    return this.#content;
  }

  /** Reads the files again where they have changed; never throws. */
  async reload(): Promise<void> {
    const { paths, what, read, log } = this.#options;
    this.#isChecking = true;
    try {
      const fingerprint = await fingerprintOf(paths);
      if (fingerprint === this.#fingerprint) return;
      this.#content = await read();
      this.#fingerprint = fingerprint;
      log.info(`reloaded ${what} from ${paths.join(', ')}`);
    } catch (error) {
      log.warning(`cannot load ${what}, keeping the previous one: ${messageOf(error)}`);
    } finally {
      this.#isChecking = false;
    }
  }
}

/** Changes when a file is replaced or written. */
async function fingerprintOf(paths: readonly string[]): Promise<string> {
  return (await Promise.all(paths.map((path) => stat(path)))).map(describeFile).join(' ');
}

export function describeFile({ dev, ino, mtimeMs, size }: Stats): string {
  return `${dev}:${ino}:${mtimeMs}:${size}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
