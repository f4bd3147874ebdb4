// A fixed small sample of `npm run fuzz`: the same inputs every time, so that a failure is never a matter of luck.

import { expect, test } from 'vitest';
import { formatFailure, fuzzTarget } from './fuzz/fuzz-target.ts';
import { targets } from './fuzz/targets.ts';

test.each(targets.map((target) => target.name))('%s returns or refuses as documented', async (target) => {
  const failure = await fuzzTarget({ target, seed: 1, count: 3_000 });
  expect(failure && formatFailure(failure)).toBeUndefined();
});
