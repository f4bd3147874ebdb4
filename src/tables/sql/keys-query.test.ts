import { expect, test } from 'vitest';
import { makeKeysQuery } from './keys-query.ts';

test.each([
  [
    "SELECT goto FROM alias WHERE address='%s' AND active = '1'",
    "SELECT DISTINCT address FROM alias WHERE 1=1 AND active = '1'",
    'info@d.test',
    ['info@d.test'],
  ],
  [
    "select m.path from mail m, dom where '%u' = m.user and dom.name = '%d' and dom.id = m.dom order by m.id",
    'SELECT DISTINCT m.user, dom.name FROM mail m, dom WHERE 1=1 and 1=1 and dom.id = m.dom',
    'info@d.test',
    ['info', 'd.test'],
  ],
  ["SELECT dst FROM c WHERE d = '%d'", 'SELECT DISTINCT d FROM c WHERE 1=1', '@d.test', ['d.test']],
])('%s', (source, query, key, row) => {
  const keys = makeKeysQuery({ source });
  expect(keys?.query).toBe(query);
  expect(keys?.keyOf(row)).toBe(key);
});

test.each([
  "SELECT goto FROM alias WHERE address='%s' OR address='@%d'",
  "SELECT goto FROM alias, d WHERE d.name='%d' AND alias.address = CONCAT('%u', '@', d.target)",
  "SELECT a FROM t WHERE k='%s' UNION SELECT b FROM u WHERE k='%s'",
  "SELECT a FROM t WHERE k='%s' LIMIT 1",
  "SELECT a FROM t WHERE k LIKE '%s'",
  "SELECT a FROM t WHERE k='%s' AND d IN (SELECT d FROM x)",
  "SELECT a FROM t WHERE k='%s' AND k2='%s'",
  "SELECT f('%s')",
  "SELECT a FROM t WHERE lower(k)='%1'",
])('not told: %s', (source) => {
  expect(makeKeysQuery({ source })).toBeUndefined();
});
