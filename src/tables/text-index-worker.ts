// Indexes a large text table away from the event loop: reads the file twice in pieces (how many lines, then the rows),
// sends the index, ends.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { countLines, TextIndexer } from './text-indexer.ts';

const { path, detectAliases } = workerData as { readonly path: string; readonly detectAliases: boolean };
const descriptor = openSync(path, 'r');
const newline = 10;
let piece = Buffer.allocUnsafeSlow(1 << 20);

/** Passes on whole lines; what the file's last piece ends with as well. */
function eachPiece(use: (lines: Buffer) => void): void {
  let kept = 0;
  for (let at = 0; ; ) {
    if (kept === piece.length) piece = Buffer.concat([piece], piece.length * 2);
    const length = readSync(descriptor, piece, kept, piece.length - kept, at);
    at += length;
    const filled = kept + length;
    const end = length === 0 ? filled : piece.lastIndexOf(newline, filled - 1) + 1;
    use(piece.subarray(0, end));
    piece.copyWithin(0, end, filled);
    kept = filled - end;
    if (length === 0) return;
  }
}

let lines = 1;
eachPiece((bytes) => {
  lines += countLines(bytes) - 1;
});
const indexer = new TextIndexer({ bytes: fstatSync(descriptor).size, lines, detectAliases });
eachPiece((bytes) => indexer.write(bytes));
closeSync(descriptor);
const data = indexer.end();
parentPort?.postMessage(data, [data.arena.buffer, data.slots.buffer]);
