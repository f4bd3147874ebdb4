// `lint`: every planted fault is found, by its rule and where it stands; configurations that are in order are left in
// peace; and the source documents' errata are named as written and gone when mended.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allRules } from '../src/lint/lint.ts';
import { differences, lintCase, readCases } from './lint/fixtures.ts';

const folder = (name: string): string => join(import.meta.dirname, name);
const faults = readCases(folder('lint/faults'));

describe('planted faults', () => {
  test.each(faults.map((one) => [`${one.file}: ${one.title}`, one] as const))('%s', async (_, one) => {
    expect(differences(one, await lintCase(one))).toEqual([]);
  });

  test('each rule has one', () => {
    const planted = new Set(faults.flatMap(({ expects, hints }) => [...expects, ...hints]).map(({ rule }) => rule));
    // Those need a directory: src/cli/lint.test.ts.
    const elsewhere = [
      'directory-no-postmaster',
      'directory-dangling-target',
      'directory-dangling-member',
      'directory-dangling-forward',
      'directory-over-limit',
      'directory-expired-password',
      'directory-split-not-served',
      'directory-lists-not-served',
      'directory-table-not-asked',
      'directory-transport-takes-mailboxes',
      'directory-transport-to-nobody',
      'directory-dangling-bcc',
    ];
    expect(
      allRules()
        .filter(({ id }) => !planted.has(id) && !elsewhere.includes(id))
        .map(({ id }) => id),
    ).toEqual([]);
  });
});

describe('configurations in order', () => {
  const clean = readCases(folder('lint/clean'));
  test.each(clean.map((one) => [`${one.file}: ${one.title}`, one] as const))('%s', async (_, one) => {
    expect(one.expects).toEqual([]);
    expect(differences(one, await lintCase(one))).toEqual([]);
  });
});

describe('the source documents', () => {
  const documents = readCases(folder('documents'));
  test.each(documents.map((one) => [`${one.file}: ${one.title}`, one] as const))('%s', async (_, one) => {
    expect(differences(one, await lintCase(one))).toEqual([]);
  });
});

test('rules have names of their own', () => {
  const ids = allRules().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const rule of allRules()) {
    expect(rule.id).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect([rule.title, rule.consequence, rule.mend].filter((text) => text.length < 10)).toEqual([]);
  }
});
