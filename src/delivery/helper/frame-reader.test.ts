import { expect, test } from 'vitest';
import { FrameReader } from './frame-reader.ts';
import { frameHeader, frameKinds } from './protocol.ts';

const bytes = Buffer.concat([
  frameHeader('open', 1, 7),
  Buffer.from('{"a":1}'),
  frameHeader('data', 1, 5),
  Buffer.from('hello'),
  frameHeader('data', 0xffffffff, 1),
  Buffer.from('x'),
  frameHeader('commit', 1, 0),
  frameHeader('abort', 2, 0),
]);

/** What is handed on, data of one job joined. */
function read(pieces: readonly Buffer[]): string[] {
  const found: string[] = [];
  let before = '';
  const reader = new FrameReader((kind, job, payload) => {
    const name = `${kind} ${job}`;
    if (kind === frameKinds.data && name === before) found[found.length - 1] += payload.toString();
    else found.push(`${name} ${payload.toString()}`);
    before = name;
  });
  for (const piece of pieces) {
    reader.push(piece);
    // It is the caller's again.
    piece.fill(0);
  }
  return found;
}

const whole = ['1 1 {"a":1}', '2 1 hello', '2 4294967295 x', '3 1 ', '4 2 '];

test('frames are the same however they are cut', () => {
  expect(read([Buffer.from(bytes)])).toEqual(whole);
  expect(read([...bytes].map((octet) => Buffer.from([octet])))).toEqual(whole);
  for (let one = 1; one < bytes.length; one++) {
    for (let two = one; two < bytes.length; two++) {
      const pieces = [bytes.subarray(0, one), bytes.subarray(one, two), bytes.subarray(two)];
      expect(read(pieces.map((piece) => Buffer.from(piece)))).toEqual(whole);
    }
  }
});
