// Where the bench writes: a journalled ext4 with default options on a loop device, the same for every server. The
// root file system of a virtual machine may have no journal, and then creating files is many times slower for a
// while after files were deleted: no mail store runs so, and one that creates a file a message would look bad.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface BenchFileSystem {
  readonly folder: string;
  /** For the report: what the figures were measured on. */
  readonly description: string;
  unmount(): void;
}

/** Makes `work/disk.img` of that many MiB and mounts it at `work/disk`. Not root: uses `work` itself, and says so. */
export function mountBenchFileSystem(work: string, mebibytes: number): BenchFileSystem {
  mkdirSync(work, { recursive: true });
  const folder = join(work, 'disk');
  mkdirSync(folder, { recursive: true });
  if (process.getuid?.() !== 0) {
    return { folder, description: `${fileSystemType(work)} of ${work} (not root: no loop device)`, unmount() {} };
  }
  const description = 'journalled ext4 on a loop device with direct I/O';
  const unmount = () => void spawnSync('umount', [folder]);
  const image = join(work, 'disk.img');
  if (existsSync(image) && statSync(image).size < mebibytes * 1_048_576) {
    // A quick run's: too small for this one.
    unmount();
    rmSync(image);
  }
  if (spawnSync('mountpoint', ['-q', folder]).status === 0) return { folder, description, unmount };
  if (!existsSync(image)) {
    writeFileSync(image, '');
    truncateSync(image, mebibytes * 1_048_576);
    // Allocated before the runs: a sparse image would make the first write of each block dear.
    execFileSync('fallocate', ['-l', `${mebibytes}MiB`, image]);
    const lazy = 'lazy_itable_init=0,lazy_journal_init=0';
    execFileSync('mkfs.ext4', ['-q', '-F', '-i', '8192', '-E', lazy, image]);
  }
  const device = execFileSync('losetup', ['-f', '--show', '--direct-io=on', image], { encoding: 'utf8' }).trim();
  execFileSync('mount', [device, folder]);
  // The device goes when the file system is unmounted.
  spawnSync('losetup', ['-d', device]);
  return { folder, description, unmount };
}

function fileSystemType(path: string): string {
  return spawnSync('stat', ['-f', '-c', '%T', path], { encoding: 'utf8' }).stdout.trim() || 'the file system';
}
