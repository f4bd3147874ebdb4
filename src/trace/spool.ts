// Keeps what `posthaste trace` shows: the lines of the log that are about messages and SMTP sessions, in files of their own
// with exact times (segments.ts). Written beside the mail, never in its way:
//
// - a line is put into a piece of memory that is written as it is, by the thread pool: a microsecond or two for a message;
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
import { keptText, lineHead } from './record.ts';
import {
  filterFile,
  maxSegmentBytes,
  maxSegmentMilliseconds,
  removeOldSegments,
  segmentFile,
  traceFolder,
} from './segments.ts';

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
const pieceBytes = 256 * 1024;
/** The log cuts its lines; an octet a character is not enough for all of them. */
const maxLineBytes = 3 * 2048 + 256;
/** 4 MiB. */
const maxPieces = 16;
const lookMilliseconds = 10_000;
const dayMilliseconds = 86_400_000;
const usualMinFreeBytes = 256 * 1024 * 1024;

/** Lines that are written at once. */
interface Piece {
  readonly bytes: Buffer;
  length: number;
  lines: number;
  /** Of the segment that it is for: one segment ends where the filter changes. */
  readonly filter: KeyFilter;
}

interface OpenSegment {
  readonly file: string;
  readonly handle: fs.FileHandle;
  readonly filter: KeyFilter;
}

export class TraceSpool {
  readonly #options: SpoolOptions;
  readonly #folder: string;
  /** The last one is being filled. */
  readonly #pieces: Piece[] = [];
  readonly #spare: Buffer[] = [];
  /** For the pieces to come, until so many octets have gone into its segment or a day is over. */
  #filter = new KeyFilter();
  #filterBytes = 0;
  #filterSince = 0;
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
    if (this.#pieces.length > 0) this.#schedule();
  }

  /** A line of the log. */
  add(program: string, level: LogLevel, text: string, session: string | undefined): void {
    const kept = keptText(program, text, session);
    if (kept === undefined) return;
    const now = this.#options.clock.now();
    const piece = this.#pieceFor(now);
    if (piece === undefined) {
      this.#lose(1);
      return;
    }
    const { bytes, filter } = piece;
    const start = piece.length;
    let end = start + bytes.write(lineHead(now, program, level, session ?? ''), start, 'utf8');
    end += bytes.write(kept, end, 'utf8');
    bytes[end++] = 10;
    piece.length = end;
    piece.lines++;
    this.#filterBytes += end - start;
    filter.addLine(kept, session);
    this.#schedule();
  }

  /** One with room for a line; undefined while the disk does not keep up. */
  #pieceFor(now: number): Piece | undefined {
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.length + maxLineBytes <= pieceBytes) return last;
    if (this.#pieces.length >= maxPieces) return undefined;
    if (this.#filterBytes + pieceBytes > maxSegmentBytes || now - this.#filterSince > maxSegmentMilliseconds) {
      this.#filter = new KeyFilter();
      this.#filterBytes = 0;
      this.#filterSince = now;
    }
    const bytes = this.#spare.pop() ?? Buffer.allocUnsafeSlow(pieceBytes);
    const piece: Piece = { bytes, length: 0, lines: 0, filter: this.#filter };
    this.#pieces.push(piece);
    return piece;
  }

  #schedule(): void {
    if (!this.#isStarted) return;
    if (this.#pieces.length > 1) void this.#drain();
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#drain();
    }, gatherMilliseconds).unref();
  }

  /** Resolves when what has been added is in the files (or lost). */
  async flush(): Promise<void> {
    if (!this.#isStarted) return;
    while (this.#pieces.length > 0) await this.#drain();
  }

  async close(): Promise<void> {
    await this.flush();
    clearTimeout(this.#timer);
    await this.#seal();
  }

  #drain(): Promise<void> {
    this.#writing ??= this.#writePieces().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #writePieces(): Promise<void> {
    for (let piece = this.#pieces.shift(); piece !== undefined; piece = this.#pieces.shift()) {
      try {
        if (await this.#hasRoom()) await this.#write(piece);
        else this.#lose(piece.lines);
      } catch (error) {
        this.#pause(error instanceof Error ? error.message : String(error));
        this.#lose(piece.lines);
        // Its end is unknown: what follows goes into another one.
        await this.#seal().catch(() => undefined);
      }
      if (this.#spare.length < 2) this.#spare.push(piece.bytes);
    }
  }

  async #write({ bytes, length, filter }: Piece): Promise<void> {
    if (this.#segment !== undefined && this.#segment.filter !== filter) await this.#seal();
    this.#segment ??= await this.#openSegment(filter);
    const { handle } = this.#segment;
    for (let from = 0; from < length; ) {
      const { bytesWritten } = await handle.write(bytes, from, length - from);
      from += bytesWritten;
    }
    this.#resume();
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

  async #openSegment(filter: KeyFilter): Promise<OpenSegment> {
    // A clock that was set back does not make a name again that is there.
    const start = Math.max(Math.floor(this.#options.clock.now()), this.#lastStart + 1);
    this.#lastStart = start;
    const file = segmentFile(this.#folder, start);
    return { file, filter, handle: await fs.open(file, 'ax', 0o600) };
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
