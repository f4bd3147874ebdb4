// What a delivery status filter may change, and what it may not.

import { expect, test } from 'vitest';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { RecipientOutcome } from '../queue/delivery-agent.ts';
import { StatusFilter } from './status-filter.ts';

const outcome = (kind: RecipientOutcome['kind'], status: string, reason: string): RecipientOutcome => ({
  kind,
  status,
  reason,
  relay: 'mx',
});
const table: Readonly<Record<string, string>> = {
  '5.7.1 come later': '4.7.1 greylisted',
  '4.2.2 full': '5.2.2 full for good',
  '2.0.0 250 Ok': '2.0.0 taken',
  '2.0.0 lie': '5.0.0 not taken',
  '4.0.0 lie': '2.0.0 delivered',
  '4.0.1 odd': 'no status',
};

test.each<[RecipientOutcome, RecipientOutcome]>([
  [outcome('bounced', '5.7.1', 'come later'), outcome('deferred', '4.7.1', 'greylisted')],
  [outcome('deferred', '4.2.2', 'full'), outcome('bounced', '5.2.2', 'full for good')],
  [outcome('delivered', '2.0.0', '250 Ok'), outcome('delivered', '2.0.0', 'taken')],
  [outcome('bounced', '5.1.1', 'unknown'), outcome('bounced', '5.1.1', 'unknown')],
])('%o becomes %o', async (before, after) => {
  const filter = new StatusFilter(
    async (status) => table[status],
    (text) => expect.unreachable(text),
  );
  expect(await filter.apply(before)).toEqual(after);
});

test.each([
  outcome('delivered', '2.0.0', 'lie'),
  outcome('deferred', '4.0.0', 'lie'),
  outcome('deferred', '4.0.1', 'odd'),
  outcome('deferred', '4.4.1', 'silent'),
])('%o stays, with a warning', async (before) => {
  const warnings: string[] = [];
  const look = async (status: string) => {
    if (status.endsWith('silent')) throw new TemporaryError('table: no answer');
    return table[status];
  };
  expect(await new StatusFilter(look, (text) => warnings.push(text)).apply(before)).toEqual(before);
  expect(warnings).toHaveLength(1);
});
