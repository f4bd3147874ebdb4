import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolders } from './make-folders.ts';

const folder = mkdtempSync(join(tmpdir(), 'make-folders-'));

test('makes what is missing, says what was first, and takes what is there', () => {
  try {
    const whole = join(folder, 'a', 'b', 'c');
    expect(makeFolders(whole, 0o700)).toBe(join(folder, 'a'));
    expect(statSync(join(folder, 'a', 'b')).mode & 0o777).toBe(0o700);
    expect(makeFolders(whole, 0o700)).toBeUndefined();
    expect(makeFolders(join(whole, 'd'), 0o700)).toBe(join(whole, 'd'));
    writeFileSync(join(folder, 'file'), '');
    expect(() => makeFolders(join(folder, 'file'), 0o700)).toThrow('EEXIST');
    expect(() => makeFolders(join(folder, 'file', 'x'), 0o700)).toThrow('ENOTDIR');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('ends where none can be made', () => {
  // In a process of its own, which can be ended.
  const text = `
    import { makeFolders } from '${join(import.meta.dirname, 'make-folders.ts')}';
    try { makeFolders('/proc/posthaste/a/b', 0o700); } catch (error) { process.stdout.write(error.code); }`;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '-e', text];
  expect(execFileSync(process.execPath, args, { timeout: 10_000, encoding: 'utf8' })).toBe('ENOENT');
});
