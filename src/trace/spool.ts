// Keeps what `posthaste trace` shows: the lines of the log that are about messages and SMTP sessions, in files of their own
// with exact times (segments.ts). Written beside the mail, never in its way:
//
// - the cost of a line is one string and one pass over its characters; the file is written by the thread pool;
// - lines are gathered for a second at most: that is what a kill loses. They are not synced: a power cut loses what the
//   system had not written yet;
// - memory is bounded: when the disk does not keep up, lines are lost and counted, mail is not held up;
// - when space is short or a write fails, the trace pauses, says so in the log, and tries again: the last of the disk is the
//   mail's;
// - what is older than posthaste_trace_days, or more than posthaste_trace_size_limit, is removed, the oldest first.

import fs from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { LogLevel, ProgramLog } from '../lib/log.ts';
import { KeyFilter } from './key-filter.ts';
import { formatLine, keptText } from './record.ts';
import { filterFile, maxSegmentBytes, removeOldSegments, segmentFile, traceFolder } from './segments.ts';

export interface SpoolOptions {
  readonly dataDirectory: string;
  readonly days: number;
  /** Octets of all segments. */
  readonly sizeLimit: number;
  readonly clock: Clock;
  readonly log: ProgramLog;
  /** Below this much free space nothing is kept. */
  readonly minFreeBytes?: number;
}

export interface TraceState {
  readonly isPaused: boolean;
  /** Events that were not kept. */
  readonly lost: number;
}

const gatherMilliseconds = 1000;
const writeAtBytes = 256 * 1024;
const maxGatheredBytes = 4 * 1024 * 1024;
const lookMilliseconds = 10_000;
const dayMilliseconds = 86_400_000;
const usualMinFreeBytes = 256 * 1024 * 1024;

interface OpenSegment {
  readonly file: string;
  readonly handle: fs.FileHandle;
  readonly filter: KeyFilter;
  readonly start: number;
  bytes: number;
}

export class TraceSpool {
  readonly #options: SpoolOptions;
  readonly #folder: string;
  #lines: string[] = [];
  #gatheredBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #segment: OpenSegment | undefined;
  #lastStart = 0;
  /** Not before start(): the folder must be the user's that the server runs as. */
  #isStarted = false;
  #pausedFor: string | undefined;
  #nextLook = Number.NEGATIVE_INFINITY;
  #lost = 0;
  #lostInPause = 0;

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#folder = path.join(options.dataDirectory, traceFolder);
  }

  get state(): TraceState {
    return { isPaused: this.#pausedFor !== undefined, lost: this.#lost };
  }

  start(): void {
    this.#isStarted = true;
    this.#schedule();
  }

  /** A line of the log. */
  add(program: string, level: LogLevel, text: string, session: string | undefined): void {
    const kept = keptText(program, text, session);
    if (kept === undefined) return;
    if (this.#gatheredBytes > maxGatheredBytes) {
      this.#lose(1);
      return;
    }
    const line = formatLine(this.#options.clock.now(), program, level, session ?? '', kept);
    this.#lines.push(line);
    this.#gatheredBytes += line.length;
    if (this.#timer === undefined || this.#gatheredBytes >= writeAtBytes) this.#schedule();
  }

  #schedule(): void {
    if (!this.#isStarted) return;
    if (this.#gatheredBytes >= writeAtBytes) {
      void this.#drain();
      return;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#drain();
    }, gatherMilliseconds).unref();
  }

  /** Resolves when what has been added is in the files (or lost). */
  async flush(): Promise<void> {
    if (!this.#isStarted) return;
    do await this.#drain();
    while (this.#lines.length > 0);
  }

  async close(): Promise<void> {
    await this.flush();
    clearTimeout(this.#timer);
    await this.#seal();
  }

  #drain(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    this.#gatheredBytes = 0;
    try {
      if (!(await this.#hasRoom())) {
        this.#lose(lines.length);
        return;
      }
      const segment = await this.#openSegment();
      for (const line of lines) segment.filter.add(line);
      const { bytesWritten } = await segment.handle.write(Buffer.from(lines.join(''), 'utf8'));
      segment.bytes += bytesWritten;
      this.#resume();
      if (segment.bytes >= maxSegmentBytes) await this.#seal();
    } catch (error) {
      this.#pause(error instanceof Error ? error.message : String(error));
      this.#lose(lines.length);
      // Its end is unknown: what follows goes into another one.
      await this.#seal().catch(() => undefined);
    }
  }

  /** Looks at the disk, and at what is too old, every ten seconds at most. */
  async #hasRoom(): Promise<boolean> {
    const { clock, minFreeBytes = usualMinFreeBytes, days, sizeLimit } = this.#options;
    const now = clock.monotonic();
    if (now < this.#nextLook) return this.#pausedFor === undefined;
    this.#nextLook = now + lookMilliseconds;
    await fs.mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await fs.statfs(this.#folder);
    const free = bavail * bsize;
    if (free < minFreeBytes) {
      this.#pause(`${Math.floor(free / 1_048_576)} MiB of the disk are free, which the mail may need`);
      return false;
    }
    removeOldSegments(this.#folder, clock.now() - days * dayMilliseconds, sizeLimit - maxSegmentBytes);
    return true;
  }

  async #openSegment(): Promise<OpenSegment> {
    const { clock } = this.#options;
    const now = clock.now();
    if (this.#segment !== undefined && now - this.#segment.start > dayMilliseconds) await this.#seal();
    if (this.#segment !== undefined) return this.#segment;
    // A clock that was set back does not make a name again that is there.
    const start = Math.max(Math.floor(now), this.#lastStart + 1);
    this.#lastStart = start;
    const file = segmentFile(this.#folder, start);
    const handle = await fs.open(file, 'ax', 0o600);
    this.#segment = { file, handle, filter: new KeyFilter(), start, bytes: 0 };
    return this.#segment;
  }

  /** Ends the segment: its filter is written beside it, under its name only when it is whole. */
  async #seal(): Promise<void> {
    const segment = this.#segment;
    if (segment === undefined) return;
    this.#segment = undefined;
    const { file, handle, filter } = segment;
    await handle.close();
    const words = filterFile(file);
    await fs.writeFile(`${words}.new`, filter.bits, { mode: 0o600 });
    await fs.rename(`${words}.new`, words);
  }

  #lose(events: number): void {
    this.#lost += events;
    this.#lostInPause += events;
  }

  #pause(reason: string): void {
    if (this.#pausedFor === undefined) {
      this.#options.log.warning(`trace paused, posthaste trace will not show what happens now: ${reason}`);
    }
    this.#pausedFor = reason;
  }

  #resume(): void {
    if (this.#pausedFor === undefined && this.#lostInPause === 0) return;
    this.#options.log.warning(`trace goes on, ${this.#lostInPause} events are missing`);
    this.#pausedFor = undefined;
    this.#lostInPause = 0;
  }
}
