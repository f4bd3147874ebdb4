// Makes every line end CRLF: a lone LF is this machine's line end.

const crlf = Buffer.from('\r\n');

export class LineEnds {
  #lastWasCr = false;

  encode(chunk: Buffer): Buffer {
    const pieces: Buffer[] = [];
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) {
      const hasCr = at > 0 ? chunk[at - 1] === 13 : this.#lastWasCr;
      if (hasCr) continue;
      pieces.push(chunk.subarray(from, at), crlf);
      from = at + 1;
    }
    if (chunk.length > 0) this.#lastWasCr = chunk[chunk.length - 1] === 13;
    if (from === 0) return chunk;
    pieces.push(chunk.subarray(from));
    return Buffer.concat(pieces);
  }
}
