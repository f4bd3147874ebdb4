import { expect, test } from 'vitest';
import { RecentMap } from './recent-map.ts';

test('keeps what was set last, and never more than twice as much', () => {
  const map = new RecentMap<number, string>(100);
  for (let key = 0; key < 1000; key++) {
    map.set(key, `value ${key}`);
    expect(map.size).toBeLessThanOrEqual(200);
    for (let back = 0; back < Math.min(key, 99); back++) expect(map.has(key - back)).toBe(true);
  }
  expect(map.get(0)).toBeUndefined();
  expect(map.get(999)).toBe('value 999');
  map.delete(999);
  map.set(900, 'again');
  expect([map.has(999), map.get(900)]).toEqual([false, 'again']);
  expect(new Set(map.values()).size).toBe(map.size);
});

test('a million new keys take no longer each than the first ones', () => {
  const map = new RecentMap<string, number>(50_000);
  const began = performance.now();
  for (let key = 0; key < 1_000_000; key++) map.set(`key ${key}`, key);
  // Tens of milliseconds; minutes where each step walks over what has gone.
  expect(performance.now() - began).toBeLessThan(10_000);
});
