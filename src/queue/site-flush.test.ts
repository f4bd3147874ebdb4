import { expect, test } from 'vitest';
import type { QueueChange } from './queue-changes.ts';
import { SiteFlush } from './site-flush.ts';

const rows = Array.from({ length: 5000 }, (_, index) => ({
  row: index + 1,
  message: `Q${Math.floor(index / 2)}`,
  recipient: `u${index}@${index % 1000 === 7 ? 'Relay.Example' : 'other.example'}`,
}));

function flusher() {
  const flushed: string[] = [];
  let now = 0;
  let opened = 0;
  const flush = new SiteFlush({
    survey: () => {
      opened++;
      return {
        addresses: (after: number, limit: number) => rows.filter(({ row }) => row > after).slice(0, limit),
        close: () => undefined,
      };
    },
    changes: {
      apply: async (_change: QueueChange, ids: readonly string[]) => {
        flushed.push(...ids);
        return [...ids];
      },
    },
    clock: { now: () => now, monotonic: () => now },
    warn: (text) => expect.fail(text),
  });
  const wait = (milliseconds: number) => {
    now += milliseconds;
  };
  return { flush, flushed, wait, opened: () => opened };
}

test('all mail for the site is tried, whatever its case, and no other', async () => {
  const { flush, flushed } = flusher();
  expect(flush.request('relay.example')).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await flush.close();
  expect(flushed).toEqual(['Q3', 'Q503', 'Q1003', 'Q1503', 'Q2003']);
});

test('a site is looked for once a minute, however often somebody asks', async () => {
  const { flush, opened, wait } = flusher();
  for (let count = 0; count < 100; count++) expect(flush.request('relay.example')).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(opened()).toBe(1);
  wait(60_000);
  flush.request('RELAY.example');
  await new Promise((resolve) => setTimeout(resolve, 20));
  await flush.close();
  expect(opened()).toBe(2);
});

test('not more sites wait than there is room for', async () => {
  const { flush } = flusher();
  const taken = Array.from({ length: 1200 }, (_, index) => flush.request(`s${index}.example`));
  expect(taken.filter(Boolean).length).toBe(1000);
  await flush.close();
});
