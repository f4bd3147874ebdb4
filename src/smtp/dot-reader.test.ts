import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DotReader } from './dot-reader.ts';

interface Outcome {
  readonly content: string;
  /** Octets up to and with the end of the message, or -1. */
  readonly end: number;
  readonly bareLineFeeds: number;
}

function readPieces(pieces: readonly string[], normalize = false): Outcome {
  const slices: Buffer[] = [];
  const reader = new DotReader((slice) => slices.push(slice), normalize);
  let before = 0;
  let end = -1;
  for (const piece of pieces) {
    const chunk = Buffer.from(piece, 'latin1');
    const at = chunk.length === 0 ? -1 : reader.read(chunk, 0);
    if (at !== -1) {
      end = before + at;
      break;
    }
    before += chunk.length;
  }
  return { content: Buffer.concat(slices).toString('latin1'), end, bareLineFeeds: reader.bareLineFeeds };
}

/** The rules as a reader of RFC 5321 would write them down, on the whole text. */
function readPlainly(text: string, normalize: boolean): Outcome {
  const lines = text.split('\r\n');
  let content = '';
  let position = 0;
  for (const [index, line] of lines.entries()) {
    const isLast = index === lines.length - 1;
    if (line === '.' && !isLast) {
      const bareLineFeeds = (content.match(/(?<!\r)\n/g) ?? []).length;
      return { content: fix(content, normalize), end: position + 3, bareLineFeeds };
    }
    content += (line.startsWith('.') ? line.slice(1) : line) + (isLast ? '' : '\r\n');
    position += line.length + 2;
  }
  return { content: fix(content, normalize), end: -1, bareLineFeeds: (content.match(/(?<!\r)\n/g) ?? []).length };
}

const fix = (content: string, normalize: boolean) => (normalize ? content.replace(/(?<!\r)\n/g, '\r\n') : content);

const messages = [
  '.\r\n',
  'a\r\n.\r\n',
  '..\r\n.a\r\n...\r\n.\r\nQUIT\r\n',
  'body\n.\nMAIL FROM:<a@b>\r\n.\r\nNOOP',
  'a\r\n.\n.\r\n\n.\r\n.\r.\r\n\r.\r\n.\r\nrest',
  '\r\r\n.\r\r\n.\r\n',
  '.\n\r\n.\r\n',
  '.x\r.\r\n.\r\n',
];

describe('the end of a message is found wherever the network cuts it', () => {
  for (const message of messages) {
    for (const normalize of [false, true]) {
      const whole = readPieces([message], normalize);
      test(`${JSON.stringify(message)}${normalize ? ', normalized' : ''}`, () => {
        expect(whole).toEqual(readPlainly(message, normalize));
        for (let first = 0; first <= message.length; first++) {
          for (let second = first; second <= message.length; second++) {
            const pieces = [message.slice(0, first), message.slice(first, second), message.slice(second)];
            expect(readPieces(pieces, normalize)).toEqual(whole);
          }
        }
        expect(readPieces(message.split(''), normalize)).toEqual(whole);
      });
    }
  }
});

test('any octets, cut anywhere, read as the whole would', () => {
  const octets = fc.string({ unit: fc.constantFrom('\r', '\n', '.', 'a', '\r\n', '\r\n.', '\0') });
  fc.assert(
    fc.property(fc.array(octets, { maxLength: 8 }), fc.boolean(), (pieces, normalize) => {
      // Without an end, octets that may still become one are held back: compare only what is decided.
      const text = `${pieces.join('')}x\r\n.\r\n`;
      expect(readPieces([...pieces, 'x\r\n.\r\n'], normalize)).toEqual(readPlainly(text, normalize));
    }),
    { numRuns: 2000 },
  );
});
