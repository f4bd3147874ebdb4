// Whether the journal keeps what this process prints: then no secret is printed.

import { fstatSync } from 'node:fs';

/** $JOURNAL_STREAM names the device and inode of the stream (systemd.exec(5)): it is inherited, and may be redirected since. */
export function isKeptInJournal(
  stream = process.env['JOURNAL_STREAM'],
  descriptors: readonly number[] = [1, 2],
): boolean {
  if (stream === undefined) return false;
  return descriptors.some((descriptor) => {
    const { dev, ino } = fstatSync(descriptor);
    return stream === `${dev}:${ino}`;
  });
}
