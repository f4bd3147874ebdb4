import { expect, test } from 'vitest';
import type { Content } from '../mailstore/types.ts';
import { type Active, ActiveMessages } from './active-messages.ts';

const mebibyte = 1024 * 1024;

function active(id: string, body: Content | undefined): Active {
  return { id, isNew: true, idleIndex: -1, body };
}

function inline(size: number): Content {
  return { kind: 'inline', data: Buffer.alloc(0), sha256: Buffer.alloc(32), size };
}

test('bodies of new messages stay in memory up to eight mebibytes', () => {
  const messages = new ActiveMessages<Active>();
  const [first, second, third] = [4, 4, 1].map((size, index) => active(`M${index}`, inline(size * mebibyte)));
  if (!first || !second || !third) throw new Error('three were made');
  for (const one of [first, second, third]) messages.add(one);
  expect([first, second, third].map(({ body }) => body?.size)).toEqual([4 * mebibyte, 4 * mebibyte, undefined]);
  messages.delete('M2');
  const late = active('late', inline(1));
  messages.add(late);
  expect(late.body).toBeUndefined();

  messages.delete('M0');
  const again = active('again', inline(4 * mebibyte));
  messages.add(again);
  expect(again.body?.size).toBe(4 * mebibyte);
});

test('a message that makes room takes its body along', () => {
  const messages = new ActiveMessages<Active>();
  messages.add(active('M0', inline(8 * mebibyte)));
  expect(messages.giveBack(() => false)?.id).toBe('M0');
  const next = active('M1', inline(8 * mebibyte));
  messages.add(next);
  expect(next.body?.size).toBe(8 * mebibyte);
});

test('bodies in files are not held', () => {
  const messages = new ActiveMessages<Active>();
  const filed = active('M0', { kind: 'file', place: 'content/1', sha256: Buffer.alloc(32), size: 5 });
  messages.add(filed);
  expect(filed.body).toBeUndefined();
});
