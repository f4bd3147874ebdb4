// A second server, or a command that needs the data folder alone, is told who has it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DataFolderInUseError, lockDataFolder } from './data-lock.ts';

test('one holder at a time, and the next is told its process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'data-lock-'));
  try {
    const lock = lockDataFolder(folder);
    expect(() => lockDataFolder(folder)).toThrow(DataFolderInUseError);
    expect(() => lockDataFolder(folder)).toThrow(`in use by process ${process.pid}; stop it first: posthaste stop`);
    lock.release();
    lockDataFolder(folder).release();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
