// A fixed small sample of `npm run parity`: the same configurations and envelopes through a real Postfix and through
// ours, by SMTP on both sides; no difference but those that docs/postfix-parity.md explains.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noRealPostfix } from './harness/real-postfix.ts';
import { generateGroup } from './parity/generate.ts';
import { availableTableTypes } from './parity/generate/tables.ts';
import { knownSubjects } from './parity/known-differences.ts';
import { compareGroup, emptyTally, formatFinding } from './parity/parity-run.ts';
import { ParityServers } from './parity/servers.ts';

const seeds = Array.from({ length: 24 }, (_, index) => 100_000 + index);
const casesPerGroup = 12;

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostfix !== undefined)(`parity with a real Postfix (${noRealPostfix ?? 'here'})`, () => {
  let servers: ParityServers;
  beforeAll(async () => {
    servers = await ParityServers.open();
  });
  afterAll(() => servers.close());

  test.each(seeds)('seed %i', async (seed) => {
    const tally = emptyTally();
    await compareGroup(servers, generateGroup(seed, casesPerGroup, availableTableTypes()), tally);
    expect(tally.unexplained.map(formatFinding).join('\n')).toBe('');
    expect(tally.refused.map(({ reason }) => reason)).toEqual([]);
    expect(tally.cases).toBe(casesPerGroup);
  });
});

test('every known difference stands in docs/postfix-parity.md', () => {
  const page = readFileSync(new URL('../docs/postfix-parity.md', import.meta.url), 'utf8');
  expect(knownSubjects.filter((subject) => !page.includes(`| ${subject} |`))).toEqual([]);
});

test('a seed makes the same group on every machine', () => {
  expect(generateGroup(7, 5)).toEqual(generateGroup(7, 5));
  expect(generateGroup(7, 5)).not.toEqual(generateGroup(8, 5));
});
