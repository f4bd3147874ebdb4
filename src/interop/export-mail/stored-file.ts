// The bytes of a message as a Maildir's file has them: lines end with LF. Two kinds of messages keep their CRLF, because a
// server that reads the file would otherwise show another message: those with CR CR LF, and those with a lone LF.

import { TemporaryError } from '../../lib/temporary-error.ts';
import type { ContentReader } from '../../mailstore/types.ts';

const pieceBytes = 1024 * 1024;
const cr = 13;
const lf = 10;

export interface FileForm {
  /** Octets of the file, and of what a server shows. */
  readonly size: number;
  readonly virtualSize: number;
  /** Every line end is CRLF and every CR belongs to one: as LF it means the same. */
  readonly isPlain: boolean;
  /** It has LF alone somewhere, and is shown with CRLF. */
  readonly hasLoneLf: boolean;
}

export async function* piecesOf(content: ContentReader): AsyncIterable<Buffer> {
  for (let from = 0; from < content.size; from += pieceBytes) {
    const piece = await content.read(from, from + pieceBytes);
    if (piece.length === 0) throw new TemporaryError('a stored message ended early');
    yield Buffer.from(piece.buffer, piece.byteOffset, piece.length);
  }
}

export async function measureFile(content: ContentReader): Promise<FileForm> {
  let pairs = 0;
  let loneLf = 0;
  let doubleCr = false;
  let last = 0;
  let beforeLast = 0;
  for await (const piece of piecesOf(content)) {
    for (let at = piece.indexOf(lf); at >= 0; at = piece.indexOf(lf, at + 1)) {
      const previous = at > 0 ? piece[at - 1] : last;
      if (previous !== cr) {
        loneLf++;
        continue;
      }
      pairs++;
      const third = at > 1 ? piece[at - 2] : at === 1 ? last : beforeLast;
      if (third === cr) doubleCr = true;
    }
    beforeLast = piece.length > 1 ? (piece[piece.length - 2] ?? 0) : last;
    last = piece[piece.length - 1] ?? 0;
  }
  const isPlain = loneLf === 0 && !doubleCr;
  return {
    size: isPlain ? content.size - pairs : content.size,
    virtualSize: content.size + loneLf,
    isPlain,
    hasLoneLf: loneLf > 0,
  };
}

/** The pieces of the file. */
export async function* fileBytes(content: ContentReader, { isPlain }: FileForm): AsyncIterable<Buffer> {
  if (!isPlain) return yield* piecesOf(content);
  let holdsCr = false;
  for await (const piece of piecesOf(content)) {
    let text: string = (holdsCr ? '\r' : '') + piece.toString('latin1');
    holdsCr = text.endsWith('\r');
    if (holdsCr) text = text.slice(0, -1);
    yield Buffer.from(text.replaceAll('\r\n', '\n'), 'latin1');
  }
  if (holdsCr) yield Buffer.from('\r');
}
