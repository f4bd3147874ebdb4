// The same conversations with the same milters behind a real Postfix and behind ours: replies, what milters are told, what
// is delivered, and the log's lines about milters are equal.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noRealPostfix } from '../harness/real-postfix.ts';
import { filterCases } from './filter-cases.ts';
import { FilteredPeers } from './filtered-peers.ts';

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostfix !== undefined)(`milters as with a real Postfix (${noRealPostfix ?? '3.7'})`, () => {
  const peers = new FilteredPeers();
  beforeAll(() => peers.start(), 60_000);
  afterAll(() => peers.stop(), 30_000);

  test.each(filterCases)('$name', { timeout: 30_000 }, async (one) => {
    const { postfix, ours } = await peers.observe(one);
    const log = one.logDiffers === undefined ? ours.log : postfix.log;
    expect({ ...ours, log }).toEqual(postfix);
  });
});
