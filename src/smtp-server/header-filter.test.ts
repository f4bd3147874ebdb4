import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HeaderFilter, type HeaderSummary } from './header-filter.ts';

function filter(pieces: readonly string[], added = '', maxLineLength = 1000) {
  const slices: Buffer[] = [];
  let seen: HeaderSummary | undefined;
  const header = new HeaderFilter({
    emit: (slice) => slices.push(slice),
    droppedHeaders: new Set(['bcc', 'return-path']),
    maxLineLength,
    onHeaderEnd: (summary) => {
      seen = summary;
      return added;
    },
  });
  for (const piece of pieces) if (piece !== '') header.write(Buffer.from(piece, 'latin1'));
  header.finish();
  const text = Buffer.concat(slices).toString('latin1');
  return { text, messageId: seen?.messageId, fields: [...(seen?.fields ?? [])], hops: header.receivedCount };
}

const message =
  'Received: a\r\n b\r\nBcc: x,\r\n\ty\r\nSubject: s\r\nreturn-path : <z>\r\nMessage-ID: <1@x>\r\n\r\nBcc: body\r\n';

test('drops fields with their continuation lines and adds at the end of the header, cut anywhere', () => {
  const whole = filter([message], 'Date: d\r\n');
  expect(whole).toEqual({
    text: 'Received: a\r\n b\r\nSubject: s\r\nMessage-ID: <1@x>\r\nDate: d\r\n\r\nBcc: body\r\n',
    messageId: '<1@x>',
    fields: ['message-id'],
    hops: 1,
  });
  for (let first = 0; first <= message.length; first++) {
    for (let second = first; second <= message.length; second++) {
      const pieces = [message.slice(0, first), message.slice(first, second), message.slice(second)];
      expect(filter(pieces, 'Date: d\r\n')).toEqual(whole);
    }
  }
});

test('a header without a body, an empty message, a body without a header', () => {
  expect(filter(['Subject: s\r\n'], 'Date: d\r\n').text).toBe('Subject: s\r\nDate: d\r\n');
  expect(filter([], 'Date: d\r\n').text).toBe('Date: d\r\n');
  expect(filter(['hello\r\n'], 'Date: d\r\n').text).toBe('Date: d\r\n\r\nhello\r\n');
  expect(filter(['\r\nhello\r\n'], 'Date: d\r\n').text).toBe('Date: d\r\n\r\nhello\r\n');
});

test('a line beyond the limit passes and ends the filtering', () => {
  const long = `X: ${'y'.repeat(2000)}`;
  expect(filter([`A: b\r\n${long}`, '\r\nBcc: z\r\n']).text).toBe(`A: b\r\n${long}\r\nBcc: z\r\n`);
});

test('messages with nothing to drop are the same octets behind it', () => {
  const line = fc.string({ unit: fc.constantFrom('a', ':', ' ', '\t', '\r', '\0', 'é') });
  fc.assert(
    fc.property(fc.array(line), fc.array(line), (header, body) => {
      const fields = header.map((value) => `X-Y:${value}\r\n`);
      const text = `${fields.join('')}\r\n${body.map((words) => `${words}\r\n`).join('')}`;
      expect(filter([text]).text).toBe(text);
    }),
  );
});
