// The folder list is the architecture figure: this holds the import direction, file sizes and file heads.

import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findHouseRuleBreaches } from '../scripts/house-rules.ts';

test('folders import only lower layers, and files keep the house rules', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  expect(findHouseRuleBreaches(root)).toEqual([]);
});
