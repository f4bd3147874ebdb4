// Cuts a socket's bytes into lines and counted blocks, for the test clients. Keeps chunks as they came; a literal
// of 50 MB is copied once.

const lf = 10;

export class ByteLines {
  #chunks: Buffer[] = [];
  #length = 0;
  /** Octets that are known to hold no line feed. */
  #searched = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The next line without its CRLF, or undefined until it is complete. */
  takeLine(): string | undefined {
    let offset = 0;
    for (const chunk of this.#chunks) {
      const end = offset + chunk.length;
      if (end > this.#searched) {
        const at = chunk.indexOf(lf, Math.max(0, this.#searched - offset));
        if (at >= 0) {
          const line = this.takeBytes(offset + at + 1);
          const crlf = line !== undefined && line.length > 1 && line[line.length - 2] === 13 ? 2 : 1;
          return line?.toString('latin1', 0, line.length - crlf);
        }
      }
      offset = end;
    }
    this.#searched = this.#length;
    return undefined;
  }

  /** The next `count` octets, or undefined until they are there. */
  takeBytes(count: number): Buffer | undefined {
    if (this.#length < count) return undefined;
    const parts: Buffer[] = [];
    let missing = count;
    let used = 0;
    while (missing > 0) {
      const chunk = this.#chunks[used] ?? Buffer.alloc(0);
      if (chunk.length <= missing) {
        parts.push(chunk);
        used++;
      } else {
        parts.push(chunk.subarray(0, missing));
        this.#chunks[used] = chunk.subarray(missing);
      }
      missing -= Math.min(missing, chunk.length);
    }
    if (used > 0) this.#chunks.splice(0, used);
    this.#length -= count;
    this.#searched = 0;
    return parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts, count);
  }
}
