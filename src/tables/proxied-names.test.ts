// What proxy_read_maps allows.

import { expect, test } from 'vitest';
import { proxiedNames } from './proxied-names.ts';

test('names behind proxy:, also in other tables and in braces', () => {
  const elements = [
    'proxy:hash:/a',
    'hash:/b',
    'proxy:proxy:hash:/c',
    'unionmap:{proxy:hash:/d, pipemap:{proxy:hash:/e,hash:/f}}',
    'proxy:unionmap:{hash:/g}',
    '{ proxy:hash:/h search_order=a }',
    'unionmap:{proxy:hash:/i',
    'static:proxy:hash:/j',
  ];
  expect([...proxiedNames(elements)]).toEqual([
    'hash:/a',
    'hash:/c',
    'hash:/d',
    'hash:/e',
    'unionmap:{hash:/g}',
    'hash:/h',
  ]);
});
