// How much mail there was in each minute of the last day and each hour of the last 90 days: a file of fixed size in the data
// folder, a ring of records. What happens is only added up in memory (MailMetrics.totals); every half minute what has come
// since is added to the records of its minute and its hour, which are written and synced off the main thread, so a crash
// loses half a minute of numbers and mail waits for nothing. An idle server writes nothing.
//
// A record: checksum, number of its minute or hour since 1970, one number for each thing that is counted; 32-bit words,
// little-endian. One that a crash has torn, or that is of an earlier turn of the ring, counts as nothing.

import fs from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { Clock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';

/** `accepted` are messages, `refused` replies to clients, the others recipients; a deferred one counts at each attempt. */
export const countedThings = ['accepted', 'delivered', 'deferred', 'bounced', 'refused'] as const;
export type MailCounts = Record<(typeof countedThings)[number], number>;

export function noMail(): MailCounts {
  return { accepted: 0, delivered: 0, deferred: 0, bounced: 0, refused: 0 };
}

interface Period extends MailCounts {
  /** Milliseconds since 1970. */
  readonly time: number;
}

export interface History {
  /** Those with any mail, in order. */
  readonly minutes: readonly Period[];
  readonly hours: readonly Period[];
}

/** In the data folder. */
export const statisticsFile = 'statistics';

const rings = {
  minutes: { first: 0, count: 24 * 60, milliseconds: 60_000 },
  hours: { first: 24 * 60, count: 90 * 24, milliseconds: 3_600_000 },
} as const;

const recordBytes = 32;
const beatMilliseconds = 30_000;
const maxCount = 2 ** 32 - 1;

interface Kept {
  readonly place: number;
  readonly number: number;
  readonly counts: MailCounts;
}

export interface MailHistoryOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly totals: Readonly<MailCounts>;
  readonly log: ProgramLog;
}

export class MailHistory {
  readonly #options: MailHistoryOptions;
  #seen = noMail();
  #seenAt: number;
  /** Records of now, by their place in the file. */
  readonly #current = new Map<number, Kept>();
  #work: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #hasFailed = false;

  constructor(options: MailHistoryOptions) {
    this.#options = options;
    this.#seenAt = options.clock.now();
  }

  start(): void {
    const now = this.#options.clock.now();
    // Each whole minute is one of the beats, so that what was counted belongs to one minute.
    const wait = beatMilliseconds - (now % beatMilliseconds) + 5;
    this.#timer = setTimeout(() => {
      void this.flush();
      this.start();
    }, wait).unref();
  }

  /** What has been counted until now is in the file when this resolves; a file that cannot be written is warned of, once. */
  flush(): Promise<void> {
    this.#work = this.#work.then(async () => {
      try {
        await this.#write();
        this.#hasFailed = false;
      } catch (error) {
        if (!this.#hasFailed) this.#options.log.warning(`statistics: ${String(error)}`);
        this.#hasFailed = true;
      }
    });
    return this.#work;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.flush();
  }

  async #write(): Promise<void> {
    const { clock, totals, file } = this.#options;
    const now = clock.now();
    const middle = (Math.min(this.#seenAt, now) + now) / 2;
    const before = this.#seen;
    const seen = { ...totals };
    const more = countedThings.filter((thing) => seen[thing] > before[thing]);
    if (more.length === 0) {
      this.#seenAt = now;
      return;
    }
    const handle = await openForChanges(file);
    try {
      const records: Kept[] = [];
      for (const ring of Object.values(rings)) {
        const number = Math.floor(middle / ring.milliseconds);
        const place = ring.first + (number % ring.count);
        const kept = this.#current.get(place);
        const old = kept?.number === number ? kept.counts : await readCounts(handle, place, number);
        const counts = { ...old };
        for (const thing of more) counts[thing] = Math.min(maxCount, old[thing] + seen[thing] - before[thing]);
        records.push({ place, number, counts });
      }
      for (const record of records) await handle.write(encode(record), 0, recordBytes, record.place * recordBytes);
      await handle.datasync();
      this.#current.clear();
      for (const record of records) this.#current.set(record.place, record);
      this.#seen = seen;
      this.#seenAt = now;
    } finally {
      await handle.close();
    }
  }
}

/** Nothing where there is no file yet. */
export async function readHistory(file: string, now: number): Promise<History> {
  let bytes: Buffer;
  try {
    bytes = await fs.readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { minutes: [], hours: [] };
  }
  const periods = ({ first, count, milliseconds }: (typeof rings)[keyof typeof rings]): Period[] => {
    const newest = Math.floor(now / milliseconds);
    const found: Period[] = [];
    for (let number = newest - count + 1; number <= newest; number++) {
      const counts = decode(bytes, first + (number % count), number);
      if (counts !== undefined) found.push({ time: number * milliseconds, ...counts });
    }
    return found;
  };
  return { minutes: periods(rings.minutes), hours: periods(rings.hours) };
}

async function openForChanges(file: string): Promise<fs.FileHandle> {
  try {
    return await fs.open(file, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return await fs.open(file, 'w+', 0o640);
  }
}

async function readCounts(handle: fs.FileHandle, place: number, number: number): Promise<MailCounts> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(recordBytes), 0, recordBytes, place * recordBytes);
  return (bytesRead === recordBytes ? decode(buffer, 0, number) : undefined) ?? noMail();
}

function encode({ number, counts }: Kept): Buffer {
  const bytes = Buffer.alloc(recordBytes);
  bytes.writeUInt32LE(number, 4);
  countedThings.forEach((thing, index) => bytes.writeUInt32LE(counts[thing], 8 + 4 * index));
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

function decode(bytes: Buffer, place: number, number: number): MailCounts | undefined {
  const record = bytes.subarray(place * recordBytes, (place + 1) * recordBytes);
  if (record.length < recordBytes || record.readUInt32LE(4) !== number) return undefined;
  if (record.readUInt32LE(0) !== crc32(record.subarray(4))) return undefined;
  const counts = noMail();
  countedThings.forEach((thing, index) => {
    counts[thing] = record.readUInt32LE(8 + 4 * index);
  });
  return counts;
}
