// Blocks of memory that begin at a page boundary, as O_DIRECT (open(2)) wants them. Node's own buffers begin
// anywhere; the memory of a WebAssembly instance begins at a page. A block is lent for as long as one message is
// being written and used again for the next.

export const blockBytes = 256 * 1_024;
/** What O_DIRECT counts in: a multiple of every disk's sector. */
export const sectorBytes = 4_096;

/** Node has it; its types are among those of a browser, which we do not load. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

const wasmPageBytes = 65_536;
const blocksPerSegment = 8;

export class AlignedBlocks {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    if (this.#free.length === 0) this.#grow();
    return this.#free.pop() as Buffer;
  }

  give(block: Buffer): void {
    this.#free.push(block);
  }

  #grow(): void {
    const pages = (blockBytes * blocksPerSegment) / wasmPageBytes;
    let memory: ArrayBuffer;
    try {
      memory = new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer;
    } catch {
      // No room in the address space (ulimit -v): unaligned blocks serve too, the file is then not written directly.
      memory = new ArrayBuffer(blockBytes * blocksPerSegment);
    }
    for (let index = 0; index < blocksPerSegment; index++) {
      this.#free.push(Buffer.from(memory, index * blockBytes, blockBytes));
    }
  }
}
