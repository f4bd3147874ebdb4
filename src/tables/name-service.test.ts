// The name service answers as getent(1) does.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openNameService } from './name-service.ts';

const more = 'passwd: files ldap [NOTFOUND=return]\ngroup: compat\n';
const isMissing = openNameService('passwd', more) === undefined || !existsSync('/usr/bin/getent');

function getent(database: string, name: string): string {
  return execFileSync('/usr/bin/getent', [database, name], { encoding: 'utf8' }).trim();
}

// Skipped where the native library that it drives cannot be called (see isMissing above); CI has it and counts a skip as a failure.
test.skipIf(isMissing)('accounts and groups, and none', async () => {
  const [passwd, group] = [openNameService('passwd', more), openNameService('group', more)];
  for (const name of ['root', 'daemon', 'nobody']) expect(await passwd?.find(name)).toBe(getent('passwd', name));
  expect(await group?.find('daemon')).toBe(getent('group', 'daemon'));
  expect(await passwd?.find('no-such-user')).toBeUndefined();
  expect(await group?.find('no-such-group')).toBeUndefined();
});

// Skipped where the native library that it drives cannot be called (see isMissing above); CI has it and counts a skip as a failure.
test.skipIf(isMissing)('many at once', async () => {
  const passwd = openNameService('passwd', more);
  const answers = await Promise.all(Array.from({ length: 300 }, async () => passwd?.find('root')));
  expect(new Set(answers).size).toBe(1);
});

test('is not asked where the files are all', () => {
  expect(openNameService('passwd', 'passwd: files\n')).toBeUndefined();
  expect(openNameService('passwd', 'passwd: files [NOTFOUND=return] # ldap\n')).toBeUndefined();
  expect(openNameService('passwd', '')).toBeUndefined();
});
