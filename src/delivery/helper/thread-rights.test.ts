// The rights of another user, as the kernel sees them: what may be opened, whose a new file is, and that they are given back.

import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withRights } from './thread-rights.ts';

const [user, group] = [54_321, 54_322];

/** Effective ids and capabilities of this thread (proc(5)). */
function shown(): string[] {
  const text = readFileSync('/proc/thread-self/status', 'utf8');
  return ['Uid', 'Gid', 'CapEff'].map((name) => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(text)?.[1] ?? '');
}

// Skipped where the tests do not run as root, who alone can act as others: CI does, and counts a skip as a failure.
describe.skipIf(process.getuid?.() !== 0)('the rights of another user', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rights-'));
    chmodSync(folder, 0o777);
    writeFileSync(join(folder, 'roots'), 'x', { mode: 0o600 });
    writeFileSync(join(folder, 'groups'), 'x', { mode: 0o640 });
    chownSync(join(folder, 'groups'), 0, group);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('hold for the call and for this thread, and are given back', () => {
    const before = shown();
    expect(withRights(user, group, shown)).toEqual([
      `0\t${user}\t0\t${user}`,
      `0\t${group}\t0\t${group}`,
      '0'.repeat(16),
    ]);
    withRights(user, group, () => {
      const states = readdirSync('/proc/self/task').map((task) =>
        readFileSync(`/proc/self/task/${task}/status`, 'utf8'),
      );
      const changed = states.filter((text) => text.includes(`Uid:\t0\t${user}\t`));
      expect(changed).toHaveLength(1);
    });
    expect(shown()).toEqual(before);
  });

  test('decide what may be opened, and whose a new file is', () => {
    const file = join(folder, 'new');
    withRights(user, group, () => {
      expect(() => readFileSync(join(folder, 'roots'))).toThrow('EACCES');
      expect(readFileSync(join(folder, 'groups'), 'utf8')).toBe('x');
      writeFileSync(file, 'y');
    });
    expect(statSync(file)).toMatchObject({ uid: user, gid: group });
    expect(readFileSync(join(folder, 'roots'), 'utf8')).toBe('x');
  });

  test('are given back after an error', () => {
    const failing = (): never => {
      throw new Error('within');
    };
    const before = shown();
    expect(() => withRights(user, group, failing)).toThrow('within');
    expect(shown()).toEqual(before);
  });

  test.each([-1, 0xffffffff, 2 ** 32, 2 ** 32 + 7, 1.5, Number.NaN])('of %s are nobody’s', (id) => {
    const run = (): never => {
      throw new Error('was run');
    };
    expect(() => withRights(id, group, run)).toThrow('no id');
    expect(() => withRights(user, id, run)).toThrow('no id');
  });
});
