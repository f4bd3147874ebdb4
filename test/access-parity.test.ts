// A fixed small sample of `npm run parity -- --conversations`: generated restriction configurations and conversations with
// a real Postfix and with ours; no difference but those that docs/postfix-parity.md explains.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareConversations, emptyAccessTally, formatAccessFinding } from './access-parity/compare.ts';
import { knownAccessSubjects } from './access-parity/known-differences.ts';
import { accessNameServer, AccessServers } from './access-parity/servers.ts';
import { noChrootedPostfix } from './harness/chrooted-postfix.ts';

const reason = await noChrootedPostfix(accessNameServer);

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(reason !== undefined)(`conversations with a real Postfix (${reason ?? 'here'})`, () => {
  let servers: AccessServers;
  beforeAll(async () => {
    servers = await AccessServers.open();
  });
  afterAll(() => servers.close());

  test.each([200_000, 200_001, 200_002, 200_003, 200_004, 200_005])('seed %i', { timeout: 60_000 }, async (seed) => {
    const tally = emptyAccessTally();
    await compareConversations(servers, servers.generate(seed, 12), tally);
    expect(tally.unexplained.map(formatAccessFinding).join('\n')).toBe('');
    expect(tally.conversations).toBe(12);
  });
});

test('every known difference stands in docs/postfix-parity.md', () => {
  const page = readFileSync(new URL('../docs/postfix-parity.md', import.meta.url), 'utf8');
  expect(knownAccessSubjects.filter((subject) => !page.includes(`| ${subject} |`))).toEqual([]);
});
