// The same conversations with the same milters behind a real Postfix and behind ours: replies, what milters are told, what
// is delivered, and the log's lines about milters are equal. So for mail of the sendmail command, and for what tables of
// patterns say of the fields that milters add.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noRealPostfix } from '../harness/real-postfix.ts';
import { filterCases, headerCheckCases, localCases } from './filter-cases.ts';
import { FilteredPeers, type FilterCase, type MoreSettings } from './filtered-peers.ts';

const patterns = [
  '/^X-Ignore:|ignore me/ IGNORE',
  '/^X-Replace: (.*)/ REPLACE X-Replaced: $1 b',
  '/^X-Reject:/ REJECT',
  '/^X-Refuse:/ REJECT 5.7.9 go away',
  '/^X-Later:/ REJECT 4.7.1 come later',
  '/^X-Discard:/ DISCARD',
  '/^X-Hold:/ HOLD for a look',
  '/^X-Redirect:/ REDIRECT other@c.example',
  '/^X-Filter:/ FILTER discard:x',
  '/^X-Warn:/ WARN take care',
  '/^X-Info:/ INFO',
  '/^X-Mistake:/ NONSENSE',
];

const sections: readonly (readonly [string, readonly FilterCase[], MoreSettings])[] = [
  ['by SMTP', filterCases, () => ({})],
  ['by sendmail', localCases, (milter) => ({ non_smtpd_milters: milter })],
  [
    'with milter_header_checks',
    headerCheckCases,
    () => ({ milter_header_checks: `regexp:{${patterns.map((one) => `{${one}}`).join(', ')}}` }),
  ],
];

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostfix !== undefined).each(sections)('milters %s as with a real Postfix', (_, cases, more) => {
  const peers = new FilteredPeers(more);
  beforeAll(() => peers.start(), 60_000);
  afterAll(() => peers.stop(), 30_000);

  test.each(cases)('$name', { timeout: 30_000 }, async (one) => {
    const { postfix, ours } = await peers.observe(one);
    const log = one.logDiffers === undefined ? ours.log : postfix.log;
    expect({ ...ours, log }).toEqual(postfix);
  });
});
