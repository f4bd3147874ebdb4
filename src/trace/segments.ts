// The files of the trace: `trace/` in the data folder holds segments of lines (record.ts), each named after the time at
// which it began (milliseconds since 1970, so that names sort by time), and beside each that is full its filter
// (key-filter.ts). One without a filter is being written, or was when the server was killed: it is read whole.

import fs from 'node:fs';
import path from 'node:path';

export const traceFolder = 'trace';
export const maxSegmentBytes = 16 * 1024 * 1024;

export interface Segment {
  readonly file: string;
  /** When it began. */
  readonly start: number;
  /** All its lines are older. */
  readonly end: number;
}

/** A segment takes the lines of a day at most; what is being written then may be a little later. */
export const maxSegmentMilliseconds = 86_400_000;
const lateMilliseconds = 60_000;

export function segmentFile(folder: string, start: number): string {
  return path.join(folder, `${String(start).padStart(13, '0')}.trace`);
}

export function filterFile(segment: string): string {
  return segment.replace(/\.trace$/, '.words');
}

/** Oldest first; empty where there is no trace. */
export function listSegments(folder: string): Segment[] {
  let names: string[];
  try {
    names = fs.readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const own = names.filter((name) => /^\d{13}\.trace$/.test(name)).toSorted();
  return own.map((name, index) => {
    const start = Number(name.slice(0, 13));
    const next = Number(own[index + 1]?.slice(0, 13) ?? Number.POSITIVE_INFINITY);
    return {
      file: path.join(folder, name),
      start,
      end: Math.min(next, start + maxSegmentMilliseconds) + lateMilliseconds,
    };
  });
}

function removeSegment({ file }: Segment): void {
  fs.rmSync(file, { force: true });
  fs.rmSync(filterFile(file), { force: true });
}

/** Removes what ended before `before`, and the oldest of what is more than `maxBytes`; never the newest. */
export function removeOldSegments(folder: string, before: number, maxBytes: number): void {
  const segments = listSegments(folder);
  let bytes = segments.reduce((sum, { file }) => sum + sizeOf(file), 0);
  for (const segment of segments.slice(0, -1)) {
    if (segment.end >= before && bytes <= maxBytes) return;
    bytes -= sizeOf(segment.file);
    removeSegment(segment);
  }
}

function sizeOf(file: string): number {
  return fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
