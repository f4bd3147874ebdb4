// Writes and reads what milter packets hold: strings that end with a zero octet, and numbers of four octets.

/** Octets that a filter sent where the protocol has others. */
export class PacketError extends Error {
  override name = 'PacketError';
}

const zero = Buffer.alloc(1);

/** A character an octet where `encoding` is latin1. */
export function stringField(text: string, encoding: 'utf8' | 'latin1' = 'utf8'): Buffer {
  // A zero octet within would be the end of it.
  const octets = Buffer.from(text.includes('\0') ? text.replaceAll('\0', '') : text, encoding);
  return Buffer.concat([octets, zero]);
}

export function numberField(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value >>> 0);
  return octets;
}

export class FieldReader {
  #data: Buffer;

  constructor(data: Buffer) {
    this.#data = data;
  }

  get isAtEnd(): boolean {
    return this.#data.length === 0;
  }

  number(): number {
    if (this.#data.length < 4) throw new PacketError('packet too short for a number');
    const value = this.#data.readUInt32BE();
    this.#data = this.#data.subarray(4);
    return value;
  }

  /** The octets before the zero. */
  octets(): Buffer {
    const end = this.#data.indexOf(0);
    if (end === -1) throw new PacketError('missing string null terminator');
    const octets = this.#data.subarray(0, end);
    this.#data = this.#data.subarray(end + 1);
    return octets;
  }

  string(): string {
    return this.octets().toString('utf8');
  }

  end(): void {
    if (!this.isAtEnd) throw new PacketError(`left-over data ${this.#data.length} bytes`);
  }
}
