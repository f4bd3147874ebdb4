import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { version } from './version.ts';

test("the version is package.json's", () => {
  const { version: expected } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(version).toBe(expected);
});
