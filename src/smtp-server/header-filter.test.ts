// The header filter where addresses are rewritten: what waits for a table holds back what follows, in any cut of the
// input; what does not change keeps its octets.

import { describe, expect, test } from 'vitest';
import type { FieldRewriter } from '../routing/header-rewriting.ts';
import { HeaderFilter } from './header-filter.ts';

const message =
  'Received: from x\r\n\tby y\r\nFrom: joe\r\nTo: a@b.test,\r\n\tjoe\r\nSubject: joe\r\nBcc: joe,\r\n joe\r\n' +
  'Cc: same@b.test,\r\n same@c.test\r\nX-To: joe\r\n\r\nTo: joe\r\n';
const expected =
  'Received: from x\r\n\tby y\r\nFrom: joe@here\r\nTo: a@b.test,\r\n\tjoe@here\r\nSubject: joe\r\n' +
  'Cc: same@b.test,\r\n same@c.test\r\nX-To: joe\r\nAdded: yes\r\n\r\nTo: joe\r\n';

/** Answers at once, or after a turn of the event loop. */
class AppendingRewriter implements FieldRewriter {
  readonly #isSlow: boolean;

  constructor(isSlow: boolean) {
    this.#isSlow = isSlow;
  }

  concerns(name: string): boolean {
    return ['from', 'to', 'cc', 'bcc'].includes(name);
  }

  rewrite(field: Buffer): Buffer | undefined | Promise<Buffer | undefined> {
    const text = field.toString();
    const rewritten = text.includes('joe') ? Buffer.from(text.replaceAll('joe', 'joe@here')) : undefined;
    return this.#isSlow ? new Promise((resolve) => setImmediate(() => resolve(rewritten))) : rewritten;
  }
}

async function filter(pieces: readonly string[], rewriter: FieldRewriter, maxLineLength = 1000): Promise<string> {
  let output = '';
  let failure: unknown;
  const filtering = new HeaderFilter({
    emit: (slice) => {
      output += slice.toString();
    },
    droppedHeaders: new Set(['bcc']),
    maxLineLength,
    rewriter,
    onFailure: (error) => {
      failure = error;
    },
    onHeaderEnd: () => 'Added: yes\r\n',
  });
  for (const piece of pieces) filtering.write(Buffer.from(piece));
  filtering.finish();
  await filtering.waiting;
  if (failure !== undefined) throw failure;
  return output;
}

describe.each([
  ['at once', false],
  ['later', true],
])('rewritten %s', (_, isSlow) => {
  const rewriter = new AppendingRewriter(isSlow);
  test('in one piece', async () => expect(await filter([message], rewriter)).toBe(expected));
  test('octet by octet', async () => expect(await filter(message.split(''), rewriter)).toBe(expected));
  test.each([3, 7, 20, 33])('in pieces of %i', async (size) => {
    const pieces = message.match(new RegExp(`.{1,${size}}`, 'gs')) ?? [];
    expect(await filter(pieces, rewriter)).toBe(expected);
  });

  test('a field that ends the message, and one before a body without an empty line', async () => {
    expect(await filter(['From: joe\r\n'], rewriter)).toBe('From: joe@here\r\nAdded: yes\r\n');
    expect(await filter(['From: joe\r\nno field\r\n'], rewriter)).toBe(
      'From: joe@here\r\nAdded: yes\r\n\r\nno field\r\n',
    );
  });

  test('a field longer than the limit stays as it is', async () => {
    const long = `To: joe,\r\n${' joe,\r\n'.repeat(20)} joe\r\nFrom: joe\r\n\r\nx`;
    expect(await filter([long], rewriter, 100)).toBe(long.replace('From: joe\r\n', 'From: joe@here\r\nAdded: yes\r\n'));
  });
});

test('what cannot be rewritten is told, and nothing after it goes out', async () => {
  const rewriter = { concerns: () => true, rewrite: () => Promise.reject(new Error('the table is silent')) };
  await expect(filter([message], rewriter)).rejects.toThrow('the table is silent');
});
